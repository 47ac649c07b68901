import { type JudgedMoves, type SideMove, judgeMoves, toleranceFactor } from './judge-moves.ts';
import { type PercentileName, byMeasure, percentileNames, podStartup } from './measures.ts';
import type { TrendRun } from './run-trend.ts';

/**
 * - `same`: both moved, and by as much, within a stated limit.
 * - `differs`: they did not move by as much.
 * - `inconclusive`: neither is shown.
 */
export type TrendVerdict = 'same' | 'differs' | 'inconclusive';

export type TrendRow = Omit<JudgedMoves, 'alike'> & {
  step: string;
  measure: string;
  percentile: PercentileName;
  /** One of the few that must be the same for the whole to be. */
  primary: boolean;
  verdict: TrendVerdict;
};

/** What is not compared, as some run has too few samples of it. */
export type LeftOut = {
  step: string;
  measure: string;
  percentiles: PercentileName[];
  /** How many samples that run of a side has that has fewest. */
  fewest: Record<Side, number>;
};

export type TrendComparison = { rows: TrendRow[]; leftOut: LeftOut[] };

type Side = 'reference' | 'hollow';
type Runs = Record<Side, readonly TrendRun[]>;

/**
 * The geometric mean of the medians of all kinds of requests, run by run. Medians of one run move together, so that many
 * of them that are a little off are no more evidence than one; their mean has a run's own noise once.
 */
export const pooledMedians = 'requests: mean of medians';

/**
 * Of comparisons of what is alike, so many may have a row that differs by chance. Half of it is the primary rows', which
 * would else drown among dozens.
 */
const falseAlarms = 0.05;

/**
 * Compares each percentile that every run has enough samples of, and tells what was left out. Pure.
 * @param base the name of the condition under which nothing was slowed.
 */
export function compareTrends(
  runs: Runs,
  { base, steps }: { base: string; steps: readonly string[] },
): TrendComparison {
  const found = steps.map((step) => compareStep(runs, { base, step }));
  const judged = found.flatMap(({ rows }) => rows);
  const differing = new Set(
    [true, false].flatMap((primary) =>
      holm(
        judged.filter((row) => row.primary === primary),
        falseAlarms / 2,
      ),
    ),
  );
  const rows = judged.map((row): TrendRow => {
    const { alike, ...shown } = row;
    const isFar = Math.abs(Math.log(row.ratio)) > Math.log(toleranceFactor);
    let verdict: TrendVerdict = 'inconclusive';
    if (differing.has(row) && isFar) verdict = 'differs';
    else if (alike) verdict = 'same';
    return { ...shown, verdict };
  });
  return { rows, leftOut: found.flatMap(({ leftOut }) => leftOut) };
}

/** Fails with any row that differs, and passes when the primary rows of every step are the same. */
export function overallVerdict(
  rows: readonly Pick<TrendRow, 'step' | 'primary' | 'verdict'>[],
  steps: readonly string[],
): TrendVerdict {
  if (rows.some(({ verdict }) => verdict === 'differs')) return 'differs';
  const isSame = (step: string): boolean => {
    const primary = rows.filter((row) => row.step === step && row.primary);
    return primary.length === primariesPerStep && primary.every(({ verdict }) => verdict === 'same');
  };
  return steps.length > 0 && steps.every(isSame) ? 'same' : 'inconclusive';
}

/** The median of startups, and the mean of the medians of requests. */
const primariesPerStep = 2;

type Judged = Omit<TrendRow, 'verdict'> & { alike: boolean };
type Moves = Record<Side, Omit<SideMove, 'move'>>;

function compareStep(
  runs: Runs,
  { base, step }: { base: string; step: string },
): { rows: Judged[]; leftOut: LeftOut[] } {
  const rows: Judged[] = [];
  const leftOut: LeftOut[] = [];
  const medians: Moves[] = [];
  for (const measure of measureNames(runs)) {
    const missing: PercentileName[] = [];
    for (const percentile of percentileNames) {
      const moves = movesOf(runs, { measure, percentile, base, step });
      if (moves === undefined) {
        missing.push(percentile);
        continue;
      }
      const isMedian = percentile === 'p50';
      const primary = isMedian && measure === podStartup;
      if (isMedian && !primary) medians.push(moves);
      rows.push({ step, measure, percentile, primary, ...judgeMoves(moves.reference, moves.hollow) });
    }
    const fewest = {
      reference: fewestOf(runs.reference, measure, [base, step]),
      hollow: fewestOf(runs.hollow, measure, [base, step]),
    };
    if (missing.length > 0) leftOut.push({ step, measure, percentiles: missing, fewest });
  }
  if (medians.length > 0) {
    const { reference, hollow } = meanOf(medians);
    const pooled = { step, measure: pooledMedians, percentile: 'p50', primary: true } as const;
    rows.push({ ...pooled, ...judgeMoves(reference, hollow) });
  }
  return { rows: rows.toSorted((a, b) => Number(b.primary) - Number(a.primary)), leftOut };
}

/** Which of the rows differ when all are asked at once, by Holm's method: with no more false alarms than `share`. */
function holm(rows: readonly Judged[], share: number): Judged[] {
  const sorted = rows.filter(({ p }) => p !== null).toSorted((a, b) => (a.p ?? 1) - (b.p ?? 1));
  const first = sorted.findIndex(({ p }, index) => (p ?? 1) > share / (sorted.length - index));
  return first < 0 ? sorted : sorted.slice(0, first);
}

/** Of every run of both sides: what only one has is left out by name. */
function measureNames({ reference, hollow }: Runs): string[] {
  const names = [...reference, ...hollow].flatMap(({ conditions }) =>
    conditions.flatMap(({ measures }) => Object.keys(measures)),
  );
  return [...new Set(names)].toSorted(byMeasure);
}

function measured(
  run: TrendRun,
  measure: string,
  name: string,
): TrendRun['conditions'][number]['measures'][string] {
  return run.conditions.find((condition) => condition.name === name)?.measures[measure] ?? { count: 0 };
}

function fewestOf(runs: readonly TrendRun[], measure: string, names: readonly string[]): number {
  return Math.min(...runs.flatMap((run) => names.map((name) => measured(run, measure, name).count)));
}

type Place = { measure: string; percentile: PercentileName; base: string; step: string };

/** @returns undefined when a run has too few samples for it. */
function movesOf(runs: Runs, { measure, percentile, base, step }: Place): Moves | undefined {
  let isWhole = true;
  const under = (of: readonly TrendRun[], name: string): number[] =>
    of.map((run) => {
      const found = measured(run, measure, name)[percentile];
      if (found === undefined) isWhole = false;
      // A clock of whole microseconds may give nothing at all for a request.
      return Math.max(found ?? Number.NaN, 0.001);
    });
  const side = (of: readonly TrendRun[]): Moves[Side] => ({ base: under(of, base), slowed: under(of, step) });
  const moves = { reference: side(runs.reference), hollow: side(runs.hollow) };
  return isWhole && runs.reference.length > 0 && runs.hollow.length > 0 ? moves : undefined;
}

function meanOf(all: readonly Moves[]): Moves {
  const means = (valuesOf: (moves: Moves) => readonly number[]): number[] =>
    (all[0] === undefined ? [] : valuesOf(all[0])).map((_, run) => {
      const logs = all.map((moves) => Math.log(valuesOf(moves)[run] ?? Number.NaN));
      return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
    });
  const side = (name: Side): Moves[Side] => ({
    base: means((moves) => moves[name].base),
    slowed: means((moves) => moves[name].slowed),
  });
  return { reference: side('reference'), hollow: side('hollow') };
}
