import { isDeepStrictEqual } from 'node:util';
import { timestamp } from '../context.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';

/** Where one container is. Times are wall-clock milliseconds. */
export type ContainerState =
  | { is: 'waiting' }
  | { is: 'running'; id: string; startedWallMs: number; ready: boolean }
  | { is: 'exited'; id: string; startedWallMs: number; finishedWallMs: number };

/** Everything that a pod's status is made of, besides its spec. */
export type PodLife = {
  generation: number;
  startWallMs: number;
  sandboxReady: boolean;
  /** When the sandbox condition last turned. */
  sandboxWallMs: number;
  initialized: boolean;
  initializedWallMs: number;
  ready: boolean;
  readyWallMs: number;
  /** Every container has ended after a deletion. */
  ended: boolean;
  podIp: string;
  containers: ContainerState[];
  initContainers: ContainerState[];
};

export type Condition = { type: string; status?: string; [field: string]: unknown };
export type Status = { conditions?: Condition[]; [field: string]: unknown };

/** The conditions that a kubelet owns, in its order; PodScheduled is the scheduler's, kept and stamped. */
const conditionTypes = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
];

/** The status as the kubelet would have it, all fields, in the API's form. `imageIds` by image name. */
export function podStatus(spec: PodSpec, life: PodLife, hostIp: string): Status {
  const status: Status = {
    conditions: conditions(spec, life),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    observedGeneration: life.generation,
    startTime: timestamp(life.startWallMs),
    phase: phase(life),
    containerStatuses: spec.containers.map((container, index) =>
      containerStatus(container, life.containers[index] ?? { is: 'waiting' }, waitingReason(spec, life)),
    ),
  };
  if (spec.initContainers.length > 0) {
    status['initContainerStatuses'] = spec.initContainers.map((container, index) =>
      containerStatus(container, life.initContainers[index] ?? { is: 'waiting' }, 'PodInitializing'),
    );
  }
  const requests = total(spec.containers, 'requests');
  if (requests !== undefined) status['allocatedResources'] = requests;
  const limits = total(spec.containers, 'limits');
  if (!life.ended || life.podIp !== '') {
    if (requests !== undefined || limits !== undefined) {
      status['resources'] = {
        ...(limits === undefined ? {} : { limits }),
        ...(requests === undefined ? {} : { requests }),
      };
    }
  } else if (requests !== undefined) {
    // Once the sandbox is gone only what was allocated is left.
    status['resources'] = { requests };
  }
  if (life.podIp !== '') {
    status['podIP'] = life.podIp;
    status['podIPs'] = [{ ip: life.podIp }];
  }
  return status;
}

function waitingReason(spec: PodSpec, life: PodLife): string {
  return spec.initContainers.length > 0 && !life.initialized ? 'PodInitializing' : 'ContainerCreating';
}

function phase(life: PodLife): string {
  if (life.ended) return 'Succeeded';
  return life.containers.length > 0 && life.containers.every((container) => container.is !== 'waiting')
    ? 'Running'
    : 'Pending';
}

function conditions(spec: PodSpec, life: PodLife): Condition[] {
  const base = { lastProbeTime: null, observedGeneration: life.generation };
  const unready = spec.containers
    .filter((_, index) => {
      const state = life.containers[index];
      return !(state?.is === 'running' && state.ready);
    })
    .map((container) => container.name);
  const uninitialized = spec.initContainers
    .filter((_, index) => life.initContainers[index]?.is !== 'exited')
    .map((container) => container.name);
  const readiness = (type: string): Condition => ({
    ...base,
    type,
    status: life.ready ? 'True' : 'False',
    lastTransitionTime: timestamp(life.readyWallMs),
    ...(life.ready
      ? {}
      : life.ended
        ? { reason: 'PodCompleted' }
        : {
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          }),
  });
  return [
    {
      ...base,
      type: 'PodReadyToStartContainers',
      status: life.sandboxReady ? 'True' : 'False',
      lastTransitionTime: timestamp(life.sandboxWallMs),
    },
    {
      ...base,
      type: 'Initialized',
      status: life.initialized ? 'True' : 'False',
      lastTransitionTime: timestamp(life.initializedWallMs),
      ...(life.initialized
        ? life.ended
          ? { reason: 'PodCompleted' }
          : {}
        : {
            reason: 'ContainersNotInitialized',
            message: `containers with incomplete status: [${uninitialized.join(' ')}]`,
          }),
    },
    readiness('Ready'),
    readiness('ContainersReady'),
  ];
}

