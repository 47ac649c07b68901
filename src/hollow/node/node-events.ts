import type { KubeletContext } from '../context.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { minorOf } from './node-object.ts';

const goodConditions = ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'];

/** What a kubelet says of cgroup v1, and from which minor version on (pkg/kubelet/cm/container_manager.go). */
const cgroupWarnings = [
  {
    fromMinor: 35,
    message:
      'cgroup v1 detected. cgroup v1 support is deprecated and will be removed in a future release. Please migrate to cgroup v2. More information at https://git.k8s.io/enhancements/keps/sig-node/5573-remove-cgroup-v1',
  },
  {
    fromMinor: 31,
    message: 'Cgroup v1 support is in maintenance mode, please migrate to Cgroup v2.',
  },
] as const;

/** The events that a kubelet records about its node. */
export class NodeEvents {
  private readonly context: KubeletContext;
  private readonly recorder: EventRecorder;

  constructor(context: KubeletContext, recorder: EventRecorder) {
    this.context = context;
    this.recorder = recorder;
  }

  record(reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void {
    const { name } = this.context.node;
    this.recorder.record({ kind: 'Node', name, namespace: '', uid: name }, type, reason, message);
  }

  status(reason: string): void {
    this.record(reason, `Node ${this.context.node.name} status is now: ${reason}`);
  }

  /** Those of a node that is made up anew, whose conditions all turn: to the good. */
  conditions(): void {
    for (const reason of goodConditions) this.status(reason);
  }

  /** The measured nodes have cgroup v1, and so have these. */
  cgroups(): void {
    const { node, profile } = this.context;
    const minor = minorOf(node.kubeletVersion);
    const warning = cgroupWarnings.find(({ fromMinor }) => minor >= fromMinor);
    if (profile.system.operatingSystem !== 'linux' || warning === undefined) return;
    this.record('CgroupV1', warning.message, 'Warning');
  }
}
