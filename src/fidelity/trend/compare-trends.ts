import { type PercentileName, percentileNames } from './measures.ts';
import type { TrendRun } from './run-trend.ts';

/**
 * - `same`: both moved alike, and further than the runs differ among themselves.
 * - `differs`: they did not move alike.
 * - `inconclusive`: neither moved further than the runs differ, so that moving alike says nothing.
 */
export type TrendVerdict = 'same' | 'differs' | 'inconclusive';

/** What one percentile did on one side. Milliseconds, one for each run; `move` is a factor. */
export type SideMove = { base: number[]; slowed: number[]; move: number };

export type TrendRow = {
  step: string;
  measure: string;
  percentile: PercentileName;
  reference: SideMove;
  hollow: SideMove;
  /** The hollow side's move by the reference's. */
  ratio: number;
  /** The ratio may lie between `1 / band` and `band`; null with one run of a side, which has no spread. */
  band: number | null;
  verdict: TrendVerdict;
};

/** Moves may differ by as much whatever the spread, as counts and bytes of a comparison may. */
const toleranceFactor = 1.1;

/**
 * Two-sided 99 % quantiles of Student's t by even degrees of freedom, from 2: what two sides of equally many runs have.
 * 99 and not 95 %, as a comparison has dozens of rows.
 */
const t99 = [9.925, 4.604, 3.707, 3.355, 3.169, 3.055, 2.977, 2.921, 2.878];

/**
 * Compares by how much each percentile has moved from unslowed to slowed, run by run, each with itself. A move is a
 * factor, so logarithms are what is averaged. Two moves are the same when their means differ by no more than 99 of 100
 * pairs of such means would that are of the same distribution, by the spread of both sides' runs, or by 10 %.
 * Measures that one of the runs has too few samples of are left out. Pure.
 * @param base the name of the condition under which nothing was slowed.
 */
export function compareTrends(
  runs: Record<'reference' | 'hollow', readonly TrendRun[]>,
  { base, steps }: { base: string; steps: readonly string[] },
): TrendRow[] {
  return steps.flatMap((step) =>
    measureNames(runs.reference).flatMap((measure) =>
      percentileNames.flatMap((percentile) => {
        const of = { measure, percentile, base, step };
        const [reference, hollow] = [sideMove(runs.reference, of), sideMove(runs.hollow, of)];
        return reference === undefined || hollow === undefined
          ? []
          : [{ step, measure, percentile, ...judge(reference, hollow) }];
      }),
    ),
  );
}

/** Fails with any row that differs, and says nothing when no row does. */
export function overallVerdict(rows: readonly Pick<TrendRow, 'verdict'>[]): TrendVerdict {
  const has = (verdict: TrendVerdict): boolean => rows.some((row) => row.verdict === verdict);
  if (has('differs')) return 'differs';
  return has('same') ? 'same' : 'inconclusive';
}

/** Pure. */
export function judge(
  reference: Omit<SideMove, 'move'>,
  hollow: Omit<SideMove, 'move'>,
): Pick<TrendRow, 'reference' | 'hollow' | 'ratio' | 'band' | 'verdict'> {
  const [theirs, ours] = [logMoves(reference), logMoves(hollow)];
  const [theirMean, ourMean] = [mean(theirs), mean(ours)];
  const band = logBand(theirs, ours);
  const difference = ourMean - theirMean;
  const furthest = Math.max(Math.abs(theirMean), Math.abs(ourMean));
  let verdict: TrendVerdict = 'same';
  if (Math.abs(difference) > band) verdict = 'differs';
  else if (furthest <= band) verdict = 'inconclusive';
  return {
    reference: { ...reference, move: Math.exp(theirMean) },
    hollow: { ...hollow, move: Math.exp(ourMean) },
    ratio: Math.exp(difference),
    band: Number.isFinite(band) ? Math.exp(band) : null,
    verdict,
  };
}

/** How far two means of logarithms may lie apart: the t-test's limit, or the tolerance where that is wider. */
function logBand(theirs: readonly number[], ours: readonly number[]): number {
  const degrees = theirs.length + ours.length - 2;
  if (Math.min(theirs.length, ours.length) < 2) return Number.POSITIVE_INFINITY;
  const t = t99[Math.min(t99.length, Math.floor(degrees / 2)) - 1] ?? Number.POSITIVE_INFINITY;
  const variance = (squares(theirs) + squares(ours)) / degrees;
  const error = Math.sqrt(variance * (1 / theirs.length + 1 / ours.length));
  return Math.max(t * error, Math.log(toleranceFactor));
}

function logMoves({ base, slowed }: Omit<SideMove, 'move'>): number[] {
  return slowed.map((slowedMs, index) => Math.log(slowedMs / (base[index] ?? Number.NaN)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sum of the squares of the distances to the mean. */
function squares(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}

/** In the order of the first run. */
function measureNames([first]: readonly TrendRun[]): string[] {
  return Object.keys(first?.conditions[0]?.measures ?? {});
}

type Place = { measure: string; percentile: PercentileName; base: string; step: string };

/** @returns undefined when a run has too few samples for it. */
function sideMove(
  runs: readonly TrendRun[],
  { measure, percentile, base, step }: Place,
): Omit<SideMove, 'move'> | undefined {
  const under = (name: string): number[] =>
    runs.flatMap(({ conditions }) => {
      const found = conditions.find((condition) => condition.name === name)?.measures[measure]?.[percentile];
      // A clock of whole microseconds may give nothing at all for a request.
      return found === undefined ? [] : [Math.max(found, 0.001)];
    });
  const move = { base: under(base), slowed: under(step) };
  return move.base.length === runs.length && move.slowed.length === runs.length ? move : undefined;
}
