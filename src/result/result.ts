/**
 * `result.json`: the only contract between measuring a run and everything that comes after it (reports, comparison,
 * gate). Times are RFC 3339 in UTC, durations name their unit. `result.schema.json` beside this file is the same
 * contract for machines; a test keeps the two together.
 */

import type { Machine } from '../base/machine.ts';

export const resultSchemaId = 'hollowmark.result/v1';

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
  /** Where the samples come from and how fine they are, e.g. `client clock, 1 µs`. */
  source: string;
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
  /** HDR histogram, V2 compressed, base64. Empty string when there are no samples. */
  histogram: string;
  slo?: Slo;
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
  /** p99 of all client API calls since the last point; null when there was none. */
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
};

/** A pod that took longest to start, with its path: microseconds spent in each phase, in order. */
export type SlowPod = {
  namespace: string;
  name: string;
  node: string;
  totalUs: number;
  phasesUs: Record<string, number>;
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
    /** The argv of every control-plane process, by component. */
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
  validity: Validity;
  resources: { harness: ProcessResources[]; controlPlane: ProcessResources[] };
  timeline: TimelinePoint[];
  slowestPods: SlowPod[];
  /** Remarks that a reader must know to read the figures: `run shorter than an SLO window`, … */
  notes: string[];
  /** What went wrong, where and when, if anything did. */
  failures: { atMs: number; where: string; message: string }[];
  verdict: RunVerdict;
  /** The verdict in one sentence. */
  summary: string;
};
