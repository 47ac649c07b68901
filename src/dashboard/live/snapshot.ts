import type { RunVerdict, WindowVerdict } from '../../result/result.ts';

/** How things stand, whole: whoever misses one loses nothing when the next one comes. Some kilobytes as JSON. */
export type LiveSnapshot = {
  phase: string;
  /** From 1; 0 where there are no phases. */
  phaseNumber: number;
  phaseCount: number;
  elapsedMs: number;
  /** A guess; null without one. */
  remainingMs: number | null;
  nodes: { expected: number; ready: number; notReady: number };
  /** Those that are there by state; all that ever were; null where nobody knows how many there will be. */
  pods: {
    pending: number;
    scheduled: number;
    started: number;
    failed: number;
    created: number;
    deleted: number;
    expected: number | null;
  };
  /** The last second; null before the first. */
  point: LivePoint | null;
  /** p99 of pod startup so far. */
  startupP99Us: number | null;
  /** The last window of each SLI that is judged. */
  windows: LiveWindow[];
  /** Of pods that started and of API calls, over the last seconds. */
  latencies: LiveLatency[];
  processes: LiveProcess[];
  /** undefined where nobody asks it. */
  apiServer?: 'answers' | 'does not answer';
  workloads: LiveWorkloadRow[];
  /** Beyond those listed. */
  workloadsOmitted: number;
};

/** A point of the curves. */
export type LivePoint = {
  atMs: number;
  podsCreated: number;
  podsStarted: number;
  /** null where nothing is sent at a rate. */
  requestsPerSecond: number | null;
  requestedPerSecond: number | null;
  podStartupP99Us: number | null;
  apiCallP99Us: number | null;
};

/** Microseconds; null without samples. */
export type LiveLatency = {
  name: string;
  seconds: number;
  count: number;
  p50Us: number | null;
  p90Us: number | null;
  p99Us: number | null;
};

/** `stopped`: by a signal. Null: not known, or of one that has ended. */
export type LiveProcess = {
  name: string;
  state: 'running' | 'stopped' | 'ended';
  cpuCores: number | null;
  rssBytes: number | null;
};

export type LiveWindow = { name: string; count: number; value: number; verdict: WindowVerdict };

export type LiveWorkloadRow = {
  namespace: string;
  kind: string;
  name: string;
  total: number;
  started: number;
  failed: number;
  deleted: number;
};

/** Something that happened: a step, a phase, a warning, a failure. */
export type LiveEvent = { wallMs: number; kind: 'step' | 'info' | 'warning' | 'failure'; text: string };

/** What came of a run; of a cluster of `up` nothing does. */
export type LiveEnd = { verdict: RunVerdict; summary: string } | null;

/** Rows that one answer has. */
export const answerRowsMax = 200;

/** What a browser may ask beyond the snapshots. */
export type LiveQuestion =
  | { what: 'history' }
  | { what: 'nodes'; state: '' | 'ready' | 'not-ready'; text: string; offset: number }
  | { what: 'node'; name: string; offset: number };

export type LiveNodesAnswer = {
  total: number;
  rows: { name: string; ready: boolean; lapses: number; pods: number }[];
};

/** `isThere: false`: no node of that name. */
export type LiveNodeAnswer = {
  isThere: boolean;
  total: number;
  rows: { namespace: string; name: string; kind: string; workload: string; state: string }[];
};

export type LiveAnswer = { points: LivePoint[] } | LiveNodesAnswer | LiveNodeAnswer;
