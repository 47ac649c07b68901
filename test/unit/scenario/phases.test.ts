import { beforeEach, describe, expect, test } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import { type CreatedPod, LoadGenerator } from '../../../src/load/generator.ts';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import {
  type PhaseContext,
  type PhaseOutcome,
  type Progress,
  waitUntil,
} from '../../../src/scenario/phases/context.ts';
import { namespaceNames } from '../../../src/scenario/phases/plan.ts';
import { runPhase } from '../../../src/scenario/phases/run-phase.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { FakeClock } from '../load/fake-clock.ts';
import { type Answer, FakeServer, type Seen } from '../load/fake-server.ts';

/** A cluster in memory: namespaces, Deployments and pods by path; pods start `startMs` after their creation. */
class FakeCluster implements Progress {
  readonly objects = new Map<string, { uid: string; replicas: number; atUs: number }>();
  readonly server: FakeServer;
  startMs = 1500;
  nodes = 0;
  /** Pods that never start, by uid. */
  readonly stuck = new Set<string>();
  /** Answers before the cluster does, when it returns one. */
  intercept: (seen: Seen) => Answer | undefined = () => undefined;
  private readonly clock: FakeClock;
  private readonly everStarted = new Set<string>();
  private uids = 0;

  constructor(clock: FakeClock) {
    this.clock = clock;
    this.server = new FakeServer(clock);
    this.server.answer = (seen) => this.intercept(seen) ?? this.handle(seen);
  }

  nodesReady(): number {
    return this.nodes;
  }

  podsPresent(): number {
    return this.workloads().reduce((sum, { replicas }) => sum + replicas, 0);
  }

  endedPodsGone(): number {
    return 0;
  }

  podsStarted(): number {
    return this.workloads()
      .filter((object) => this.isStarted(object))
      .reduce((sum, { replicas }) => sum + replicas, 0);
  }

  /** All that are there, at once. */
  workloadsDone(kind: 'job' | 'statefulset' | 'claim'): number {
    const plural = { job: 'jobs', statefulset: 'statefulsets', claim: 'persistentvolumeclaims' }[kind];
    return [...this.objects.keys()].filter((path) => path.includes(`/${plural}/`)).length;
  }

  hasStarted(uid: string): boolean {
    for (const object of this.workloads()) if (this.isStarted(object)) this.everStarted.add(object.uid);
    return this.everStarted.has(uid);
  }

  node(): undefined {
    return undefined;
  }

  private isStarted({ uid, atUs }: { uid: string; atUs: number }): boolean {
    return !this.stuck.has(uid) && this.clock.nowUs() - atUs >= this.startMs * 1000;
  }

  private workloads(): { uid: string; replicas: number; atUs: number }[] {
    return [...this.objects]
      .filter(([path]) => /\/(deployments|pods)\//.test(path))
      .map(([, object]) => object);
  }

  private handle({ method, path, body, atUs }: Seen): Answer {
    const bare = path.split('?')[0] ?? '';
    const given = body as { metadata?: { name: string }; spec?: { replicas?: number } } | undefined;
    if (method === 'POST') {
      const key = `${bare}/${given?.metadata?.name}`;
      if (this.objects.has(key))
        return { status: 409, object: { reason: 'AlreadyExists', message: `${key} exists` } };
      const object = { uid: `uid-${++this.uids}`, replicas: given?.spec?.replicas ?? 1, atUs };
      this.objects.set(key, object);
      return { status: 201, object: { metadata: { uid: object.uid } } };
    }
    if (method === 'PATCH') {
      const object = this.objects.get(bare.replace(/\/scale$/, ''));
      if (object === undefined) return { status: 404 };
      object.replicas = given?.spec?.replicas ?? 0;
      return { status: 200 };
    }
    if (method === 'DELETE') {
      const found = this.objects.delete(bare);
      if (bare.startsWith('/api/v1/namespaces/')) {
        for (const key of this.objects.keys())
          if (key.includes(`${bare.split('/v1')[1]}/`)) this.objects.delete(key);
      }
      return { status: found ? 200 : 404 };
    }
    if (/\/(serviceaccounts|configmaps)\/|\/pods$/.test(bare)) return { status: 200 };
    if (bare === '/api/v1/namespaces') {
      const names = [...this.objects.keys()].filter((key) => /^\/api\/v1\/namespaces\/[^/]+$/.test(key));
      return {
        status: 200,
        object: { items: names.map((key) => ({ metadata: { name: key.split('/').at(-1) } })) },
      };
    }
    const object = this.objects.get(bare);
    return object === undefined
      ? { status: 404 }
      : { status: 200, object: { metadata: { uid: object.uid } } };
  }
}

let clock: FakeClock;
let cluster: FakeCluster;
let abort: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  cluster = new FakeCluster(clock);
  abort = new AbortController();
});

