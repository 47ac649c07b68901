import type { Reporter } from '../base/reporter.ts';

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

export interface RunReporter extends Reporter {
  status(status: RunStatus): void;
}
