import type { Reporter } from '../base/reporter.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Measurement } from '../measure/measurement.ts';
import type { PhaseRecord, RunResult } from '../result/result.ts';

/** How a run stands: what a live display shows, a few times a second. */
export type RunStatus = {
  phase: string;
  phaseIndex: number;
  phaseCount: number;
  elapsedMs: number;
  /** A guess from what the phases take; null while there is none. */
  remainingMs: number | null;
  nodesReady: number;
  nodesRequested: number;
  podsCreated: number;
  podsStarted: number;
  podsDeleted: number;
  podsExpected: number;
  /** Pods started in the last second. */
  podsPerSecond: number;
  /** p99 of pod startup (precise) so far; null without a sample. */
  podStartupP99Us: number | null;
};

/** What there is to be looked at while a run goes on: nothing is changed in it. */
export type RunView = {
  cluster: Cluster;
  measurement: Measurement;
  records: readonly PhaseRecord[];
  failures: RunResult['failures'];
};

export interface RunReporter extends Reporter {
  status(status: RunStatus): void;
  /** Measuring is about to begin. */
  measuring?(view: RunView): void;
}
