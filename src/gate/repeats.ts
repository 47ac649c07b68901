import { type MedianInterval, medianInterval } from '../statistics/median-interval.ts';
import { median } from '../statistics/sample.ts';
import { spreadWithin } from '../statistics/spread.ts';
import { compareMeans } from '../statistics/two-means.ts';
import { logDeviationMin, resolutionAt } from './resolution.ts';
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

/** What a run set is of: the scenario as it was given, or with some values changed. */
export type Variant = {
  /** `A`, `B`. */
  name: string;
  /** What it changes of the first: `path=value`. */
  sets: string[];
};

export type RepeatedVariant = {
  /** One of each run that counts. */
  values: number[];
  median: number;
  /** null of fewer than two runs. */
  interval: MedianInterval | null;
};

/** The second variant by the first. */
export type Ratio = {
  value: number;
  /** Where the true ratio lies in 95 of 100 such comparisons. */
  interval: [low: number, high: number];
  /** How often runs of the same thing are as far apart as these. */
  p: number;
};

export type RepeatRow = Omit<QuantileSeries, 'values'> & {
  variants: RepeatedVariant[];
  /** Smaller differences cannot be told, and the runs differ by less: in the SLI's own unit; null where they differ by more. */
  toldFrom: number | null;
  /** null with one variant, or with fewer than two runs of one. */
  ratio: Ratio | null;
};

/** What repeats of a run say together: `repeats.json`. */
export type Repeats = RunSet & {
  schema: 'hollowmark.repeats/v1';
  variants: Variant[];
  rows: RepeatRow[];
  leftOut: LeftOut[];
};

export const repeatsFileName = 'repeats.json';

/** Medians of each SLI's quantiles, run by run: the run is what is repeated, not the sample. Pure. */
export function summariseRepeats(
  finished: readonly FinishedRun[],
  { variants, ...set }: { id: string; planned: number; variants: readonly Variant[] },
): Repeats {
  const { counted } = chooseRuns(finished);
  const { series, leftOut } = quantileSeries(counted, variants.length);
  return {
    schema: 'hollowmark.repeats/v1',
    ...describeSet(finished, set),
    variants: [...variants],
    rows: series.map(rowOf),
    leftOut,
  };
}

function rowOf({ values, ...described }: QuantileSeries): RepeatRow {
  const [first, second] = values;
  const deviationMin = logDeviationMin(described, values.flat());
  return {
    ...described,
    variants: values.map((ofVariant) => ({
      values: ofVariant,
      median: median(ofVariant),
      // A median of 0 lies in an interval from 1, which is as far as whole units can tell.
      interval:
        medianInterval(
          ofVariant.map((value) => Math.max(1, value)),
          deviationMin,
        ) ?? null,
    })),
    toldFrom: toldFrom(described, values),
    ratio: first === undefined || second === undefined ? null : ratioOf(first, second, deviationMin),
  };
}

/** From where on differences are told, where those between the runs of a side are smaller; else null. */
export function toldFrom(
  sli: Pick<QuantileSeries, 'id' | 'unit'>,
  values: readonly (readonly number[])[],
): number | null {
  const found = spreadWithin(values.map(logsOf), 0);
  if (found === undefined || found.deviation >= logDeviationMin(sli, values.flat())) return null;
  return resolutionAt(sli, median(values.flat()));
}

/**
 * How the second sample stands to the first; null where a side has fewer than two values.
 * @param deviationMin no smaller deviation of their logarithms is known.
 */
export function ratioOf(
  first: readonly number[],
  second: readonly number[],
  deviationMin: number,
): Ratio | null {
  const compared = compareMeans(logsOf(first), logsOf(second), deviationMin);
  if (compared === undefined) return null;
  const { difference, reach, p } = compared;
  return {
    value: Math.exp(difference),
    interval: [Math.exp(difference - reach), Math.exp(difference + reach)],
    p,
  };
}
