import type { Unit } from '../result/result.ts';
import { detectableShift, holm, tAbove } from '../statistics/one-sided.ts';
import { mean, median, squares } from '../statistics/sample.ts';
import { outside, tQuantile } from '../statistics/student-t.ts';
import type { GateRun, GateSli } from './gate-run.ts';
import { falseAlarmsMax, gatePower } from './limits.ts';
import type { NoiseRow } from './noise.ts';
import { logDeviationMin } from './resolution.ts';
import { type Rule, type RuledSeries, applyRules, quantileOf, samplesNeeded } from './rules.ts';
import { keyOf, logsOf } from './run-set.ts';

export const gateSchemaId = 'hollowmark.gate/v1';

/** Fewer runs have no spread of their own, once those with too few samples are left out. */
const baselineMin = 2;

/** Two or three runs could not show any change that there is: what they could is no number for people. */
const detectableMax = 1000;

/** `unjudged`: compared, and in no verdict; no rule of a gate has it. */
export type RuleVerdict = 'better' | 'same' | 'worse' | 'inconclusive' | 'unjudged';

/** Of all rules together. */
export type GateVerdict = Exclude<RuleVerdict, 'unjudged'>;

/** What runs of two sides say about one quantile of one SLI. */
export type Comparison = {
  /** One of each run. */
  baseline: number[];
  candidate: number[];
  baselineMedian: number;
  candidateMedian: number;
  /** The candidate's geometric mean by the baseline's. */
  ratio: number;
  /** Of the medians, in the SLI's own unit. */
  difference: number;
  /** Beyond this ratio the candidate is worse: the allowed ratio, or what the slack comes to where that is more. */
  limit: number;
  /** The same for less; 0 where the slack is more than there is. */
  limitBetter: number;
  /** What the spread of runs tells; null where there is none: of one run a side. */
  spread: Spread | null;
};

export type Spread = {
  /** Standard deviation of the natural logarithm of one run's value; no smaller than that of how finely it is told. */
  logDeviation: number;
  degrees: number;
  /** Where the true ratio lies in 95 of 100 such comparisons. */
  interval: [low: number, high: number];
  /** How often runs that are not beyond the limit look so much beyond it, over all rules (Holm); null: unjudged. */
  pWorse: number | null;
  pBetter: number | null;
  /** The smallest ratio that these runs could have shown, in 95 of 100 cases; null: above 1,000, or unjudged. */
  detectable: number | null;
};

export type RuleRow = {
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  quantile: number;
  rule: Rule;
  verdict: RuleVerdict;
  /** Why there is no better verdict than `inconclusive`; null of the others. */
  reason: string | null;
  /** Runs of the baseline without which it is compared: they have too few samples. */
  leftOut: number;
  /** null where too many runs have too few samples, or none. */
  compared: Comparison | null;
};

export type GateReport = {
  schema: typeof gateSchemaId;
  verdict: GateVerdict;
  falseAlarmsMax: number;
  power: number;
  baseline: RunName[];
  candidate: RunName[];
  rows: RuleRow[];
  /** Which runs were left out, and in what those that were not are unlike, where that was allowed. */
  notes: string[];
};

type RunName = { id: string; startedAt: string };

export type GateInput = {
  rules: readonly Rule[];
  baseline: readonly GateRun[];
  candidate: readonly GateRun[];
  /** What is known of the deviation of such runs from others of them. */
  noise?: { rows: readonly KnownDeviation[] } | undefined;
  notes?: readonly string[];
};

type KnownDeviation = Pick<NoiseRow, 'id' | 'labels' | 'quantile' | 'logDeviation' | 'degrees'>;

type Described = Pick<RuleRow, 'id' | 'labels' | 'unit' | 'quantile' | 'rule' | 'leftOut'>;
type Pending = { described: Described; reason: string } | { described: Described; sample: Sample };

/** Two sides of one quantile, as far as they can be told before it is known how many such comparisons there are. */
type Sample = Omit<Comparison, 'spread'> & {
  effect: number;
  /** Standard error of the effect; null without a degree of freedom. */
  error: number | null;
  logDeviation: number;
  degrees: number;
};

