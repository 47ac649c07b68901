import { mean, squares } from '../../statistics/sample.ts';
import { outside, tQuantile } from '../../statistics/student-t.ts';
import { compareMeans } from '../../statistics/two-means.ts';

/** What one percentile did on one side. Milliseconds, one for each run; `move` is a factor. */
export type SideMove = { base: number[]; slowed: number[]; move: number };

export type JudgedMoves = {
  reference: SideMove;
  hollow: SideMove;
  /** The hollow side's move by the reference's. */
  ratio: number;
  /** Where the true ratio lies in 95 of 100 such comparisons; null with one run of a side, which has no spread. */
  interval: [low: number, high: number] | null;
  /** How often runs of which the true ratio is 1 are as far apart as these; null where there is no interval. */
  p: number | null;
  /** Both have moved, and all of the interval is within {@link sameFactor}. */
  alike: boolean;
};

/** Moves that are shown to differ by less than this factor, either way, are the same. */
export const sameFactor = 1.25;

/** What a move must at least be, to be one. A ratio that is less than this is no difference, however exactly it is known. */
export const toleranceFactor = 1.1;

/** Clocks and the audit log have whole microseconds. */
const stepMs = 0.001;

/**
 * Compares by how much a percentile has moved from unslowed to slowed, run by run, each with itself. A move is a factor,
 * so logarithms are what is averaged. Pure.
 */
export function judgeMoves(reference: Omit<SideMove, 'move'>, hollow: Omit<SideMove, 'move'>): JudgedMoves {
  const [theirs, ours] = [logMoves(reference), logMoves(hollow)];
  const [theirMean, ourMean] = [mean(theirs), mean(ours)];
  const difference = ourMean - theirMean;
  const found = {
    reference: { ...reference, move: Math.exp(theirMean) },
    hollow: { ...hollow, move: Math.exp(ourMean) },
    ratio: Math.exp(difference),
  };
  const compared = compareMeans(theirs, ours, moveDeviationMin([reference, hollow]));
  if (compared === undefined) return { ...found, interval: null, p: null, alike: false };
  const { reach, p } = compared;
  const within = Math.abs(difference) + reach <= Math.log(sameFactor);
  return {
    ...found,
    interval: [Math.exp(difference - reach), Math.exp(difference + reach)],
    p,
    alike: within && hasMoved(theirs) && hasMoved(ours),
  };
}

/** What a move, which is the ratio of two values, deviates by because of {@link stepMs}. */
function moveDeviationMin(sides: readonly Omit<SideMove, 'move'>[]): number {
  const smallestMs = Math.min(...sides.flatMap(({ base, slowed }) => [...base, ...slowed]));
  return (Math.SQRT2 * stepMs) / smallestMs;
}

/** Further than a side's own runs differ, and than the tolerance. */
function hasMoved(moves: readonly number[]): boolean {
  const degrees = moves.length - 1;
  const reach = tQuantile(outside, degrees) * Math.sqrt(squares(moves) / degrees / moves.length);
  return Math.abs(mean(moves)) > Math.max(reach, Math.log(toleranceFactor));
}

function logMoves({ base, slowed }: Omit<SideMove, 'move'>): number[] {
  return slowed.map((slowedMs, index) => Math.log(slowedMs / (base[index] ?? Number.NaN)));
}
