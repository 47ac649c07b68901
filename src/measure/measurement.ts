import { type Clock, type TimerHandle, sleep } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { CallMetrics, type CallSnapshot } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { LoopDelayRecorder } from '../metrics/loop-delay.ts';
import { hasProcfs } from '../metrics/process-stats.ts';
import type { RunResult, Sli, Validity } from '../result/result.ts';
import { type CallSource, apiCallSlis, refusalNote } from './api-calls.ts';
import { ClockSteps } from './clock-steps.ts';
import { Course } from './course.ts';
import { compareWithList } from './final-list.ts';
import { NetworkProgramming } from './network-programming.ts';
import { notesOf } from './notes.ts';
import { NodeObserver, PodObserver } from './observer.ts';
import { type CreatedPod, PodStartup } from './pod-startup.ts';
import { type ScrapeTarget, parsePrometheus, scrape } from './prometheus.ts';
import { type Pids, ResourceSampler } from './resources.ts';
import {
  type ServerLatencies,
  serverLatencies,
  serverLatencySlis,
  serverPrefixes,
} from './server-latency.ts';
import { type Threshold, objectiveFor, podStartupObjective } from './slo.ts';
import { judgedGroup, startupSlis } from './startup-slis.ts';
import { type CountComparison, checkValidity } from './validity.ts';
import { type ProbeLease, WatchLag } from './watch-lag.ts';

const sampleIntervalMs = 1000;

/** The first listings of an empty run take milliseconds. */
const syncTimeoutMs = 30_000;

/** Nodes report at most this much later than what they report on; see `fleet/shard-worker.ts`. */
const reportDelayMs = 300;

/** What the conductor gives. Nothing is changed in it but `loadMetrics.recent` and `observerMetrics.recent`. */
export type MeasurementOptions = {
  clock: Clock;
  runId: string;
  /**
   * A connection of its own, read-only: list and watch pods and nodes of the cluster, and leases in its namespace.
   */
  observerClient: ApiClient;
  /** A further connection, for nothing else: create, patch, delete, list and watch `probeLease`. */
  probeClient: ApiClient;
  /** Of both clients. */
  observerMetrics: CallMetrics;
  /** Exists from {@link Measurement.start} to {@link Measurement.finish}, in a namespace that stays. */
  probeLease: ProbeLease;
  loadMetrics: CallMetrics;
  /** Rising counts: requests of paced phases that were due so far, and those that have left. */
  loadCounters: () => { dueCount: number; sentCount: number };
  /** The API server's is used for `api-call-server`; may be empty. */
  scrapeTargets: readonly ScrapeTarget[];
  /** `harness` (this process) and `fleet`. */
  harnessPids: Pids;
  /** Empty for a cluster that is not ours. */
  controlPlanePids: Pids;
  cpuCount: number;
  /** The scenario's own; without them the official SLOs hold. */
  thresholds?: readonly Threshold[];
};

export type FinishOptions = {
  /** Of each phase that sent at a rate: the share of its requests that left in time, 0..1. */
  achieved: readonly { phase: string; ratio: number }[];
};

/** What hollow nodes tell from time to time, since the last time; histograms are HDR V2 base64, microseconds. */
export type ShardFigures = {
  calls: readonly CallSnapshot[];
  loopDelay: string;
  gcPause: string;
  networkProgramming: { changes: string; proxyP99s: string };
};

/** The parts of a result that come from measuring. */
export type Measured = Pick<
  RunResult,
  'slis' | 'validity' | 'resources' | 'timeline' | 'slowestPods' | 'notes'
> & {
  pods: RunResult['pods'];
  nodes: { ready: number; notReadyEvents: number };
};

/**
 * Everything that is measured in one run, in the process and thread of the load generator. One second's work here (a
 * timeline point, /proc of seven processes) takes less than a millisecond; what takes longer (reading /metrics, the
 * final list) is done in {@link start} and {@link finish}, when nothing is being timed.
 */
export class Measurement {
  readonly pods: PodObserver;
  readonly nodes: NodeObserver;
  readonly startup: PodStartup;
  private readonly options: MeasurementOptions;
  private readonly thresholds: readonly Threshold[];
  private readonly lag: WatchLag;
  private readonly recorder: LoopDelayRecorder;
  private readonly clockSteps: ClockSteps;
  private readonly resources: ResourceSampler;
  private readonly course: Course;
  private readonly calls: Record<CallSource, CallMetrics>;
  private readonly shardLoopDelay = new Histogram();
  private readonly shardGcPause = new Histogram();
  private readonly networkProgramming = new NetworkProgramming();
  private readonly listeners = new Set<() => void>();
  private serverBefore: ServerLatencies | undefined;
  private serverSideMissing: string | undefined;
  private timer: TimerHandle | undefined;
  private startUs = 0;
  private ticks = 0;

