import type { PodHost } from './pod-host.ts';
import type { PodLife } from './pod-life.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';
import {
  type ProbeSpec,
  type ProbeState,
  canceledMessage,
  isSettled,
  newProbeState,
  nextTickMs,
  probeOutcome,
  resetProbe,
  takeOutcome,
  unhealthyMessage,
} from './probes.ts';

/** How long a probe takes (samples: 40 ms from a container's start to the first success). */
const probeMs = 40;

/** A timer's key names container, probe and arming; a container has three probes at most. */
const probesMax = 4;
const armingsMax = 1024;

/** Probes the containers of one pod. Source: pkg/kubelet/prober/{worker,prober_manager}.go, v1.36. */
export class Prober {
  private readonly host: PodHost;
  private readonly life: PodLife;

  constructor(host: PodHost, life: PodLife) {
    this.host = host;
    this.life = life;
  }

  /** The kubelet has taken the pod: a worker for each probe begins its ticks, not all at once after a kubelet's start. */
  begin(spec: PodSpec): void {
    const { context, startedMs } = this.host;
    if (context.wire.containers === 'fake') {
      for (const container of this.life.containers) {
        container.started = container.ready = container.run?.is === 'running';
      }
      return;
    }
    for (const [index, { probes }] of spec.containers.entries()) {
      const container = this.life.containers[index];
      if (container === undefined || container.probes !== undefined || probes.length === 0) continue;
      container.probes = probes.map(({ periodMs }) => {
        const early = context.nowMs - startedMs < periodMs;
        return newProbeState(context.nowMs + (early ? context.prng.float() * periodMs : 0));
      });
      if (container.run?.is === 'running') this.resume(spec, index);
    }
  }

  /** The container has been started: nothing is known of it yet. */
  started(spec: PodSpec, index: number): void {
    const { probes } = spec.containers[index] as ContainerSpec;
    const container = this.life.containers[index];
    if (container === undefined) return;
    const fake = this.host.context.wire.containers === 'fake';
    container.started = fake || !probes.some(({ type }) => type === 'startup');
    container.ready = fake || (container.started && !probes.some(({ type }) => type === 'readiness'));
    for (const [p, state] of (container.probes ?? []).entries()) {
      resetProbe(state);
      this.armNext(spec, index, p);
    }
  }

  /** The status of a container that is not ready was computed: its readiness is probed at once, and its ticker set anew. */
  trigger(spec: PodSpec): void {
    for (const [index, container] of this.life.containers.entries()) {
      if (container.run?.is !== 'running' || !container.started || container.ready) continue;
      const p = spec.containers[index]?.probes.findIndex(({ type }) => type === 'readiness') ?? -1;
      const state = container.probes?.[p];
      if (state === undefined) continue;
      state.tickFromMs = this.host.context.nowMs;
      this.arm(spec, index, p, state, probeMs);
    }
  }

  /** The pod is being ended: what still probes through the runtime fails from now on (samples). */
  ending(spec: PodSpec): void {
    for (const [index, { probes }] of spec.containers.entries()) {
      for (const [p, { type, action }] of probes.entries()) {
        if (type === 'readiness' && action === 'exec') this.armNext(spec, index, p);
      }
    }
  }

  /** Returns whether what the kubelet holds of a container changed. */
  onTimer(spec: PodSpec, key: number, ending: boolean): boolean {
    const index = Math.floor(key / armingsMax / probesMax);
    const p = Math.floor(key / armingsMax) % probesMax;
    const container = this.life.containers[index];
    const containerSpec = spec.containers[index];
    const probe = containerSpec?.probes[p];
    const state = container?.probes?.[p];
    if (containerSpec === undefined || probe === undefined || state === undefined) return false;
    if (state.armed !== key % armingsMax || container?.run?.is !== 'running') return false;
    if (ending) {
      this.host.containerEvent(spec, containerSpec, 'Warning', 'Unhealthy', canceledMessage(probe));
      this.armNext(spec, index, p);
      return false;
    }
    const { context } = this.host;
    const ageMs = context.now.wallMs - container.run.startedWallMs;
    const due = Math.floor(ageMs / 1000) >= probe.initialDelaySeconds && !state.onHold;
    let changed = false;
    if (due && container.started !== (probe.type === 'startup')) {
      const succeeded = probeOutcome(probe.type, containerSpec.behaviour, ageMs);
      if (!succeeded) {
        const message = unhealthyMessage(probe, this.life.podIp.split(',')[0] ?? '');
        this.host.containerEvent(spec, containerSpec, 'Warning', 'Unhealthy', message);
      }
      changed = takeOutcome(state, probe, succeeded);
      if (changed) this.take(index, containerSpec, probe, succeeded);
    }
    if (!isSettled(state, probe, containerSpec.behaviour)) this.armNext(spec, index, p);
    return changed;
  }

  private take(index: number, spec: ContainerSpec, probe: ProbeSpec, succeeded: boolean): void {
    const container = this.life.containers[index];
    if (container === undefined) return;
    if (probe.type === 'readiness') container.ready = succeeded;
    else if (probe.type === 'startup' && succeeded) {
      container.started = true;
      container.ready = !spec.probes.some(({ type }) => type === 'readiness');
    }
  }

  /** After a kubelet's restart a container that was started and ready is held for that. */
  private resume(spec: PodSpec, index: number): void {
    const container = this.life.containers[index];
    for (const [p, { type }] of (spec.containers[index]?.probes ?? []).entries()) {
      const state = container?.probes?.[p];
      if (state === undefined) continue;
      if (type === 'startup' ? container?.started : type === 'readiness' && container?.ready) {
        state.result = true;
        state.onHold = type === 'startup';
      }
      if (!state.onHold) this.armNext(spec, index, p);
    }
  }

  private armNext(spec: PodSpec, index: number, p: number): void {
    const state = this.life.containers[index]?.probes?.[p];
    const probe = spec.containers[index]?.probes[p];
    if (state === undefined || probe === undefined) return;
    const { nowMs } = this.host.context;
    this.arm(spec, index, p, state, nextTickMs(state, probe, nowMs) - nowMs);
  }

  private arm(spec: PodSpec, index: number, p: number, state: ProbeState, delayMs: number): void {
    state.armed = (state.armed + 1) % armingsMax;
    this.host.wake(spec, delayMs, 'probe', (index * probesMax + p) * armingsMax + state.armed);
  }
}
