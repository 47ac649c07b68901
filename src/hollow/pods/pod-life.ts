import type { BackOff } from './back-off.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';
import type { ProbeState } from './probes.ts';
import { list, map, number, text, wallMsOf } from './raw.ts';
import { resourceAmount } from './units.ts';

/**
 * How a container's run ended. Times are wall-clock milliseconds. `sandbox`: the attempt of the sandbox that it belonged
 * to.
 */
export type Exit = {
  attempt: number;
  sandbox: number;
  startedWallMs: number;
  finishedWallMs: number;
  exitCode: number;
  reason: string;
};

/** How a run will end by itself, from its start on. */
export type PlannedEnd = { afterMs: number; exitCode: number; reason: string };

/** The latest run of a container in the runtime. `sandbox` as of {@link Exit}. */
export type Run =
  | { is: 'running'; attempt: number; sandbox: number; startedWallMs: number; end?: PlannedEnd }
  | ({ is: 'exited' } & Exit);

export type Container = {
  /** Absent until it was first started. */
  run?: Run | undefined;
  /** How the run before that ended. */
  previous?: Exit;
  /** Started and ready as the probes have it. */
  started: boolean;
  ready: boolean;
  /** Why it could not be started last. */
  failure?: { reason: string; message: string };
  crashes?: BackOff;
  pulls?: BackOff & { error: string };
  probes?: ProbeState[];
};

/** A condition's status and since when it has been that, in one number, whose sign is the status. */
export type Turn = number;

export function turnTo(on: boolean, wallMs: number): Turn {
  return on ? wallMs : -wallMs;
}

export function isOn(turn: Turn): boolean {
  return turn > 0 || Object.is(turn, 0);
}

export function turnedWallMs(turn: Turn): number {
  return Math.abs(turn);
}

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

type Ended = { reason: string; message: string; disruptedWallMs?: number };

/** Everything that a pod's status is made of, besides its spec; what a container runtime would know of it included. */
export type PodLife = {
  generation: number;
  startWallMs: number;
  /** Whether the pod has a sandbox that is ready, and the how many'th it is; -1 before the first. */
  sandboxReady: boolean;
  sandboxAttempt: number;
  /** The address that the sandbox has, or will have; two with a comma in between where pods have one of either family. */
  address: string;
  /** The address that the kubelet has seen; empty before and after. */
  podIp: string;
  containers: Container[];
  /** In the order of the API: PodReadyToStartContainers, Initialized, Ready, ContainersReady. */
  turns: Turn[];
  phase: Phase;
  /** The API server has said that the pod is Running: from then on its resources are read from its cgroup. */
  seenRunning: boolean;
  /** From then on they cannot be read any more. */
  cgroupGone: boolean;
  /** Being deleted: nothing is restarted. */
  deleting: boolean;
  /** Its containers have stopped for good (`stopped`); all of it has been cleared away (`gone`). */
  end: 'none' | 'stopped' | 'gone';
  /** Why the kubelet ended it; `disruptedWallMs`: when, where that is a disruption (eviction). */
  ended?: Ended;
  /** Which of its readiness gates are not open, in words; absent when all are. */
  shutGates: string | undefined;
};

export function newLife(spec: PodSpec, generation: number, wallMs: number): PodLife {
  const off = turnTo(false, wallMs);
  return {
    generation,
    startWallMs: wallMs,
    sandboxReady: false,
    sandboxAttempt: -1,
    address: '',
    podIp: '',
    containers: spec.containers.map(newContainer),
    turns: [off, off, off, off],
    phase: 'Pending',
    seenRunning: false,
    cgroupGone: false,
    deleting: false,
    end: 'none',
    shutGates: undefined,
  };
}

export function eviction(message: string, disruptedWallMs: number): Ended {
  return { reason: 'Evicted', message, disruptedWallMs };
}

export function newContainer(): Container {
  // The run has its place from the start: one that is added later takes an object of its own.
  return { run: undefined, started: false, ready: false };
}

/** The node crashed: sandbox and containers are as containerd finds them afterwards (exit 255, reason Unknown). */
export function loseContainers(life: PodLife, wallMs: number): void {
  life.sandboxReady = false;
  for (const container of life.containers) {
    if (container.run?.is === 'running') {
      container.run = exitOf(container.run, wallMs, 255, 'Unknown');
    }
  }
}

/** The kubelet was started anew: what it kept in memory only is gone. */
export function forgetVolatile(life: PodLife): void {
  for (const container of life.containers) {
    delete container.failure;
    delete container.crashes;
    delete container.pulls;
    delete container.probes;
  }
}

export function exitOf(
  run: Extract<Run, { is: 'running' }>,
  finishedWallMs: number,
  exitCode: number,
  reason: string,
): Run {
  const { attempt, sandbox, startedWallMs } = run;
  return { is: 'exited', attempt, sandbox, startedWallMs, finishedWallMs, exitCode, reason };
}

/**
 * The life of a pod that another incarnation of this kubelet ran, of which no more is known than the API server's
 * status: containers that it has as running are taken to run still.
 */
