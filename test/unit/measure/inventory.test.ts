import { beforeEach, describe, expect, it } from 'vitest';
import { NodesAndWorkloads, listedNodesMax, listedWorkloadsMax } from '../../../src/measure/inventory.ts';
import type { NodeState, PodListener } from '../../../src/measure/observer.ts';
import { podFacts } from '../../../src/measure/pod-facts.ts';
import { PodStartup } from '../../../src/measure/pod-startup.ts';
import { addStartTimes } from '../../../src/metrics/pod-start-times.ts';
import type { Inventory } from '../../../src/result/result.ts';
import { FakeClock } from './fake-clock.ts';
import { facts, pod } from './fixtures.ts';

let clock: FakeClock;
let startup: PodStartup;
let inventory: NodesAndWorkloads;
let listeners: PodListener[];

const node = (ready: boolean, lapses = 0): NodeState => ({
  ready,
  readyUs: 0,
  readyDelayUs: 0,
  lapses,
  taints: [],
});
const told = (): Inventory => inventory.tell().inventory as Inventory;

beforeEach(() => {
  clock = new FakeClock();
  startup = new PodStartup(clock, 5_000_000, () => 0);
  const pods = { listen: (listener: PodListener) => listeners.push(listener) };
  listeners = [startup];
  inventory = new NodesAndWorkloads(clock, { pods, nodes: { listen: () => {} }, startup });
  inventory.phase();
});

/** What a kubelet tells of a pod that it has seen and started at this moment, without a pull. */
function nodeSide(): Float64Array {
  const times: number[] = [];
  const { us } = clock;
  addStartTimes(times, {
    seenUs: us,
    sandboxUs: us,
    pulledUs: us,
    containersUs: us,
    statusSentUs: us,
    acknowledgedUs: us,
    pullUs: 0,
  });
  return Float64Array.from(times);
}

/** A controlled pod comes, is scheduled and starts after so long. */
function start(uid: string, on: string, afterMs: number, workload = 'web'): void {
  const one = facts(uid, { controlled: true, kind: 'deployment', workload });
  for (const listener of listeners) listener.onSeen(one, clock.nowUs(), true);
  const placed = { ...one, node: on };
  for (const listener of listeners) listener.onScheduled(placed, clock.nowUs(), true);
  clock.pass(afterMs);
  startup.recordNodeSide([uid], nodeSide());
  for (const listener of listeners) listener.onStarted({ ...placed, started: true }, clock.nowUs(), true);
}

function gone(uid: string): void {
  for (const listener of listeners) listener.onGone(uid, clock.nowUs());
}