const text = `name: demo
nodes: { count: 10 }
namespaces: { count: 2, prefix: ns }
phases:
  - { name: ready, type: wait, for: nodes-ready, timeout: 10s }
  - { name: fill, type: create-deployments, podsPerNode: 3, podsPerDeployment: 4 }
  - { name: filled, type: wait, for: pods-started, timeout: 10s }
  - { name: quiet, type: steady, duration: 5s }
  - { name: reads, type: steady, duration: 5s, listsPerSecond: 2 }
  - { name: lat, type: latency-pods, count: 20, timeout: 10s }
  - { name: keep, type: latency-pods, count: 4, deleteAfterStart: false, timeout: 10s }
  - { name: more, type: scale, of: fill, podsPerDeployment: 6 }
  - { name: part, type: delete, what: deployments, timeout: 10s }
  - { name: all, type: delete, timeout: 10s }
  - { name: gone, type: wait, for: pods-gone, timeout: 10s }
`;
const { scenario } = parseScenario(text, 's.yaml', { sets: [] });

function contextOf(
  options: { scenario?: Scenario; onPodCreated?: (pod: CreatedPod) => void } = {},
): PhaseContext {
  const load = new LoadGenerator({
    client: cluster.server,
    clock,
    context: { runId: 'run-1', tolerations: [], confined: false },
    namespaces: namespaceNames(scenario),
    ...(options.onPodCreated === undefined ? {} : { onPodCreated: options.onPodCreated }),
  });
  return {
    scenario: options.scenario ?? scenario,
    runId: 'run-1',
    load,
    progress: cluster,
    nodes: {
      names: [],
      fail: () => {},
      heal: () => {},
      podsOn: () => Promise.resolve([]),
      leaseRenewedWallMs: () => Promise.resolve(undefined),
    },
    clock,
    signal: abort.signal,
    reporter: silentReporter,
  };
}

const run = (name: string, context: PhaseContext): Promise<PhaseOutcome> => {
  const phase = scenario.phases.find((candidate) => candidate.name === name);
  if (phase === undefined) throw new Error(name);
  return clock.finish(runPhase(phase, context));
};

const paths = (method: string): string[] =>
  cluster.server.seen.filter((seen) => seen.method === method).map(({ path }) => path);

describe('a whole scenario', () => {
  test('goes through all its phases, and nothing is left', async () => {
    cluster.nodes = 10;
    const created: CreatedPod[] = [];
    const context = contextOf({ onPodCreated: (pod) => created.push(pod) });
    const after = new Map<string, { expected: number; present: number }>();
    for (const phase of scenario.phases) {
      const { outcome, message } = await clock.finish(runPhase(phase, context));
      expect([phase.name, outcome, message]).toEqual([phase.name, 'completed', undefined]);
      after.set(phase.name, { expected: context.load.podsExpected, present: cluster.podsPresent() });
    }
    expect(after.get('filled')).toEqual({ expected: 30, present: 30 });
    expect(after.get('more')).toEqual({ expected: 8 * 6 + 4, present: 8 * 6 + 4 });
    expect(after.get('part')).toEqual({ expected: 4, present: 4 });
    expect(cluster.objects.size).toBe(0);
    expect(created).toHaveLength(24);
    expect(context.load.counters()).toMatchObject({
      podsExpected: 0,
      podsCreated: 30 + 18 + 24,
      failedCount: 0,
      dueCount: 8 + 10 + 24 + 8 + 8 + 4,
      sentCount: 8 + 10 + 24 + 8 + 8 + 4,
    });
    expect(paths('DELETE').slice(-2)).toEqual(['/api/v1/namespaces/ns-1', '/api/v1/namespaces/ns-2']);
  });
});

