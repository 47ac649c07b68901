import type { Clock } from '../base/clock.ts';
import type { Inventory, NodeRecord, PodState, PodTally, WorkloadRecord } from '../result/result.ts';
import type { Instrument, Told } from './instrument.ts';
import type { NodeListener, NodeObserver, NodeState, PodListener, PodObserver } from './observer.ts';
import type { PodFacts } from './pod-facts.ts';
import type { PodStartup } from './pod-startup.ts';

/** Nodes that are listed: twice the promise of Kubernetes. Others are counted. */
export const listedNodesMax = 10_000;

/** Workloads that are listed; the others are one. */
export const listedWorkloadsMax = 5_000;

/** Pods that are kept by name, over all nodes: 2 to 3 MB of a result. */
const keptPodsMax = 40_000;

/** A node keeps so many at least, however many nodes there are, and at most. */
const keptPerNode = { min: 4, max: 250 };

class Tally {
  total = 0;
  started = 0;
  failed = 0;
  deleted = 0;
  private startupCount = 0;
  private startupSumUs = 0;
  private startupMaxUs = 0;

  addStartup(us: number): void {
    this.startupCount++;
    this.startupSumUs += us;
    this.startupMaxUs = Math.max(this.startupMaxUs, us);
  }

  told(): PodTally {
    const { total, started, failed, deleted, startupCount: count } = this;
    const startupMeanUs = count === 0 ? null : Math.round(this.startupSumUs / count);
    const startupMaxUs = count === 0 ? null : this.startupMaxUs;
    return { total, started, failed, deleted, startupMeanUs, startupMaxUs };
  }
}

type Membership = Pick<PodFacts, 'namespace' | 'kind' | 'workload'>;

type Workload = { index: number; namespace: string; kind: string; name: string; tally: Tally };

type Pod = {
  name: string;
  workload: Workload;
  node: Node | undefined;
  state: PodState;
  startupUs: number | null;
};

type Node = {
  name: string;
  state: NodeRecord['state'];
  lapses: number;
  readyAtMs: number | null;
  tally: Tally;
  kept: Pod[];
};

/** What there is to listen to. */
export type Watched = {
  pods: Pick<PodObserver, 'listen'>;
  nodes: Pick<NodeObserver, 'listen'>;
  startup: Pick<PodStartup, 'settledListeners'>;
};

/**
 * Which nodes there were and what became of their pods, for a map of nodes that leads to the pods of each. A pod takes
 * about 150 bytes while it is there, and afterwards when its node keeps it.
 */
export class NodesAndWorkloads implements Instrument, PodListener, NodeListener {
  private readonly nodes = new Map<string, Node>();
  private readonly nodesOmitted = new Set<string>();
  private readonly workloads = new Map<string, Workload>();
  private readonly pods = new Map<string, Pod>();
  private readonly clock: Clock;
  private originUs: number | undefined;

  constructor(clock: Clock, watched: Watched) {
    this.clock = clock;
    watched.pods.listen(this);
    watched.nodes.listen(this);
    watched.startup.settledListeners.push((_group, facts, totalUs) => this.onSettled(facts, totalUs));
  }

  /** The first phase begins when measuring does. */
  phase(): void {
    this.originUs ??= this.clock.nowUs();
  }

  onNode(name: string, { ready, lapses }: Readonly<NodeState>): void {
    const node = this.nodeOf(name);
    if (node === undefined) return;
    node.state = ready ? 'ready' : 'not-ready';
    node.lapses = Math.max(node.lapses, lapses);
    if (ready) node.readyAtMs ??= this.elapsedMs();
  }

  onNodeGone(name: string): void {
    const node = this.nodes.get(name);
    if (node !== undefined) node.state = 'gone';
  }

  onSeen(facts: PodFacts): void {
    const workload = this.workloadOf(facts);
    workload.tally.total++;
    const { uid, name } = facts;
    this.pods.set(uid, { name, workload, node: undefined, state: 'pending', startupUs: null });
  }

  onScheduled(facts: PodFacts): void {
    const pod = this.pods.get(facts.uid);
    const node = this.nodeOf(facts.node);
    if (pod === undefined || node === undefined) return;
    pod.node = node;
    node.tally.total++;
    this.keep(node, pod);
  }

