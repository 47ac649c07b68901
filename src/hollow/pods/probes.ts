import type { ContainerBehaviour } from './container-behaviour.ts';

export type ProbeType = 'startup' | 'liveness' | 'readiness';

export type ProbeSpec = {
  type: ProbeType;
  action: 'exec' | 'httpGet' | 'tcpSocket' | 'grpc';
  initialDelaySeconds: number;
  periodMs: number;
  successThreshold: number;
  failureThreshold: number;
  /** Takes the place of the pod's grace period when this probe's failure ends the container. */
  graceMs?: number;
};

/** One probe of one container. */
export type ProbeState = {
  /** What is held of the container; undefined before the first verdict. */
  result: boolean | undefined;
  last: boolean | undefined;
  /** How often in a row `last` came out. */
  runs: number;
  /** Nothing is probed any more until the container has been started anew. */
  onHold: boolean;
  /** The ticker's beginning: its ticks lie whole periods after it. Milliseconds of the monotonic clock. */
  tickFromMs: number;
  /** Tells the armed timer from earlier ones. */
  armed: number;
};

export function newProbeState(tickFromMs: number): ProbeState {
  return { result: undefined, last: undefined, runs: 0, onHold: false, tickFromMs, armed: 0 };
}

/** The container was started anew: nothing is known of it. The ticker goes on. */
export function resetProbe(state: ProbeState): void {
  state.result = undefined;
  state.last = undefined;
  state.runs = 0;
  state.onHold = false;
}

/** Clocks of floating point: what lies this close to a tick, in periods, is on it. */
const onTick = 1e-6;

/** The ticker's next tick after `nowMs`. */
export function nextTickMs(state: ProbeState, spec: ProbeSpec, nowMs: number): number {
  const elapsed = Math.max(0, Math.floor((nowMs - state.tickFromMs) / spec.periodMs + onTick) + 1);
  return state.tickFromMs + elapsed * spec.periodMs;
}

/** How a probe of a container of this age comes out. */
export function probeOutcome(type: ProbeType, behaviour: ContainerBehaviour, ageMs: number): boolean {
  switch (type) {
    case 'startup':
      return ageMs >= (behaviour.startedAfterMs ?? 0);
    case 'liveness':
      return ageMs < (behaviour.livenessFailsAfterMs ?? Number.POSITIVE_INFINITY);
    case 'readiness': {
      const flapsMs = behaviour.readinessFlapsEveryMs;
      if (ageMs < (behaviour.readyAfterMs ?? 0)) return false;
      return flapsMs === undefined || Math.floor(ageMs / flapsMs) % 2 === 0;
    }
  }
}

/** What is held of a container before its probe's first verdict. */
const presumed = { startup: undefined, liveness: true, readiness: false };

/**
 * Takes in one outcome. Returns whether what is held of the container changed.
 * Source: pkg/kubelet/prober/worker.go (doProbe), v1.36.
 */
export function takeOutcome(state: ProbeState, spec: ProbeSpec, succeeded: boolean): boolean {
  state.runs = state.last === succeeded ? state.runs + 1 : 1;
  state.last = succeeded;
  if (state.runs < (succeeded ? spec.successThreshold : spec.failureThreshold)) return false;
  const changed = (state.result ?? presumed[spec.type]) !== succeeded;
  state.result = succeeded;
  if (spec.type === 'startup' || (spec.type === 'liveness' && !succeeded)) {
    state.onHold = true;
    state.runs = 0;
  }
  return changed;
}

/** Whether probing on could change anything: a probe that always succeeds needs no timer once it has. */
export function isSettled(state: ProbeState, spec: ProbeSpec, behaviour: ContainerBehaviour): boolean {
  if (state.onHold) return true;
  if (state.result !== true || state.last !== true) return false;
  if (spec.type === 'liveness') return behaviour.livenessFailsAfterMs === undefined;
  return behaviour.readinessFlapsEveryMs === undefined;
}

const titles = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const;

/** The message of the event `Unhealthy`, with what a probe of this kind has to say when it fails. */
export function unhealthyMessage(spec: ProbeSpec, podIp: string): string {
  const outputs = {
    exec: '',
    httpGet: 'HTTP probe failed with statuscode: 500',
    tcpSocket: `dial tcp ${podIp}: connect: connection refused`,
    grpc: 'service unhealthy (responded with "NOT_SERVING")',
  };
  return `${titles[spec.type]} probe failed: ${outputs[spec.action]}`;
}

/** An exec probe of a pod that is being ended (samples: every period, until the containers have ended). */
export function canceledMessage(spec: ProbeSpec): string {
  return `${titles[spec.type]} probe errored and resulted in unknown state: rpc error: code = Canceled desc = context canceled`;
}
