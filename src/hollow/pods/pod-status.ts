import { timestamp } from '../context.ts';
import type { WireProfile } from '../wire-profile.ts';
import { fakePodIp, fakeStatus } from './fake-status.ts';
import {
  type Container,
  type Exit,
  type Phase,
  type PodLife,
  isOn,
  turnedWallMs,
  turnTo,
} from './pod-life.ts';
import type { ContainerKind, ContainerSpec, PodSpec } from './pod-record.ts';
import { fakePodResources, podResources, withoutUndefined } from './pod-resources.ts';
import { podHasInitialized, shouldRestart } from './sync-plan.ts';

export type Condition = { type: string; status?: string; [field: string]: unknown };
export type Status = { conditions?: Condition[]; [field: string]: unknown };

type Containers = WireProfile['containers'];

/**
 * The status as the kubelet would have it, all fields, in the API's form. Brings `life`'s phase and the times at which
 * its conditions turned up to date. `runtime` is what the ids of containers begin with. Source: pkg/kubelet/kubelet_pods.go (generateAPIPodStatus), v1.36.
 */
export function podStatus(
  spec: PodSpec,
  life: PodLife,
  hostIp: string,
  wallMs: number,
  containers: Containers = 'real',
  runtime = 'containerd',
): Status {
  const computed = computedPhase(spec, life);
  // A final phase is written only once nothing can run any more; the conditions have it before.
  if (!isFinal(computed) || life.end !== 'none') life.phase = computed;
  const statuses = (kind: ContainerKind[]): unknown[] =>
    containerStatuses(spec, life, kind, containers, runtime);
  const main = statuses(['main']);
  const init = statuses(['init', 'sidecar']);
  const ephemeral = statuses(['ephemeral']);
  return {
    conditions: conditions(spec, life, computed, wallMs, containers),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    observedGeneration: life.generation,
    startTime: timestamp(life.startWallMs),
    phase: life.phase,
    ...(life.ended === undefined || life.end === 'none'
      ? {}
      : { reason: life.ended.reason, message: life.ended.message }),
    containerStatuses: main,
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    ...(containers === 'fake' ? fakePodResources(spec, life) : podResources(spec, life)),
    ...podAddresses(containers === 'fake' ? fakePodIp(life) : life.podIp),
  };
}

function podAddresses(podIp: string): { podIP?: string; podIPs?: { ip: string }[] } {
  if (podIp === '') return {};
  const podIPs = podIp.split(',').map((ip) => ({ ip }));
  return { ...(podIPs[0] === undefined ? {} : { podIP: podIPs[0].ip }), podIPs };
}

/** The status of a pod that this node does not take (lifecycle/predicate.go, kubelet.rejectPod). */
export function rejectedStatus(
  rejection: { reason: string; message: string },
  generation: number,
  wallMs: number,
): Status {
  return {
    observedGeneration: generation,
    phase: 'Failed',
    reason: rejection.reason,
    message: `Pod was rejected: ${rejection.message}`,
    startTime: timestamp(wallMs),
  };
}

export function isFinal(phase: Phase): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The phase that follows from the containers. Source: pkg/kubelet/kubelet_pods.go (getPhase), v1.36. */
export function computedPhase(spec: PodSpec, life: PodLife): Phase {
  if (life.ended !== undefined) return 'Failed';
  const phase = phaseOfContainers(spec, life);
  return life.end === 'gone' && !isFinal(phase) ? 'Failed' : phase;
}