describe('create-deployments', () => {
  test('spreads Deployments over the namespaces, the last with what remains', async () => {
    await run('fill', contextOf());
    const made = cluster.server.seen.filter(({ path }) => path.endsWith('/deployments'));
    expect(
      made.map(({ path, body }) => [
        path.split('/')[5],
        (body as { spec: { replicas: number } }).spec.replicas,
      ]),
    ).toEqual([4, 4, 4, 4, 4, 4, 4, 2].map((replicas, i) => [`ns-${(i % 2) + 1}`, replicas]));
  });

  test('with services: each Deployment after its Service, and all of them deleted', async () => {
    const base = contextOf();
    const withServices = (name: string): Promise<PhaseOutcome> => {
      const phase = scenario.phases.find((candidate) => candidate.name === name);
      if (phase === undefined) throw new Error(name);
      const changed = phase.type === 'create-deployments' ? { ...phase, services: true } : phase;
      return clock.finish(runPhase(changed, base));
    };
    await withServices('fill');
    const made = paths('POST').filter((path) => !path.endsWith('/namespaces'));
    expect(made).toHaveLength(16);
    expect(made.slice(0, 2)).toEqual([
      '/api/v1/namespaces/ns-1/services',
      '/apis/apps/v1/namespaces/ns-1/deployments',
    ]);
    expect(base.load.services()).toHaveLength(8);
    expect(await withServices('part')).toMatchObject({ outcome: 'completed', sent: { doneCount: 16 } });
    expect(paths('DELETE').slice(7, 9)).toEqual([
      '/apis/apps/v1/namespaces/ns-2/deployments/fill-00008',
      '/api/v1/namespaces/ns-1/services/fill-00001',
    ]);
    expect(base.load.services()).toEqual([]);
    expect([...cluster.objects.keys()].filter((path) => path.includes('/services/'))).toEqual([]);
  });

  test('fails with the first reason when requests fail', async () => {
    cluster.intercept = ({ path }) =>
      path.endsWith('ns-2/deployments')
        ? { status: 403, object: { reason: 'Forbidden', message: 'no' } }
        : undefined;
    const context = contextOf();
    const outcome = await run('fill', context);
    expect(outcome).toMatchObject({
      outcome: 'failed',
      message: '4 of 8 requests failed; the first: create Deployment ns-2/fill-00002: HTTP 403 Forbidden: no',
    });
    expect(outcome.sent?.doneCount).toBe(4);
    expect(context.load.podsExpected).toBe(16);
  });

  test('a namespace of somebody else is in the way: bad input', async () => {
    cluster.objects.set('/api/v1/namespaces/ns-1', { uid: 'foreign', replicas: 0, atUs: 0 });
    await expect(run('fill', contextOf())).rejects.toMatchObject({
      code: 'bad-input',
      message: 'the namespace ns-1 exists already and is not of this run',
    });
  });

  test('a server that refuses namespaces: cluster-unavailable', async () => {
    cluster.intercept = () => ({ status: 403, object: { reason: 'Forbidden', message: 'no' } });
    await expect(run('fill', contextOf())).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: 'cannot create the namespace ns-1: HTTP 403 Forbidden: no',
    });
  });

  test('a controller manager that does nothing: cluster-unavailable', async () => {
    cluster.intercept = ({ path }) => (path.includes('/serviceaccounts/') ? { status: 404 } : undefined);
    await expect(run('fill', contextOf())).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message:
        'no answer but 404 to "get ServiceAccount ns-1/default" for 60 s: does the controller manager run?',
    });
  });
});