/**
 * Compares runs with runs. The run is what is repeated: each gives one value a quantile, and samples of several runs are
 * never put together. Student's test on the logarithms, of the candidates' mean against the baseline's, which with one
 * candidate is the prediction interval for one more run. Pure.
 */
export function compareRuns({ rules, baseline, candidate, noise, notes = [] }: GateInput): GateReport {
  const { series, unused } = applyRules(rules, [...baseline, ...candidate]);
  const sides = { baseline: byKey(baseline), candidate: byKey(candidate) };
  const noises = new Map((noise?.rows ?? []).map((row) => [`${row.quantile} ${keyOf(row)}`, row]));
  const pending = series.map((one) => prepare(one, sides, noises));
  const tested = pending.flatMap((one) =>
    'sample' in one && one.sample.error !== null && !isUnjudged(one.described) ? [one] : [],
  );
  const worse = holm(tested.map(({ sample }) => pBeyond(sample, sample.limit)));
  const better = holm(tested.map(({ sample }) => pBelow(sample, sample.limitBetter)));
  const rows = pending.map((one): RuleRow => {
    if ('reason' in one) return untold(one.described, one.reason, null);
    const index = tested.indexOf(one);
    const p = { worse: worse[index] ?? 1, better: better[index] ?? 1 };
    return judged(one.described, one.sample, index < 0 ? undefined : p, tested.length);
  });
  const lost = unused.map(
    ({ rule, reason }): RuleRow => ({
      id: rule.sli,
      labels: rule.labels,
      unit: 'us',
      quantile: rule.quantile,
      rule,
      leftOut: 0,
      verdict: 'inconclusive',
      reason,
      compared: null,
    }),
  );
  const all = [...rows, ...lost];
  return {
    schema: gateSchemaId,
    verdict: overall(all),
    falseAlarmsMax,
    power: gatePower,
    baseline: baseline.map(nameOf),
    candidate: candidate.map(nameOf),
    rows: all,
    notes: [...notes],
  };
}

const nameOf = ({ id, startedAt }: GateRun): RunName => ({ id, startedAt });

const isUnjudged = ({ rule }: Pick<RuleRow, 'rule'>): boolean => rule.unjudged === true;

/** What cannot be told, with the reason, and is asked for by a rule or only shown. */
function untold(described: Described, reason: string, compared: Comparison | null): RuleRow {
  return { ...described, verdict: isUnjudged(described) ? 'unjudged' : 'inconclusive', reason, compared };
}

type Side = ReadonlyMap<string, GateSli>[];

function byKey(runs: readonly GateRun[]): Side {
  return runs.map(({ slis }) => new Map(slis.map((sli) => [keyOf(sli), sli])));
}

function prepare(
  { rule, id, labels }: RuledSeries,
  sides: { baseline: Side; candidate: Side },
  noises: ReadonlyMap<string, KnownDeviation>,
): Pending {
  const key = keyOf({ id, labels });
  const { quantile } = rule;
  const needed = samplesNeeded(rule);
  const found = (side: Side): GateSli[] => side.flatMap((run) => run.get(key) ?? []);
  const enough = (side: Side): GateSli[] => found(side).filter(({ count }) => count >= needed);
  const [baseline, candidate] = [enough(sides.baseline), enough(sides.candidate)];
  const unit = [...found(sides.baseline), ...found(sides.candidate)][0]?.unit ?? 'us';
  const leftOut = sides.baseline.length - baseline.length;
  const described = { id, labels, unit, quantile, rule, leftOut };
  if (sides.baseline.length === 0) return { described, reason: 'there is no baseline yet' };
  const few = (missing: number, of: number, runs: string): Pending => ({
    described,
    reason: `${missing} of ${of} ${runs} have fewer than ${needed} samples`,
  });
  if (candidate.length < sides.candidate.length) {
    return few(sides.candidate.length - candidate.length, sides.candidate.length, 'runs to judge');
  }
  if (baseline.length < Math.min(baselineMin, sides.baseline.length)) {
    return few(leftOut, sides.baseline.length, 'baseline runs');
  }
  const values = [baseline, candidate].map((side) => side.map((sli) => quantileOf(sli, quantile)));
  const noise = noises.get(`${quantile} ${key}`);
  return { described, sample: sampleOf(described, values[0] ?? [], values[1] ?? [], noise) };
}

