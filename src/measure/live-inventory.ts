import type { NodeListener, NodeState, PodListener } from './observer.ts';
import type { PodFacts } from './pod-facts.ts';

/** Workloads that are told apart; those that come later are one. */
export const liveWorkloadsMax = 5_000;

export const livePodStates = ['pending', 'scheduled', 'started', 'failed'] as const;

/** `pending`: on no node yet. `scheduled`: its containers have not all been started. */
export type LivePodState = (typeof livePodStates)[number];

export type LiveWorkload = {
  namespace: string;
  kind: string;
  name: string;
  /** Pods so far, and what became of them. */
  total: number;
  started: number;
  failed: number;
  deleted: number;
};

export type LivePod = {
  namespace: string;
  name: string;
  workload: LiveWorkload;
  node: LiveNode | undefined;
  state: LivePodState;
};

export type LiveNode = { name: string; ready: boolean; lapses: number; pods: Set<LivePod> };

/**
 * The nodes that are there and their pods, for those who look on. Each event costs about a microsecond, a pod some 250 bytes
 * while it is there; the observer says how many pods and nodes there may be. Only made when a page is to be shown.
 */
export class LiveInventory implements PodListener, NodeListener {
  readonly nodes = new Map<string, LiveNode>();
  readonly workloads = new Map<string, LiveWorkload>();
  /** Pods that are there. */
  readonly counts: Record<LivePodState, number> = { pending: 0, scheduled: 0, started: 0, failed: 0 };
  private readonly pods = new Map<string, LivePod>();

  onNode(name: string, { ready, lapses }: Readonly<NodeState>): void {
    const node = this.nodeOf(name);
    node.ready = ready;
    node.lapses = lapses;
  }

  /** Pods may be bound to it for a while yet: they show where they are. */
  onNodeGone(name: string): void {
    this.nodes.delete(name);
  }

  onSeen({ uid, namespace, name, kind, workload: workloadName }: PodFacts): void {
    const workload = this.workloadOf(namespace, kind, workloadName);
    workload.total++;
    this.counts.pending++;
    this.pods.set(uid, { namespace, name, workload, node: undefined, state: 'pending' });
  }

  onScheduled({ uid, node: name }: PodFacts): void {
    const pod = this.become(uid, 'scheduled');
    if (pod === undefined) return;
    pod.node = this.nodeOf(name);
    pod.node.pods.add(pod);
  }

  onStarted({ uid }: PodFacts): void {
    const pod = this.become(uid, 'started');
    if (pod !== undefined) pod.workload.started++;
  }

  onUnschedulable(): void {
    // It is pending like others that are not scheduled.
  }

  onFailed(uid: string): void {
    const pod = this.become(uid, 'failed');
    if (pod !== undefined) pod.workload.failed++;
  }

  onGone(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.counts[pod.state]--;
    pod.node?.pods.delete(pod);
    pod.workload.deleted++;
  }

  private become(uid: string, state: LivePodState): LivePod | undefined {
    const pod = this.pods.get(uid);
    if (pod === undefined) return undefined;
    this.counts[pod.state]--;
    this.counts[state]++;
    pod.state = state;
    return pod;
  }

  private nodeOf(name: string): LiveNode {
    let node = this.nodes.get(name);
    if (node === undefined) {
      node = { name, ready: false, lapses: 0, pods: new Set() };
      this.nodes.set(name, node);
    }
    return node;
  }

  private workloadOf(namespace: string, kind: string, name: string): LiveWorkload {
    const isOneMore = this.workloads.size < liveWorkloadsMax;
    const key = JSON.stringify([namespace, kind, name]);
    const known = this.workloads.get(key) ?? (isOneMore ? undefined : this.workloads.get('others'));
    if (known !== undefined) return known;
    const counts = { total: 0, started: 0, failed: 0, deleted: 0 };
    const workload = isOneMore
      ? { namespace, kind, name, ...counts }
      : { namespace: '', kind: 'others', name: '', ...counts };
    this.workloads.set(isOneMore ? key : 'others', workload);
    return workload;
  }
}
