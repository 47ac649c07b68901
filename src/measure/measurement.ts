import { type TimerHandle, sleep } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { hasProcfs } from '../metrics/process-stats.ts';
import type { RunResult, Sli, TimelinePoint, Validity } from '../result/result.ts';
import { type CallSource, apiCallSlis, callOutcomes, refusalNote } from './api-calls.ts';
import { Changes } from './changes.ts';
import { ClockSteps } from './clock-steps.ts';
import { Course } from './course.ts';
import { compareWithList } from './final-list.ts';
import { HarnessDelays } from './harness-delays.ts';
import { machineFigures } from './machine-figures.ts';
import type { FinishOptions, MeasurementOptions } from './options.ts';
import type { Instrument, ShardFigures, Told } from './instrument.ts';
import { instrumentsOf } from './instruments.ts';
import { judgedP99sUs } from './judged.ts';
import { clampedCount, sumOf } from './losses.ts';
import { NetworkProgramming } from './network-programming.ts';
import { notesOf } from './notes.ts';
import { NodeObserver, PodObserver } from './observer.ts';
import { type CreatedPod, PodStartup } from './pod-startup.ts';
import { ResourceSampler } from './resources.ts';
import { ComponentMetrics } from './scraper/component-metrics.ts';
import { type Threshold, officialWindows, podStartupObjective } from './slo.ts';
import { judgedGroup, startupSlis } from './startup-slis.ts';
import { type ValidityInputs, checkValidity } from './validity.ts';
import { WatchLag } from './watch-lag.ts';
import { OwnSeries } from './windows/own-series.ts';
import { RunWindows } from './windows/run-windows.ts';
import { type CreatedWorkload, Workloads } from './workloads.ts';

const sampleIntervalMs = 1000;

const nothingListed: RunResult['inventory'] = { nodes: [], nodesOmitted: 0, workloads: [] };

/** The first listings of an empty run take milliseconds. */
const syncTimeoutMs = 30_000;

/** Nodes report at most this much later than what they report on; see `fleet/shard-worker.ts`. */
const reportDelayMs = 300;

/** The parts of a result that come from measuring. */
export type Measured = Pick<
  RunResult,
  | 'slis'
  | 'figures'
  | 'calls'
  | 'windows'
  | 'validity'
  | 'resources'
  | 'timeline'
  | 'slowestPods'
  | 'latencyGrids'
  | 'inventory'
  | 'notes'
> & {
  pods: RunResult['pods'];
  nodes: { ready: number; notReadyEvents: number };
};

/**
 * Everything that is measured in one run, in the process and thread of the load generator. One second's work here (a
 * timeline point, /proc of seven processes) takes less than a millisecond; what takes longer is done in a thread of its own
 * (reading /metrics) or in {@link finish}, when nothing is being timed (the final list).
 */
export class Measurement {
  readonly pods: PodObserver;
  readonly nodes: NodeObserver;
  readonly startup: PodStartup;
  readonly workloads: Workloads;
  readonly course: Course;
  /** Measuring has ended; what is measured may be taken down. */
  stopped = false;
  private readonly options: MeasurementOptions;
  private readonly thresholds: readonly Threshold[];
  private readonly lag: WatchLag;
  private readonly delays: HarnessDelays;
  private readonly clockSteps: ClockSteps;
  private readonly resources: ResourceSampler;
  private readonly calls: Record<CallSource, CallMetrics>;
  private readonly instruments: readonly Instrument[];
  readonly changes: Changes;
  private readonly components: ComponentMetrics;
  private readonly windows: RunWindows;
  private timer: TimerHandle | undefined;
  private startUs = 0;
  private ticks = 0;
  private gaveUp = false;
  private lastStep = 0;

  constructor(options: MeasurementOptions) {
    this.options = options;
    this.thresholds = options.thresholds ?? [];
    const { clock, runId, observerClient } = options;
    this.delays = new HarnessDelays(clock);
    const { delayNowUs } = this.delays;
    this.startup = new PodStartup(clock, podStartupObjective.threshold, delayNowUs, this.thresholds);
    this.changes = new Changes(clock);
    const onChange = (): void => this.changes.changed();
    this.pods = new PodObserver({ client: observerClient, runId, clock, onChange }, this.startup);
    this.nodes = new NodeObserver({ client: observerClient, runId, clock, onChange, delayNowUs });
    this.lag = new WatchLag({
      observerClient,
      probeClient: options.probeClient,
      lease: options.probeLease,
      clock,
      delayNowUs,
    });
    const settings = options.windows ?? officialWindows;
    this.components = new ComponentMetrics({
      components: options.components,
      thresholds: this.thresholds,
      windows: settings,
      clock,
      onWindows: (lines) => this.windows.add(lines),
      lastStep: () => this.lastStep,
    });
    const { client, kinds } = options.workloads ?? { client: observerClient, kinds: [] };
    this.workloads = new Workloads({ client, runId, clock, changes: this.changes, kinds, delayNowUs });
    this.instruments = [
      // The first, so that what the others read at the end is no delay of the run.
      this.delays,
      this.components,
      new NetworkProgramming(),
      this.lag,
      this.workloads,
      ...instrumentsOf(options, { pods: this.pods, nodes: this.nodes, startup: this.startup, delayNowUs }),
    ];
    for (const metrics of [options.loadMetrics, options.observerMetrics]) metrics.delayNowUs = delayNowUs;
    this.clockSteps = new ClockSteps(clock);
    this.resources = new ResourceSampler(options.harnessPids, options.controlPlanePids);
    this.calls = { load: options.loadMetrics, observer: options.observerMetrics, nodes: new CallMetrics() };
    const { startup, calls, instruments, thresholds } = this;
    this.windows = new RunWindows({
      settings,
      dir: options.stateDir,
      own: new OwnSeries({ startup, calls, instruments, thresholds }),
    });
    this.course = new Course({
      pods: this.pods,
      nodes: this.nodes,
      startup: this.startup,
      loadCounters: options.loadCounters,
      loadCalls: options.loadMetrics,
      clientCalls: [options.loadMetrics, options.observerMetrics],
    });
  }

