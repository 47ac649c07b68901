import { type KubeletContext, type NodeConfig, labelled, timestamp } from '../context.ts';
import type { Pressure } from '../node-failure.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';
import { wireProfile } from '../wire-profile.ts';

/** What a Node is made of. */
type NodeParts = Pick<KubeletContext, 'node' | 'profile' | 'images' | 'bootId'>;

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

/** As kubemark's nodes say of themselves (wire-samples-kubemark.jsonl, 164 ms). */
const kubemarkNodeInfo = {
  machineID: '',
  systemUUID: '',
  bootID: '',
} as const;

/** The Node that a kubelet registers: not Ready until its CSINode is there (wire-samples-kubelet.jsonl, 132 ms). */
export function newNode({ node, profile, images, bootId }: NodeParts, wallMs: number): unknown {
  const { system } = profile;
  const reported = images.reported();
  const time = timestamp(wallMs);
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
        ...(isKubemark ? kubemarkNodeInfo : realNodeInfo(node.name, bootId)),
        kernelVersion: system.kernelVersion,
        osImage: system.osImage,
        containerRuntimeVersion: profile.version,
        kubeletVersion: node.kubeletVersion,
        kubeProxyVersion: '',
        operatingSystem: system.operatingSystem,
        architecture: 'amd64',
      },
      ...(reported.length === 0 ? {} : { images: reported }),
    },
  };
}

function realNodeInfo(name: string, bootId: string): Record<string, string> {
  return { machineID: identifier(name, 32), systemUUID: identifier(name, 32), bootID: bootId };
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

/**
 * What a kubelet that comes back to a node that is there already brings up to date. Ready it is not, for the moment: the
 * kubelet has yet to look at its CSINode.
 * @param before the conditions as the API server has them.
 */
export function reconcilePatch(
  parts: NodeParts,
  before: readonly { type: string; status: string }[],
  wallMs: number,
): unknown {
  const { status } = newNode(parts, wallMs) as { status: { conditions: Record<string, unknown>[] } };
  const { conditions, ...others } = status;
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: conditions.map((now) => {
        const same = before.some((old) => old.type === now['type'] && old.status === now['status']);
        return same ? { lastHeartbeatTime: now['lastHeartbeatTime'], type: now['type'] } : now;
      }),
      ...others,
    },
  };
}

/** Unlike any other boot's of any other node. */
export function bootIdOf(node: NodeConfig, boots: number): string {
  return identifier(`${node.name}/boot/${boots}`, 32);
}

/**
 * The report of a node that is Ready: the heartbeat times, and in full what is to be `written`.
 * @param present what the node is short of.
 */
export function conditionsPatch(
  wallMs: number,
  present: readonly Pressure[],
  written: 'all' | readonly Pressure[],
): { status: object } {
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

function condition(type: string, text: ConditionText, time: string): Record<string, unknown> {
  return { type, ...text, lastHeartbeatTime: time, lastTransitionTime: time };
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
