import { detectableEffect } from '../statistics/power.ts';
import { median } from '../statistics/sample.ts';
import { spreadWithin } from '../statistics/spread.ts';
import { outside } from '../statistics/student-t.ts';
import { type Ratio, ratioOf, toldFrom } from './repeats.ts';
import { logDeviationMin } from './resolution.ts';
import {
  type FinishedRun,
  type LeftOut,
  type QuantileSeries,
  type RunSet,
  chooseRuns,
  describeSet,
  logsOf,
  quantileSeries,
} from './run-set.ts';

/** How often a difference that is there is to be seen. */
const power = 0.8;

/** Runs a side that the smallest detectable change is told for. */
export const runsTold = [2, 3, 4, 5, 6, 8, 10, 15, 20] as const;

export type NoiseRow = Omit<QuantileSeries, 'values'> & {
  /** One of each run that counts, by side. */
  values: number[][];
  median: number;
  /** Standard deviation of the natural logarithm of one run's value, within the sides; that of {@link toldFrom} at least. */
  logDeviation: number;
  degrees: number;
  /** Where the true deviation lies in 95 of 100 cases. */
  logDeviationInterval: [low: number, high: number];
  /** Smaller differences cannot be told, and the runs differ by less: in the SLI's own unit; null where they differ by more. */
  toldFrom: number | null;
  /** The second side by the first, of which the truth is 1. */
  ratio: Ratio;
  /**
   * The smallest change that so many runs a side show, as a share: 0.28 is 28 % more, or as much less as undoes it.
   * `atMost`: the same if the deviation is as large as its interval allows.
   */
  detectable: { runs: number; change: number; atMost: number }[];
};

/** How large a difference this machine can detect in one scenario: `noise.json`. */
export type Noise = RunSet & {
  schema: 'hollowmark.noise/v1';
  confidence: number;
  power: number;
  rows: NoiseRow[];
  leftOut: LeftOut[];
  /** Rows whose two sides, which are the same, differ at 95 % confidence; 5 % of them do by chance. */
  differing: number;
};

export const noiseFileName = 'noise.json';

/** The two sides of an A/A comparison. */
export const sides = 2;

/**
 * What runs of the same thing, in two sides, say about the differences that two sides of such runs could show: between
 * Student's test of two means and the difference that it sees with a given power lies nothing but the deviation of one
 * run. Logarithms, as latencies vary by shares. Pure.
 */
export function noiseOf(finished: readonly FinishedRun[], set: { id: string; planned: number }): Noise {
  const { counted } = chooseRuns(finished);
  const { series, leftOut } = quantileSeries(counted, sides);
  const rows = series.flatMap((one) => rowOf(one) ?? []);
  return {
    schema: 'hollowmark.noise/v1',
    ...describeSet(finished, set),
    confidence: 1 - outside,
    power,
    rows,
    leftOut,
    differing: rows.filter(({ ratio }) => ratio.p < outside).length,
  };
}

/** @returns undefined with fewer than two runs of a side. */
function rowOf({ values, ...described }: QuantileSeries): NoiseRow | undefined {
  const [first = [], second = []] = values;
  const deviationMin = logDeviationMin(described, values.flat());
  const ratio = ratioOf(first, second, deviationMin);
  const spread = spreadWithin(values.map(logsOf), deviationMin);
  if (ratio === null || spread === undefined) return undefined;
  const { deviation, degrees, interval } = spread;
  return {
    ...described,
    values,
    median: median(values.flat()),
    logDeviation: deviation,
    degrees,
    logDeviationInterval: interval,
    toldFrom: toldFrom(described, values),
    ratio,
    detectable: runsTold.map((runs) => ({
      runs,
      change: detectableChange(deviation, runs),
      atMost: detectableChange(interval[1], runs),
    })),
  };
}

/** The smallest change of a median that is seen, as a share. @param logDeviation of one run. */
export function detectableChange(logDeviation: number, runs: number): number {
  return Math.expm1(detectableEffect(runs, power) * logDeviation);
}
