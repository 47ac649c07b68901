import { type NodeConfig, labelled, timestamp } from '../context.ts';
import type { Pressure } from '../node-failure.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';

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

const ready: ConditionText = {
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

/** `$setElementOrder` of a patch that touches the conditions. */
const nodeConditionOrder = [...pressures.map(({ type }) => ({ type })), { type: 'Ready' }];

/** The Node that a kubelet registers: not Ready until its CSINode is there (wire-samples-kubelet.jsonl, 132 ms). */
export function newNode(node: NodeConfig, profile: RuntimeProfile, wallMs: number): unknown {
  const time = timestamp(wallMs);
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: {
      name: node.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        ...node.labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: node.taints.length === 0 ? {} : { taints: node.taints },
    status: {
      capacity: node.capacity,
      allocatable: node.capacity,
      conditions: [
        ...pressures.map(({ type, good }) => condition(type, good, time)),
        condition('Ready', notReady, time),
      ],
      addresses: [
        { type: 'InternalIP', address: node.address },
        { type: 'Hostname', address: node.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: identifier(node.name, 32),
        systemUUID: identifier(node.name, 32),
        bootID: bootId(node),
        kernelVersion: '6.1.0',
        osImage: 'Debian GNU/Linux 12 (bookworm)',
        containerRuntimeVersion: profile.version,
        kubeletVersion: node.kubeletVersion,
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
      images: profile.images,
    },
  };
}

/** The patch that makes a registered node Ready (354 ms in the samples). */
export function readyPatch(wallMs: number): unknown {
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: [condition('Ready', ready, timestamp(wallMs))],
    },
  };
}

/** What a kubelet that comes back to a node that is there already brings up to date: all but the conditions. */
export function reconcilePatch(node: NodeConfig, profile: RuntimeProfile, wallMs: number): unknown {
  const { conditions: _, ...status } = (newNode(node, profile, wallMs) as { status: Record<string, unknown> })
    .status;
  return { status };
}

/**
 * The report of a node that is Ready: the heartbeat times, and in full what is to be `written`.
 * @param present what the node is short of.
 */
export function conditionsPatch(
  wallMs: number,
  present: readonly Pressure[],
  written: 'all' | readonly Pressure[],
): unknown {
  const time = timestamp(wallMs);
  const of = (type: 'Ready' | Pressure, text: ConditionText): unknown =>
    written === 'all' || (type !== 'Ready' && written.includes(type))
      ? condition(type, text, time)
      : { lastHeartbeatTime: time, type };
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: [
        ...pressures.map(({ type, good, bad }) => of(type, present.includes(type) ? bad : good)),
        of('Ready', ready),
      ],
    },
  };
}

function condition(type: string, text: ConditionText, time: string): unknown {
  return { type, ...text, lastHeartbeatTime: time, lastTransitionTime: time };
}

/** Another one with each start of the machine. */
export function bootId({ name, successor }: NodeConfig): string {
  return identifier(`${name}/boot/${successor?.boot ?? 1}`, 32);
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
