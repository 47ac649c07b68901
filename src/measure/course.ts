import type { CallMetrics } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { NodeObserver, PodObserver } from './observer.ts';
import type { PodStartup } from './pod-startup.ts';
import type { ResourceInterval } from './resources.ts';
import { Timeline } from './timeline.ts';

/** Hollow nodes tell their calls about every five seconds: a point looks back as far as that. */
const nodeCallsAgeUsMax = 5_000_000;

/** Reports of shards in that time, at most; later ones take the place of the oldest. */
const nodeReportsMax = 64;

/** Churn is the mean over so many points. */
const churnPoints = 10;

export type CourseSources = {
  pods: PodObserver;
  nodes: NodeObserver;
  startup: PodStartup;
  loadCounters: () => { dueCount: number; sentCount: number };
  /** Their latencies make each point's p99; `recent` of each is set. */
  clientCalls: readonly CallMetrics[];
};

/** Makes the points of the timeline from what has changed since the one before. */
export class Course {
  readonly timeline = new Timeline();
  /** Until the first phase. */
  phase = 'start';
  /** The most pods created and deleted a second, over {@link churnPoints}; over fewer while there are no more. */
  churnPerSecondPeak = 0;
  private readonly sources: CourseSources;
  private readonly recent = new Histogram();
  private nodeCalls: { atUs: number; histogram: Histogram }[] = [];
  private churn: { seconds: number; changes: number }[] = [];
  private startUs = 0;
  private lastUs = 0;
  private last = { due: 0, sent: 0, changes: 0 };

  constructor(sources: CourseSources) {
    this.sources = sources;
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
    if (this.nodeCalls.length > nodeReportsMax) this.nodeCalls.shift();
  }

  add(nowUs: number, resources: ResourceInterval): void {
    const { pods, nodes, startup, loadCounters } = this.sources;
    const seconds = Math.max(1e-3, (nowUs - this.lastUs) / 1e6);
    const { dueCount, sentCount } = loadCounters();
    const changes = pods.created + pods.deleted;
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
    this.addChurn(seconds, changes - this.last.changes);
    this.last = { due: dueCount, sent: sentCount, changes };
    this.lastUs = nowUs;
  }

  private apiCallP99Us(nowUs: number): number | null {
    this.nodeCalls = this.nodeCalls.filter(({ atUs }) => nowUs - atUs <= nodeCallsAgeUsMax);
    const all = new Histogram();
    all.merge(this.recent);
    for (const { histogram } of this.nodeCalls) all.merge(histogram);
    this.recent.reset();
    return all.count === 0 ? null : all.quantile(0.99);
  }

  private addChurn(seconds: number, changes: number): void {
    this.churn.push({ seconds, changes });
    if (this.churn.length > churnPoints) this.churn.shift();
    const totalSeconds = this.churn.reduce((sum, point) => sum + point.seconds, 0);
    const totalChanges = this.churn.reduce((sum, point) => sum + point.changes, 0);
    this.churnPerSecondPeak = Math.max(
      this.churnPerSecondPeak,
      totalChanges / Math.max(totalSeconds, churnPoints),
    );
  }
}

function rate(count: number, seconds: number): number {
  return Math.round((count / seconds) * 100) / 100;
}