function phaseOfContainers(spec: PodSpec, life: PodLife): Phase {
  const initialized = podHasInitialized(spec, life);
  let pending = 0;
  let waiting = 0;
  let running = 0;
  let stopped = 0;
  let succeeded = 0;
  let restarting = 0;
  for (const [index, container] of spec.containers.entries()) {
    const state = life.containers[index];
    const run = state?.run;
    switch (container.kind) {
      case 'init':
        if (run?.is !== 'exited') pending++;
        else if (run.exitCode !== 0 && !shouldRestart(spec, container, run.exitCode)) return 'Failed';
        break;
      case 'sidecar':
        if (run === undefined) waiting++;
        else if (run.is === 'running') {
          running++;
          if (state?.started !== true && !initialized) pending++;
        }
        break;
      case 'main':
        if (run === undefined) waiting++;
        else if (run.is === 'running') running++;
        else {
          stopped++;
          if (run.exitCode === 0) succeeded++;
          if (shouldRestart(spec, container, run.exitCode)) restarting++;
        }
        break;
      case 'ephemeral':
        break;
    }
  }
  if (pending > 0 || waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (stopped === 0) return 'Pending';
  if (life.end === 'none' && restarting > 0) return 'Running';
  return stopped === succeeded ? 'Succeeded' : 'Failed';
}

// ---- conditions ----

function conditions(
  spec: PodSpec,
  life: PodLife,
  phase: Phase,
  wallMs: number,
  containers: Containers,
): Condition[] {
  const { generation } = life;
  const condition = (index: number, type: string, { on, why }: Verdict): Condition => {
    let turn = life.turns[index];
    if (turn === undefined || isOn(turn) !== on) turn = life.turns[index] = turnTo(on, wallMs);
    return conditionOf(type, generation, on, turnedWallMs(turn), why);
  };
  const initialized = initialization(spec, life, phase);
  const ready = readiness(spec, life, phase, containers);
  const owned = [
    condition(0, 'PodReadyToStartContainers', { on: life.sandboxReady, why: {} }),
    condition(1, 'Initialized', initialized),
    condition(2, 'Ready', gated(ready, life)),
    condition(3, 'ContainersReady', ready),
  ];
  if (life.ended?.disruptedWallMs === undefined || life.end === 'none') return owned;
  const { message, disruptedWallMs } = life.ended;
  const why = { reason: 'TerminationByKubelet', message };
  return [conditionOf('DisruptionTarget', generation, true, disruptedWallMs, why), ...owned];
}

/** Assigned field by field: statuses are what most of a pod's start is spent on, and spreads cost several times that. */
function conditionOf(
  type: string,
  generation: number,
  on: boolean,
  sinceWallMs: number,
  why: Verdict['why'],
): Condition {
  const condition: Condition = {
    lastProbeTime: null,
    observedGeneration: generation,
    type,
    status: on ? 'True' : 'False',
    lastTransitionTime: timestamp(sinceWallMs),
  };
  if (why.reason !== undefined) condition['reason'] = why.reason;
  if (why.message !== undefined) condition['message'] = why.message;
  return condition;
}

type Verdict = { on: boolean; why: { reason?: string; message?: string } };

const yes: Verdict = { on: true, why: {} };

function initialization(spec: PodSpec, life: PodLife, phase: Phase): Verdict {
  if (phase === 'Succeeded') return { on: true, why: { reason: 'PodCompleted' } };
  const started = spec.containers.some(
    ({ kind }, index) => kind === 'main' && life.containers[index]?.run !== undefined,
  );
  if (started) return yes;
  const incomplete = spec.containers.filter(({ kind }, index) => {
    const state = life.containers[index];
    if (kind === 'sidecar') return state?.started !== true;
    return kind === 'init' && !(state?.run?.is === 'exited' && state.run.exitCode === 0);
  });
  if (incomplete.length === 0) return yes;
  const names = incomplete.map(({ name }) => name).join(' ');
  return {
    on: false,
    why: { reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${names}]` },
  };
}

function readiness(spec: PodSpec, life: PodLife, phase: Phase, containers: Containers): Verdict {
  if (phase === 'Succeeded') return { on: false, why: { reason: 'PodCompleted' } };
  if (phase === 'Failed') return { on: false, why: { reason: 'PodFailed' } };
  const unready = spec.containers.filter(({ kind }, index) => {
    if (kind !== 'main' && kind !== 'sidecar') return false;
    // Kubemark's prober calls all of them ready from the beginning.
    if (kind === 'main' && containers === 'fake') return false;
    const state = life.containers[index];
    return !(state?.run?.is === 'running' && state.ready);
  });
  if (unready.length === 0) return yes;
  const names = unready.map(({ name }) => name).join(' ');
  return {
    on: false,
    why: { reason: 'ContainersNotReady', message: `containers with unready status: [${names}]` },
  };
}

/** A pod whose containers are ready is Ready once others have opened its gates. */
function gated(ready: Verdict, { shutGates }: PodLife): Verdict {
  if (!ready.on || shutGates === undefined) return ready;
  return { on: false, why: { reason: 'ReadinessGatesNotReady', message: shutGates } };
}

// ---- containers ----

/** Why a container waits that has not been started, and what the ids of containers begin with. */
type Words = { waiting: string; runtime: string };

/** Sorted by name, except init containers, which keep their order. */
function containerStatuses(
  spec: PodSpec,
  life: PodLife,
  kinds: ContainerKind[],
  containers: Containers,
  runtime: string,
): unknown[] {
  const waiting = spec.containers.some(({ kind }) => kind === 'init' || kind === 'sidecar')
    ? 'PodInitializing'
    : 'ContainerCreating';
  const words = { waiting, runtime };
  const found = spec.containers.flatMap((container, index) =>
    kinds.includes(container.kind) ? [{ container, state: life.containers[index] }] : [],
  );
  if (!kinds.includes('init')) found.sort((a, b) => (a.container.name < b.container.name ? -1 : 1));
  return found.map(({ container, state }) => {
    const status = containerStatus(spec, life, container, state, words);
    return containers === 'fake' ? fakeStatus(spec, container, status, state) : status;
  });
}

function containerStatus(
  pod: PodSpec,
  life: PodLife,
  spec: ContainerSpec,
  container: Container | undefined,
  words: Words,
): Record<string, unknown> {
  const run = container?.run;
  const { current, last } = states(pod, life, spec, container, words);
  const running = run?.is === 'running';
  const probed = spec.kind === 'main' || spec.kind === 'sidecar';
  const done = spec.kind === 'init' && run?.is === 'exited' && run.exitCode === 0;
  const status: Record<string, unknown> = {
    image: run === undefined ? spec.image : resolvedImage(spec.image),
    imageID: run === undefined ? '' : imageId(spec.image),
    lastState: last,
    name: spec.name,
    ready: done || (probed && running && container?.ready === true),
    restartCount: run?.attempt ?? 0,
    state: current,
  };
  if (spec.kind !== 'ephemeral') status['started'] = running && container?.started === true;
  if (run !== undefined) {
    status['containerID'] = containerId(pod, spec, run.attempt, words);
    status['resources'] = withoutUndefined({ limits: spec.limits, requests: spec.requests });
    if (spec.requests !== undefined) status['allocatedResources'] = spec.requests;
  }
  if (spec.volumeMounts.length > 0) {
    status['volumeMounts'] = spec.volumeMounts.map((mount) => volumeMount(pod, mount));
  }
  return status;
}

function volumeMount(
  { volumes }: PodSpec,
  { mountPath, readOnly, volume }: ContainerSpec['volumeMounts'][number],
): unknown {
  const name = volumes.split('/')[volume];
  return readOnly ? { mountPath, name, readOnly, recursiveReadOnly: 'Disabled' } : { mountPath, name };
}

function states(
  pod: PodSpec,
  life: PodLife,
  spec: ContainerSpec,
  container: Container | undefined,
  words: Words,
): { current: unknown; last: unknown } {
  const run = container?.run;
  const previous = container?.previous;
  const last = previous === undefined ? {} : { terminated: terminated(pod, spec, previous, words) };
  const failure = container?.failure;
  if (run?.is === 'running')
    return { current: { running: { startedAt: timestamp(run.startedWallMs) } }, last };
  const restarts = run === undefined || shouldRestart(pod, spec, run.exitCode);
  const waitsFor =
    failure !== undefined && restarts && !life.deleting && life.end === 'none' ? failure : undefined;
  if (run === undefined) {
    if (life.end === 'gone' && spec.kind === 'main' && podHasInitialized(pod, life))
      return { current: unlocated, last };
    return { current: { waiting: waitsFor ?? { reason: words.waiting } }, last };
  }
  const exit = { terminated: terminated(pod, spec, run, words) };
  return waitsFor === undefined ? { current: exit, last } : { current: { waiting: waitsFor }, last: exit };
}

/** What becomes of a container that never ran when its pod ends (status_manager.go, TerminatePod). */
const unlocated = {
  terminated: {
    exitCode: 137,
    finishedAt: null,
    message: 'The container could not be located when the pod was terminated',
    reason: 'ContainerStatusUnknown',
    startedAt: null,
  },
};

function terminated(pod: PodSpec, spec: ContainerSpec, exit: Exit, words: Words): unknown {
  return {
    containerID: containerId(pod, spec, exit.attempt, words),
    exitCode: exit.exitCode,
    finishedAt: timestamp(exit.finishedWallMs),
    reason: exit.reason,
    startedAt: timestamp(exit.startedWallMs),
  };
}

function containerId(pod: PodSpec, spec: ContainerSpec, attempt: number, { runtime }: Words): string {
  return `${runtime}://${digest(`${pod.uid}/${spec.name}/${attempt}`)}`;
}

/** A name without registry or tag as containerd resolves it: `busybox` is `docker.io/library/busybox:latest`. */
export function resolvedImage(image: string): string {
  const [first = ''] = image.split('/');
  const hasRegistry = image.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const full = hasRegistry ? image : `docker.io/${image.includes('/') ? '' : 'library/'}${image}`;
  const name = full.slice(full.lastIndexOf('/') + 1);
  return /[:@]/.test(name) ? full : `${full}:latest`;
}

/** A digest as a registry would have one: 64 hexadecimal digits that depend on the image's name alone. */
function imageId(image: string): string {
  return `sha256:${digest(resolvedImage(image))}`;
}

/** 64 hexadecimal digits that depend on `name` alone; no cryptography, only as long as one. */
function digest(name: string): string {
  let text = '';
  for (let block = 1; block <= 8; block++) {
    let hash = Math.imul(0x811c9dc5, block) ^ name.length;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    text += (Math.imul(hash, 0x2c1b3c6d) >>> 0).toString(16).padStart(8, '0');
  }
  return text;
}
