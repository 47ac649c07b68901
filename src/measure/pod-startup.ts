import type { Clock } from '../base/clock.ts';
import { Histogram } from '../metrics/histogram.ts';
import { type PodStartTimes, startTimesAt } from '../metrics/pod-start-times.ts';
import type { SlowPod } from '../result/result.ts';
import type { PodListener } from './observer.ts';
import type { PodFacts } from './pod-facts.ts';
import { type PodTimes, noTimes, podPath, podSpans, startOf } from './pod-path.ts';
import { type Threshold, objectiveFor } from './slo.ts';

/** Nodes report up to 250 ms late; the answer to a create request may come after the pod's start. */
const partsGraceUs = 2_000_000;

/** What load and nodes tell of pods that the observer has not seen: forgotten after a minute. */
const earlyAgeMaxUs = 60_000_000;
export const earlyMax = 50_000;

/** Uids of pods that were settled with a part missing, kept so that the part is known as late when it comes. */
const lateMax = 10_000;

export const slowestKept = 20;

/** A created pod, as the load generator knows it: machine-wide monotonic microseconds. */
export type CreatedPod = {
  uid: string;
  intendedUs: number;
  sentUs: number;
  acceptedUs: number;
};

/** The startup latencies of one group of pods: same kind, same class. */
export type StartupGroup = {
  kind: string;
  class: 'stateless' | 'stateful';
  official: Histogram;
  precise: Histogram;
  /** The same pods as `precise`, each less the event-loop delay when its start was seen. */
  preciseLower: Histogram;
  /** By phase, in the order of the way. */
  phases: Map<string, Histogram>;
  /** By span: several phases as one. */
  spans: Map<string, Histogram>;
};

/** Called with each sample of {@link StartupGroup.precise} of a pod that has started. Must be cheap. */
export type SettledListener = (group: StartupGroup, pod: PodFacts, totalUs: number) => void;

/** Pods that are not among the samples, by reason. */
export type StartupExclusions = {
  unschedulable: number;
  initContainers: number;
  /** Made so as to fail. */
  failing: number;
  /** Deleted before they had started, and before they were late. */
  goneBeforeStart: number;
  /** Not started when the run ended, and not late yet. */
  unfinished: number;
};

/** `delayUs`: how late this thread was when it saw the start. */
type Pending = { facts: PodFacts; times: PodTimes; live: boolean; startedWallMs: number; delayUs: number };

type Early = { atUs: number; created?: CreatedPod; node?: PodStartTimes };

/**
 * Puts together what load generator, hollow nodes and observer know of each pod, in whatever order it comes, and makes
 * distributions of it. A pod's record (about 400 bytes) lives until it has started and all parts are there.
 */
export class PodStartup implements PodListener {
  readonly groups = new Map<string, StartupGroup>();
  readonly settledListeners: SettledListener[] = [];
  /** From the status's send to its acknowledgement, on the nodes' clocks. */
  readonly statusWrites = new Histogram();
  /** Precise startup latencies since the last {@link drainWindow}. */
  private readonly window = new Histogram();
  readonly excluded: StartupExclusions = {
    unschedulable: 0,
    initContainers: 0,
    failing: 0,
    goneBeforeStart: 0,
    unfinished: 0,
  };
  /** Pods that never started and were late already: they count with the age that they reached. */
  neverStarted = 0;
  /** Pods that were seen and are stateless, whatever became of them. */
  statelessCount = 0;
  /** Started pods whose way has a gap, because a part never came. */
  incomplete = 0;
  /** Started pods that were seen so only in a listing after an interruption of the watch. */
  relisted = 0;
  /** Parts that did not fit: a run that has any is not valid. */
  dropped = 0;
  private readonly slowest: SlowPod[] = [];
  private readonly pending = new Map<string, Pending>();
  private readonly early = new Map<string, Early>();
  private readonly late = new Set<string>();
  /** Started pods that wait for a part, oldest first. */
  private waiting: string[] = [];
  private readonly clock: Clock;
  private readonly lateAfterUs: number;
  private readonly thresholds: readonly Threshold[];
  private readonly delayNowUs: () => number;

