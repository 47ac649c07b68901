import { mean, median, squares } from './sample.ts';
import { outside, tQuantile } from './student-t.ts';

/** Where the median of what a sample was drawn from lies, and how that is known. */
export type MedianInterval = {
  low: number;
  high: number;
  /** How often such an interval holds the true median; at least 0.95. */
  confidence: number;
  /**
   * `order statistics`: between two of the sorted values, whatever the distribution. `t on logarithms`: where the values
   * are too few for that; it takes the logarithms for normally distributed.
   */
  method: 'order statistics' | 't on logarithms';
};

/**
 * An interval of 95 % or more for the median. The smallest and the largest of n values hold it between them with a
 * probability of 1 − 2^(1−n), which is 95 % from six values on. With two to five, Student's interval of the mean of the
 * logarithms: the same as the median's where they are normally distributed.
 * @param values all greater than 0.
 * @param logDeviationMin what the logarithm of a value deviates by because of how finely it is told: the interval of values
 * that are more alike is as wide as that.
 * @returns undefined of fewer than two values: one has no spread.
 */
export function medianInterval(
  values: readonly number[],
  logDeviationMin: number,
): MedianInterval | undefined {
  if (values.length < 2) return undefined;
  return byOrder(values, logDeviationMin) ?? byLogarithms(values, logDeviationMin);
}

/** The narrowest pair of values, as far from both ends, that is sure enough. */
function byOrder(values: readonly number[], logDeviationMin: number): MedianInterval | undefined {
  // As far as a value that is anywhere in its step with the same chance lies from the middle of that, at most.
  const step = Math.exp(Math.sqrt(3) * logDeviationMin);
  const middle = median(values);
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let found: MedianInterval | undefined;
  // `below`: the probability of so many values below the median, a binomial one; `tail`: of so many at most.
  let below = 2 ** -count;
  let tail = 0;
  for (let index = 0; index < Math.floor(count / 2); index++) {
    tail += below;
    below *= (count - index) / (index + 1);
    const confidence = 1 - 2 * tail;
    if (confidence < 1 - outside) break;
    const low = Math.min(middle / step, sorted[index] ?? Number.NaN);
    const high = Math.max(middle * step, sorted[count - 1 - index] ?? Number.NaN);
    found = { low, high, confidence, method: 'order statistics' };
  }
  return found;
}

/** The median of up to five values is less than 0.9 standard deviations off their mean, so it lies in this interval. */
function byLogarithms(values: readonly number[], logDeviationMin: number): MedianInterval {
  const logs = values.map(Math.log);
  const middle = mean(logs);
  const degrees = logs.length - 1;
  const deviation = Math.max(logDeviationMin, Math.sqrt(squares(logs) / degrees));
  const reach = (tQuantile(outside, degrees) * deviation) / Math.sqrt(logs.length);
  return {
    low: Math.exp(middle - reach),
    high: Math.exp(middle + reach),
    confidence: 1 - outside,
    method: 't on logarithms',
  };
}