function sampleOf(
  { id, unit, rule: { allowedRatio, slack } }: Described,
  baseline: number[],
  candidate: number[],
  noise: KnownDeviation | undefined,
): Sample {
  const [first, second] = [logsOf(baseline), logsOf(candidate)];
  const effect = mean(second) - mean(first);
  const noiseDegrees = noise?.degrees ?? 0;
  const degrees = first.length + second.length - 2 + noiseDegrees;
  const known = squares(first) + squares(second) + (noise?.logDeviation ?? 0) ** 2 * noiseDegrees;
  const deviationMin = logDeviationMin({ id, unit }, [...baseline, ...candidate]);
  const logDeviation = degrees < 1 ? 0 : Math.max(deviationMin, Math.sqrt(known / degrees));
  const usual = Math.max(1, Math.exp(mean(first)));
  return {
    baseline,
    candidate,
    baselineMedian: median(baseline),
    candidateMedian: median(candidate),
    ratio: Math.exp(effect),
    difference: median(candidate) - median(baseline),
    limit: Math.max(allowedRatio, (usual + slack) / usual),
    limitBetter: Math.max(0, Math.min(1 / allowedRatio, (usual - slack) / usual)),
    effect,
    error: degrees < 1 ? null : logDeviation * Math.sqrt(1 / first.length + 1 / second.length),
    logDeviation,
    degrees,
  };
}

function pBeyond({ effect, error, degrees }: Sample, limit: number): number {
  return error === null ? 1 : tAbove((effect - Math.log(limit)) / error, degrees);
}

function pBelow({ effect, error, degrees }: Sample, limit: number): number {
  return error === null || limit === 0 ? 1 : tAbove((Math.log(limit) - effect) / error, degrees);
}

/**
 * @param p undefined where there is no test: no spread, or nothing that is judged.
 * @param tests how many comparisons share the false alarms that there may be.
 */
function judged(
  described: Described,
  sample: Sample,
  p: { worse: number; better: number } | undefined,
  tests: number,
): RuleRow {
  const { effect, error, logDeviation, degrees, ...compared } = sample;
  if (error === null) {
    const reason = 'one run a side does not say how far others of it would lie';
    return untold(described, reason, { ...compared, spread: null });
  }
  const reach = tQuantile(outside, degrees) * error;
  const interval: [number, number] = [Math.exp(effect - reach), Math.exp(effect + reach)];
  if (p === undefined) {
    const spread = { logDeviation, degrees, interval, pWorse: null, pBetter: null, detectable: null };
    return { ...described, verdict: 'unjudged', reason: null, compared: { ...compared, spread } };
  }
  // Bonferroni's share, which the first of Holm's steps has: what is said to be seen is seen whatever the others are.
  const share = falseAlarmsMax / tests;
  const shift = detectableShift(share, degrees, gatePower);
  const detectable = compared.limit * Math.exp(shift * error);
  const spread: Spread = {
    logDeviation,
    degrees,
    interval,
    pWorse: p.worse,
    pBetter: p.better,
    detectable: detectable > detectableMax ? null : detectable,
  };
  const verdict = verdictOf(compared, interval, p);
  const reason = verdict === 'inconclusive' ? 'these runs vary too much, or are too few, to tell' : null;
  return { ...described, verdict, reason, compared: { ...compared, spread } };
}

/** `same`: with 95 % confidence there is no change beyond what the rule allows, up or down. */
function verdictOf(
  { limit, limitBetter }: Omit<Comparison, 'spread'>,
  [low, high]: Spread['interval'],
  p: { worse: number; better: number },
): RuleVerdict {
  if (p.worse < falseAlarmsMax) return 'worse';
  if (p.better < falseAlarmsMax) return 'better';
  return low >= limitBetter && high <= limit ? 'same' : 'inconclusive';
}

/** `worse` before `inconclusive` before the rest: that nothing has become worse is said only where every rule could tell. */
function overall(rows: readonly RuleRow[]): GateVerdict {
  const has = (verdict: RuleVerdict): boolean => rows.some((row) => row.verdict === verdict);
  if (has('worse')) return 'worse';
  if (has('inconclusive') || rows.every(({ verdict }) => verdict === 'unjudged')) return 'inconclusive';
  return has('better') ? 'better' : 'same';
}
