import { type KubeletContext, type NodeConfig, labelled, timestamp } from '../context.ts';
import type { Pressure } from '../node-failure.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';
import { type Condition, changedConditions, isObject, isSame, mergePatch } from '../strategic-merge.ts';
import { wireProfile } from '../wire-profile.ts';

/** What a Node is made of. */
type NodeParts = Pick<KubeletContext, 'node' | 'profile' | 'allocatable' | 'images' | 'bootId'>;

/** What is so on the node: what it is short of, and whether it can run pods. */
export type NodeState = { present: readonly Pressure[]; ready: boolean };

export type NodeCondition = Condition & { status?: string; lastTransitionTime?: string };
export type NodeStatus = { conditions?: NodeCondition[]; [field: string]: unknown };

type ConditionText = { status: 'True' | 'False'; reason: string; message: string };

/** The conditions a kubelet keeps beside Ready, in its order, in their good and in their bad state. */
const pressures: readonly { type: Pressure; good: ConditionText; bad: ConditionText }[] = [
  {
    type: 'MemoryPressure',
    good: {
      status: 'False',
      reason: 'KubeletHasSufficientMemory',
      message: 'kubelet has sufficient memory available',
    },
    bad: {
      status: 'True',
      reason: 'KubeletHasInsufficientMemory',
      message: 'kubelet has insufficient memory available',
    },
  },
  {
    type: 'DiskPressure',
    good: { status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    bad: { status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
  },
  {
    type: 'PIDPressure',
    good: {
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
    },
    bad: {
      status: 'True',
      reason: 'KubeletHasInsufficientPID',
      message: 'kubelet has insufficient PID available',
    },
  },
];

const isReady: ConditionText = {
  status: 'True',
  reason: 'KubeletReady',
  message: 'kubelet is posting ready status',
};

const notReady: ConditionText = {
  status: 'False',
  reason: 'KubeletNotReady',
  message: 'CSINode is not yet initialized',
};

/** Reasons of the events when a condition changes, to the good and to the bad. */
export const pressureEvents: Readonly<Record<Pressure, { good: string; bad: string }>> = {
  MemoryPressure: { good: 'NodeHasSufficientMemory', bad: 'NodeHasInsufficientMemory' },
  DiskPressure: { good: 'NodeHasNoDiskPressure', bad: 'NodeHasDiskPressure' },
  PIDPressure: { good: 'NodeHasSufficientPID', bad: 'NodeHasInsufficientPID' },
};

/** What a kubelet of v1.36 declares with its default feature gates (samples, and the registry that its features are in). */
const declaredFeatures = [
  'ExtendWebSocketsToKubelet',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'RestartAllContainersOnContainerExits',
];

/** The feature gate NodeDeclaredFeatures is on by default from here on (pkg/features/kube_features.go). */
const declaresFeaturesFromMinor = 36;

/** As kubemark's nodes say of themselves (wire-samples-kubemark.jsonl, 164 ms). */
const kubemarkNodeInfo = {
  machineID: '',
  systemUUID: '',
  bootID: '',
} as const;

/** The Node that a kubelet registers: not Ready until its CSINode is there (wire-samples-kubelet.jsonl, 132 ms). */
export function newNode(parts: NodeParts, wallMs: number): { status: NodeStatus; [field: string]: unknown } {
  const { node, profile } = parts;
  const { system } = profile;
  const isKubemark = wireProfile(node.wireProfile).node === 'kubemark';
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name: node.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': system.operatingSystem,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': system.operatingSystem,
        ...windowsLabels(system),
        ...node.labels,
      },
      ...(isKubemark
        ? {}
        : { annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } }),
    },
    spec: {
      ...(isKubemark ? { providerID: `kubemark://${node.name}` } : {}),
      ...(node.taints.length === 0 ? {} : { taints: node.taints }),
    },
    status: {
      ...statusFacts(parts),
      conditions: nodeConditions([], { present: [], ready: false }, wallMs),
    },
  };
}

/** What a node's status says beside its conditions. `images` is absent when there are none. */
export function statusFacts(parts: NodeParts): NodeStatus {
  const { node, profile, allocatable, bootId } = parts;
  const { system } = profile;
  const images = reportedImages(parts);
  const isKubemark = wireProfile(node.wireProfile).node === 'kubemark';
  return {
    capacity: node.capacity,
    allocatable,
    addresses: [
      { type: 'InternalIP', address: node.address },
      { type: 'Hostname', address: node.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      ...(isKubemark ? kubemarkNodeInfo : realNodeInfo(node.name, bootId)),
      kernelVersion: system.kernelVersion,
      osImage: system.osImage,
      containerRuntimeVersion: profile.version,
      kubeletVersion: node.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: system.operatingSystem,
      architecture: 'amd64',
    },
    ...(images === undefined ? {} : { images }),
    ...(minorOf(node.kubeletVersion) < declaresFeaturesFromMinor ? {} : { declaredFeatures }),
  };
}

/** Undefined when there are none. Those of kubemark's nodes have no size. */
export function reportedImages({ node, images }: Pick<NodeParts, 'node' | 'images'>): unknown[] | undefined {
  const reported = images.reported();
  if (reported.length === 0) return undefined;
  if (wireProfile(node.wireProfile).node === 'real') return reported;
  return reported.map(({ names }) => ({ names }));
}

/** 36 of `v1.36.3`. */
export function minorOf(version: string): number {
  return Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 0);
}