function containerStatus(spec: ContainerSpec, state: ContainerState, waiting: string): unknown {
  const started = state.is === 'running';
  const resources = {
    ...(spec.limits === undefined ? {} : { limits: spec.limits }),
    ...(spec.requests === undefined ? {} : { requests: spec.requests }),
  };
  return {
    ...(spec.requests === undefined || state.is === 'waiting' ? {} : { allocatedResources: spec.requests }),
    ...(state.is === 'waiting' ? {} : { containerID: state.id }),
    image: spec.image,
    imageID: state.is === 'waiting' ? '' : imageId(spec.image),
    lastState: {},
    name: spec.name,
    ready: state.is === 'running' && state.ready,
    ...(state.is === 'waiting' ? {} : { resources }),
    restartCount: 0,
    started,
    state: stateOf(state, waiting),
    ...(spec.volumeMounts.length === 0
      ? {}
      : {
          volumeMounts: spec.volumeMounts.map((mount) => ({
            mountPath: mount.mountPath,
            name: mount.name,
            ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
          })),
        }),
  };
}

function stateOf(state: ContainerState, waiting: string): unknown {
  switch (state.is) {
    case 'waiting':
      return { waiting: { reason: waiting } };
    case 'running':
      return { running: { startedAt: timestamp(state.startedWallMs) } };
    case 'exited':
      return {
        terminated: {
          containerID: state.id,
          exitCode: 0,
          finishedAt: timestamp(state.finishedWallMs),
          reason: 'Completed',
          startedAt: timestamp(state.startedWallMs),
        },
      };
  }
}

/** A digest as a registry would have one: 64 hexadecimal digits that depend on the image's name alone. */
export function imageId(image: string): string {
  return `sha256:${digest(image)}`;
}

/** 64 hexadecimal digits that depend on `name` alone; no cryptography, only as long as one. */
export function digest(name: string): string {
  let text = '';
  for (let block = 1; block <= 8; block++) {
    let hash = Math.imul(0x811c9dc5, block) ^ name.length;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
    text += (Math.imul(hash, 0x2c1b3c6d) >>> 0).toString(16).padStart(8, '0');
  }
  return text;
}

/** The sum over containers is the API server's business; with one container, or the same keys, it is the one value. */
function total(
  containers: ContainerSpec[],
  which: 'requests' | 'limits',
): Record<string, string> | undefined {
  const only = containers.length === 1 ? containers[0]?.[which] : undefined;
  return only;
}

/**
 * The strategic merge patch that turns `current` (the API server's) into `desired` (the kubelet's), or undefined when
 * nothing differs. Conditions merge by type with only the changed fields, and others' conditions stay; `podIPs` merge by
 * ip; every other list is atomic; objects merge; a field the kubelet no longer has is null.
 * Source: k8s.io/api/core/v1 PodStatus patch strategies, and the samples of a real node.
 */
export function statusPatch(uid: string, current: Status, desired: Status): unknown {
  const status: Record<string, unknown> = {};
  const conditionPatch = patchConditions(current.conditions ?? [], desired.conditions ?? [], desired);
  if (conditionPatch !== undefined) {
    status['$setElementOrder/conditions'] = conditionTypes.map((type) => ({ type }));
    status['conditions'] = conditionPatch;
  }
  for (const [field, value] of Object.entries(desired)) {
    if (field === 'conditions' || isDeepStrictEqual(current[field], value)) continue;
    status[field] =
      field === 'resources' ? mergePatch(current[field] as Fields | undefined, value as Fields) : value;
  }
  for (const field of ownedFields) {
    if (current[field] !== undefined && desired[field] === undefined) status[field] = null;
  }
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid }, status };
}

/** Fields that a kubelet takes away again. */
const ownedFields = ['podIP', 'podIPs', 'resources', 'allocatedResources'];

type Fields = Record<string, unknown>;

function mergePatch(current: Fields | undefined, desired: Fields): Fields {
  if (current === undefined) return desired;
  const patch: Fields = {};
  for (const [key, value] of Object.entries(desired)) {
    const before = current[key];
    if (isDeepStrictEqual(before, value)) continue;
    patch[key] =
      typeof value === 'object' && typeof before === 'object'
        ? mergePatch(before as Fields, value as Fields)
        : value;
  }
  for (const key of Object.keys(current)) if (!(key in desired)) patch[key] = null;
  return patch;
}

function patchConditions(
  current: Condition[],
  desired: Condition[],
  status: Status,
): Condition[] | undefined {
  const patch: Condition[] = [];
  for (const condition of desired) {
    const before = current.find((other) => other.type === condition.type);
    if (before === undefined) {
      patch.push(condition);
      continue;
    }
    const changed: Fields = {};
    for (const [field, value] of Object.entries(condition)) {
      // The API server leaves out what is null.
      if (!isDeepStrictEqual(before[field] ?? null, value)) changed[field] = value;
    }
    for (const field of Object.keys(before)) if (!(field in condition)) changed[field] = null;
    if (Object.keys(changed).length > 0) patch.push({ ...changed, type: condition.type });
  }
  const scheduled = current.find((condition) => condition.type === 'PodScheduled');
  if (scheduled !== undefined && scheduled['observedGeneration'] !== status['observedGeneration']) {
    patch.push({ observedGeneration: status['observedGeneration'], type: 'PodScheduled' });
  }
  return patch.length === 0 ? undefined : patch;
}
