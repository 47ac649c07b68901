import type { CallMetrics } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { Churn } from './churn.ts';
import type { NodeObserver, PodObserver } from './observer.ts';
import type { PodStartup } from './pod-startup.ts';
import type { ResourceInterval } from './resources.ts';
import { Timeline } from './timeline.ts';

/** Hollow nodes tell their calls about every five seconds: a point looks back as far as that. */
const nodeCallsAgeUsMax = 5_000_000;

/** Reports of shards in that time, at most; later ones take the place of the oldest. */
const nodeReportsMax = 64;

export type CourseSources = {
  pods: PodObserver;
  nodes: NodeObserver;
  startup: PodStartup;
  loadCounters: () => { dueCount: number; sentCount: number };
  /** The load's, which are part of the churn. */
  loadCalls: CallMetrics;
  /** Their latencies make each point's p99; `recent` of each is set. */
  clientCalls: readonly CallMetrics[];
};

/** Makes the points of the timeline from what has changed since the one before. */
export class Course {
  readonly timeline = new Timeline();
  /** Until the first phase. */
  phase = 'start';
  readonly churn: Churn;
  /** Hears of latencies of calls as they become known: our clients' once a second, those of each report of nodes. */
  onCalls: ((latencies: Histogram) => void) | undefined;
  private readonly sources: CourseSources;
  private readonly recent = new Histogram();
  private nodeCalls: { atUs: number; histogram: Histogram }[] = [];
  private startUs = 0;
  private lastUs = 0;
  private last = { due: 0, sent: 0 };

  constructor(sources: CourseSources) {
    this.sources = sources;
    this.churn = new Churn(sources);
    for (const metrics of sources.clientCalls) metrics.recent = this.recent;
  }

  begin(nowUs: number): void {
    this.startUs = nowUs;
    this.lastUs = nowUs;
    this.recent.reset();
  }

  /** Latencies of all calls of a shard since its last report. */
  onNodeCalls(histogram: Histogram, nowUs: number): void {
    this.nodeCalls.push({ atUs: nowUs, histogram });
    this.onCalls?.(histogram);
    if (this.nodeCalls.length > nodeReportsMax) this.nodeCalls.shift();
  }

  add(nowUs: number, resources: ResourceInterval): void {
    const { pods, nodes, startup, loadCounters } = this.sources;
    const seconds = Math.max(1e-3, (nowUs - this.lastUs) / 1e6);
    const { dueCount, sentCount } = loadCounters();
    this.timeline.push({
      atMs: Math.round((nowUs - this.startUs) / 1000),
      phase: this.phase,
      nodesReady: nodes.ready,
      podsCreated: pods.created,
      podsStarted: pods.started,
      podsDeleted: pods.deleted,
      requestsPerSecond: rate(sentCount - this.last.sent, seconds),
      requestedPerSecond: rate(dueCount - this.last.due, seconds),
      podStartupP99Us: startup.drainWindow(),
      apiCallP99Us: this.apiCallP99Us(nowUs),
      cpuCores: resources.cpuCores,
      rssBytes: resources.rssBytes,
    });
    this.churn.look(seconds, this.phase);
    this.last = { due: dueCount, sent: sentCount };
    this.lastUs = nowUs;
  }

  private apiCallP99Us(nowUs: number): number | null {
    this.nodeCalls = this.nodeCalls.filter(({ atUs }) => nowUs - atUs <= nodeCallsAgeUsMax);
    const all = new Histogram();
    all.merge(this.recent);
    this.onCalls?.(this.recent);
    for (const { histogram } of this.nodeCalls) all.merge(histogram);
    this.recent.reset();
    return all.count === 0 ? null : all.quantile(0.99);
  }
}

function rate(count: number, seconds: number): number {
  return Math.round((count / seconds) * 100) / 100;
}