function realNodeInfo(name: string, bootId: string): Record<string, string> {
  return { machineID: identifier(name, 32), systemUUID: identifier(name, 32), bootID: bootId };
}

/** Unlike any other boot's of any other node. */
export function bootIdOf(node: NodeConfig, boots: number): string {
  return identifier(`${node.name}/boot/${boots}`, 32);
}

/**
 * The conditions that a kubelet writes over those that the API server has: what was so before keeps its transition time,
 * and the conditions of others keep their places.
 * Source: pkg/kubelet/nodestatus/setters.go (MemoryPressureCondition, ReadyCondition), v1.36.
 */
export function nodeConditions(
  known: readonly NodeCondition[],
  { present, ready }: NodeState,
  wallMs: number,
): NodeCondition[] {
  const time = timestamp(wallMs);
  const own = [
    ...pressures.map(({ type, good, bad }) => ({ type, ...(present.includes(type) ? bad : good) })),
    { type: 'Ready', ...(ready ? isReady : notReady) },
  ].map((now): NodeCondition => {
    const before = known.find(({ type }) => type === now.type);
    const same = before?.status === now.status;
    return {
      ...now,
      lastHeartbeatTime: time,
      lastTransitionTime: same ? (before?.lastTransitionTime ?? time) : time,
    };
  });
  const others = known.filter(({ type }) => !own.some((condition) => condition.type === type));
  if (others.length === 0) return own;
  const inPlace = known.map((before) => own.find(({ type }) => type === before.type) ?? before);
  return [...inPlace, ...own.filter(({ type }) => !known.some((before) => before.type === type))];
}

/** Whether the node is what the API server says that it is, times aside. */
export function conditionsHold(known: readonly NodeCondition[], { present, ready }: NodeState): boolean {
  const has = (type: string, status: string): boolean =>
    known.some((condition) => condition.type === type && condition.status === status);
  return (
    has('Ready', ready ? 'True' : 'False') &&
    pressures.every(({ type }) => has(type, present.includes(type) ? 'True' : 'False'))
  );
}

/**
 * The strategic merge patch that turns `known` into `desired`: `{}` when nothing differs, which a kubelet sends all the
 * same. Lists but the conditions are atomic; addresses, which would be merged by type, are said to take the place of all.
 * Source: component-helpers, node/util/status.go (preparePatchBytesForNodeStatus), v0.36.
 */
export function nodeStatusPatch(known: NodeStatus, desired: NodeStatus): { status?: object } {
  const { conditions: before = [], ...facts } = known;
  const { conditions: now = [], ...others } = desired;
  const status: Record<string, unknown> = {};
  const conditions = changedConditions(before, now);
  if (conditions.length > 0) {
    status['$setElementOrder/conditions'] = now.map(({ type }) => ({ type }));
    status['conditions'] = conditions;
  }
  for (const [field, value] of Object.entries(others)) {
    const current = facts[field];
    if (isSame(current, value)) continue;
    if (field === 'addresses' && Array.isArray(current) && current.length > 0 && Array.isArray(value)) {
      status[field] = [...value, { $patch: 'replace' }];
      continue;
    }
    status[field] = isObject(current) && isObject(value) ? mergePatch(current, value) : (value ?? null);
  }
  return Object.keys(status).length === 0 ? {} : { status };
}

/** The build of Windows, as a label: the first three parts of the kernel's version. */
function windowsLabels({ operatingSystem, kernelVersion }: RuntimeProfile['system']): Record<string, string> {
  if (operatingSystem !== 'windows') return {};
  return { 'node.kubernetes.io/windows-build': kernelVersion.split('.').slice(0, 3).join('.') };
}

/** The CSINode of a node without CSI drivers; the annotation lists the in-tree plugins that are migrated. */
export function newCsiNode({ name, objectLabels }: NodeConfig, nodeUid: string): unknown {
  return {
    kind: 'CSINode',
    apiVersion: 'storage.k8s.io/v1',
    metadata: {
      name,
      ...labelled(objectLabels),
      annotations: {
        'storage.alpha.kubernetes.io/migrated-plugins':
          'kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,kubernetes.io/cinder,kubernetes.io/gce-pd,kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: nodeUid }],
    },
    spec: { drivers: null },
  };
}

/** A stable hexadecimal identifier made from a name (FNV-1a, spread); no secret, only unlike others. */
function identifier(name: string, length: number): string {
  let text = '';
  for (let block = 0; text.length < length; block++) {
    let hash = 0x811c9dc5 ^ block;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    text += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return text.slice(0, length);
}
