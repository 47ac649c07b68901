import { Prng } from '../../base/prng.ts';
import { type RuleRow, compareRuns } from '../../gate/compare.ts';
import type { GateRun } from '../../gate/gate-run.ts';
import { keyOf, quantiles } from '../../gate/run-set.ts';
import type { Rule } from '../../gate/rules.ts';

/** How a gate is called: so many baseline runs, so many to judge. */
export type Design = { baseline: number; candidates: number };

export type TrialOptions = Design & { trials: number; rules: readonly Rule[]; seed: string };

/** How many calls of a gate came out how. */
export type Trials = Design & {
  trials: number;
  /** Calls with an alarm. */
  alarms: number;
  /** Comparisons a call, of those that share the false alarms. */
  rules: number;
};

/** One series of an SLI at one quantile: how often it was said which change would be seen, and was seen. */
export type ToldRow = Pick<RuleRow, 'id' | 'labels' | 'quantile'> & { said: number; seen: number };

/** Draws baselines and candidates from the same runs: nothing is worse, and every alarm is a false one. Pure. */
export function alikeTrials(runs: readonly GateRun[], options: TrialOptions): Trials {
  return tried(options, (prng) => drawn(runs, options, prng));
}

/** Draws candidates from other runs. */
export function unlikeTrials(
  runs: readonly GateRun[],
  others: readonly GateRun[],
  options: TrialOptions,
): Trials {
  return tried(options, (prng) => ({
    baseline: shuffled(runs, prng).slice(0, options.baseline),
    candidate: shuffled(others, prng).slice(0, options.candidates),
  }));
}

/**
 * Draws as {@link alikeTrials} does, and makes one quantile of one series slower by just what the gate says it can see there:
 * each that it says so of, alone, as others that are slower with it would make it easier to see.
 */
export function toldTrials(runs: readonly GateRun[], options: TrialOptions): ToldRow[] {
  const { trials, rules } = options;
  const prng = new Prng(options.seed);
  const told = new Map<string, ToldRow>();
  for (let trial = 0; trial < trials; trial++) {
    const sides = drawn(runs, options, prng);
    for (const row of compareRuns({ rules, ...sides }).rows) {
      const detectable = row.compared?.spread?.detectable ?? null;
      if (detectable === null) continue;
      const { id, labels, quantile } = row;
      const candidate = slowed(sides.candidate, row, detectable);
      const after = compareRuns({ rules, ...sides, candidate }).rows.find((other) => isOf(other, row));
      const { said, seen } = told.get(placeOf(row)) ?? { said: 0, seen: 0 };
      const found = after?.verdict === 'worse' ? 1 : 0;
      told.set(placeOf(row), { id, labels, quantile, said: said + 1, seen: seen + found });
    }
  }
  return [...told.values()];
}

type Place = Pick<RuleRow, 'id' | 'labels' | 'quantile'>;

const placeOf = (place: Place): string => `${place.quantile} ${keyOf(place)}`;
const isOf = (one: Place, other: Place): boolean => placeOf(one) === placeOf(other);

type Sides = { baseline: GateRun[]; candidate: GateRun[] };

function tried({ trials, rules, seed, ...design }: TrialOptions, sidesOf: (prng: Prng) => Sides): Trials {
  const prng = new Prng(seed);
  const { baseline, candidates } = design;
  const found: Trials = { baseline, candidates, trials, alarms: 0, rules: 0 };
  for (let trial = 0; trial < trials; trial++) {
    const { verdict, rows } = compareRuns({ rules, ...sidesOf(prng) });
    if (verdict === 'worse') found.alarms++;
    found.rules = Math.max(found.rules, rows.filter(({ compared }) => compared !== null).length);
  }
  return found;
}

function drawn(runs: readonly GateRun[], { baseline, candidates }: Design, prng: Prng): Sides {
  const order = shuffled(runs, prng);
  return { baseline: order.slice(0, baseline), candidate: order.slice(baseline, baseline + candidates) };
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], prng: Prng): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = prng.below(last + 1);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** The same runs with one quantile of one series so many times as slow. */
export function slowed(runs: readonly GateRun[], place: Place, ratio: number): GateRun[] {
  const key = quantiles.find(({ quantile }) => quantile === place.quantile)?.key;
  if (key === undefined) return [...runs];
  return runs.map((run) => ({
    ...run,
    slis: run.slis.map((sli) => (keyOf(sli) === keyOf(place) ? { ...sli, [key]: sli[key] * ratio } : sli)),
  }));
}