  constructor(options: MeasurementOptions) {
    this.options = options;
    this.thresholds = options.thresholds ?? [];
    const { clock, runId, observerClient } = options;
    const lateAfterUs =
      objectiveFor(this.thresholds, 'pod-startup', {})?.threshold ?? podStartupObjective.threshold;
    this.startup = new PodStartup(clock, lateAfterUs);
    const onChange = (): void => this.changed();
    this.pods = new PodObserver({ client: observerClient, runId, clock, onChange }, this.startup);
    this.nodes = new NodeObserver({ client: observerClient, runId, clock, onChange });
    this.lag = new WatchLag({
      observerClient,
      probeClient: options.probeClient,
      lease: options.probeLease,
      clock,
    });
    this.recorder = new LoopDelayRecorder(clock);
    this.clockSteps = new ClockSteps(clock);
    this.resources = new ResourceSampler(options.harnessPids, options.controlPlanePids);
    this.calls = { load: options.loadMetrics, observer: options.observerMetrics, nodes: new CallMetrics() };
    this.course = new Course({
      pods: this.pods,
      nodes: this.nodes,
      startup: this.startup,
      loadCounters: options.loadCounters,
      clientCalls: [options.loadMetrics, options.observerMetrics],
    });
  }

  /**
   * Reads the API server's metrics a first time, waits until the watches are up, and begins to measure.
   * @throws HollowmarkError `cluster-unavailable` when the watches do not come up in 30 s. Call {@link stop} then.
   */
  async start(): Promise<void> {
    const { clock } = this.options;
    this.serverBefore = await this.scrapeServer();
    this.pods.start();
    this.nodes.start();
    const synced = (): boolean => this.pods.synced && this.nodes.synced;
    if (!(await this.waitUntil(synced, { timeoutMs: syncTimeoutMs }))) {
      const why = this.pods.lastInterruption === '' ? '' : `: ${this.pods.lastInterruption}`;
      throw new HollowmarkError(
        'cluster-unavailable',
        `the observer's watches of pods and nodes did not come up in ${syncTimeoutMs / 1000} s${why}`,
        { hint: 'its identity must be allowed to list and watch pods and nodes' },
      );
    }
    this.lag.start();
    this.recorder.reset();
    this.startUs = clock.nowUs();
    this.resources.sample(this.startUs);
    this.clockSteps.check();
    this.course.begin(this.startUs);
    this.arm();
  }

  /** The name of the phase that begins now, for the timeline. */
  phase(name: string): void {
    this.course.phase = name;
  }

  /** The load generator created a pod directly. */
  onCreated(pod: CreatedPod): void {
    this.startup.onCreated(pod);
  }

  /** Hollow nodes started pods: seen, status sent, acknowledged of each, three numbers a pod. */
  recordNodeSide(uids: readonly string[], timesUs: Float64Array): void {
    this.startup.recordNodeSide(uids, timesUs);
  }

  /** What a shard tells about every five seconds. */
  recordShard(shard: ShardFigures): void {
    this.shardLoopDelay.merge(Histogram.fromBase64(shard.loopDelay));
    this.shardGcPause.merge(Histogram.fromBase64(shard.gcPause));
    this.networkProgramming.record(shard.networkProgramming);
    const recent = new Histogram();
    this.calls.nodes.recent = recent;
    this.calls.nodes.merge(shard.calls);
    this.course.onNodeCalls(recent, this.options.clock.nowUs());
  }

  /** Calls `listener` whenever a count may have changed. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Resolves with true as soon as `condition` holds, with false after `timeoutMs`.
   * Rejects with the signal's reason when it aborts first.
   */
  waitUntil(
    condition: () => boolean,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<boolean> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        unsubscribe();
        deadline.cancel();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(signal?.reason as Error));
      const unsubscribe = this.onChange(() => {
        if (condition()) end(() => resolve(true));
      });
      const deadline = this.options.clock.timer(options.timeoutMs, () => end(() => resolve(condition())));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** p99 of the judged pods' startup (precise) so far, in microseconds; null without a sample. For live displays. */
  podStartupP99Us(): number | null {
    const group = judgedGroup([...this.startup.groups.values()]);
    return group === undefined ? null : group.precise.quantile(0.99);
  }