describe('NodesAndWorkloads', () => {
  it('follows each pod to its node and its workload', () => {
    inventory.onNode('n-1', node(true));
    start('a', 'n-1', 500);
    start('b', 'n-1', 1500);
    start('c', 'n-2', 100, 'db');
    for (const listener of listeners) listener.onFailed?.('b');
    gone('b');
    gone('c');
    inventory.onSeen(facts('waits'));
    const { nodes, workloads } = told();
    expect(
      nodes.map(({ name, pods }) => [name, pods.total, pods.started, pods.failed, pods.deleted]),
    ).toEqual([
      ['n-1', 2, 2, 1, 1],
      ['n-2', 1, 1, 0, 1],
    ]);
    expect(nodes[0]?.pods).toMatchObject({ startupMeanUs: 1_000_000, startupMaxUs: 1_500_000 });
    expect(nodes[0]?.kept).toEqual({
      names: ['pod-b', 'pod-a'],
      workloads: [0, 0],
      states: ['failed', 'started'],
      startupUs: [1_500_000, 500_000],
    });
    expect(workloads.map(({ kind, name, pods }) => [kind, name, pods.total, pods.startupMaxUs])).toEqual([
      ['deployment', 'web', 2, 1_500_000],
      ['deployment', 'db', 1, 100_000],
      ['latency', 'phase-1', 1, null],
    ]);
  });

  it('says of nodes when they were Ready first, how often not, and whether they went', () => {
    clock.pass(2000);
    inventory.onNode('n-10', node(false));
    clock.pass(1000);
    inventory.onNode('n-10', node(true));
    inventory.onNode('n-10', node(false, 1));
    clock.pass(1000);
    inventory.onNode('n-10', node(true, 1));
    inventory.onNode('n-9', node(true));
    inventory.onNodeGone('n-9');
    inventory.onNodeGone('never seen');
    expect(
      told().nodes.map(({ name, state, lapses, readyAtMs }) => [name, state, lapses, readyAtMs]),
    ).toEqual([
      ['n-9', 'gone', 0, 4000],
      ['n-10', 'ready', 1, 3000],
    ]);
  });

  it('counts the startup of a pod that was deleted before all was known of it', () => {
    const one = facts('a', { controlled: true, node: 'n' });
    for (const listener of listeners) listener.onSeen(one, clock.nowUs(), true);
    for (const listener of listeners) listener.onScheduled(one, clock.nowUs(), true);
    clock.pass(300);
    for (const listener of listeners) listener.onStarted(one, clock.nowUs(), true);
    gone('a');
    startup.recordNodeSide(['a'], nodeSide());
    expect(told().nodes[0]?.pods).toMatchObject({ total: 1, started: 1, deleted: 1, startupMaxUs: 300_000 });
  });

  it('keeps of many pods the slowest of each node', () => {
    for (let i = 0; i < 600; i++) {
      start(`p${i}`, 'n', (i * 7919) % 601);
      gone(`p${i}`);
    }
    const { kept, pods } = told().nodes[0] ?? {};
    expect(pods?.total).toBe(600);
    expect(kept?.names).toHaveLength(250);
    const slowest = Array.from({ length: 600 }, (_, i) => ((i * 7919) % 601) * 1000).toSorted(
      (a, b) => b - a,
    );
    expect(kept?.startupUs).toEqual(slowest.slice(0, 250));
  });

  it('keeps fewer of each where there are many nodes, and lists only so many', () => {
    for (let i = 0; i < 30; i++) inventory.onScheduled(seen(`first-${i}`, 'n-0'));
    for (let i = 1; i < listedNodesMax; i++) inventory.onNode(`n-${i}`, node(true));
    inventory.onNode('one-more', node(true));
    inventory.onScheduled(seen('lost', 'one-more'));
    const { nodes, nodesOmitted } = told();
    expect(nodes).toHaveLength(listedNodesMax);
    expect(nodesOmitted).toBe(1);
    expect(nodes[0]?.pods.total).toBe(30);
    expect(nodes[0]?.kept.names).toHaveLength(4);
  });

  it('joins workloads beyond its bound', () => {
    for (let i = 0; i < listedWorkloadsMax + 5; i++) inventory.onSeen(facts(`p${i}`, { workload: `w${i}` }));
    const { workloads } = told();
    expect(workloads).toHaveLength(listedWorkloadsMax + 1);
    expect(workloads.at(-1)).toMatchObject({ namespace: '', kind: 'others', name: '', pods: { total: 5 } });
  });
});

function seen(uid: string, on: string): ReturnType<typeof facts> {
  const one = facts(uid, { node: on });
  inventory.onSeen(one);
  return one;
}

describe('what a pod belongs to', () => {
  const workload = (object: unknown): string => podFacts(object).workload;

  it('is the Deployment of its ReplicaSet, its controller, or the phase that made it', () => {
    const owned = pod('a', { owner: 'ReplicaSet', labels: { 'pod-template-hash': '7c9d' } }) as {
      metadata: { ownerReferences: { name?: string }[] };
    };
    const [owner = {}] = owned.metadata.ownerReferences;
    owner.name = 'web-1-7c9d';
    expect(workload(owned)).toBe('web-1');
    owner.name = 'odd';
    expect(workload(owned)).toBe('odd');
    expect(workload(pod('b', { labels: { 'hollowmark.dev/phase': 'burst' } }))).toBe('burst');
    expect(workload(pod('c'))).toBe('');
  });
});
