import type { PodFacts } from '../../../src/measure/pod-facts.ts';
import type { RawWatchEvent, WatchEventType } from '../../../src/wire/codec.ts';

/** A pod as the API server shows it; `started` sets the status of its one container. */
export function pod(
  uid: string,
  options: {
    node?: string;
    started?: boolean;
    phase?: string;
    owner?: string;
    labels?: Record<string, string>;
    created?: string;
    unschedulable?: boolean;
    volumes?: Record<string, unknown>[];
    initContainers?: unknown[];
  } = {},
): unknown {
  return {
    metadata: {
      uid,
      name: `pod-${uid}`,
      namespace: 'ns-1',
      resourceVersion: '7',
      creationTimestamp: options.created ?? '2026-03-04T05:06:07Z',
      labels: options.labels ?? {},
      ...(options.owner === undefined
        ? {}
        : { ownerReferences: [{ kind: options.owner, controller: true }] }),
    },
    spec: {
      containers: [{ name: 'c' }],
      ...(options.node === undefined ? {} : { nodeName: options.node }),
      ...(options.volumes === undefined ? {} : { volumes: options.volumes }),
      ...(options.initContainers === undefined ? {} : { initContainers: options.initContainers }),
    },
    status: {
      phase: options.phase ?? (options.started ? 'Running' : 'Pending'),
      ...(options.unschedulable
        ? { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }
        : {}),
      ...(options.started ? { containerStatuses: [{ state: { running: {} } }] } : {}),
    },
  };
}

export function event(type: WatchEventType, object: unknown, resourceVersion = '7'): RawWatchEvent {
  return {
    type,
    resourceVersion,
    metadata: () => ({ uid: '', generation: 0, deleting: false }),
    object: () => object,
    sizeBytes: 100,
  };
}

export function facts(uid: string, overrides: Partial<PodFacts> = {}): PodFacts {
  return {
    uid,
    namespace: 'ns-1',
    name: `pod-${uid}`,
    node: '',
    kind: 'latency',
    workload: 'phase-1',
    phase: '',
    controlled: false,
    stateful: false,
    hasInitContainers: false,
    createdWallMs: Date.UTC(2026, 2, 4, 5, 6, 7),
    unschedulable: false,
    started: false,
    failed: false,
    ended: false,
    deleting: false,
    failing: false,
    ...overrides,
  };
}
