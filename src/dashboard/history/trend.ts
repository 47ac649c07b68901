import { minimumSamples } from '../../result/summarise.ts';
import { median } from '../../statistics/sample.ts';
import type { RunEntry } from './run-entry.ts';

/** Runs before it that a run is held against, at most and at least. */
export const lookBack = 10;
export const lookBackMin = 5;

/** How far beyond their median a run must be: in their own spreads, and as a share of the median. */
export const spreads = 3;
export const shareMin = 0.1;

/** Of a normal distribution, the standard deviation by the median of the distances to the median. */
const deviationOfMedianDistance = 1.4826;

export const trendQuantiles = [
  { name: 'p50', quantile: 0.5, column: 2 },
  { name: 'p90', quantile: 0.9, column: 3 },
  { name: 'p99', quantile: 0.99, column: 4 },
] as const;

export type TrendQuantile = (typeof trendQuantiles)[number];

export type TrendPoint = {
  run: RunEntry;
  count: number;
  value: number;
  /** Of the runs before it; null with fewer than five. */
  median: number | null;
  /** `same` also where nothing can be said. */
  mark: 'worse' | 'better' | 'same';
};

/** The rule in a sentence, for those who see a mark. */
export const trendRule = `Marked: a run beyond the median of the ${lookBackMin} to ${lookBack} comparable valid runs before it by more than ${spreads} of their spreads (from the median distance to the median) and more than ${shareMin * 100} %. It is a hint of where to look, not a test.`;

/**
 * What runs have in common that may be held against each other: only the thing that was measured, not where and how,
 * may be another.
 */
export function comparableKey(run: RunEntry): string {
  const { scenario, kubernetes, flags, profile, machine, nodes } = run;
  return JSON.stringify([scenario, kubernetes, flags, profile, machine, nodes]);
}

/**
 * One quantile of one SLI over runs, oldest first. Runs in which it cannot be told (too few samples), and those that
 * say nothing (invalid, interrupted) are left out. Pure.
 * @param runs newest first, as the index has them
 */
export function trendOf(
  runs: readonly RunEntry[],
  series: number,
  { quantile, column }: TrendQuantile,
): TrendPoint[] {
  const before = new Map<string, number[]>();
  const points: TrendPoint[] = [];
  for (const run of runs.toReversed()) {
    if (run.verdict === 'invalid' || run.verdict === 'interrupted') continue;
    const row = run.slis.find(([number]) => number === series);
    if (row === undefined || row[1] < minimumSamples(quantile)) continue;
    const key = comparableKey(run);
    const earlier = before.get(key) ?? [];
    const value = row[column];
    points.push({ run, count: row[1], value, ...judged(value, earlier.slice(-lookBack)) });
    before.set(key, [...earlier.slice(1 - lookBack), value]);
  }
  return points;
}

function judged(value: number, earlier: readonly number[]): Pick<TrendPoint, 'median' | 'mark'> {
  if (earlier.length < lookBackMin) return { median: null, mark: 'same' };
  const middle = median(earlier);
  const spread = deviationOfMedianDistance * median(earlier.map((one) => Math.abs(one - middle)));
  const needed = Math.max(spreads * spread, shareMin * middle);
  const distance = value - middle;
  if (Math.abs(distance) <= needed) return { median: middle, mark: 'same' };
  return { median: middle, mark: distance > 0 ? 'worse' : 'better' };
}