  /**
   * `lateAfterUs`: the SLO's threshold, beyond which a pod that has not started counts all the same; `thresholds`: the
   * scenario's own, that come before it. `delayNowUs`: how late this thread's event loop is.
   */
  constructor(
    clock: Clock,
    lateAfterUs: number,
    delayNowUs: () => number,
    thresholds: readonly Threshold[] = [],
  ) {
    this.clock = clock;
    this.lateAfterUs = lateAfterUs;
    this.thresholds = thresholds;
    this.delayNowUs = delayNowUs;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  slowestPods(): SlowPod[] {
    return [...this.slowest];
  }

  /** Started pods whose start lay before their creationTimestamp, by the clocks of two machines. */
  get startedBeforeCreated(): number {
    return [...this.groups.values()].reduce((sum, { official }) => sum + official.negativeCount, 0);
  }

  /** Pods that the load generator created and the observer has not seen. */
  unseenCreated(): number {
    let count = 0;
    for (const part of this.early.values()) if (part.created !== undefined) count++;
    return count;
  }

  /** p99 of the pods that started since the last call, in microseconds; null when none did. */
  drainWindow(): number | null {
    if (this.window.count === 0) return null;
    const p99Us = this.window.quantile(0.99);
    this.window.reset();
    return p99Us;
  }

  /** A create request of the load generator was answered with 201. */
  onCreated(created: CreatedPod): void {
    const pod = this.pending.get(created.uid);
    if (pod === undefined) {
      const early = this.earlyFor(created.uid);
      if (early !== undefined) early.created = created;
      return;
    }
    addCreated(pod.times, created);
    this.settleIfWhole(created.uid, pod);
  }

  /** Hollow nodes started pods; the times of each, in order, as `metrics/pod-start-times.ts` has them in a list. */
  recordNodeSide(uids: readonly string[], timesUs: Float64Array): void {
    for (const [index, uid] of uids.entries()) {
      const node = startTimesAt(timesUs, index);
      const pod = this.pending.get(uid);
      if (pod === undefined) {
        const early = this.earlyFor(uid);
        if (early !== undefined) early.node = node;
        continue;
      }
      pod.times.node = node;
      this.settleIfWhole(uid, pod);
    }
  }

  onSeen(facts: PodFacts, atUs: number, live: boolean): void {
    if (!facts.stateful) this.statelessCount++;
    if (facts.failing) {
      this.excluded.failing++;
      this.early.delete(facts.uid);
      this.remember(facts.uid);
      return;
    }
    const times = noTimes();
    times.seenUs = atUs;
    const early = this.early.get(facts.uid);
    if (early !== undefined) {
      this.early.delete(facts.uid);
      if (early.created !== undefined) addCreated(times, early.created);
      times.node = early.node;
    }
    this.pending.set(facts.uid, { facts, times, live, startedWallMs: 0, delayUs: 0 });
  }

  onScheduled(facts: PodFacts, atUs: number): void {
    const pod = this.pending.get(facts.uid);
    if (pod === undefined) return;
    pod.times.scheduledUs = atUs;
    pod.facts = facts;
  }

  onUnschedulable(uid: string): void {
    const pod = this.pending.get(uid);
    if (pod === undefined || pod.times.startedUs !== 0) return;
    this.pending.delete(uid);
    this.excluded.unschedulable++;
    this.remember(uid);
  }

  onStarted(facts: PodFacts, atUs: number, live: boolean): void {
    const pod = this.pending.get(facts.uid);
    if (pod === undefined) return;
    pod.times.startedUs = atUs;
    pod.startedWallMs = this.clock.wallMs();
    pod.delayUs = this.delayNowUs();
    pod.live = live;
    if (!this.settleIfWhole(facts.uid, pod)) this.waiting.push(facts.uid);
  }

  onGone(uid: string, atUs: number): void {
    const pod = this.pending.get(uid);
    if (pod === undefined || pod.times.startedUs !== 0) return;
    this.pending.delete(uid);
    this.remember(uid);
    if (!this.countLate(pod, atUs)) this.excluded.goneBeforeStart++;
  }

  /** Settles what has waited long enough; call it about once a second. */
  sweep(): void {
    const nowUs = this.clock.nowUs();
    const still: string[] = [];
    for (const uid of this.waiting) {
      const pod = this.pending.get(uid);
      if (pod === undefined) continue;
      if (nowUs - pod.times.startedUs < partsGraceUs) still.push(uid);
      else this.settle(uid, pod);
    }
    this.waiting = still;
    for (const [uid, early] of this.early) {
      // In the order in which they came; created pods that nobody sees are what the count check is for.
      if (nowUs - early.atUs < earlyAgeMaxUs) break;
      if (early.created === undefined) this.early.delete(uid);
    }
  }

  /** The run was over at `endUs`: started pods are settled as they are, the others counted with their age then. */
  finish(endUs: number): void {
    for (const [uid, pod] of [...this.pending]) {
      if (pod.times.startedUs !== 0) this.settle(uid, pod);
      else if (!this.countLate(pod, endUs)) this.excluded.unfinished++;
    }
    this.pending.clear();
  }

  private earlyFor(uid: string): Early | undefined {
    if (this.late.has(uid)) return undefined;
    let early = this.early.get(uid);
    if (early === undefined) {
      if (this.early.size >= earlyMax) {
        this.dropped++;
        return undefined;
      }
      early = { atUs: this.clock.nowUs() };
      this.early.set(uid, early);
    }
    return early;
  }

  private remember(uid: string): void {
    this.late.add(uid);
    if (this.late.size <= lateMax) return;
    for (const oldest of this.late) {
      this.late.delete(oldest);
      return;
    }
  }

  private settleIfWhole(uid: string, pod: Pending): boolean {
    const { times, facts } = pod;
    if (times.startedUs === 0 || times.node === undefined) return false;
    if (!facts.controlled && times.intendedUs === 0) return false;
    this.settle(uid, pod);
    return true;
  }

  private settle(uid: string, pod: Pending): void {
    this.pending.delete(uid);
    const { facts, times } = pod;
    if (facts.hasInitContainers) {
      this.excluded.initContainers++;
      return;
    }
    const path = podPath(times);
    const whole = path.complete && (facts.controlled || times.intendedUs !== 0);
    if (!whole) {
      this.incomplete++;
      this.remember(uid);
    }
    if (!pod.live) this.relisted++;
    const group = this.groupOf(facts);
    const preciseUs = path.totalUs - path.pullUs;
    group.official.record((pod.startedWallMs - facts.createdWallMs) * 1000 - path.pullUs);
    group.precise.record(preciseUs);
    group.preciseLower.record(preciseUs - pod.delayUs);
    this.window.record(preciseUs);
    for (const listener of this.settledListeners) listener(group, facts, preciseUs);
    if (whole) {
      recordAll(group.phases, path.phasesUs);
      recordAll(group.spans, podSpans(path.phasesUs));
    }
    if (times.node !== undefined) {
      this.statusWrites.record(times.node.acknowledgedUs - times.node.statusSentUs);
    }
    this.keepIfSlow(facts, path.totalUs, path.phasesUs);
  }

  /** A pod without a start that is late already: its age is a lower bound, and beyond the threshold that is enough. */
  private countLate(pod: Pending, nowUs: number): boolean {
    const ageUs = nowUs - startOf(pod.times);
    const { facts } = pod;
    if (facts.unschedulable || facts.hasInitContainers) return false;
    const { officialUs, preciseUs } = this.lateAfter(facts);
    if (ageUs <= Math.min(officialUs, preciseUs)) return false;
    this.neverStarted++;
    const group = this.groupOf(facts);
    if (ageUs > officialUs) group.official.record(ageUs);
    if (ageUs > preciseUs) {
      group.precise.record(ageUs);
      group.preciseLower.record(ageUs - this.delayNowUs());
    }
    this.keepIfSlow(facts, Math.round(ageUs), { 'never started': Math.round(ageUs) });
    return true;
  }

  /** From which age on a pod of this kind and class counts for either SLI: that of what the SLI is judged by. */
  private lateAfter(facts: PodFacts): { officialUs: number; preciseUs: number } {
    const labels = { kind: facts.kind, class: classOf(facts) };
    const of = (id: string): number | undefined => objectiveFor(this.thresholds, id, labels)?.threshold;
    const officialUs = of('pod-startup') ?? this.lateAfterUs;
    return { officialUs, preciseUs: of('pod-startup-precise') ?? officialUs };
  }

  private groupOf(facts: PodFacts): StartupGroup {
    const podClass = classOf(facts);
    const key = `${facts.kind}/${podClass}`;
    let group = this.groups.get(key);
    if (group === undefined) {
      group = {
        kind: facts.kind,
        class: podClass,
        official: new Histogram(),
        precise: new Histogram(),
        preciseLower: new Histogram(),
        phases: new Map(),
        spans: new Map(),
      };
      this.groups.set(key, group);
    }
    return group;
  }

  private keepIfSlow(facts: PodFacts, totalUs: number, phasesUs: Record<string, number>): void {
    const last = this.slowest[slowestKept - 1];
    if (last !== undefined && last.totalUs >= totalUs) return;
    const { namespace, name, node } = facts;
    const at = this.slowest.findIndex((pod) => pod.totalUs < totalUs);
    this.slowest.splice(at < 0 ? this.slowest.length : at, 0, { namespace, name, node, totalUs, phasesUs });
    if (this.slowest.length > slowestKept) this.slowest.pop();
  }
}

function classOf({ stateful }: PodFacts): StartupGroup['class'] {
  return stateful ? 'stateful' : 'stateless';
}

function addCreated(times: PodTimes, created: CreatedPod): void {
  times.intendedUs = created.intendedUs;
  times.sentUs = created.sentUs;
  times.acceptedUs = created.acceptedUs;
}

function recordAll(into: Map<string, Histogram>, partsUs: Readonly<Record<string, number>>): void {
  for (const [name, us] of Object.entries(partsUs)) {
    let histogram = into.get(name);
    if (histogram === undefined) into.set(name, (histogram = new Histogram()));
    histogram.record(us);
  }
}
