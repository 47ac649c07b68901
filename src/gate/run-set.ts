import type { Machine } from '../base/machine.ts';
import type { RunResult, RunVerdict, Unit } from '../result/result.ts';
import { minimumSamples } from '../result/summarise.ts';

/** A run of several, as their summary lists it. */
export type RunEntry = {
  id: string;
  /** Which of the variants it is of. */
  variant: number;
  /** Relative to the summary's. */
  folder: string;
  startedAt: string;
  verdict: RunVerdict;
  summary: string;
  /** Why its figures are left out; null when they count. */
  leftOut: string | null;
};

/** A run that is over. */
export type FinishedRun = { variant: number; folder: string; result: RunResult };

/**
 * What is made of a set takes of a result: all but its course, histograms and windows, which lie in the run's folder. They
 * would be megabytes a run in the very process that measures the next one.
 */
export function keptOf(result: RunResult): RunResult {
  const slis = result.slis.map((sli) => {
    const { windows: _, ...kept } = sli;
    return { ...kept, histogram: '' };
  });
  return { ...result, slis, timeline: [], slowestPods: [] };
}

/** What several runs have in common, whatever is made of them. */
export type RunSet = {
  id: string;
  scenario: string;
  seed: string;
  startedAt: string;
  finishedAt: string;
  /** The scenario as the first variant ran it. */
  parameters: unknown;
  tool: RunResult['tool'];
  machine: Machine;
  cluster: Pick<RunResult['cluster'], 'version' | 'source' | 'profile'>;
  wire: RunResult['wire'];
  /** Runs of each variant that were asked for. */
  planned: number;
  runs: RunEntry[];
  /** `invalid`: none of the runs was valid, and the figures are of runs in which the harness was the bottleneck. */
  basis: 'valid' | 'invalid';
};

/** One quantile of one SLI, in every run that counts. */
export type QuantileSeries = {
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  source: string;
  resolution: string;
  quantile: number;
  /** It has an SLO. */
  judged: boolean;
  /** By variant, in the order of the runs. */
  values: number[][];
};

/** An SLI of which some run that counts has too few samples, or none at all. */
export type LeftOut = {
  id: string;
  labels: Record<string, string>;
  quantiles: number[];
  /** How many samples the run has that has fewest. */
  fewest: number;
};

/** The quantiles that a result holds of each SLI. */
export const quantiles = [
  { quantile: 0.5, key: 'p50' },
  { quantile: 0.9, key: 'p90' },
  { quantile: 0.99, key: 'p99' },
  { quantile: 0.999, key: 'p999' },
] as const;

/**
 * Runs that count: those that came to their end and were valid. Where not one was valid they are all there is to show, and
 * the set says so. A run that missed its SLO counts: to leave it out would make the rest look better than they are.
 */
export function chooseRuns(finished: readonly FinishedRun[]): {
  counted: FinishedRun[];
  entries: RunEntry[];
  basis: RunSet['basis'];
} {
  const whole = finished.filter(({ result }) => whyPartial(result) === undefined);
  const valid = whole.filter(({ result }) => result.verdict !== 'invalid');
  const basis = valid.length === 0 && whole.length > 0 ? 'invalid' : 'valid';
  const counted = basis === 'valid' ? valid : whole;
  const entries = finished.map(
    (run): RunEntry => ({
      id: run.result.run.id,
      variant: run.variant,
      folder: run.folder,
      startedAt: run.result.run.startedAt,
      verdict: run.result.verdict,
      summary: run.result.summary,
      leftOut: counted.includes(run) ? null : (whyPartial(run.result) ?? 'invalid'),
    }),
  );
  return { counted, entries, basis };
}

/** A part of a run is not to be compared with whole ones. */
export function whyPartial({ verdict, run: { phases, parameters } }: RunResult): string | undefined {
  if (verdict === 'interrupted') return 'interrupted';
  const broken = phases.find(({ outcome }) => outcome !== 'completed');
  if (broken !== undefined) return `phase ${broken.name}: ${broken.outcome}`;
  const planned = (parameters as { phases?: unknown[] } | null)?.phases?.length ?? phases.length;
  return phases.length < planned ? 'cut short' : undefined;
}

/** What the set is about, from its first run. @param finished one at least. */
export function describeSet(
  finished: readonly FinishedRun[],
  { id, planned }: { id: string; planned: number },
): RunSet {
  const [first] = finished;
  const last = finished.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a set of no runs');
  const { run, tool, machine, cluster, wire } = first.result;
  const { entries, basis } = chooseRuns(finished);
  const { version, source, profile } = cluster;
  return {
    id,
    scenario: run.scenario,
    seed: run.seed,
    startedAt: run.startedAt,
    finishedAt: last.result.run.finishedAt,
    parameters: run.parameters,
    tool,
    machine,
    cluster: { version, source, profile },
    wire,
    planned,
    runs: entries,
    basis,
  };
}

/**
 * Each quantile of each SLI of which every run has enough samples, and what was left out. A quantile that only some runs
 * can tell would be a median of the runs that had most to do.
 */
export function quantileSeries(
  counted: readonly FinishedRun[],
  variants: number,
): { series: QuantileSeries[]; leftOut: LeftOut[] } {
  const byRun = counted.map(({ variant, result }) => ({
    variant,
    slis: new Map(result.slis.map((sli) => [keyOf(sli), sli])),
  }));
  const all = new Map(counted.flatMap(({ result }) => result.slis.map((sli) => [keyOf(sli), sli])));
  const series: QuantileSeries[] = [];
  const leftOut: LeftOut[] = [];
  for (const [key, { id, labels, unit, source, resolution }] of all) {
    const slis = byRun.map((run) => ({ variant: run.variant, sli: run.slis.get(key) }));
    const fewest = Math.min(...slis.map(({ sli }) => sli?.count ?? 0));
    const missing: number[] = [];
    for (const { quantile, key: field } of quantiles) {
      if (fewest < minimumSamples(quantile)) {
        missing.push(quantile);
        continue;
      }
      const judged = slis.some(({ sli }) => sli?.slo !== undefined);
      const values = Array.from({ length: variants }, (_, variant) =>
        slis.filter((one) => one.variant === variant).map(({ sli }) => sli?.[field] ?? 0),
      );
      series.push({ id, labels, unit, source, resolution, quantile, judged, values });
    }
    if (missing.length > 0) leftOut.push({ id, labels, quantiles: missing, fewest });
  }
  return { series, leftOut };
}

/** The same for the same SLI, in whatever order its labels are. */
export function keyOf({ id, labels }: { id: string; labels: Record<string, string> }): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([id, sorted]);
}

/** Latencies are compared by their ratio, so by their logarithms; nothing at all, in whole units, is taken for one. */
export function logsOf(values: readonly number[]): number[] {
  return values.map((value) => Math.log(Math.max(1, value)));
}
