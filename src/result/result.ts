/**
 * `result.json`: the only contract between measuring a run and everything that comes after it (reports, comparison,
 * gate). Times are RFC 3339 in UTC, durations name their unit. `result.schema.json` beside this file is the same
 * contract for machines; a test keeps the two together.
 */

import type { Machine } from '../base/machine.ts';

export const resultSchemaId = 'hollowmark.result/v2';

/** A result's name in the run's folder. */
export const resultFileName = 'result.json';

export type RunVerdict = 'pass' | 'fail' | 'invalid' | 'inconclusive' | 'interrupted';

/** The closed list of units. Every latency is in whole microseconds. */
export type Unit = 'us' | 'bytes' | 'count' | 'per-second' | 'ratio' | 'percent';

export type SloVerdict = 'pass' | 'fail' | 'inconclusive';

export type Slo = {
  /** 0..1, e.g. 0.99. */
  quantile: number;
  /** In the SLI's own unit. */
  threshold: number;
  verdict: SloVerdict;
};

/** One service level indicator: a distribution, with the labels that tell it from others of the same id. */
export type Sli = {
  /** `pod-startup`, `pod-startup-precise`, `pod-startup-phase`, `api-call`, `api-call-server`, … */
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  /** One sentence: what is measured, from when to when, what is left out. */
  definition: string;
  /** Where the samples come from, e.g. `load generator's clock`. */
  source: string;
  /** How fine they are, and what they cannot tell, e.g. `1 µs` or `nothing below 50 ms`. */
  resolution: string;
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
  /** HDR histogram, V2 compressed, base64. Empty string when there are no samples. */
  histogram: string;
  slo?: Slo;
  /**
   * The same samples, each less the event-loop delay at its end, which for 2 ms after a stall is still the stall's: the truth
   * lies between these and those above, but for what was sent late, which is in both.
   * Absent where the harness's own loop is not in the samples.
   */
  lowerBound?: Quantiles;
  /**
   * The SLO as it is defined: judged over sliding windows. Absent without an SLO, but for calls of the load beside those that
   * the API server tells: by the same objective, and without a part in the run's windows.
   */
  windows?: SliWindows;
};

export type Quantiles = { p50: number; p90: number; p99: number; p999: number; max: number };

/** Of a window that ended at a time: `undecided` with fewer samples than the quantile takes. */
export type WindowVerdict = 'good' | 'bad' | 'undecided';

/** Sliding windows of one SLI. Those of the whole run are in `RunResult.windows`. */
export type SliWindows = {
  good: number;
  bad: number;
  undecided: number;
  /**
   * In order, without those that had no sample (which are undecided); neighbours are one where there are more than 3,600,
   * with the larger value and the worse verdict.
   */
  points: { atMs: number; count: number; value: number; verdict: WindowVerdict }[];
};

/** What is one number and not a distribution: a size, a share, a rate, a count. */
export type Figure = {
  /** `etcd-database-size`, `api-availability`, … */
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  definition: string;
  source: string;
  resolution: string;
  value: number;
};

/** What became of the calls of one kind: refusals and repetitions are results, not faults of the run. */
export type CallOutcomes = {
  /** Whose: `load`, `nodes` or `observer`. */
  source: string;
  verb: string;
  resource: string;
  subresource: string;
  scope: string;
  /** Attempts by HTTP status; `none`: there was no answer. */
  statuses: Record<string, number>;
};

/** Requests of a phase that sends at a rate. */
export type PhaseRequests = {
  planned: number;
  sent: number;
  /** Of those sent, with success in the end. */
  done: number;
  failed: number;
  /** Attempts beyond the first of each. */
  retries: number;
  /** Sent later than intended because 1,000 others had no answer: the server was slow. Absent in older results. */
  heldBack?: number;
  /** Share that left in time of the planned, or of those that were due when the phase was cut short; 0..1. */
  achievedRatio: number;
  /** null when they were to leave all at once. */
  requestedPerSecond: number | null;
  /**
   * The requested rate, as much lower or higher as the sends took more or less time than planned; of requests that were
   * to leave all at once, the rate at which they did. null of one request.
   */
  achievedPerSecond: number | null;
  /** p99 of how late they left. */
  latenessP99Us: number;
};

export type ValidityCheck = {
  /** `loop-delay-observer`, `achieved-rate`, … */
  id: string;
  verdict: 'pass' | 'fail' | 'skipped';
  value: number;
  limit: number;
  unit: Unit;
  /** One sentence for a person: what was measured and, when it failed, what to change. */
  message: string;
};

export type Validity = { verdict: 'valid' | 'invalid'; checks: ValidityCheck[] };

export type ProcessResources = {
  name: string;
  cpuSeconds: number;
  rssBytesMax: number;
};

/** One point of the run's course; `timeline` has one about every second. */
export type TimelinePoint = {
  /** Milliseconds since the run's start. */
  atMs: number;
  phase: string;
  nodesReady: number;
  podsCreated: number;
  podsStarted: number;
  podsDeleted: number;
  /** Requests of the load generator, of this second. */
  requestsPerSecond: number;
  requestedPerSecond: number;
  /** p99 of pod startup (precise) over the pods that started since the last point; null when none did. */
  podStartupP99Us: number | null;
  /**
   * p99 of all client API calls since the last point, and of the hollow nodes' in about the last 5 s, as often as they tell
   * them; null when there was none.
   */
  apiCallP99Us: number | null;
  /** CPU, as cores in use, by process name (`harness`, `fleet`, `kube-apiserver`, …). */
  cpuCores: Record<string, number>;
  rssBytes: Record<string, number>;
};

