import { integral, solveRising, spreadDensity, spreadShareMax } from './spread.ts';
import { outside, tQuantile } from './student-t.ts';

/**
 * How often Student's comparison of two means sees a difference that is there, at 95 % confidence.
 * @param effect the true difference, in standard deviations of a single value.
 * @param runs values a side, two at least.
 */
export function powerOf(effect: number, runs: number): number {
  const degrees = 2 * runs - 2;
  const reach = tQuantile(outside, degrees);
  const shift = effect * Math.sqrt(runs / 2);
  // The noncentral t: given by how much the sample misjudges the spread, what is left is a normal distribution.
  const seen = (share: number): number =>
    (normalBelow(shift - reach * share) + normalBelow(-shift - reach * share)) *
    spreadDensity(share, degrees);
  return integral(seen, 0, spreadShareMax(degrees));
}

/** No difference that a machine shows is larger than this many standard deviations. */
const effectMax = 50;

const effects = new Map<string, number>();

/** The smallest difference, in standard deviations of a single value, that is seen with this probability. */
export function detectableEffect(runs: number, power: number): number {
  const key = `${runs} ${power}`;
  const known = effects.get(key);
  if (known !== undefined) return known;
  const effect = solveRising((tried) => powerOf(tried, runs), power, effectMax);
  effects.set(key, effect);
  return effect;
}

/**
 * How much of the normal distribution lies below `z`, to 2e-7.
 * @see Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26
 */
export function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const beyond = (series * Math.exp(-(x ** 2))) / 2;
  return z > 0 ? 1 - beyond : beyond;
}