  /**
   * Waits until the watches are up, reads the components' metrics a first time, and begins to measure.
   * @throws HollowmarkError `cluster-unavailable` when the watches do not come up in 30 s (call {@link stop} then),
   * `interrupted` when it was stopped meanwhile.
   */
  async start(): Promise<void> {
    const { clock } = this.options;
    this.pods.start();
    this.nodes.start();
    const synced = (): boolean => this.stopped || (this.pods.synced && this.nodes.synced);
    const isSynced = await this.changes.waitUntil(synced, { timeoutMs: syncTimeoutMs });
    this.throwIfStopped();
    if (!isSynced) {
      const why = this.pods.lastInterruption === '' ? '' : `: ${this.pods.lastInterruption}`;
      throw new HollowmarkError(
        'cluster-unavailable',
        `the observer's watches of pods and nodes did not come up in ${syncTimeoutMs / 1000} s${why}`,
        { hint: 'its identity must be allowed to list and watch pods and nodes' },
      );
    }
    for (const instrument of this.instruments) {
      await instrument.start?.();
      this.throwIfStopped();
    }
    this.delays.reset();
    this.startUs = clock.nowUs();
    this.resources.sample(this.startUs);
    this.clockSteps.check();
    this.course.begin(this.startUs);
    this.windows.begin(this.startUs);
    this.arm();
  }

  /** A phase of this name begins now. */
  phase(name: string): void {
    this.course.phase = name;
    for (const instrument of this.instruments) instrument.phase?.(name);
  }

  /** The load generator created a pod directly. */
  onCreated(pod: CreatedPod): void {
    this.startup.onCreated(pod);
  }

  /** The load generator created a Job, a StatefulSet or a claim. */
  onWorkloadCreated(created: CreatedWorkload): void {
    this.workloads.onCreated(created);
  }

  /** The requests of a phase have left: the first was due at `startUs`. */
  sent(phase: string, startUs: number): void {
    for (const instrument of this.instruments) instrument.sent?.(phase, startUs);
  }

  /** Hollow nodes started pods, see {@link PodStartup.recordNodeSide}. */
  recordNodeSide(uids: readonly string[], timesUs: Float64Array): void {
    this.startup.recordNodeSide(uids, timesUs);
  }

  /** What a shard tells about every five seconds. */
  recordShard(shard: ShardFigures): void {
    const recent = new Histogram();
    this.calls.nodes.recent = recent;
    this.calls.nodes.merge(shard.calls);
    for (const instrument of this.instruments) instrument.shard?.(shard, recent);
    this.course.onNodeCalls(recent, this.options.clock.nowUs());
  }

  /** Pods that were seen, but for those which the startup SLI calls stateful. */
  get statelessPods(): number {
    return this.startup.statelessCount;
  }

  /** p99 of the judged pods' startup (precise) so far, in microseconds; null without a sample. For live displays. */
  podStartupP99Us(): number | null {
    const group = judgedGroup([...this.startup.groups.values()]);
    return group === undefined ? null : group.precise.quantile(0.99);
  }

  /** The latest points of the course, not more than `countMax`. For live displays, as the next two. */
  recentPoints(countMax: number): TimelinePoint[] {
    return this.course.timeline.points().slice(-countMax);
  }

  /** The API server does not answer now. */
  apiServerIsDown(): boolean {
    return this.instruments.some((one) => one.isDown?.() === true);
  }

  /** `listener` hears of windows as they are closed, as lines of their log. */
  onWindows(listener: (lines: string) => void): void {
    this.windows.onLines = listener;
  }

  /** Ends all activity; what was measured stays readable. Safe to call twice. */
  stop(): void {
    this.stopped = true;
    this.changes.changed();
    this.timer?.cancel();
    this.timer = undefined;
    for (const instrument of this.instruments) instrument.stop?.();
    this.windows.stop();
    this.pods.stop();
    this.nodes.stop();
  }

