import { type KubeletContext, type NodeConfig, labelled, timestamp } from '../context.ts';
import type { RuntimeProfile } from '../runtime/runtime-profile.ts';
import { wireProfile } from '../wire-profile.ts';

/** What a Node is made of. */
type NodeParts = Pick<KubeletContext, 'node' | 'profile' | 'images' | 'bootId'>;

/** The four conditions a kubelet keeps, in its order, with reason and message of the good state. */
const pressures = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
] as const;

/** `$setElementOrder` of a patch that touches the conditions. */
export const nodeConditionOrder = [...pressures.map(([type]) => ({ type })), { type: 'Ready' }];

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
        ...pressures.map(([type, reason, message]) => condition(type, 'False', reason, message)),
        condition('Ready', 'False', 'KubeletNotReady', 'CSINode is not yet initialized'),
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
      conditions: conditions.map((condition) => {
        const same = before.some(
          (old) => old.type === condition['type'] && old.status === condition['status'],
        );
        return same
          ? { lastHeartbeatTime: condition['lastHeartbeatTime'], type: condition['type'] }
          : condition;
      }),
      ...others,
    },
  };
}

/** Unlike any other boot's of any other node. */
export function bootIdOf(node: NodeConfig, boots: number): string {
  return identifier(`${node.name}/boot/${boots}`, 32);
}

/** A node that is short of memory says so with these. */
const memoryPressure = ['KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'] as const;

/** All four conditions in their good state: written again when the node controller has set them Unknown. */
export function readyAgainPatch(wallMs: number, underMemoryPressure = false): { status: object } {
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
export function memoryPressurePatch(wallMs: number, underMemoryPressure: boolean): { status: object } {
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
export function heartbeatPatch(wallMs: number): { status: object } {
  const lastHeartbeatTime = timestamp(wallMs);
  return {
    status: {
      '$setElementOrder/conditions': nodeConditionOrder,
      conditions: nodeConditionOrder.map(({ type }) => ({ lastHeartbeatTime, type })),
    },
  };
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
