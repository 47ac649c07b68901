import { expect, test } from 'vitest';
import type { ApiClient } from '../../../src/kube/client.ts';
import { Changes } from '../../../src/measure/changes.ts';
import { NodesAndWorkloads } from '../../../src/measure/inventory.ts';
import { LatenciesOverTime } from '../../../src/measure/latencies-over-time.ts';
import { LiveInventory } from '../../../src/measure/live-inventory.ts';
import { NodeObserver, PodObserver } from '../../../src/measure/observer.ts';
import { PodStartup } from '../../../src/measure/pod-startup.ts';
import { Workloads } from '../../../src/measure/workloads.ts';
import { addStartTimes } from '../../../src/metrics/pod-start-times.ts';
import { FakeClock } from './fake-clock.ts';
import { event, pod } from './fixtures.ts';

const client = undefined as unknown as ApiClient;

/** All that maps, sets, lists and buffers reachable from here hold. */
function heldBy(root: object): number {
  const seen = new Set<object>([root]);
  const open: object[] = [root];
  let count = 0;
  const reach = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    open.push(value);
  };
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (ArrayBuffer.isView(one)) {
      count += one.byteLength;
      continue;
    }
    if (one instanceof Map) for (const entry of one) entry.forEach(reach);
    if (one instanceof Set) for (const entry of one) reach(entry);
    if (one instanceof Map || one instanceof Set) count += one.size;
    if (Array.isArray(one)) count += one.length;
    for (const value of Object.values(one)) reach(value);
  }
  return count;
}

/** By then every list that has a bound is full. */
const warmUp = 20_000;
const churned = 100_000;

test('memory does not grow with pods that come and go', { timeout: 60_000 }, () => {
  const clock = new FakeClock();
  const startup = new PodStartup(clock, 5_000_000, () => 0);
  const options = { client, runId: 'r', clock, onChange: () => {} };
  const pods = new PodObserver(options, startup);
  const nodes = new NodeObserver(options);
  const inventory = new NodesAndWorkloads(clock, { pods, nodes, startup });
  const live = new LiveInventory();
  pods.listen(live);
  const grids = new LatenciesOverTime({ clock, startup, clientCalls: [] });
  inventory.phase();
  grids.phase();
  pods.onListing();
  pods.onSynced();

  const comeAndGo = (i: number): void => {
    const uid = `u${i}`;
    const node = `node-${i % 50}`;
    const of = { labels: { 'hollowmark.dev/phase': 'churn' }, created: new Date(clock.wall).toISOString() };
    pods.onEvent(event('ADDED', pod(uid, of)));
    // Of one in four the load generator tells nothing, of another the node, and a third goes before it has started.
    if (i % 4 !== 1)
      startup.onCreated({ uid, intendedUs: clock.us - 9, sentUs: clock.us, acceptedUs: clock.us });
    pods.onEvent(event('MODIFIED', pod(uid, { ...of, node })));
    if (i % 4 !== 2) pods.onEvent(event('MODIFIED', pod(uid, { ...of, node, started: true })));
    const times: number[] = [];
    const at = clock.us;
    addStartTimes(times, {
      ...{ seenUs: at, sandboxUs: at, pulledUs: at, containersUs: at },
      ...{ statusSentUs: at, acknowledgedUs: at, pullUs: 0 },
    });
    if (i % 4 !== 3) startup.recordNodeSide([uid], Float64Array.from(times));
    pods.onEvent(event('DELETED', pod(uid, { ...of, node })));
    if (i % 1000 !== 0) return;
    clock.pass(3000);
    startup.sweep();
  };
  for (let i = 0; i < warmUp; i++) comeAndGo(i);
  const parts = { startup, pods, inventory, live, grids };
  const held = (): Record<string, number> =>
    Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, heldBy(part)]));
  const before = held();
  for (let i = warmUp; i < churned; i++) comeAndGo(i);
  expect(pods.deleted).toBe(churned);
  expect(startup.dropped).toBe(0);
  // A heat map has up to 240 columns.
  const after = held();
  expect(after).toEqual({ ...before, grids: expect.any(Number) as number });
});

test('memory does not grow with Jobs and claims that come and go', () => {
  const clock = new FakeClock();
  const kinds = ['jobs', 'persistentvolumeclaims'] as const;
  const workloads = new Workloads({
    client,
    runId: 'r',
    clock,
    changes: new Changes(clock),
    kinds: [...kinds],
    delayNowUs: () => 0,
  });
  const [jobs, claims] = kinds.map((kind) => workloads.watches.get(kind));
  const bound = { phase: 'Bound' };
  const complete = { conditions: [{ type: 'Complete', status: 'True' }] };
  const comeAndGo = (i: number): void => {
    const metadata = { namespace: 'ns', name: `w-${i}` };
    workloads.onCreated({
      kind: 'jobs',
      ...metadata,
      phase: 'p',
      intendedUs: clock.us,
      ownUs: 0,
      failing: false,
    });
    jobs?.onEvent(event('ADDED', { metadata, status: {} }));
    // One in ten never completes.
    if (i % 10 !== 0) jobs?.onEvent(event('MODIFIED', { metadata, status: complete }));
    jobs?.onEvent(event('DELETED', { metadata, status: {} }));
    // Of a StatefulSet: nobody says that it was created.
    claims?.onEvent(event('ADDED', { metadata, status: bound }));
    claims?.onEvent(event('DELETED', { metadata, status: bound }));
  };
  for (let i = 0; i < 1000; i++) comeAndGo(i);
  const before = heldBy(workloads);
  for (let i = 1000; i < churned; i++) comeAndGo(i);
  expect(heldBy(workloads)).toBe(before);
  expect(workloads.tell([]).notes).toEqual([
    '10,000 of 100,000 Jobs had not completed when the run ended or they were deleted: job-completion is that of the others.',
  ]);
});
