import { View } from '../wire/view.ts';

/** What the observer takes from a Pod: enough for counts, classes and phases, and no more. */
export type PodFacts = {
  uid: string;
  namespace: string;
  name: string;
  /** Empty while the pod is not scheduled. */
  node: string;
  /**
   * What sort of load it belongs to: `latency` if its {@link purposeLabel} says so, else the owner's kind in lower
   * case (`deployment` for a ReplicaSet), else `pod`.
   */
  kind: string;
  /** What it belongs to, by name: its controller, of a ReplicaSet the Deployment; else the phase that made it. */
  workload: string;
  /** The name of the phase of the scenario that asked for it; empty when nothing says so. */
  phase: string;
  /** Made by a controller: nobody knows when its create request was sent. */
  controlled: boolean;
  /** Has volumes other than those which the startup SLI calls stateless. */
  stateful: boolean;
  hasInitContainers: boolean;
  /** creationTimestamp: wall clock of the API server, whole seconds. */
  createdWallMs: number;
  /** The scheduler has said that it fits nowhere: not "schedulable" in the sense of the SLI. */
  unschedulable: boolean;
  /** All containers run or have run: the SLI's "reported as started". */
  started: boolean;
  failed: boolean;
  /** As it was meant to: with success, or a pod of a Job that is made so as to fail without, unless it was taken away. */
  ended: boolean;
  /** Has a deletionTimestamp. */
  deleting: boolean;
  /** Made so as to fail. */
  failing: boolean;
};

/** What {@link podFacts} reads of a pod. */
export const podFactsView = new View({
  metadata: {
    uid: true,
    namespace: true,
    name: true,
    labels: true,
    ownerReferences: { kind: true, name: true, controller: true },
    creationTimestamp: true,
    deletionTimestamp: true,
  },
  spec: { nodeName: true, containers: { name: true }, initContainers: { name: true }, volumes: true },
  status: {
    phase: true,
    conditions: { type: true, status: true, reason: true },
    containerStatuses: { state: true, lastState: true, started: true },
  },
});

type Owner = { kind?: string; name?: string; controller?: boolean };

type Meta = {
  uid?: string;
  namespace?: string;
  name?: string;
  labels?: Record<string, string>;
  ownerReferences?: Owner[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
};

type ContainerState = { running?: unknown; terminated?: unknown };

type Pod = {
  metadata?: Meta;
  spec?: {
    nodeName?: string;
    containers?: unknown[];
    initContainers?: unknown[];
    volumes?: Record<string, unknown>[];
  };
  status?: {
    phase?: string;
    conditions?: { type?: string; status?: string; reason?: string }[];
    containerStatuses?: { state?: ContainerState; lastState?: ContainerState; started?: boolean }[];
  };
};

/** The load generator's mark on pods and Jobs: `latency` is there to be measured, {@link failingPurpose} is made so as to fail. */
export const purposeLabel = 'hollowmark.dev/purpose';

export const failingPurpose = 'failing';

/** The load generator's mark on what a phase makes: the phase's name. */
const phaseLabel = 'hollowmark.dev/phase';

/**
 * Volumes of a stateless pod.
 * Source: kubernetes/community sig-scalability/slos/pod_startup_latency.md.
 */
const statelessVolumes = new Set(['name', 'secret', 'configMap', 'downwardAPI', 'projected', 'emptyDir']);

/** Reads a Pod as a watch delivers it. Never throws: what is missing counts as not there. */
export function podFacts(object: unknown): PodFacts {
  const { metadata = {}, spec = {}, status = {} } = (object ?? {}) as Pod;
  const purpose = metadata.labels?.[purposeLabel];
  const failing = purpose === failingPurpose;
  const isTrue = (condition: string): boolean =>
    (status.conditions ?? []).some(({ type, status: is }) => type === condition && is === 'True');
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return {
    uid: metadata.uid ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    node: spec.nodeName ?? '',
    kind: purpose === 'latency' ? 'latency' : kindOfOwner(owner?.kind),
    workload: workloadOf(owner, metadata.labels),
    phase: metadata.labels?.[phaseLabel] ?? '',
    controlled: owner !== undefined,
    stateful: (spec.volumes ?? []).some((volume) =>
      Object.keys(volume).some((source) => !statelessVolumes.has(source)),
    ),
    hasInitContainers: (spec.initContainers?.length ?? 0) > 0,
    createdWallMs: Date.parse(metadata.creationTimestamp ?? ''),
    unschedulable: (status.conditions ?? []).some(
      (condition) =>
        condition.type === 'PodScheduled' &&
        condition.status === 'False' &&
        condition.reason === 'Unschedulable',
    ),
    started: allStarted(spec.containers?.length ?? 0, status.containerStatuses ?? []),
    failed: status.phase === 'Failed',
    ended:
      status.phase === 'Succeeded' ||
      (status.phase === 'Failed' && failing && owner?.kind === 'Job' && !isTrue('DisruptionTarget')),
    deleting: metadata.deletionTimestamp !== undefined,
    failing,
  };
}

function kindOfOwner(ownerKind: string | undefined): string {
  if (ownerKind === undefined) return 'pod';
  return ownerKind === 'ReplicaSet' ? 'deployment' : ownerKind.toLowerCase();
}

/** A Deployment's ReplicaSets are called like it, with the hash of the pod's template behind. */
function workloadOf(owner: Owner | undefined, labels: Record<string, string> | undefined): string {
  if (owner === undefined) return labels?.[phaseLabel] ?? '';
  const name = owner.name ?? '';
  const hash = owner.kind === 'ReplicaSet' ? labels?.['pod-template-hash'] : undefined;
  return hash !== undefined && name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name;
}

/** Each container once: one that has ended, or that waits for its next start, has been started before. */
function allStarted(
  containerCount: number,
  statuses: NonNullable<NonNullable<Pod['status']>['containerStatuses']>,
): boolean {
  if (containerCount === 0 || statuses.length < containerCount) return false;
  return statuses.every(
    ({ state, lastState, started }) =>
      started === true ||
      state?.running !== undefined ||
      state?.terminated !== undefined ||
      lastState?.terminated !== undefined,
  );
}