describe('wait', () => {
  test('says what is missing when the time is up', async () => {
    cluster.nodes = 7;
    expect(await run('ready', contextOf())).toEqual({
      outcome: 'timed-out',
      message: '7 of 10 nodes ready after 10s',
    });
    const context = contextOf();
    await run('fill', context);
    cluster.stuck.add('uid-3');
    expect(await run('filled', context)).toEqual({
      outcome: 'timed-out',
      message: '26 of 30 pods started after 10s',
    });
  });

  test('pods that are still expected do not count as too many', async () => {
    const context = contextOf();
    await run('fill', context);
    expect(await run('gone', context)).toEqual({ outcome: 'completed' });
    cluster.objects.set('/api/v1/namespaces/ns-1/pods/other', { uid: 'x', replicas: 2, atUs: 0 });
    expect(await run('gone', context)).toEqual({
      outcome: 'timed-out',
      message: '32 pods are still there, 2 too many after 10s',
    });
  });

  test('an abort ends it', async () => {
    const phase = scenario.phases[0];
    if (phase === undefined) throw new Error('no phase');
    const running = runPhase(phase, contextOf());
    await clock.advance(1000);
    abort.abort();
    expect(await clock.finish(running)).toEqual({
      outcome: 'interrupted',
      message: 'interrupted: 0 of 10 nodes ready',
    });
  });
});

describe('steady', () => {
  test('lasts as long as it says', async () => {
    const startUs = clock.nowUs();
    expect(await run('quiet', contextOf())).toEqual({ outcome: 'completed' });
    expect((clock.nowUs() - startUs) / 1e6).toBeCloseTo(5, 1);
  });

  test('lists pods meanwhile, in each namespace in turn', async () => {
    const startUs = clock.nowUs();
    const outcome = await run('reads', contextOf());
    expect(outcome.outcome).toBe('completed');
    expect(outcome.sent?.sentCount).toBe(10);
    expect((clock.nowUs() - startUs) / 1e6).toBeGreaterThan(4.99);
    const lists = paths('GET').filter((path) => path.includes('/pods'));
    expect(lists.slice(0, 2)).toEqual([
      '/api/v1/namespaces/ns-1/pods?limit=500',
      '/api/v1/namespaces/ns-2/pods?limit=500',
    ]);
  });

  test('an abort says how far it was', async () => {
    const phase = scenario.phases[3];
    if (phase === undefined) throw new Error('no phase');
    const running = runPhase(phase, contextOf());
    await clock.advance(2000);
    abort.abort();
    expect(await clock.finish(running)).toEqual({
      outcome: 'interrupted',
      message: 'interrupted after 2s of 5s',
    });
  });
});

