import { type NodeConfig, labelled, timestamp } from '../context.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';

/** The four conditions a kubelet keeps, in its order, with reason and message of the good state. */
const pressures = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
] as const;

/** `$setElementOrder` of a patch that touches the conditions. */
export const nodeConditionOrder = [...pressures.map(([type]) => ({ type })), { type: 'Ready' }];

/** The Node that a kubelet registers: not Ready until its CSINode is there (wire-samples-kubelet.jsonl, 132 ms). */
export function newNode(node: NodeConfig, profile: RuntimeProfile, wallMs: number): unknown {
  const time = timestamp(wallMs);
  const condition = (type: string, status: string, reason: string, message: string): unknown => ({
    type,
    status,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
    reason,
    message,
  });
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
        ...pressures.map(([type, reason, message]) => condition(type, 'False', reason, message)),
        condition('Ready', 'False', 'KubeletNotReady', 'CSINode is not yet initialized'),
      ],
      addresses: [
        { type: 'InternalIP', address: node.address },
        { type: 'Hostname', address: node.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: identifier(node.name, 32),
        systemUUID: identifier(node.name, 32),
        bootID: identifier(`${node.name}/boot`, 32),
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
  const time = timestamp(wallMs);
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          lastHeartbeatTime: time,
          lastTransitionTime: time,
        },
      ],
    },
  };
}

/** What a kubelet that comes back to a node that is there already brings up to date: all but the conditions. */
export function reconcilePatch(node: NodeConfig, profile: RuntimeProfile, wallMs: number): unknown {
  const { conditions: _, ...status } = (newNode(node, profile, wallMs) as { status: Record<string, unknown> })
    .status;
  return { status };
}

/** A node that is short of memory says so with these. */
const memoryPressure = ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'] as const;

/** All four conditions in their good state: written again when the node controller has set them Unknown. */
export function readyAgainPatch(wallMs: number, underMemoryPressure = false): unknown {
  const time = timestamp(wallMs);
  const condition = (type: string, status: string, reason: string, message: string): unknown => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: [
        ...pressures.map(([type, reason, message]) =>
          type === 'MemoryPressure' && underMemoryPressure
            ? condition(type, 'True', ...memoryPressure)
            : condition(type, 'False', reason, message),
        ),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
    },
  };
}

/** The report of a node that came to be, or no longer is, short of memory. */
export function memoryPressurePatch(wallMs: number, underMemoryPressure: boolean): unknown {
  const time = timestamp(wallMs);
  const [, ...good] = pressures[0];
  const [reason, message] = underMemoryPressure ? memoryPressure : good;
  const changed = {
    status: underMemoryPressure ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: time,
  };
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: nodeConditionOrder.map(({ type }) => ({
        lastHeartbeatTime: time,
        type,
        ...(type === 'MemoryPressure' ? changed : {}),
      })),
    },
  };
}

/** The five-minute report: the heartbeat times and nothing else. */
export function heartbeatPatch(wallMs: number): unknown {
  const lastHeartbeatTime = timestamp(wallMs);
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: nodeConditionOrder.map(({ type }) => ({ lastHeartbeatTime, type })),
    },
  };
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