  /** Ends all activity; what was measured stays readable. Safe to call twice. */
  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.recorder.stop();
    this.lag.stop();
    this.pods.stop();
    this.nodes.stop();
  }

  /**
   * Ends measuring and gives its results. The API server, the probe's namespace and the processes should still be
   * there; where they are not, the result says what is missing. Never rejects for that reason.
   */
  async finish(options: FinishOptions): Promise<Measured> {
    const { clock } = this.options;
    // The last reports of the nodes are on their way.
    await sleep(clock, reportDelayMs);
    this.timer?.cancel();
    this.timer = undefined;
    this.sample();
    this.recorder.stop();
    this.lag.stop();
    const elapsedMs = (clock.nowUs() - this.startUs) / 1000;
    this.startup.finish();
    const refusals = refusalNote(this.calls);
    const serverAfter = this.serverBefore === undefined ? undefined : await this.scrapeServer();
    const server =
      this.serverBefore === undefined || serverAfter === undefined
        ? undefined
        : serverLatencySlis(this.serverBefore, serverAfter, this.thresholds);
    const slis = [
      ...startupSlis(this.startup, this.thresholds),
      ...apiCallSlis(this.calls, server === undefined, this.thresholds),
      ...(server?.slis ?? []),
      ...this.networkProgramming.slis(this.thresholds),
      this.lag.sli(),
    ];
    const counts = await this.compareCounts();
    this.stop();
    const { pods, nodes, startup } = this;
    return {
      slis,
      validity: this.validity(slis, counts, options),
      resources: this.resources.totals(),
      timeline: this.course.timeline.points(),
      slowestPods: startup.slowestPods(),
      notes: this.notes(elapsedMs, refusals, server),
      pods: { created: pods.created, started: pods.started, deleted: pods.deleted, failed: pods.failed },
      nodes: { ready: nodes.ready, notReadyEvents: nodes.notReadyEvents },
    };
  }

  private validity(
    slis: readonly Sli[],
    counts: CountComparison | undefined,
    options: FinishOptions,
  ): Validity {
    const { pods, nodes, startup, resources } = this;
    return checkValidity({
      observerLoopDelay: this.recorder.loopDelays,
      observerGcPause: this.recorder.gcPauses,
      shardLoopDelay: this.shardLoopDelay,
      watchLag: this.lag.lags,
      judgedP99sUs: judgedHere(slis),
      achieved: options.achieved,
      harnessShare: resources.harnessShare(this.options.cpuCount),
      stealShare: resources.stealShare(),
      droppedCount: pods.dropped + nodes.dropped + startup.dropped,
      clampedCount: this.clampedCount(),
      clockStepUs: this.clockSteps.stepUsMax,
      counts,
    });
  }

  private notes(
    elapsedMs: number,
    refusals: string | undefined,
    server: { reset: boolean } | undefined,
  ): string[] {
    const { pods, startup } = this;
    const { excluded, neverStarted, incomplete, relisted } = startup;
    return notesOf({
      elapsedMs,
      churnPerSecondPeak: this.course.churnPerSecondPeak,
      judgedKind: judgedGroup([...startup.groups.values()])?.kind,
      loopDelayP99Us: this.recorder.loopDelays.quantile(0.99),
      excluded,
      neverStarted,
      incomplete,
      relisted,
      interruptions: pods.interruptions,
      lastInterruption: pods.lastInterruption,
      refusals,
      serverSideMissing: server === undefined ? (this.serverSideMissing ?? 'not asked for') : undefined,
      serverRestarted: server?.reset ?? false,
      hasProcfs: hasProcfs(),
    });
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  private arm(): void {
    this.ticks++;
    const dueUs = this.startUs + this.ticks * sampleIntervalMs * 1000;
    const delayMs = Math.max(0, Math.ceil((dueUs - this.options.clock.nowUs()) / 1000));
    this.timer = this.options.clock.timer(delayMs, () => {
      this.sample();
      this.arm();
    });
  }

  private sample(): void {
    const nowUs = this.options.clock.nowUs();
    this.clockSteps.check();
    this.startup.sweep();
    this.course.add(nowUs, this.resources.sample(nowUs));
  }

  private async scrapeServer(): Promise<ServerLatencies | undefined> {
    const target = this.options.scrapeTargets.find(({ component }) => component === 'kube-apiserver');
    if (target === undefined) return undefined;
    try {
      return serverLatencies(parsePrometheus(await scrape(target), serverPrefixes));
    } catch (error) {
      this.serverSideMissing = errorMessage(error);
      return undefined;
    }
  }

  private async compareCounts(): Promise<CountComparison | undefined> {
    const { observerClient, clock, runId } = this.options;
    try {
      return await compareWithList(observerClient, clock, runId, this.pods, () =>
        this.startup.unseenCreated(),
      );
    } catch {
      return undefined;
    }
  }

  private clampedCount(): number {
    let count = this.lag.lags.clampedCount + this.startup.statusWrites.clampedCount;
    for (const group of this.startup.groups.values()) {
      count += group.official.clampedCount + group.precise.clampedCount;
    }
    for (const metrics of Object.values(this.calls)) {
      for (const { histogram } of metrics.entries()) count += histogram.clampedCount;
    }
    return count;
  }
}

/** p99 of what is judged, had enough samples, and was measured in this process. */
function judgedHere(slis: readonly Sli[]): number[] {
  const here = new Set(['pod-startup', 'pod-startup-precise', 'api-call']);
  return slis
    .filter((sli) => sli.slo !== undefined && sli.slo.verdict !== 'inconclusive')
    .filter((sli) => here.has(sli.id) && sli.labels['source'] !== 'nodes')
    .map((sli) => sli.p99);
}
