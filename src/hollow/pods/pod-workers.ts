import type { EventMetadata } from '../../wire/codec.ts';
import type { KubeletContext } from '../context.ts';
import type { ObjectEvent, PodWake } from '../effects.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { Pressure } from '../node-failure.ts';
import { podView } from '../views.ts';
import type { ImageStore } from '../runtime/images.ts';
import { SharedWork } from '../runtime/shared-work.ts';
import { type Rejection, rejection } from './admission.ts';
import { Claims } from './claims.ts';
import { type Candidate, EvictionManager, evictionGraceMs, usesMemory } from './eviction.ts';
import { type NodeOfPods, PodHost } from './pod-host.ts';
import { type PodLife, deletionGraceMs, lifeFromStatus } from './pod-life.ts';
import { type PodSpec, podHasEnded, readPod } from './pod-record.ts';
import { type Status, rejectedStatus } from './pod-status.ts';
import { PodWorker } from './pod-worker.ts';
import { map } from './raw.ts';
import { shutGates } from './readiness-gates.ts';
import { ReferenceWatches } from './reference-watches.ts';
import { Requests } from './requests.ts';
import type { RuntimeState } from './runtime-state.ts';
import { StatusManager, type StatusSource } from './status-manager.ts';
import { statusPatch } from './status-patch.ts';
import { Tokens } from './tokens.ts';

/**
 * A pod of which only the status is kept, until it is gone from the API: the node did not take it, or it has ended.
 * `deleting`: it is deleted as soon as the API server has that status.
 */
type Written = { namespace: string; name: string; status: Status; deleting: boolean };

/** The pods of one node: their workers, what these share, and their statuses. */
export class PodWorkers implements StatusSource, NodeOfPods {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly runtime: RuntimeState;
  private readonly images: ImageStore;
  private readonly workers = new Map<string, PodWorker>();
  private readonly written = new Map<string, Written>();
  private readonly work: SharedWork;
  private readonly references: ReferenceWatches;
  readonly tokens: Tokens;
  readonly claims: Claims;
  private readonly statuses: StatusManager;
  private readonly eviction: EvictionManager;
  private readonly requests = new Requests();
  private host: PodHost | undefined;
  private labels: Record<string, string>;
  private listed: Set<string> | undefined;
  /** When the node knew its pods for the first time. */
  private listedMs = Number.POSITIVE_INFINITY;
  private workGeneration = 0;

  /** `setMemoryPressure` is told when the node's memory runs short, and when it no longer does. */
  constructor(
    context: KubeletContext,
    events: EventRecorder,
    runtime: RuntimeState,
    images: ImageStore,
    setMemoryPressure: (on: boolean) => void,
  ) {
    this.context = context;
    this.events = events;
    this.runtime = runtime;
    this.images = images;
    this.labels = context.node.labels;
    this.work = new SharedWork(context.profile.parallelOperations);
    this.references = new ReferenceWatches(context);
    this.tokens = new Tokens(context, (uid) => this.workers.get(uid)?.spec);
    this.claims = new Claims(context, (uid) => {
      const worker = this.workers.get(uid);
      return worker?.isEnding === false ? worker.spec : undefined;
    });
    this.statuses = new StatusManager(context, this);
    this.eviction = new EvictionManager(context, events, {
      candidates: () => this.candidates(),
      evict: (uid, message) => this.evict(uid, message),
      setMemoryPressure,
    });
  }

  /** Pods that the node holds: those that have ended do not count. */
  get size(): number {
    return this.workers.size;
  }

  // ---- what the watches say ----

  onListing(): void {
    this.listed = new Set();
    // A new list stands for all events in between: it is compared, whatever we have written.
    for (const worker of this.workers.values()) worker.echoes = 0;
  }

  onListed(): void {
    const listed = this.listed;
    this.listed = undefined;
    if (listed === undefined) return;
    this.listedMs = Math.min(this.listedMs, this.context.nowMs);
    const known = [...this.workers.keys(), ...this.written.keys()];
    for (const uid of known) if (!listed.has(uid)) this.removed(uid);
    // Pods that ended or went while the kubelet was away.
    for (const uid of this.runtime.uids) if (!this.workers.has(uid)) this.runtime.forget(uid);
  }

  onReferenceSynced(key: string): void {
    this.references.onSynced(key);
  }

  /** The node as the API server has it. */
  onNode(object: unknown): void {
    const labels = map(map(map(object)['metadata'])['labels']);
    if (Object.keys(labels).length > 0) this.labels = labels as Record<string, string>;
  }

  /** A pod of this node appeared or changed. What our own writes have changed is not decoded. */
  observed(event: ObjectEvent): void {
    const metadata = event.metadata();
    const { uid } = metadata;
    this.listed?.add(uid);
    const worker = this.workers.get(uid);
    const written = this.written.get(uid);
    if (worker !== undefined) this.changed(worker, metadata, event);
    else if (written === undefined) this.appeared(metadata, event.object(podView));
    else if (metadata.deleting && !written.deleting) this.write(uid, { ...written, deleting: true });
  }