export function lifeFromStatus(
  spec: PodSpec,
  pod: unknown,
  generation: number,
  wallMs: number,
  oomKills: boolean,
): PodLife {
  const status = map(map(pod)['status']);
  const life = newLife(spec, generation, wallMs);
  const startWallMs = wallMsOf(status['startTime']);
  if (startWallMs === undefined) return life;
  life.startWallMs = startWallMs;
  life.phase = (text(status['phase']) || 'Pending') as Phase;
  const podIps = list(status['podIPs']).map(({ ip }) => text(ip));
  life.podIp = podIps.join() || text(status['podIP']);
  life.address = life.podIp;
  const conditions = list(status['conditions']);
  ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady'].forEach((type, index) => {
    const condition = conditions.find((other) => other['type'] === type);
    if (condition === undefined) return;
    const changedWallMs = wallMsOf(condition['lastTransitionTime']) ?? startWallMs;
    life.turns[index] = turnTo(condition['status'] === 'True', changedWallMs);
  });
  life.sandboxReady = isOn(life.turns[0] ?? -1);
  const statuses = [
    ...list(status['initContainerStatuses']),
    ...list(status['containerStatuses']),
    ...list(status['ephemeralContainerStatuses']),
  ];
  spec.containers.forEach((container, index) => {
    const found = statuses.find((other) => other['name'] === container.name);
    if (found !== undefined) life.containers[index] = containerFromStatus(container, found, wallMs, oomKills);
  });
  if (life.sandboxReady || life.containers.some(({ run }) => run !== undefined)) life.sandboxAttempt = 0;
  return life;
}

function containerFromStatus(
  spec: ContainerSpec,
  status: Record<string, unknown>,
  wallMs: number,
  oomKills: boolean,
): Container {
  const attempt = number(status['restartCount'], 0);
  const state = map(status['state']);
  const last = map(map(status['lastState'])['terminated']);
  const container: Container = {
    run: undefined,
    started: status['started'] === true,
    ready: status['ready'] === true,
  };
  if (last['exitCode'] !== undefined)
    container.previous = exitFromStatus(last, Math.max(0, attempt - 1), wallMs);
  const terminated = map(state['terminated']);
  if (state['running'] !== undefined) {
    const startedWallMs = wallMsOf(map(state['running'])['startedAt']) ?? wallMs;
    container.run = { is: 'running', attempt, sandbox: 0, startedWallMs };
    const end = plannedEnd(spec, undefined, oomKills);
    if (end !== undefined) container.run.end = end;
  } else if (terminated['exitCode'] !== undefined) {
    container.run = { is: 'exited', ...exitFromStatus(terminated, attempt, wallMs) };
  } else if (container.previous !== undefined) {
    // Waiting to be restarted: what the API has as the last state is the latest run.
    container.run = { is: 'exited', ...container.previous, attempt };
  }
  return container;
}

function exitFromStatus(terminated: Record<string, unknown>, attempt: number, wallMs: number): Exit {
  return {
    attempt,
    sandbox: 0,
    startedWallMs: wallMsOf(terminated['startedAt']) ?? wallMs,
    finishedWallMs: wallMsOf(terminated['finishedAt']) ?? wallMs,
    exitCode: number(terminated['exitCode'], 0),
    reason: text(terminated['reason']),
  };
}

/** From the moment a container oversteps its memory limit to its end by the kernel. */
const oomKillMs = 100;

/**
 * How a container's run will end by itself: after the duration that it is given, or when its memory reaches its limit.
 * `initRunMs`: how long an init container runs that nothing is said about. `oomKills`: whether
 * the node's kernel kills for memory at all.
 */
export function plannedEnd(
  spec: ContainerSpec,
  initRunMs: number | undefined,
  oomKills: boolean,
): PlannedEnd | undefined {
  const { behaviour } = spec;
  const exitCode = behaviour.exitCode ?? 0;
  const runMs = behaviour.runDurationMs ?? (spec.kind === 'init' ? initRunMs : undefined);
  const oomMs = oomKills ? oomAfterMs(spec) : undefined;
  if (oomMs !== undefined && (runMs === undefined || oomMs < runMs)) {
    return { afterMs: oomMs, exitCode: 137, reason: 'OOMKilled' };
  }
  return runMs === undefined
    ? undefined
    : { afterMs: runMs, exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' };
}

function oomAfterMs({ behaviour, limits }: ContainerSpec): number | undefined {
  const limitBytes = limits === undefined ? undefined : memoryLimitBytes(limits);
  if (limitBytes === undefined) return undefined;
  const usageBytes = behaviour.memoryBytes ?? 0;
  const growth = behaviour.memoryGrowthBytesPerSecond ?? 0;
  if (usageBytes > limitBytes) return oomKillMs;
  return growth > 0 ? ((limitBytes - usageBytes) / growth) * 1000 + oomKillMs : undefined;
}

function memoryLimitBytes(limits: Record<string, string>): number | undefined {
  const memory = limits['memory'];
  return memory === undefined ? undefined : resourceAmount('memory', memory);
}

/** A number for all that a pod's status depends on besides its spec, which changes with its generation. */
export function signatureOf(life: PodLife): number {
  let facts = `${life.generation} ${life.podIp} ${life.end} ${life.sandboxReady} ${life.deleting} ${life.seenRunning} ${life.ended?.reason} ${life.shutGates}`;
  for (const { run, ready, started, failure } of life.containers) {
    facts += ` ${run?.is} ${run?.attempt} ${started} ${ready}`;
    if (failure !== undefined) facts += ` ${failure.reason} ${failure.message}`;
  }
  return hashOf(facts);
}

/** FNV-1a. */
function hashOf(facts: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < facts.length; i++) hash = Math.imul(hash ^ facts.charCodeAt(i), 0x01000193);
  return hash;
}

/** What the deletion leaves the pod's containers: what was asked for, or what the spec says. */
export function deletionGraceMs(pod: unknown, spec: PodSpec): number {
  return number(map(map(pod)['metadata'])['deletionGracePeriodSeconds'], spec.graceMs / 1000) * 1000;
}
