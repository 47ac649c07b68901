import { mean, squares } from './sample.ts';
import { outside, tQuantile, tTails } from './student-t.ts';

/** What two samples say of the difference between the means of what they were drawn from: the second's less the first's. */
export type TwoMeans = {
  difference: number;
  /** The true difference lies within `difference ± reach` in 95 of 100 such comparisons. */
  reach: number;
  /** How often samples of equal means are as far apart as these, or further. */
  p: number;
};

/**
 * Student's comparison of two means, with the spread of both samples taken together: with three or five values a side,
 * each side's own spread is hardly known.
 * @param deviationMin greater than 0: what a value deviates by because of how finely it is told. Samples that are more alike
 * than that say nothing for certain.
 * @returns undefined where a side has fewer than two values, or one that is no finite number.
 */
export function compareMeans(
  first: readonly number[],
  second: readonly number[],
  deviationMin: number,
): TwoMeans | undefined {
  const difference = mean(second) - mean(first);
  if (Math.min(first.length, second.length) < 2 || !Number.isFinite(difference)) return undefined;
  const degrees = first.length + second.length - 2;
  const deviation = Math.max(deviationMin, Math.sqrt((squares(first) + squares(second)) / degrees));
  const error = deviation * Math.sqrt(1 / first.length + 1 / second.length);
  return {
    difference,
    reach: tQuantile(outside, degrees) * error,
    p: tTails(difference / error, degrees),
  };
}