  private changed(worker: PodWorker, metadata: EventMetadata, event: ObjectEvent): void {
    const { spec, life } = worker;
    if (spec.readinessGates.length > 0) worker.heedGates(shutGates(spec, event.object(podView)));
    if (metadata.deleting) {
      // Only containers that take their time care how much of it they have, or that somebody makes it less.
      const slow = spec.containers.some(
        ({ preStopMs, behaviour }) => preStopMs > 0 || behaviour.termDurationMs !== undefined,
      );
      if (life.deleting && !slow) return;
      life.generation = metadata.generation;
      worker.end('deleted', slow ? deletionGraceMs(event.object(podView), spec) : spec.graceMs);
    } else if (metadata.generation !== life.generation) {
      const { spec: updated } = readPod(event.object(podView), this.context.node.containerRun);
      this.requests.uncount(spec);
      this.requests.count(updated);
      worker.update(updated.firstSeenAs(spec.resourceVersion), metadata.generation);
    } else if (this.statuses.isWriting(spec.uid) || worker.echoes > 0) {
      worker.echoes--;
    } else if (this.statuses.isIdle(spec.uid)) {
      this.reconcile(worker, event.object(podView));
    }
  }

  /** Somebody else wrote the pod. If its status is not ours any more, ours is written again. */
  private reconcile(worker: PodWorker, pod: unknown): void {
    const { uid } = worker.spec;
    const status = worker.currentStatus();
    const current = map(map(pod)['status']);
    if (statusPatch(uid, current, status) !== undefined) this.statuses.compareLater(uid, status, current);
  }

  private appeared(metadata: EventMetadata, pod: unknown): void {
    const { context, runtime } = this;
    const { spec, faults } = readPod(pod, context.node.containerRun);
    if (podHasEnded(pod)) {
      // It ended before this kubelet knew it: it is left alone, but for a deletion that was not brought to its end.
      if (metadata.deleting) this.onlyWrite(spec, map(map(pod)['status']), true);
      return;
    }
    const why = metadata.deleting ? undefined : this.rejection(pod, spec);
    const host = this.hostOf();
    if (why !== undefined) {
      host.podEvent(spec, 'Warning', why.reason, why.message);
      this.onlyWrite(spec, rejectedStatus(why, metadata.generation, context.now.wallMs), false);
      return;
    }
    for (const fault of faults) host.podEvent(spec, 'Warning', 'InvalidAnnotation', fault);
    const known = runtime.get(spec.uid);
    const life =
      known ?? lifeFromStatus(spec, pod, metadata.generation, context.now.wallMs, context.profile.oomKills);
    life.generation = metadata.generation;
    life.seenRunning = map(map(pod)['status'])['phase'] === 'Running';
    life.shutGates = shutGates(spec, pod);
    runtime.keep(spec.uid, life);
    if (life.podIp !== '' && !spec.hostNetwork) runtime.ips.reserve(spec.uid, life.podIp);
    const worker = new PodWorker(host, spec, life);
    this.workers.set(spec.uid, worker);
    this.requests.count(spec);
    this.references.use(spec.namespace, spec.references);
    if (spec.needsToken && !metadata.deleting) this.tokens.use(spec);
    if (usesMemory(spec)) this.eviction.watch();
    if (metadata.deleting) worker.end('deleted', deletionGraceMs(pod, spec));
    else worker.start();
  }

  /** Of a pod that does not run here, only the status is written. */
  private onlyWrite({ uid, namespace, name }: PodSpec, status: Status, deleting: boolean): void {
    this.write(uid, { namespace, name, status, deleting });
  }

  private write(uid: string, written: Written): void {
    this.written.set(uid, written);
    this.statuses.set(uid, written.status, { finished: true, deleting: written.deleting });
  }

  private rejection(pod: unknown, spec: PodSpec): Rejection | undefined {
    const { node, allocatable } = this.context;
    const view = {
      name: node.name,
      labels: this.labels,
      taints: node.taints,
      allocatable,
      conditions: this.eviction.conditions,
    };
    return rejection(pod, spec, view, this.requests.amounts, this.requests.pods);
  }

  /** The pod is gone from the API server without our doing: its containers are killed, nothing is reported. */
  removed(uid: string): void {
    if (this.written.delete(uid)) {
      this.statuses.forget(uid);
      this.events.forget(uid);
    }
    const worker = this.workers.get(uid);
    if (worker === undefined) return;
    // The watch may tell of our own DELETE before its answer does.
    if (worker.isOver) this.context.emit({ type: 'pod-deleted' });
    this.drop(worker.spec);
  }

  /** All that is left of the pod is its status, until the watch says that it is gone. */
  private retire({ spec }: PodWorker, status: Status): void {
    const { uid, namespace, name } = spec;
    this.written.set(uid, { namespace, name, status, deleting: false });
    this.drop(spec);
  }

