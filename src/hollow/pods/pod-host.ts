import type { KubeletContext } from '../context.ts';
import type { PodWake } from '../effects.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { ImageStore } from '../runtime/images.ts';
import type { ChosenRuntime } from '../runtime/runtime-classes.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';
import { activeLeftMs, overdue } from './active-deadline.ts';
import type { PodLife } from './pod-life.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';
import type { Status } from './pod-status.ts';

/** The runtime's state is looked at once a second (pkg/kubelet/kubelet.go, genericPlegRelistPeriod)… */
const relistPeriodMs = 1000;

/** …and what is due is taken up once a second (syncLoop's ticker). */
const syncPeriodMs = 1000;

/** What the workers of a node's pods share: the runtime, its images, and the kubelet's clockwork. */
export class PodHost {
  readonly context: KubeletContext;
  readonly images: ImageStore;
  /** When this kubelet began to run pods. */
  readonly startedMs: number;
  private readonly events: EventRecorder;
  private readonly node: NodeOfPods;
  private readonly relistPhaseMs: number;
  private readonly syncPhaseMs: number;

  constructor(context: KubeletContext, events: EventRecorder, images: ImageStore, node: NodeOfPods) {
    this.context = context;
    this.events = events;
    this.images = images;
    this.node = node;
    this.startedMs = context.nowMs;
    const prng = context.prng.fork('pods');
    this.relistPhaseMs = prng.float() * relistPeriodMs;
    this.syncPhaseMs = prng.float() * syncPeriodMs;
  }

  /** Milliseconds until what has happened in the runtime `delayMs` from now is seen. */
  untilSeenMs(delayMs: number): number {
    return untilTickMs(this.context.nowMs, delayMs, this.relistPhaseMs, relistPeriodMs);
  }

  /** Milliseconds until the kubelet takes up what is due in `delayMs`. */
  untilTakenUpMs(delayMs: number): number {
    return untilTickMs(this.context.nowMs, delayMs, this.syncPhaseMs, syncPeriodMs);
  }

  /** The pod's worker is woken after `delayMs`. */
  wake(spec: PodSpec, delayMs: number, wake: PodWake, key = 0): void {
    this.context.after(delayMs, { of: 'pod', uid: spec.uid, wake, key });
  }

  /** A pod that has been active for as long as it may has failed. */
  heedDeadline(spec: PodSpec, life: PodLife): void {
    if (life.ended !== undefined || activeLeftMs(spec, life, this.context.now.wallMs) !== 0) return;
    life.ended = overdue;
    this.sayOverdue(spec, life);
  }

  /** It says so again with each status that it computes (recorded four times for a pod). */
  sayOverdue(spec: PodSpec, life: PodLife): void {
    if (life.ended === overdue) this.podEvent(spec, 'Normal', overdue.reason, overdue.message);
  }

  /** The pod's worker is woken when the kubelet sees that it has been active for as long as it may. */
  wakeWhenOverdue(spec: PodSpec, life: PodLife): void {
    const leftMs = activeLeftMs(spec, life, this.context.now.wallMs);
    if (leftMs !== undefined) this.wake(spec, this.untilTakenUpMs(leftMs), 'seen');
  }

  /** The runtime that runs the pod, or why none does. */
  runtimeOf(spec: PodSpec): ChosenRuntime {
    return this.context.runtimeClasses.choose(spec.runtimeClassName);
  }

  /** Of the pod's runtime; of the node's, when the pod's RuntimeClass has gone meanwhile. */
  profileOf(spec: PodSpec): RuntimeProfile {
    const chosen = this.runtimeOf(spec);
    return 'error' in chosen ? this.context.profile : chosen.profile;
  }

  /** Whether what the pod's runtime has just been at fails. */
  fails(spec: PodSpec, operation: 'sandbox' | 'create' | 'start'): boolean {
    const rate = this.profileOf(spec)[`${operation}FailureRate`];
    return rate > 0 && this.context.prng.float() < rate;
  }

  /** The runtime begins something for the pod that takes `workMs` of a machine that has nothing else to do. */
  begin(spec: PodSpec, workMs: number): void {
    this.node.begin(spec.uid, workMs);
  }

  abandon(spec: PodSpec): void {
    this.node.abandon(spec.uid);
  }

  /** A sync looks at what the pod's volumes are now. */
  lookAtVolumes(spec: PodSpec): void {
    this.node.lookAtVolumes(spec);
  }

  /** Whether that look found something wrong with volumes that are not mounted; true once, with the kubelet's event. */
  volumesFailed(spec: PodSpec): boolean {
    const fault = this.node.takeVolumeFault(spec);
    if (fault === undefined) return false;
    this.podEvent(spec, 'Warning', 'FailedMount', `Unable to attach or mount volumes: ${fault}`);
    return true;
  }

  /** The pod's volumes are there, and an address for it. */
  isPrepared(spec: PodSpec): boolean {
    return this.node.isPrepared(spec);
  }

  takeAddress(spec: PodSpec): string {
    return this.node.takeAddress(spec);
  }

  setStatus(spec: PodSpec, life: PodLife, status: Status): void {
    this.node.setStatus(spec, life, status);
  }

  podEvent(spec: PodSpec, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.record(spec, undefined, type, reason, message);
  }

  containerEvent(
    spec: PodSpec,
    container: ContainerSpec,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    this.record(spec, `spec.${fields[container.kind]}{${container.name}}`, type, reason, message);
  }

  private record(
    spec: PodSpec,
    fieldPath: string | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { name, namespace, uid, resourceVersion } = spec;
    const where = fieldPath === undefined ? {} : { fieldPath };
    this.events.record(
      { kind: 'Pod', name, namespace, uid, resourceVersion, ...where },
      type,
      reason,
      message,
    );
  }
}

/** What a worker needs of the other pods of its node. */
export interface NodeOfPods {
  begin(uid: string, workMs: number): void;
  abandon(uid: string): void;
  lookAtVolumes(spec: PodSpec): void;
  takeVolumeFault(spec: PodSpec): string | undefined;
  isPrepared(spec: PodSpec): boolean;
  takeAddress(spec: PodSpec): string;
  setStatus(spec: PodSpec, life: PodLife, status: Status): void;
}

const fields = {
  init: 'initContainers',
  sidecar: 'initContainers',
  main: 'containers',
  ephemeral: 'ephemeralContainers',
} as const;

/** Clocks of floating point: what lies this close to a tick, in periods, is on it, and waits for the next. */
const onTick = 1e-6;

function untilTickMs(nowMs: number, delayMs: number, phaseMs: number, periodMs: number): number {
  const ticks = Math.floor((nowMs + delayMs - phaseMs) / periodMs + onTick) + 1;
  return phaseMs + ticks * periodMs - nowMs;
}
