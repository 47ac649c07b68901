import type { PodHost } from './pod-host.ts';
import { type PodLife, exitOf } from './pod-life.ts';
import type { PodSpec } from './pod-record.ts';
import { type Stop, planStops } from './stopping.ts';

/**
 * What a pod's last status still has depends on how long the kill took: docs/decisions/last-status-of-a-pod.md. A pod by itself is
 * killed in 0.16 s; where many are, this is the share of those whose cgroup is gone by then, and of those that the kubelet ends
 * (of a pod past its deadline one recording of two).
 */
const slowKillMs = 500;
const cgroupGoneRate = 0.5;

type Stage =
  | {
      at: 'stopping';
      sinceMs: number;
      sinceWallMs: number;
      graceMs: number;
      stops: Stop[];
      longestMs: number;
    }
  | { at: 'settling' }
  | { at: 'cleaning'; slow: boolean };

/**
 * Brings one pod to its end: stops its containers, then its sandbox, then clears away the rest.
 * Source: pkg/kubelet/kubelet.go (SyncTerminatingPod, SyncTerminatedPod), v1.36.
 */
export class Ender {
  private readonly host: PodHost;
  private readonly life: PodLife;
  private readonly report: (always: boolean) => void;
  private stage: Stage | undefined;
  /** Tells the timer of those who were told to stop last from the ones before. */
  private told = 0;

  /** `report` sets the pod's status, if need be (`always`: even if it is the same as before). */
  constructor(host: PodHost, life: PodLife, report: (always: boolean) => void) {
    this.host = host;
    this.life = life;
    this.report = report;
  }

  /** All containers are told to stop, and have `graceMs` for it. */
  begin(spec: PodSpec, graceMs: number): void {
    const { nowMs, now } = this.host.context;
    const stops = planStops(spec, this.life, graceMs, now.wallMs);
    this.stop(spec, {
      at: 'stopping',
      sinceMs: nowMs,
      sinceWallMs: now.wallMs,
      graceMs,
      stops,
      longestMs: 0,
    });
  }

  /** Containers that have not stopped yet are told once more, and have `graceMs` from now on. It can only get less. */
  shorten(spec: PodSpec, graceMs: number): void {
    const { stage, life } = this;
    const { nowMs, now } = this.host.context;
    if (stage?.at !== 'stopping' || graceMs >= stage.graceMs) return;
    const passedMs = nowMs - stage.sinceMs;
    if (passedMs >= stage.longestMs) return;
    const anew = planStops(spec, life, graceMs, now.wallMs);
    const stops = stage.stops.map((stop) => {
      const other = anew.find(({ index }) => index === stop.index);
      const afterMs = passedMs + (other?.afterMs ?? 0);
      return other === undefined || afterMs >= stop.afterMs ? stop : { ...other, afterMs };
    });
    this.stop(spec, { ...stage, graceMs, stops });
  }

  private stop(spec: PodSpec, stage: Extract<Stage, { at: 'stopping' }>): void {
    const { host } = this;
    const passedMs = host.context.nowMs - stage.sinceMs;
    for (const [index, container] of spec.containers.entries()) {
      const stop = stage.stops.find((other) => other.index === index);
      if (stop === undefined || (passedMs > 0 && stop.afterMs <= passedMs)) continue;
      host.containerEvent(spec, container, 'Normal', 'Killing', `Stopping container ${container.name}`);
    }
    this.tell(spec, false);
    const longestMs = Math.max(0, ...stage.stops.map(({ afterMs }) => afterMs));
    this.stage = { ...stage, longestMs };
    this.stopAfter(spec, longestMs - passedMs);
  }

  /** Who was told to stop has stopped by itself after `delayMs`; then the runtime has its part to do. */
  stopAfter(spec: PodSpec, delayMs: number): void {
    this.told++;
    if (delayMs > 0) this.host.wake(spec, delayMs, 'stopped', this.told);
    else this.onTimer(spec, this.told);
  }

  onTimer(spec: PodSpec, key: number): void {
    const { host } = this;
    if (key === this.told) host.begin(spec, host.context.draw(host.profileOf(spec).stopMs));
  }

  onWorkDone(spec: PodSpec): void {
    const { host, life, stage } = this;
    if (stage?.at !== 'stopping') return;
    for (const stop of stage.stops) this.stoppedOne(stop, stage.sinceWallMs);
    life.end = 'stopped';
    if (life.deleting) {
      const tookMs = host.context.nowMs - stage.sinceMs - stage.longestMs;
      this.settle(spec, tookMs > slowKillMs);
    } else {
      // Nobody waits for it: it is seen when the runtime is next looked at (samples: a Job's pod).
      this.stage = { at: 'settling' };
      host.wake(spec, host.untilSeenMs(0), 'cleanup');
    }
  }

  onCleanup(spec: PodSpec): void {
    const { life, stage } = this;
    if (stage?.at === 'settling') this.settle(spec, false);
    else if (stage?.at === 'cleaning') {
      if (life.deleting) {
        if (!stage.slow) life.podIp = '';
        life.cgroupGone = !stage.slow || this.host.context.prng.float() < cgroupGoneRate;
      } else if (life.ended !== undefined) life.cgroupGone = this.host.context.prng.float() < cgroupGoneRate;
      life.end = 'gone';
      this.stage = undefined;
      this.tell(spec, true);
    }
  }

  /** The container that was told to stop at `toldWallMs` has stopped. */
  stoppedOne({ index, afterMs, exitCode, reason }: Stop, toldWallMs: number): void {
    const container = this.life.containers[index];
    if (container?.run?.is !== 'running') return;
    const finishedWallMs = afterMs > 0 ? toldWallMs + afterMs : this.host.context.now.wallMs;
    container.run = exitOf(container.run, finishedWallMs, exitCode, reason);
    container.started = false;
    container.ready = false;
  }

  private tell(spec: PodSpec, always: boolean): void {
    this.host.sayOverdue(spec, this.life);
    this.report(always);
  }

  private settle(spec: PodSpec, slow: boolean): void {
    const { host, life } = this;
    life.sandboxReady = false;
    this.tell(spec, false);
    this.stage = { at: 'cleaning', slow };
    const cleanupMs = host.context.draw(host.profileOf(spec).cleanupMs);
    host.wake(spec, life.deleting ? cleanupMs : host.untilSeenMs(cleanupMs), 'cleanup');
  }
}
