import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { PodStartup } from './pod-startup.ts';

/** Churn is the mean over so many looks, a second apart. */
const looks = 10;

/** The load's own requests for pods are seen as the pods that come and go. */
const ofPods = new Set(['POST', 'DELETE']);

export type ChurnSources = {
  pods: { readonly created: number; readonly deleted: number };
  startup: Pick<PodStartup, 'settledListeners'>;
  loadCalls: CallMetrics;
};

/** The mean of the last looks; of fewer while there are no more, but as over all of them. */
class Mean {
  private last: { seconds: number; changes: number }[] = [];

  add(seconds: number, changes: number): number {
    this.last.push({ seconds, changes });
    if (this.last.length > looks) this.last.shift();
    const sum = (key: 'seconds' | 'changes'): number => this.last.reduce((all, one) => all + one[key], 0);
    return sum('changes') / Math.max(sum('seconds'), looks);
  }
}

/**
 * What the startup SLO presupposes little of: pods created and deleted by anyone, and what else the load asks for. Startup is
 * judged on the latency pods where there are any, so how much there was in the phases that made them is kept, too.
 */
export class Churn {
  /** The most a second. */
  peak = 0;
  private readonly sources: ChurnSources;
  private readonly latencyPhases = new Set<string>();
  private readonly peaks = new Map<string, number>();
  private whole = new Mean();
  private ofPhase = new Mean();
  private phase: string | undefined;
  private before: number;

  constructor(sources: ChurnSources) {
    this.sources = sources;
    this.before = this.changes();
    sources.startup.settledListeners.push(({ kind }, pod) => {
      if (kind === 'latency') this.latencyPhases.add(pod.phase);
    });
  }

  /** The most a second in phases whose latency pods have started; 0 without such. */
  get latencyPeak(): number {
    return Math.max(0, ...[...this.latencyPhases].map((phase) => this.peaks.get(phase) ?? 0));
  }

  /** Call it once a second. */
  look(seconds: number, phase: string): void {
    if (phase !== this.phase) this.ofPhase = new Mean();
    this.phase = phase;
    const changes = this.changes();
    const came = changes - this.before;
    this.before = changes;
    this.peak = Math.max(this.peak, this.whole.add(seconds, came));
    this.peaks.set(phase, Math.max(this.peaks.get(phase) ?? 0, this.ofPhase.add(seconds, came)));
  }

  private changes(): number {
    const { pods, loadCalls } = this.sources;
    let count = pods.created + pods.deleted;
    for (const { kind, statuses } of loadCalls.entries()) {
      if (kind.resource === 'pods' && ofPods.has(kind.verb)) continue;
      for (const times of statuses.values()) count += times;
    }
    return count;
  }
}
