import { minimumSamples } from '../result/summarise.ts';
import type { GateRun, GateSli } from './gate-run.ts';
import { leastChange } from './resolution.ts';
import { keyOf, quantiles } from './run-set.ts';

/** What of which SLIs a gate compares, and which change it lets pass. */
export type Rule = {
  /** The SLI's id. */
  sli: string;
  /** Only series that have these labels, with these values; each series is compared by itself. */
  labels: Record<string, string>;
  /** 0.5, 0.9, 0.99 or 0.999. */
  quantile: number;
  /** A change to so many times as much is no regression: 1.05 lets 5 % pass. */
  allowedRatio: number;
  /** A change by so much is none either, in the SLI's own unit (microseconds for latencies). */
  slack: number;
  /** A run with fewer samples is not compared. */
  samplesMin: number;
  /** Built in: nothing is missing where a run has no such SLI. */
  optional?: true;
  /** Compared and shown, and in no verdict. */
  unjudged?: true;
};

/** One series of an SLI at one quantile, and the rule that it falls under. */
export type RuledSeries = { rule: Rule; id: string; labels: Record<string, string> };

export const ruleDefaults = {
  labels: {},
  quantile: 0.99,
  allowedRatio: 1.05,
  slack: 0,
  samplesMin: 100,
} as const satisfies Omit<Rule, 'sli'>;

const builtIn = { ...ruleDefaults, optional: true } as const;

/**
 * The rules without a file. Few, as each takes some of the power of the others. Pod startup at its median too, which is
 * far steadier than its tail. What the API server tells has buckets, the first of 50 ms, and creationTimestamp has whole
 * seconds: changes within those are none.
 */
export const defaultRules: readonly Rule[] = [
  { ...builtIn, sli: 'pod-startup-precise' },
  { ...builtIn, sli: 'pod-startup-precise', quantile: 0.5 },
  { ...builtIn, sli: 'pod-startup', slack: 1_000_000 },
  { ...builtIn, sli: 'api-call-server', allowedRatio: 1.1, slack: 50_000, samplesMin: 500 },
];

/** How the harness itself did: it may have changed, which says nothing about the cluster. */
const ofHarness = /^(?:harness-.*|send-lateness|api-call-raw)$/;

/** Rules for everything that there is, for a comparison without a gate. */
export function rulesForAll(runs: readonly GateRun[]): Rule[] {
  const units = new Map(runs.flatMap(({ slis }) => slis.map(({ id, unit }) => [id, unit])));
  return [...units].flatMap(([sli, unit]) => {
    const slack = leastChange({ id: sli, unit });
    const shown = ofHarness.test(sli) ? { unjudged: true as const } : {};
    return [0.5, 0.9, 0.99].map((quantile) => ({
      ...builtIn,
      ...shown,
      sli,
      quantile,
      slack,
      samplesMin: 1,
    }));
  });
}

/** The series of some runs that rules are about, and rules that are about none, with the reason. */
export type AppliedRules = { series: RuledSeries[]; unused: { rule: Rule; reason: string }[] };

/**
 * Which series falls under which rule: the first that fits it at a quantile, and no other, also where it has too few samples
 * for that one. A series that has too few in every run is not compared.
 */
export function applyRules(rules: readonly Rule[], runs: readonly GateRun[]): AppliedRules {
  const all = new Map<string, { sli: GateSli; most: number }>();
  for (const sli of runs.flatMap(({ slis }) => slis)) {
    const key = keyOf(sli);
    all.set(key, { sli, most: Math.max(sli.count, all.get(key)?.most ?? 0) });
  }
  const taken = new Set<string>();
  const applied: AppliedRules = { series: [], unused: [] };
  for (const rule of rules) {
    const fitting = [...all].filter(([, { sli }]) => fits(rule, sli));
    const told = fitting.filter(([, { most }]) => most >= samplesNeeded(rule));
    if (told.length === 0 && rule.optional !== true) {
      const few = `no run has ${samplesNeeded(rule)} samples of it`;
      applied.unused.push({ rule, reason: fitting.length === 0 ? 'no run has such an SLI' : few });
    }
    for (const [key, { sli, most }] of fitting) {
      const place = `${rule.quantile} ${key}`;
      if (taken.has(place)) continue;
      taken.add(place);
      if (most >= samplesNeeded(rule)) applied.series.push({ rule, id: sli.id, labels: sli.labels });
    }
  }
  return applied;
}

/** What the rule asks for, and never fewer than its quantile takes. */
export function samplesNeeded({ samplesMin, quantile }: Rule): number {
  return Math.max(samplesMin, minimumSamples(quantile));
}

/** Whether a rule is about a series. */
export function fits({ sli, labels }: Pick<Rule, 'sli' | 'labels'>, { id, labels: given }: GateSli): boolean {
  return id === sli && Object.entries(labels).every(([name, value]) => given[name] === value);
}

/** @param quantile one of those that a result holds. */
export function quantileOf(sli: GateSli, quantile: number): number {
  const key = quantiles.find((one) => one.quantile === quantile)?.key;
  if (key === undefined) throw new RangeError(`no run holds the quantile ${quantile}`);
  return sli[key];
}
