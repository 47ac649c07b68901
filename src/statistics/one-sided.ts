import { normalBelow } from './power.ts';
import { integral, solveRising, spreadDensity, spreadShareMax } from './spread.ts';
import { tQuantile, tTails } from './student-t.ts';

/** How often Student's `t` is at least this large by chance. */
export function tAbove(t: number, degrees: number): number {
  const half = tTails(t, degrees) / 2;
  return t > 0 ? half : 1 - half;
}

/** The `t` above which lies `share` of the distribution; at most a half. */
export function tUpper(share: number, degrees: number): number {
  return tQuantile(2 * share, degrees);
}

/**
 * How often a one-sided test of Student's sees a true difference of `shift` standard errors.
 *
 * Both readings of "a difference of `shift` standard errors" are kept: of the true standard error, and of the one that the
 * very same values tell, which is the only one that a user is ever told. The smaller of the two powers.
 * @param reach the `t` from which on it is seen.
 */
export function oneSidedPower(shift: number, reach: number, degrees: number): number {
  const shareMax = spreadShareMax(degrees);
  const ofTrue = (share: number): number =>
    normalBelow(shift - reach * share) * spreadDensity(share, degrees);
  const ofTold = (share: number): number =>
    normalBelow((shift - reach) * share) * spreadDensity(share, degrees);
  return Math.min(integral(ofTrue, 0, shareMax), integral(ofTold, 0, shareMax));
}

const shifts = new Map<string, number>();

/** With one degree of freedom and a thousandth, `reach` alone is 318. */
const shiftMax = 1e6;

/** The smallest true difference, in standard errors, that is seen with this probability. */
export function detectableShift(share: number, degrees: number, power: number): number {
  const key = `${share} ${degrees} ${power}`;
  const known = shifts.get(key);
  if (known !== undefined) return known;
  const reach = tUpper(share, degrees);
  const shift = solveRising((tried) => oneSidedPower(tried, reach, degrees), power, shiftMax);
  shifts.set(key, shift);
  return shift;
}

/**
 * Holm's step-down: p-values as they are when any of the tests may raise a false alarm. The chance that one of those
 * without a true difference falls below a level is that level at most, however they depend on each other.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const adjusted = values.map(() => 1);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (values[index] ?? 1) * (values.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
}