  private drop(spec: PodSpec): void {
    const { uid } = spec;
    this.requests.uncount(spec);
    this.abandon(uid);
    this.statuses.forget(uid);
    this.references.release(spec.namespace, spec.references);
    this.tokens.release(uid);
    this.claims.release(uid);
    this.runtime.forget(uid);
    this.events.forget(uid);
    this.workers.delete(uid);
    this.context.emit({ type: 'pod-gone', uid });
  }

  // ---- eviction ----

  /** `evictions`: how many pods have to go until the node has enough again; undefined ends it. */
  setPressure(condition: Pressure, evictions: number | undefined): void {
    this.eviction.inject(condition, evictions);
  }

  onEvictionTimer(): void {
    this.eviction.onTimer();
  }

  private candidates(): Candidate[] {
    return [...this.workers.values()].filter((worker) => worker.life.end === 'none');
  }

  private evict(uid: string, message: string): void {
    const worker = this.workers.get(uid);
    if (worker === undefined) return;
    this.hostOf().podEvent(worker.spec, 'Warning', 'Evicted', message);
    worker.end('evicted', evictionGraceMs, message);
  }

  // ---- timers and answers ----

  onPodTimer(uid: string, wake: PodWake, key: number): void {
    this.workers.get(uid)?.onTimer(wake, key);
  }

  onStatusAnswer(step: 'get' | 'patch' | 'delete', uid: string, status: number, body: unknown): void {
    this.statuses.onAnswer(step, uid, status, body);
  }

  onStatusTimer(): void {
    this.statuses.onTimer();
  }

  /** The runtime finished something. `generation` tells a stale timer from the current one. */
  onRuntimeTimer(generation: number): void {
    if (generation !== this.workGeneration) return;
    for (const uid of this.work.finished(this.context.nowMs)) this.workers.get(uid)?.onWorkDone();
    this.arm();
  }

  // ---- what the workers ask ----

  begin(uid: string, workMs: number): void {
    this.work.begin(uid, workMs, this.context.nowMs);
    this.arm();
  }

  abandon(uid: string): void {
    this.work.abandon(uid, this.context.nowMs);
    this.arm();
  }

  isPrepared(spec: PodSpec): boolean {
    const mounted =
      (!spec.needsToken || this.tokens.held(spec.uid)) &&
      this.claims.ready(spec) &&
      this.references.ready(spec.namespace, spec.references);
    return mounted && (spec.hostNetwork || this.hasAddress());
  }

  lookAtVolumes(spec: PodSpec): void {
    this.claims.look(spec);
  }

  takeVolumeFault(spec: PodSpec): string | undefined {
    return this.claims.takeFault(spec);
  }

  private hasAddress(): boolean {
    const { ips } = this.runtime;
    const { node, nowMs } = this.context;
    const { cidr, afterMs = 0 } = node.ownPodRange ?? {};
    if (!ips.isAssigned && cidr !== undefined && nowMs - this.listedMs >= afterMs) ips.assign([cidr]);
    return ips.available;
  }

  takeAddress(spec: PodSpec): string {
    return spec.hostNetwork ? this.context.node.address : this.runtime.ips.take(spec.uid);
  }

  setStatus(spec: PodSpec, { end, deleting }: PodLife, status: Status): void {
    // What has ended makes room for others.
    if (end !== 'none') this.requests.uncount(spec);
    this.statuses.set(spec.uid, status, { finished: end === 'gone', deleting });
  }

  // ---- what the status manager asks and says ----

  pathOf(uid: string): string | undefined {
    const pod = this.workers.get(uid)?.spec ?? this.written.get(uid);
    return pod === undefined ? undefined : `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`;
  }

  onSynced(uid: string, status: Status, sentUs: number, patched: boolean): void {
    const worker = this.workers.get(uid);
    if (worker === undefined) return;
    if (patched) worker.echoes++;
    worker.acknowledged(status);
    const { times } = worker;
    if (times !== undefined && (status['phase'] === 'Running' || status['phase'] === 'Succeeded')) {
      worker.times = undefined;
      const written = { statusSentUs: sentUs, acknowledgedUs: this.context.now.us };
      this.context.emit({ type: 'pod-started', started: { uid, times: { ...times, ...written } } });
    }
    if (worker.isOver && !worker.life.deleting) {
      // It stays in the API as it is; nothing of it is left here.
      this.retire(worker, status);
    }
  }

  onGone(uid: string, deletedByUs: boolean): void {
    const worker = this.workers.get(uid);
    if (worker !== undefined) {
      if (deletedByUs) this.context.emit({ type: 'pod-deleted' });
      this.retire(worker, {});
    }
    // What the watch may still tell of it is old.
    const written = this.written.get(uid);
    if (written !== undefined) written.deleting = true;
  }

  // ---- helpers ----

  /** Made with the first pod: the kubelet's clockwork begins when it begins to run pods. */
  private hostOf(): PodHost {
    this.host ??= new PodHost(this.context, this.events, this.images, this);
    return this.host;
  }

  private arm(): void {
    this.workGeneration++;
    const delayMs = this.work.nextEndInMs(this.context.nowMs);
    if (delayMs !== undefined) {
      this.context.after(delayMs, { of: 'runtime', generation: this.workGeneration });
    }
  }
}