  /** What the cluster's components have not answered is not waited for any longer. */
  giveUp(): void {
    this.gaveUp = true;
    this.components.giveUp();
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
    // What is read afterwards may take half a minute, by which no pod is older.
    const endUs = clock.nowUs();
    this.lastStep = this.windows.end(endUs);
    await Promise.all(this.instruments.map(async (instrument) => instrument.finish?.()));
    const elapsedMs = (endUs - this.startUs) / 1000;
    this.startup.finish(endUs);
    const refusals = refusalNote(this.calls);
    const told = this.instruments.map((instrument) => instrument.tell(this.thresholds));
    const slis = [
      ...startupSlis(this.startup, this.thresholds),
      ...apiCallSlis(this.calls, !this.components.serverIsKnown, this.thresholds),
      ...told.flatMap((one) => one.slis ?? []),
    ];
    const counts = await this.compareCounts(options.cutShort === true);
    const judged = await this.windows.finish(slis);
    this.stop();
    const { pods, nodes, startup } = this;
    return {
      slis: judged.slis,
      figures: [...told.flatMap((one) => one.figures ?? []), ...machineFigures(this.resources)],
      calls: callOutcomes(this.calls),
      windows: judged.windows,
      validity: this.validity(slis, told, counts, options),
      resources: this.resources.totals(),
      timeline: this.course.timeline.points(),
      slowestPods: startup.slowestPods(),
      latencyGrids: told.flatMap((one) => one.latencyGrids ?? []),
      inventory: told.find((one) => one.inventory !== undefined)?.inventory ?? nothingListed,
      notes: [
        ...this.notes(elapsedMs, refusals, judged.windows.lengthMs),
        ...told.flatMap((one) => one.notes ?? []),
        ...judged.notes,
      ],
      pods: { created: pods.created, started: pods.started, deleted: pods.deleted, failed: pods.failed },
      nodes: { ready: nodes.ready, notReadyEvents: nodes.notReadyEvents },
    };
  }

  private validity(
    slis: readonly Sli[],
    told: readonly Told[],
    counts: ValidityInputs['counts'],
    options: FinishOptions,
  ): Validity {
    const { pods, nodes, startup, resources, delays } = this;
    const { cpuCount } = this.options;
    return checkValidity({
      observerLoopDelay: delays.loopDelays,
      observerGcPause: delays.gcPauses,
      shardLoopDelay: delays.shardLoopDelays,
      watchLag: this.lag,
      cutShort: options.cutShort === true || this.gaveUp,
      judgedP99sUs: judgedP99sUs(slis),
      achieved: options.achieved,
      harnessShare: resources.harnessShare(cpuCount),
      controlPlaneShare: resources.controlPlaneShare(cpuCount),
      othersShare: resources.othersShare(cpuCount),
      stealShare: resources.stealShare(),
      droppedCount: pods.dropped + nodes.dropped + startup.dropped + sumOf(told, 'droppedCount'),
      clampedCount: clampedCount(startup, this.calls) + sumOf(told, 'clampedCount'),
      clockStepUs: this.clockSteps.stepUsMax,
      clockAheadMs: this.lag.skew.certainMs,
      counts,
    });
  }

  private notes(elapsedMs: number, refusals: string | undefined, windowLengthMs: number): string[] {
    const { pods, startup } = this;
    const { excluded, neverStarted, incomplete, relisted } = startup;
    return notesOf({
      elapsedMs,
      windowLengthMs,
      churn: this.course.churn,
      judgedKind: judgedGroup([...startup.groups.values()])?.kind,
      loopDelayP99Us: this.delays.loopDelays.quantile(0.99),
      excluded,
      neverStarted,
      incomplete,
      relisted,
      clockAheadMs: this.lag.skew.certainMs ?? 0,
      startedBeforeCreated: startup.startedBeforeCreated,
      interruptions: pods.interruptions,
      lastInterruption: pods.lastInterruption,
      refusals,
      hasProcfs: hasProcfs(),
    });
  }

  private throwIfStopped(): void {
    if (this.stopped) throw new HollowmarkError('interrupted', 'measuring was stopped before it had begun');
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
    for (const instrument of this.instruments) instrument.sample?.(nowUs);
    const step = this.windows.sample(nowUs);
    if (step !== undefined) this.components.step(step);
    this.course.add(nowUs, this.resources.sample(nowUs));
  }

  /** @returns undefined where there may be no server to ask any more. */
  private async compareCounts(cutShort: boolean): Promise<ValidityInputs['counts']> {
    const { observerClient, clock, runId } = this.options;
    try {
      return await compareWithList(observerClient, clock, runId, this.pods, () =>
        this.startup.unseenCreated(),
      );
    } catch (error) {
      return cutShort || this.gaveUp ? undefined : { unread: errorMessage(error) };
    }
  }
}
