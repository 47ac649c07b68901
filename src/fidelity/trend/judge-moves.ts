import { tQuantile, tTails } from './student-t.ts';

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

/** What lies outside of an interval of 95 %. */
const outside = 0.05;

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
  if (Math.min(theirs.length, ours.length) < 2 || !Number.isFinite(difference)) {
    return { ...found, interval: null, p: null, alike: false };
  }
  // The spread of both sides' runs taken together, as Student's test of two means has it.
  const degrees = theirs.length + ours.length - 2;
  const variance = (squares(theirs) + squares(ours)) / degrees;
  const error = Math.sqrt(variance * (1 / theirs.length + 1 / ours.length));
  const reach = tQuantile(outside, degrees) * error;
  const within = Math.abs(difference) + reach <= Math.log(sameFactor);
  return {
    ...found,
    interval: [Math.exp(difference - reach), Math.exp(difference + reach)],
    p: difference === 0 ? 1 : tTails(difference / error, degrees),
    alike: within && hasMoved(theirs) && hasMoved(ours),
  };
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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The sum of the squares of the distances to the mean. */
function squares(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}