  onStarted(facts: PodFacts): void {
    this.become(facts.uid, 'started');
  }

  onUnschedulable(): void {
    // It is pending like others that are not scheduled.
  }

  onFailed(uid: string): void {
    this.become(uid, 'failed');
  }

  onGone(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    pod.workload.tally.deleted++;
    if (pod.node !== undefined) pod.node.tally.deleted++;
    if (pod.state !== 'failed') pod.state = 'deleted';
  }

  tell(): Told {
    const inventory: Inventory = {
      nodes: [...this.nodes.values()]
        .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
        .map((node) => this.recordOf(node)),
      nodesOmitted: this.nodesOmitted.size,
      workloads: [...this.workloads.values()].map(
        ({ namespace, kind, name, tally }): WorkloadRecord => ({ namespace, kind, name, pods: tally.told() }),
      ),
    };
    return { inventory };
  }

  private become(uid: string, state: 'started' | 'failed'): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    pod.state = state;
    pod.workload.tally[state]++;
    if (pod.node !== undefined) pod.node.tally[state]++;
  }

  /** A pod that was deleted meanwhile is not known by its uid any more: its node and its workload are. */
  private onSettled(facts: PodFacts, totalUs: number): void {
    this.workloadOf(facts).tally.addStartup(totalUs);
    const node = facts.node === '' ? undefined : this.nodeOf(facts.node);
    node?.tally.addStartup(totalUs);
    const pod = this.pods.get(facts.uid);
    if (pod === undefined) return;
    pod.startupUs = totalUs;
    if (node !== undefined && !node.kept.includes(pod)) this.keep(node, pod);
  }

  /** While there is room any pod, and then those that took longer than the fastest one kept. */
  private keep(node: Node, pod: Pod): void {
    if (node.kept.length < this.keptMax()) {
      node.kept.push(pod);
      return;
    }
    if (pod.startupUs === null) return;
    const fastest = node.kept.reduce((least, other) => (slowness(other) < slowness(least) ? other : least));
    if (slowness(fastest) < pod.startupUs) node.kept[node.kept.indexOf(fastest)] = pod;
  }

  /** Of each node; it falls while nodes are still coming, and those that have more lose them in the end. */
  private keptMax(): number {
    const share = Math.floor(keptPodsMax / Math.max(1, this.nodes.size));
    return Math.min(keptPerNode.max, Math.max(keptPerNode.min, share));
  }

  private nodeOf(name: string): Node | undefined {
    let node = this.nodes.get(name);
    if (node !== undefined) return node;
    if (this.nodes.size >= listedNodesMax) {
      this.nodesOmitted.add(name);
      return undefined;
    }
    node = { name, state: 'not-ready', lapses: 0, readyAtMs: null, tally: new Tally(), kept: [] };
    this.nodes.set(name, node);
    return node;
  }

  private workloadOf({ namespace, kind, workload: name }: Membership): Workload {
    const key = `${namespace}/${kind}/${name}`;
    const found = this.workloads.get(key);
    if (found !== undefined) return found;
    if (this.workloads.size >= listedWorkloadsMax && kind !== 'others') {
      return this.workloadOf({ namespace: '', kind: 'others', workload: '' });
    }
    const workload = { index: this.workloads.size, namespace, kind, name, tally: new Tally() };
    this.workloads.set(key, workload);
    return workload;
  }

  private recordOf({ name, state, lapses, readyAtMs, tally, kept }: Node): NodeRecord {
    const pods = kept.toSorted((a, b) => slowness(b) - slowness(a)).slice(0, this.keptMax());
    return {
      name,
      state,
      lapses,
      readyAtMs,
      pods: tally.told(),
      kept: {
        names: pods.map((pod) => pod.name),
        workloads: pods.map((pod) => pod.workload.index),
        states: pods.map((pod) => pod.state),
        startupUs: pods.map((pod) => pod.startupUs),
      },
    };
  }

  private elapsedMs(): number {
    const nowUs = this.clock.nowUs();
    return Math.round((nowUs - (this.originUs ?? nowUs)) / 1000);
  }
}

/** Pods that failed or did not start are what one looks for first. */
function slowness({ state, startupUs }: Pod): number {
  if (startupUs !== null) return startupUs;
  return state === 'failed' || state === 'pending' ? Number.POSITIVE_INFINITY : -1;
}