describe('latency-pods', () => {
  test('creates pods in open loop, reports each with its times, and deletes it after its start', async () => {
    const created: CreatedPod[] = [];
    const context = contextOf({ onPodCreated: (pod) => created.push(pod) });
    const outcome = await run('lat', context);
    expect(outcome).toMatchObject({ outcome: 'completed' });
    expect(created).toHaveLength(20);
    expect(created[0]).toMatchObject({
      uid: expect.stringMatching(/^uid-/),
      namespace: 'ns-1',
      name: 'lat-00001',
      phase: 'lat',
    });
    for (const [i, pod] of created.entries()) {
      expect(pod.intendedUs - (created[0]?.intendedUs ?? 0)).toBeCloseTo(i * 200_000, 3);
      expect(pod.sentUs - pod.intendedUs).toBeLessThan(1000);
      expect(pod.acceptedUs - pod.sentUs).toBe(2000);
    }
    const first = cluster.server.seen.find(({ method }) => method === 'DELETE');
    const aliveMs = ((first?.atUs ?? 0) - (created[0]?.sentUs ?? 0)) / 1000;
    expect(aliveMs).toBeGreaterThanOrEqual(1500);
    expect(aliveMs).toBeLessThan(1600);
    expect(cluster.podsPresent()).toBe(0);
    expect(context.load.podsExpected).toBe(0);
  });

  test('says how many have not started', async () => {
    cluster.stuck.add('uid-5');
    cluster.stuck.add('uid-6');
    expect(await run('lat', contextOf())).toMatchObject({
      outcome: 'timed-out',
      message: '18 of 20 latency pods started after 10s',
    });
  });

  test('learns the uid of a pod whose answer was lost', async () => {
    let lost = 0;
    cluster.intercept = (seen) => {
      if (seen.method !== 'POST' || !seen.path.endsWith('/pods') || lost > 0) return undefined;
      lost++;
      cluster.objects.set(`${seen.path}/lat-00001`, { uid: 'uid-lost', replicas: 1, atUs: seen.atUs });
      return { status: 0, fail: 'lost' };
    };
    const created: CreatedPod[] = [];
    const outcome = await run('lat', contextOf({ onPodCreated: (pod) => created.push(pod) }));
    expect(outcome).toMatchObject({ outcome: 'completed' });
    expect(outcome.sent).toMatchObject({ retryCount: 1, doneCount: 20 });
    expect(created.find(({ name }) => name === 'lat-00001')?.uid).toBe('uid-lost');
  });

  test('failed deletions are told', async () => {
    cluster.intercept = ({ method }) => (method === 'DELETE' ? { status: 403, text: 'no' } : undefined);
    expect(await run('lat', contextOf())).toMatchObject({
      outcome: 'failed',
      message: '20 latency pods could not be deleted; the first: delete Pod ns-1/lat-00001: HTTP 403: no',
    });
  });

  test('an abort ends it within seconds', async () => {
    const phase = scenario.phases[5];
    if (phase === undefined) throw new Error('no phase');
    const running = runPhase(phase, contextOf());
    await clock.advance(1000);
    abort.abort();
    const startUs = clock.nowUs();
    const outcome = await clock.finish(running);
    expect(outcome.outcome).toBe('interrupted');
    expect((clock.nowUs() - startUs) / 1e6).toBeLessThan(2);
  });
});

describe('delete', () => {
  test('says which namespaces stay', async () => {
    const context = contextOf();
    await run('fill', context);
    cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && path.endsWith('/ns-2') ? { status: 200 } : undefined;
    expect(await run('all', context)).toMatchObject({
      outcome: 'timed-out',
      message: '1 of 2 namespaces still there after 10s: ns-2',
    });
  });

  test('says how many pods stay', async () => {
    const context = contextOf();
    await run('fill', context);
    cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && path.endsWith('fill-00002') ? { status: 200 } : undefined;
    expect(await run('all', context)).toMatchObject({
      outcome: 'timed-out',
      message: '4 pods are still there after 10s',
    });
  });

  test('with nothing made there is nothing to delete', async () => {
    expect(await run('all', contextOf())).toMatchObject({ outcome: 'completed' });
    expect(cluster.server.seen).toEqual([]);
  });
});

describe('waitUntil', () => {
  const wait = (measure: () => number, stalledMs?: number): Promise<string> =>
    clock.finish(
      waitUntil(measure, (value) => value >= 10, {
        clock,
        timeoutMs: 10_000,
        signal: abort.signal,
        ...(stalledMs === undefined ? {} : { stalledMs }),
      }),
    );

  test('ends at once when it holds already, and on the moment when it comes to hold', async () => {
    expect(await wait(() => 10)).toBe('met');
    const startUs = clock.nowUs();
    expect(await wait(() => (clock.nowUs() - startUs) / 100_000)).toBe('met');
    expect((clock.nowUs() - startUs) / 1000).toBeLessThan(1100);
  });

  test('tells a standstill from a timeout', async () => {
    expect(await wait(() => 9)).toBe('timed-out');
    expect(await wait(() => 9, 1000)).toBe('stalled');
    const startUs = clock.nowUs();
    expect(await wait(() => Math.floor((clock.nowUs() - startUs) / 2_000_000), 1000)).toBe('stalled');
    const slowUs = clock.nowUs();
    expect(await wait(() => Math.floor((clock.nowUs() - slowUs) / 900_000), 1000)).toBe('met');
  });
});
