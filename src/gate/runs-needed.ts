import { oneSidedPower, tUpper } from '../statistics/one-sided.ts';
import type { RuleRow, Spread } from './compare.ts';
import { falseAlarmsMax, gatePower } from './limits.ts';

/** The change that people ask about: how many runs does it take to see 10 %? */
export const askedRatio = 1.1;

/** More runs than this nobody keeps. */
const runsMax = 500;

/** Baseline runs that a change of 10 % takes to be seen; null: not with 500, or it is allowed. */
export type Needed = {
  /** With as many to judge as there are. */
  withThese: number | null;
  /** With as many to judge as baseline runs. */
  withAsMany: number | null;
};

/** What it would take to see a change of 10 % of one quantile. */
export type RunsNeeded = {
  id: string;
  labels: Record<string, string>;
  quantile: number;
  /** Candidates that there are. */
  candidates: number;
  /** The ratio beyond which the rule finds a change, and what it takes to see one beyond that. */
  limit: number;
  ruled: Needed;
  /** The same if the rule allowed none. */
  strict: Needed;
};

/** Of the row that people ask about first; undefined where the spread of none is known. Pure. */
export function runsNeeded(rows: readonly RuleRow[]): RunsNeeded | undefined {
  const known = rows.flatMap((row) => {
    const spread = row.verdict === 'unjudged' ? null : (row.compared?.spread ?? null);
    return row.compared === null || spread === null ? [] : [{ ...row, compared: row.compared, spread }];
  });
  const [first] = known.toSorted((a, b) => rank(b) - rank(a));
  if (first === undefined) return undefined;
  const { id, labels, quantile, compared, spread } = first;
  const candidates = compared.candidate.length;
  const share = falseAlarmsMax / known.length;
  const beyond = (limit: number): Needed => ({
    withThese: runsToSee(limit, spread, share, () => candidates),
    withAsMany: runsToSee(limit, spread, share, (runs) => runs),
  });
  const { limit } = compared;
  return { id, labels, quantile, candidates, limit, ruled: beyond(limit), strict: beyond(1) };
}

/** The p99 before other quantiles, and of those the pods that the startup SLO is judged on; else the order of the rules. */
function rank({ quantile, labels }: Pick<RuleRow, 'quantile' | 'labels'>): number {
  return (quantile === 0.99 ? 2 : 0) + (labels['kind'] === 'latency' ? 1 : 0);
}

/**
 * The fewest baseline runs with which a change of 10 % is seen beyond a limit.
 * @param share of false alarms that the rule may raise.
 */
function runsToSee(
  limit: number,
  { logDeviation }: Pick<Spread, 'logDeviation'>,
  share: number,
  candidatesOf: (runs: number) => number,
): number | null {
  const effect = Math.log(askedRatio / limit) / logDeviation;
  const seen = (runs: number): boolean => {
    const candidates = candidatesOf(runs);
    const degrees = runs + candidates - 2;
    if (degrees < 1) return false;
    const shift = effect / Math.sqrt(1 / runs + 1 / candidates);
    return oneSidedPower(shift, tUpper(share, degrees), degrees) >= gatePower;
  };
  if (!seen(runsMax)) return null;
  let [low, high] = [0, runsMax];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (seen(middle)) high = middle;
    else low = middle;
  }
  return high;
}
