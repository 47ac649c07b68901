import { outside } from './student-t.ts';
import { squares } from './sample.ts';

/**
 * A sample's standard deviation, as a share of the true one, has the distribution of the square root of chi-squared over
 * its degrees of freedom. Its density at `share`.
 */
export function spreadDensity(share: number, degrees: number): number {
  if (share <= 0) return degrees === 1 && share === 0 ? Math.sqrt(2 / Math.PI) : 0;
  const half = degrees / 2;
  return Math.exp(
    Math.LN2 +
      half * Math.log(half) -
      logGammaOfHalf(degrees) +
      (degrees - 1) * Math.log(share) -
      half * share ** 2,
  );
}

/** Beyond this share lies less than 1e-12 of {@link spreadDensity}, whatever the degrees. */
export function spreadShareMax(degrees: number): number {
  return 1 + 8 / Math.sqrt(degrees);
}

/** Steps of an integration: 9 digits of what is asked for. */
const steps = 1000;

/** Simpson's rule. */
export function integral(of: (x: number) => number, low: number, high: number): number {
  const width = (high - low) / steps;
  let sum = of(low) + of(high);
  for (let step = 1; step < steps; step++) sum += (step % 2 === 1 ? 4 : 2) * of(low + step * width);
  return (sum * width) / 3;
}

/** Where a rising function reaches `target`, by halving. */
export function solveRising(of: (x: number) => number, target: number, high: number): number {
  let [from, to] = [0, high];
  for (let turn = 0; turn < halvings; turn++) {
    const middle = (from + to) / 2;
    if (of(middle) < target) from = middle;
    else to = middle;
  }
  return (from + to) / 2;
}

const halvings = 50;

/** Standard deviation of samples that may have different means, and how much is known of it. */
export type Spread = {
  deviation: number;
  degrees: number;
  /** Where the true standard deviation lies in 95 of 100 cases. */
  interval: [low: number, high: number];
};

/**
 * The standard deviation within samples, all taken together.
 * @param deviationMin what a value deviates by because of how finely it is told; no smaller one is known.
 * @returns undefined where there is no degree of freedom, or a value that is no finite number.
 */
export function spreadWithin(
  samples: readonly (readonly number[])[],
  deviationMin: number,
): Spread | undefined {
  const given = samples.filter((sample) => sample.length > 0);
  const degrees = given.reduce((sum, sample) => sum + sample.length - 1, 0);
  const found = Math.sqrt(given.reduce((sum, sample) => sum + squares(sample), 0) / degrees);
  if (degrees < 1 || !Number.isFinite(found)) return undefined;
  const deviation = Math.max(deviationMin, found);
  const [low, high] = sharesOf(degrees);
  return { deviation, degrees, interval: [deviation / high, deviation / low] };
}

const known = new Map<number, [low: number, high: number]>();

/** Between which shares of the true standard deviation that of a sample lies in 95 of 100 cases. */
function sharesOf(degrees: number): [low: number, high: number] {
  const before = known.get(degrees);
  if (before !== undefined) return before;
  const below = (share: number): number => integral((x) => spreadDensity(x, degrees), 0, share);
  const shareMax = spreadShareMax(degrees);
  const shares: [number, number] = [
    solveRising(below, outside / 2, shareMax),
    solveRising(below, 1 - outside / 2, shareMax),
  ];
  known.set(degrees, shares);
  return shares;
}

const logGammas = new Map<number, number>();

/** Of Γ(n / 2), by its recurrence: n is whole. */
function logGammaOfHalf(n: number): number {
  const before = logGammas.get(n);
  if (before !== undefined) return before;
  let log = n % 2 === 0 ? 0 : Math.log(Math.PI) / 2;
  for (let twice = n % 2 === 0 ? 2 : 1; twice < n; twice += 2) log += Math.log(twice / 2);
  logGammas.set(n, log);
  return log;
}
