import type { GateVerdict } from '../../gate/compare.ts';
import { slisOf } from '../../report/view.ts';
import type { RunResult, RunVerdict, Unit } from '../../result/result.ts';

/** What tells one SLI from another, whatever run it is of. */
export type Series = { id: string; labels: Record<string, string>; unit: Unit; definition: string };

/** One SLI of one run: the series' number, samples, quantiles. A list, since an index has a hundred thousand of them. */
export type SliRow = readonly [
  series: number,
  count: number,
  p50: number,
  p90: number,
  p99: number,
  max: number,
];

/** A run as the history knows it without opening its result. */
export type RunEntry = {
  /** The run's folder below that of all, parted by `/`; empty when it is that folder itself. */
  folder: string;
  id: string;
  scenario: string;
  startedAt: string;
  durationMs: number;
  verdict: RunVerdict;
  summary: string;
  /** What a gate has said of it; absent where none has judged it. */
  gate?: GateVerdict;
  kubernetes: string;
  tool: string;
  /** Of the control plane. */
  flags: string;
  /** Wire profile of the nodes. */
  profile: string;
  /** `CPU model × cores`. */
  machine: string;
  nodes: number;
  pods: number;
  /** p99 of pod startup, to the microsecond; null without a sample. */
  startupP99Us: number | null;
  slis: readonly SliRow[];
};

/** Numbers of series, given in the order in which they are first seen. */
export class SeriesTable {
  readonly all: Series[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(all: readonly Series[] = []) {
    for (const series of all) this.numberOf(series);
  }

  numberOf({ id, labels, unit, definition }: Series): number {
    const key = JSON.stringify([id, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)), unit]);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.all.length;
    this.all.push({ id, labels, unit, definition });
    this.numbers.set(key, number);
    return number;
  }
}

/** What the history keeps of a result. SLIs without a sample are left out. */
export function entryOf(result: RunResult, folder: string, series: SeriesTable): RunEntry {
  const { run, cluster, machine, nodes, pods } = result;
  const startup = slisOf(result, 'pod-startup-precise').find(({ count }) => count > 0);
  return {
    folder,
    id: run.id,
    scenario: run.scenario,
    startedAt: run.startedAt,
    durationMs: Math.max(0, Date.parse(run.finishedAt) - Date.parse(run.startedAt)),
    verdict: result.verdict,
    summary: result.summary,
    kubernetes: cluster.version,
    tool: result.tool.version,
    flags: cluster.profile,
    profile: result.wire.profile,
    machine: `${machine.cpuModel} × ${machine.cpuCount}`,
    nodes: nodes.requested,
    pods: pods.created,
    startupP99Us: startup?.p99 ?? null,
    slis: result.slis
      .filter(({ count }) => count > 0)
      .map((sli) => [series.numberOf(sli), sli.count, sli.p50, sli.p90, sli.p99, sli.max]),
  };
}
