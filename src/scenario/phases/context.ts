import { type Clock, sleep } from '../../base/clock.ts';
import type { Reporter } from '../../base/reporter.ts';
import type { NodeFailure } from '../../hollow/node-failure.ts';
import type { LoadGenerator } from '../../load/generator.ts';
import type { SendReport } from '../../load/sender.ts';
import type { WorkloadPlan } from '../../load/workloads.ts';
import type { NodeState } from '../../measure/observer.ts';
import type { PodOnNode } from '../node-reads.ts';
import type { Scenario } from '../scenario.ts';

/**
 * What the observer has seen so far: through watches, so a little later than it was. Only objects with this run's
 * label count. All are read often (every {@link pollMs}) and must be cheap.
 */
export interface Progress {
  /** Nodes whose Ready condition is True now. */
  nodesReady(): number;
  /** Pods that exist now, in any state, also those that are being deleted. */
  podsPresent(): number;
  /** Pods that exist now, are not being deleted, and have had all their containers started. */
  podsStarted(): number;
  /** Pods that had ended with success and are no more. */
  endedPodsGone(): number;
  /** Objects of the kind that exist now and are complete, ready or bound. */
  workloadsDone(kind: WorkloadPlan['kind']): number;
  /** Whether the pod with this uid was ever seen with all its containers started, also if it is gone now. */
  hasStarted(uid: string): boolean;
  /** Undefined for a node that is not there. */
  node(name: string): Readonly<NodeState> | undefined;
}

/** Hollow nodes as a phase that makes them fail has them. */
export interface FailableNodes {
  /** Of all of them, in order. */
  readonly names: readonly string[];
  fail(names: readonly string[], failure: NodeFailure): void;
  heal(names: readonly string[]): void;
  /** The run's pods on a node, read from the API server; undefined when it did not say. */
  podsOn(name: string): Promise<PodOnNode[] | undefined>;
  /** When its kubelet renewed its lease last, wall clock; undefined likewise. */
  leaseRenewedWallMs(name: string): Promise<number | undefined>;
}

/** What a phase is given. */
export type PhaseContext = {
  scenario: Scenario;
  runId: string;
  load: LoadGenerator;
  progress: Progress;
  nodes: FailableNodes;
  clock: Clock;
  /** Aborted when the run is to stop; its reason is not looked at. */
  signal: AbortSignal;
  reporter: Reporter;
};

export type PhaseOutcome = {
  outcome: 'completed' | 'timed-out' | 'failed' | 'interrupted';
  /** For a person: what is missing or went wrong; of `completed`, what there is to know of it. */
  message?: string;
  /** What became of the requests of the phase, for phases that send some. */
  sent?: SendReport;
};

/** How often waits look at the observer's figures: fine enough for a display, cheap enough to forget. */
export const pollMs = 50;

export type WaitOptions = {
  clock: Clock;
  /** How long at most. */
  timeoutMs: number;
  /** Gives up earlier when the measure has not changed for so long. Absent: never. */
  stalledMs?: number;
  signal: AbortSignal;
};

export type WaitResult = 'met' | 'timed-out' | 'stalled' | 'interrupted';

/**
 * Looks every {@link pollMs} until `met` holds for what `measure` says. Looks once more when the time is up, so that
 * what came about in the last moment counts. Never rejects.
 */
export async function waitUntil<T>(
  measure: () => T,
  met: (value: T) => boolean,
  options: WaitOptions,
): Promise<WaitResult> {
  const { clock, timeoutMs, stalledMs, signal } = options;
  const startUs = clock.nowUs();
  let last = measure();
  let changedUs = startUs;
  for (;;) {
    if (met(last)) return 'met';
    if (signal.aborted) return 'interrupted';
    const nowUs = clock.nowUs();
    const leftMs = timeoutMs - (nowUs - startUs) / 1000;
    if (leftMs <= 0) return 'timed-out';
    if (stalledMs !== undefined && nowUs - changedUs >= stalledMs * 1000) return 'stalled';
    try {
      await sleep(clock, Math.min(pollMs, Math.ceil(leftMs)), signal);
    } catch {
      return 'interrupted';
    }
    const value = measure();
    if (value !== last) changedUs = clock.nowUs();
    last = value;
  }
}