export type PhaseRecord = {
  name: string;
  type: string;
  startedAtMs: number;
  finishedAtMs: number;
  /** `completed`, or why it was not. */
  outcome: 'completed' | 'timed-out' | 'failed' | 'interrupted';
  message?: string;
  /** Absent for phases that send nothing at a rate. */
  requests?: PhaseRequests;
};

/** A pod that took longest to start, with its path: microseconds spent in each phase, in order. */
export type SlowPod = {
  namespace: string;
  name: string;
  node: string;
  totalUs: number;
  phasesUs: Record<string, number>;
};

/** The samples of an SLI over time: how many lay in which range in which span of the run. A heat map's data. */
export type LatencyGrid = {
  /** The SLI that the samples belong to. */
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  /** The span of a column; the first begins with the run, and a sample is in the one in which it ended. */
  stepMs: number;
  /** Bounds of the rows, rising, in the unit: one more than there are rows; a row holds its upper bound. */
  edges: number[];
  /** One list for each column, of one count for each row. At most 240: neighbours are joined in longer runs. */
  columns: number[][];
};

/** Pods of one node or of one workload, over the whole run. */
export type PodTally = {
  total: number;
  started: number;
  failed: number;
  deleted: number;
  /** Startup (precise) of those that count for the SLI; null without one. */
  startupMeanUs: number | null;
  startupMaxUs: number | null;
};

/** Where a pod was at the end of the run; `failed` also when it was deleted afterwards. */
export type PodState = 'pending' | 'started' | 'failed' | 'deleted';

/** Pods one by one, as columns of one length: 40,000 of them have to fit. */
export type PodColumns = {
  names: string[];
  /** Index into {@link Inventory.workloads}. */
  workloads: number[];
  states: PodState[];
  /** Startup (precise); null when it did not start, or does not count for the SLI. */
  startupUs: (number | null)[];
};

export type NodeRecord = {
  name: string;
  /** At the end of the run. */
  state: 'ready' | 'not-ready' | 'gone';
  /** How often it ceased to be Ready. */
  lapses: number;
  /** When it was first seen Ready, since the run's start; null: never. */
  readyAtMs: number | null;
  /** Pods that were scheduled to it. */
  pods: PodTally;
  /** Its pods, slowest first; of many the slowest: a run keeps about 40,000. */
  kept: PodColumns;
};

/** What pods belong to: a Deployment, …; for pods without a controller the phase that made them. */
export type WorkloadRecord = {
  namespace: string;
  /** `deployment`, `latency`, `pod`, …; `others`: all beyond 5,000 workloads, as one. */
  kind: string;
  name: string;
  pods: PodTally;
};

/** Nodes and workloads one by one, and the pods of each node. */
export type Inventory = {
  nodes: NodeRecord[];
  /** Nodes beyond 10,000, which are not listed. */
  nodesOmitted: number;
  workloads: WorkloadRecord[];
};

/** How the run was called: what `run --again` needs beside the scenario. */
export type Invocation = {
  /** The version of the control plane that was asked for: `v1.36.3`. Absent for an existing cluster. */
  kubernetesVersion?: string;
  /** The named flag profile that was asked for. Absent for an existing cluster. */
  flags?: string;
  /** Wire profile of the hollow nodes. */
  profile: string;
  /** Absent when it was left to what the cluster allows. */
  identity?: string;
  /** Folder of binaries, absolute. */
  binaries?: string;
  /** Site that binaries are downloaded from, when it is not Kubernetes' own; without credentials. */
  releaseUrl?: string;
  /** The kubeconfig of an existing cluster, absolute, its context, and the server that it led to. */
  kubeconfig?: string;
  context?: string;
  server?: string;
};

export type RunResult = {
  schema: typeof resultSchemaId;
  run: {
    id: string;
    /** The scenario's name. */
    scenario: string;
    seed: string;
    startedAt: string;
    /** With the cluster up: what counts since the run's start counts from here. Absent in older results. */
    measuringStartedAt?: string;
    finishedAt: string;
    /** The scenario as it ran: after defaults and `--set`. */
    parameters: unknown;
    /** Without it, the run cannot be done again. */
    invocation?: Invocation;
    phases: PhaseRecord[];
  };
  tool: { name: string; version: string; node: string };
  machine: Machine;
  cluster: {
    version: string;
    /** Where the control plane came from: `cache`, `build`, `download`, `folder`, `path`, `kubeconfig`. */
    source: string;
    /** The named flag profile. */
    profile: string;
    /** The argv of every control-plane process, by component; the home folder is `~`, that of temporary files `$TMPDIR`. */
    flags: Record<string, string[]>;
  };
  wire: {
    profile: string;
    identity: string;
    codec: string;
    /** false: the nodes sent less than real ones do, and the figures say nothing about a real cluster. Else absent. */
    comparable?: boolean;
  };
  nodes: { requested: number; ready: number; notReadyEvents: number };
  pods: { created: number; started: number; deleted: number; failed: number };
  slis: Sli[];
  figures: Figure[];
  calls: CallOutcomes[];
  /** Minutes of the run, or what the scenario takes instead: good when no SLI with an SLO was bad in the window behind it. */
  windows: { lengthMs: number; stepMs: number; good: number; bad: number; undecided: number };
  validity: Validity;
  resources: { harness: ProcessResources[]; controlPlane: ProcessResources[] };
  timeline: TimelinePoint[];
  slowestPods: SlowPod[];
  latencyGrids: LatencyGrid[];
  inventory: Inventory;
  /** Remarks that a reader must know to read the figures: `run shorter than an SLO window`, … */
  notes: string[];
  /** What went wrong, where and when, if anything did. */
  failures: { atMs: number; where: string; message: string }[];
  verdict: RunVerdict;
  /** The verdict in one sentence. */
  summary: string;
};
