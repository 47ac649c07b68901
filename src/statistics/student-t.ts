/** What lies outside of an interval of 95 %. */
export const outside = 0.05;

/**
 * How much of Student's distribution lies further from its middle than `t`, both sides taken together: a p-value.
 * The closed form for whole degrees of freedom.
 * @see Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4
 */
export function tTails(t: number, degrees: number): number {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(degrees));
  const cosine = Math.cos(angle);
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let power = isOdd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= (cosine ** 2 * (power - 1)) / power;
    sum += term;
  }
  const inside = isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return Math.max(0, 1 - inside);
}

/** Enough for 15 digits of any quantile that is asked for. */
const halvings = 80;
const quantileMax = 1e6;

/** The `t` beyond which `tails` of the distribution lie, both sides taken together. */
export function tQuantile(tails: number, degrees: number): number {
  let [low, high] = [0, quantileMax];
  for (let turn = 0; turn < halvings; turn++) {
    const middle = (low + high) / 2;
    if (tTails(middle, degrees) > tails) low = middle;
    else high = middle;
  }
  return high;
}
