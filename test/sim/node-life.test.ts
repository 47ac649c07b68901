import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../src/hollow/context.ts';
import { World, noFaults } from './world.ts';

type Json = { [key: string]: unknown };

const of = (container: string, key: string, value: string): Record<string, string> => ({
  [`hollowmark.dev/container.${container}.${key}`]: value,
});

function readyWorld(seed: string, node: Partial<NodeConfig> = {}, faults = noFaults): World {
  const world = new World(seed, faults, seed, node);
  world.start();
  world.advance(12_000);
  return world;
}

const busybox = { name: 'c', image: 'busybox' };
const requesting = (requests: Json, more: Json = {}): Json => ({
  containers: [{ ...busybox, resources: { requests } }],
  ...more,
});

const statusOf = (world: World, uid: string): Json & { conditions: Json[]; phase: string } =>
  world.pods.get(uid)?.status ?? { conditions: [], phase: 'gone' };

const containerOf = (world: World, uid: string): Json =>
  ((statusOf(world, uid)['containerStatuses'] ?? [{}]) as Json[])[0] ?? {};

const conditionOf = (world: World, uid: string, type: string): Json | undefined =>
  statusOf(world, uid).conditions.find((condition) => condition['type'] === type);

const memoryPressure = (world: World): unknown =>
  ((world.node?.['status'] ?? { conditions: [] }) as { conditions: Json[] }).conditions.find(
    ({ type }) => type === 'MemoryPressure',
  )?.['status'];

describe('a node whose memory runs short', () => {
  const node = { capacity: { cpu: '8', memory: '1Gi', pods: '110' } };
  const hungry = (usage: string): Record<string, string> => of('c', 'memory-usage', usage);

  it('evicts, one after the other, those that use more than they request, the least important first', () => {
    const world = readyWorld('pressure', node);
    const modest = world.createPod('modest', 'default', requesting({ memory: '500Mi' }), hungry('400Mi'));
    const greedy = world.createPod('greedy', 'default', requesting({ memory: '50Mi' }), hungry('400Mi'));
    const important = world.createPod(
      'important',
      'default',
      requesting({ memory: '50Mi' }, { priority: 1000 }),
      hungry('450Mi'),
    );
    world.advance(25_000);
    expect(statusOf(world, greedy)).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message:
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 0. Container c was using 400Mi, request is 50Mi, has larger consumption of memory. ',
    });
    expect(conditionOf(world, greedy, 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
    });
    expect(conditionOf(world, greedy, 'PodScheduled')).toMatchObject({ status: 'True' });
    expect([modest, important].map((uid) => statusOf(world, uid).phase)).toEqual(['Running', 'Running']);
    expect(memoryPressure(world)).toBe('True');
    const reasons = world.events.map(({ reason }) => reason);
    expect(reasons).toContain('EvictionThresholdMet');
    expect(reasons).toContain('Evicted');
    expect(reasons).toContain('NodeHasInsufficientMemory');

    const bestEffort = world.createPod('best-effort', 'default', { containers: [busybox] });
    const burstable = world.createPod('burstable', 'default', requesting({ cpu: '1m' }));
    world.advance(3_000);
    expect(statusOf(world, bestEffort)).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    });
    expect(statusOf(world, burstable).phase).toBe('Running');

    // The condition stays for five minutes after memory was last short.
    world.advance(250_000);
    expect(memoryPressure(world)).toBe('True');
    world.advance(80_000);
    expect(memoryPressure(world)).toBe('False');
    expect(world.readyCondition).toBe('True');
  });

  it('evicts no other while one has yet to stop, and none that is being deleted', () => {
    const world = readyWorld('slow-eviction', node);
    const slow = of('c', 'term-duration', '1h');
    const spec = requesting({ memory: '50Mi' });
    const deleted = world.createPod('deleted', 'default', spec, { ...hungry('450Mi'), ...slow });
    const greedy = world.createPod('greedy', 'default', spec, { ...hungry('300Mi'), ...slow });
    const modest = world.createPod('modest', 'default', requesting({ memory: '300Mi' }), hungry('250Mi'));
    world.advance(5_000);
    world.deletePod(deleted);
    world.advance(20_000);
    expect(world.events.filter(({ reason }) => reason === 'Evicted')).toMatchObject([
      { about: 'greedy', count: 1 },
    ]);
    expect([greedy, modest].map((uid) => statusOf(world, uid).phase)).toEqual(['Failed', 'Running']);
  });

  it('does not look at its memory as long as no pod says what it uses', () => {
    const world = readyWorld('asleep', node);
    world.createPod('p');
    world.advance(100_000);
    expect(world.events.map(({ reason }) => reason)).not.toContain('EvictionThresholdMet');
    expect(memoryPressure(world)).toBe('False');
  });
});

describe('a node that a failure makes short', () => {
  const node = { capacity: { cpu: '8', memory: '4Gi', 'ephemeral-storage': '100Gi', pods: '110' } };
  const evicted = (world: World): string[] =>
    world.events.filter(({ reason }) => reason === 'Evicted').map(({ about }) => about);
  const priority = (value: number): Json => requesting({ memory: '50Mi' }, { priority: value });

  it('of memory evicts in the order of a kubelet, as many as it takes, and no more', () => {
    const world = readyWorld('injected', node);
    const uses = (usage: string): Record<string, string> => of('c', 'memory-usage', usage);
    world.createPod('within', 'default', priority(0), uses('40Mi'));
    world.createPod('over', 'default', priority(0), uses('60Mi'));
    world.createPod('far-over', 'default', priority(0), uses('90Mi'));
    world.createPod('important', 'default', priority(1000), uses('90Mi'));
    world.createPod('critical', 'default', priority(2_000_000_000), uses('90Mi'));
    world.advance(5_000);
    world.pressure('MemoryPressure', 3);
    expect(evicted(world)).toEqual([]);
    world.advance(60_000);
    expect(evicted(world)).toEqual(['far-over', 'over', 'important']);
    expect(statusOf(world, 'uid-far-over')).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message:
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 90Mi, request is 50Mi, has larger consumption of memory. ',
    });
    // It has enough again, and still says that it has not.
    expect(memoryPressure(world)).toBe('True');
    const bestEffort = world.createPod('best-effort', 'default', { containers: [busybox] });
    const burstable = world.createPod('burstable', 'default', priority(0));
    world.advance(5_000);
    expect(statusOf(world, bestEffort)).toMatchObject({ phase: 'Failed', reason: 'Evicted' });
    expect(statusOf(world, burstable).phase).toBe('Running');

    world.pressure('MemoryPressure', undefined);
    world.advance(12_000);
    expect(memoryPressure(world)).toBe('False');
    const later = world.createPod('later', 'default', { containers: [busybox] });
    world.advance(60_000);
    expect(statusOf(world, later).phase).toBe('Running');
    expect(evicted(world)).toHaveLength(4);
  });

  it('of disk evicts by priority, and takes no pod meanwhile but a critical one', () => {
    const world = readyWorld('disk', node);
    for (const [name, value] of [
      ['important', 1000],
      ['first', 0],
      ['second', 0],
    ] as const) {
      world.createPod(name, 'default', priority(value));
      world.advance(1_000);
    }
    world.pressure('DiskPressure', 2);
    world.advance(30_000);
    expect(evicted(world)).toEqual(['first', 'second']);
    expect(statusOf(world, 'uid-first')['message']).toBe(
      'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 5Gi. ',
    );
    const burstable = world.createPod('burstable', 'default', priority(0));
    const critical = world.createPod('critical', 'default', priority(2_000_000_000));
    world.advance(5_000);
    expect(statusOf(world, burstable)['message']).toBe(
      'Pod was rejected: The node had condition: [DiskPressure]. ',
    );
    expect(statusOf(world, critical).phase).toBe('Running');
    expect(statusOf(world, 'uid-important').phase).toBe('Running');
  });

  it('of process ids says no amounts, which it has none of', () => {
    const world = readyWorld('pids', node);
    world.createPod('p');
    world.advance(5_000);
    world.pressure('PIDPressure', 1);
    world.advance(15_000);
    expect(statusOf(world, 'uid-p')['message']).toBe('The node was low on resource: pids. ');
  });

  it('evicts none when none has to go, and ceases with the failure', () => {
    const world = readyWorld('none', node);
    for (const name of ['a', 'b', 'c']) world.createPod(name);
    world.advance(5_000);
    world.pressure('DiskPressure', 0);
    world.advance(60_000);
    expect(evicted(world)).toEqual([]);
    world.pressure('MemoryPressure', 100);
    world.advance(10_500);
    expect(evicted(world)).toHaveLength(1);
    world.pressure('MemoryPressure', undefined);
    world.advance(60_000);
    expect(evicted(world)).toHaveLength(1);
  });
});

describe('a pod that does not fit', () => {
  const node = {
    capacity: { cpu: '2', memory: '1Gi', pods: '3', 'nvidia.com/gpu': '1' },
    labels: { zone: 'a' },
    taints: [{ key: 'gone', effect: 'NoExecute' }],
  };
  const tolerations = [{ key: 'gone', operator: 'Exists' }];
  const required = (expression: Json): Json => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [expression] }],
      },
    },
  });
  const resource = (name: string, requested: number, used: number, capacity: number): [string, string] => [
    `OutOf${name}`,
    `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  ];

  it.each<[string, Json, [string, string] | undefined]>([
    ['fits', requesting({ cpu: '500m' }), undefined],
    ['cpu', requesting({ cpu: '1500m' }), resource('cpu', 1500, 1000, 2000)],
    ['memory', requesting({ memory: '2Gi' }), resource('memory', 2 ** 31, 0, 2 ** 30 - 100 * 2 ** 20)],
    ['gpu', requesting({ 'nvidia.com/gpu': '1' }), resource('nvidia.com/gpu', 1, 1, 1)],
    ['a resource that no node has', requesting({ 'example.com/dongle': '1' }), undefined],
    [
      'selector',
      { nodeSelector: { zone: 'b' } },
      ['NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      'affinity that matches',
      { affinity: required({ key: 'zone', operator: 'In', values: ['a'] }) },
      undefined,
    ],
    [
      'affinity',
      { affinity: required({ key: 'zone', operator: 'DoesNotExist' }) },
      ['NodeAffinity', "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"],
    ],
    [
      'taint',
      { tolerations: [] },
      [
        'TaintToleration',
        "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate",
      ],
    ],
  ])('%s', (_, spec, expected) => {
    const world = readyWorld('admission', node);
    world.createPod('first', 'default', requesting({ cpu: '1', 'nvidia.com/gpu': '1' }, { tolerations }));
    const uid = world.createPod('second', 'default', { tolerations, ...spec });
    world.advance(5_000);
    if (expected === undefined) {
      expect(statusOf(world, uid).phase).toBe('Running');
      return;
    }
    const [reason, message] = expected;
    expect(statusOf(world, uid)).toMatchObject({
      phase: 'Failed',
      reason,
      message: `Pod was rejected: ${message}`,
    });
    expect(world.events.find((event) => event.about === 'second')).toMatchObject({ reason, message });
    world.deletePod(uid);
    world.advance(1000);
    expect(world.podCount).toBe(1);
  });

  it('is one too many', () => {
    const world = readyWorld('too-many', node);
    const uids = Array.from({ length: 4 }, (_, i) => world.createPod(`p${i}`, 'default', { tolerations }));
    world.advance(5_000);
    expect(statusOf(world, uids[3] ?? '')).toMatchObject({ phase: 'Failed', reason: 'OutOfpods' });
    // A place is free again as soon as a pod has gone.
    world.deletePod(uids[0] ?? '');
    world.advance(5_000);
    const next = world.createPod('next', 'default', { tolerations });
    world.advance(5_000);
    expect(statusOf(world, next).phase).toBe('Running');
  });
});

describe('a pod that is deleted after it has ended, or was never taken', () => {
  it('goes, although its Failed status was still waiting to be written', () => {
    const world = readyWorld('rejected');
    const uid = world.createPod('big', 'default', requesting({ cpu: '64' }));
    world.deletePod(uid);
    world.advance(30_000);
    expect(world.patches.map(({ status }) => status['phase'])).toEqual(['Failed']);
    expect(world.count('DELETE', /\/pods\/big$/)).toBe(1);
    expect(world.pods.has(uid)).toBe(false);
  });

  it.each([
    ['GET', ['GET', 'PATCH', 'DELETE']],
    ['PATCH', ['GET', 'PATCH', 'GET', 'DELETE']],
  ])('goes, when its deletion comes just before the %s of its last status', (before, expected) => {
    const faults = { ...noFaults };
    const world = readyWorld('overtaken', {}, faults);
    const uid = world.createPod(
      'job',
      'default',
      { restartPolicy: 'Never', containers: [busybox] },
      of('c', 'run-duration', '2s'),
    );
    world.advance(3_600);
    // It ends, and only long after that its status can be written.
    faults.serverError = 1;
    world.advance(1_500);
    faults.serverError = 0;
    world.watchDelayMs = 100;
    const sent: string[] = [];
    world.beforeServing = ({ method, path }) => {
      if (!path.includes('/pods/job')) return;
      sent.push(method);
      if (method === before) world.deletePod(uid);
    };
    world.advance(30_000);
    expect(sent).toEqual(expected);
    expect(world.patches.map(({ status }) => status['phase'])).toContain('Succeeded');
    expect(world.pods.has(uid)).toBe(false);
  });
});

describe('what others write', () => {
  it('to a pod’s status is written again: readiness that the node controller took away', () => {
    const world = readyWorld('reconcile');
    const uid = world.createPod('p');
    world.advance(5_000);
    const since = conditionOf(world, uid, 'Ready')?.['lastTransitionTime'];
    world.writeStatus(uid, (status) => {
      const ready = status.conditions.find(({ type }) => type === 'Ready');
      if (ready !== undefined)
        Object.assign(ready, { status: 'False', lastTransitionTime: '2030-01-01T00:00:00Z' });
    });
    expect(conditionOf(world, uid, 'Ready')?.['status']).toBe('False');
    world.advance(11_000);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True', lastTransitionTime: since });
    const before = world.requests.length;
    world.advance(50_000);
    expect(world.count('PATCH', /\/pods\/p\/status$/, before)).toBe(0);
  });

  it('to a pod’s status is written again by who does not read it before', () => {
    const world = readyWorld('reconcile-lite', { wireProfile: 'lite' });
    const uid = world.createPod('p');
    world.advance(5_000);
    const before = world.patches.length;
    world.writeStatus(uid, (status) => {
      Object.assign(status.conditions.find(({ type }) => type === 'Ready') ?? {}, {
        status: 'False',
        reason: 'Lost',
      });
    });
    world.advance(11_000);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True' });
    expect(conditionOf(world, uid, 'Ready')).not.toHaveProperty('reason');
    expect(world.patches.slice(before)).toHaveLength(1);
  });

  it('to a pod’s spec: another image restarts the container, whatever its policy', () => {
    const world = readyWorld('image');
    const uid = world.createPod('p', 'default', { restartPolicy: 'Never', containers: [busybox] });
    world.advance(5_000);
    world.changeSpec(uid, (spec) => (((spec['containers'] as Json[])[0] as Json)['image'] = 'busybox:2'));
    world.advance(5_000);
    expect(world.events.find(({ reason }) => reason === 'Killing')?.message).toBe(
      'Container c definition changed, will be restarted',
    );
    expect(containerOf(world, uid)).toMatchObject({
      image: 'docker.io/library/busybox:2',
      restartCount: 1,
      ready: true,
    });
    expect(statusOf(world, uid)['observedGeneration']).toBe(2);
  });

  it('to a pod’s spec: an ephemeral container is started, once', () => {
    const world = readyWorld('ephemeral');
    const uid = world.createPod('p', 'default', { containers: [busybox] });
    world.advance(5_000);
    world.changeSpec(uid, (spec) => (spec['ephemeralContainers'] = [{ name: 'debug', image: 'busybox' }]));
    world.advance(5_000);
    const [status] = statusOf(world, uid)['ephemeralContainerStatuses'] as Json[];
    expect(status).toMatchObject({ name: 'debug', state: { running: {} }, ready: false, restartCount: 0 });
    expect(conditionOf(world, uid, 'Ready')?.['status']).toBe('True');
  });
});

describe('a kubelet that starts again', () => {
  const running = (world: World): string => {
    const uid = world.createPod('p');
    world.createPod(
      'job',
      'default',
      { restartPolicy: 'Never', containers: [busybox] },
      of('c', 'run-duration', '130s'),
    );
    // By then all is written that a pod that just runs has to say.
    world.advance(110_000);
    return uid;
  };

  it('takes its pods over as they run: no event, no write, the same addresses', () => {
    const world = readyWorld('takeover');
    const uid = running(world);
    const before = structuredClone(statusOf(world, uid));
    const [events, from] = [world.events.length, world.requests.length];
    world.restart(true, 5_000);
    world.advance(5_000);
    expect(statusOf(world, uid)).toEqual(before);
    expect(world.count('PATCH', /\/pods\//, from)).toBe(0);
    expect(world.count('GET', /\/pods\/p$/, from)).toBe(1);
    expect(world.events.slice(events).filter(({ about }) => about.startsWith('spec.'))).toEqual([]);
    // What it takes over still ends when it would have, and new pods get other addresses.
    const other = world.createPod('other');
    world.advance(20_000);
    expect([...world.pods.values()].find(({ metadata }) => metadata.name === 'job')?.status.phase).toBe(
      'Succeeded',
    );
    expect(statusOf(world, other)['podIP']).not.toBe(statusOf(world, uid)['podIP']);
    world.deletePod(uid);
    world.deletePod(other);
    world.advance(5_000);
    expect([...world.pods.values()].map(({ metadata }) => metadata.name)).toEqual(['job']);
  });

  it('does not say of itself that it is not Ready', () => {
    const world = readyWorld('throughout');
    const from = world.requests.length;
    world.restart(true, 5_000);
    for (let ms = 0; ms < 20_000; ms += 5) {
      world.advance(5);
      expect(world.readyCondition).toBe('True');
    }
    expect(world.count('POST', /\/nodes$/, from)).toBe(1);
  });

  it('takes them over from the API server’s word alone', () => {
    const world = readyWorld('word');
    const uid = running(world);
    const before = structuredClone(statusOf(world, uid));
    const from = world.requests.length;
    world.forgetRuntime();
    world.restart(true, 5_000);
    world.advance(5_000);
    expect(statusOf(world, uid)).toEqual(before);
    expect(world.count('PATCH', /\/pods\//, from)).toBe(0);
    const other = world.createPod('other');
    world.advance(3_000);
    expect(statusOf(world, other)['podIP']).not.toBe(before['podIP']);
  });

  it('gives the addresses of those that ended or went meanwhile to others', () => {
    const world = new World('addresses');
    world.podCidr = '10.128.0.0/29';
    world.start();
    world.advance(12_000);
    const uids = Array.from({ length: 5 }, (_, index) => world.createPod(`p${index}`));
    world.advance(20_000);
    const [first = '', second = ''] = uids;
    world.clock.timer(1000, () => {
      world.forceDeletePod(first);
      world.writeStatus(second, (status) => (status.phase = 'Failed'));
    });
    world.restart(true, 5_000);
    world.advance(5_000);
    const others = [world.createPod('q0'), world.createPod('q1')];
    world.advance(20_000);
    expect(others.map((uid) => statusOf(world, uid).phase)).toEqual(['Running', 'Running']);
  });

  it('starts the container that a pod was given meanwhile', () => {
    const world = readyWorld('debugged');
    const uid = running(world);
    world.clock.timer(1000, () =>
      world.changeSpec(uid, (spec) => (spec['ephemeralContainers'] = [{ name: 'debug', image: 'busybox' }])),
    );
    world.restart(true, 5_000);
    world.advance(10_000);
    const [status] = statusOf(world, uid)['ephemeralContainerStatuses'] as Json[];
    expect(status).toMatchObject({ name: 'debug', state: { running: {} } });
  });

  it('after a crash of the node: new sandbox, containers restarted, a Job’s pod failed', () => {
    const world = readyWorld('crash');
    const uid = running(world);
    world.restart(false, 5_000);
    world.advance(10_000);
    expect(world.events.some(({ reason }) => reason === 'SandboxChanged')).toBe(true);
    expect(statusOf(world, uid).phase).toBe('Running');
    expect(containerOf(world, uid)).toMatchObject({
      restartCount: 1,
      ready: true,
      state: { running: {} },
      lastState: { terminated: { exitCode: 255, reason: 'Unknown' } },
    });
    expect(statusOf(world, 'uid-job').phase).toBe('Failed');
    world.deletePod(uid);
    world.advance(5_000);
    expect(world.pods.has(uid)).toBe(false);
  });
});

it('a kubelet that does not read pods writes what has changed since it wrote last, and takes away what is no more', () => {
  const world = readyWorld('lite', { wireProfile: 'lite' });
  const uid = world.createPod('p', 'default', requesting({ cpu: '5m' }));
  world.advance(5_000);
  expect(world.count('GET', /\/pods\//)).toBe(0);
  expect(world.patches[0]?.status).toHaveProperty('startTime');
  expect(world.patches.at(-1)?.status).not.toHaveProperty('startTime');
  expect(conditionOf(world, uid, 'Ready')).not.toHaveProperty('reason');
});

it('an annotation that cannot be read is said in an event of the pod', () => {
  const world = readyWorld('faults');
  const uid = world.createPod('p', 'default', { containers: [busybox] }, of('c', 'run-duration', 'soon'));
  world.advance(5_000);
  expect(statusOf(world, uid).phase).toBe('Running');
  expect(world.events.find(({ reason }) => reason === 'InvalidAnnotation')?.message).toBe(
    'Annotation hollowmark.dev/container.c.run-duration cannot be read: "soon"',
  );
});

describe('whatever pods do, and whenever they go, under faults', () => {
  const behaviour = fc.record({
    'run-duration': fc.option(fc.constantFrom('10ms', '1s', '4s')),
    'exit-code': fc.option(fc.constantFrom('0', '1')),
    'term-duration': fc.option(fc.constantFrom('1s', '10s', '1h')),
    'ready-after': fc.option(fc.constantFrom('2s', '1h')),
    'liveness-fails-after': fc.option(fc.constantFrom('5s')),
    'readiness-flaps-every': fc.option(fc.constantFrom('3s')),
  });
  const probe = { exec: {}, periodSeconds: 1, failureThreshold: 2 };
  const pod = fc.record({
    restartPolicy: fc.constantFrom('Always', 'OnFailure', 'Never'),
    init: fc.constantFrom([], ['init'], ['sidecar'], ['init', 'sidecar', 'init'], ['sidecar', 'sidecar']),
    probes: fc.boolean(),
    behaviour,
    goesAfterMs: fc.integer({ min: 0, max: 20_000 }),
  });

  it('all of them go, nothing is left, and no phase goes back', () => {
    fc.assert(
      fc.property(
        fc.array(pod, { minLength: 1, maxLength: 6 }),
        fc.integer(),
        fc.boolean(),
        (pods, seed, restarts) => {
          const faults = { ...noFaults, serverError: 0.03, noAnswer: 0.02, relistEveryMs: 4_000 };
          const world = readyWorld(`life-${seed}`, {}, faults);
          const uids = pods.map(({ restartPolicy, init, probes, behaviour: how }, index) => {
            const more = probes ? { readinessProbe: probe, livenessProbe: probe } : {};
            const annotations = Object.entries(how).flatMap(([key, value]) =>
              value === null ? [] : Object.entries(of('c', key, value)),
            );
            const initContainers = init.map((kind, i) => ({
              name: `i${i}`,
              image: 'busybox',
              ...(kind === 'sidecar' ? { restartPolicy: 'Always' } : {}),
            }));
            const spec = { restartPolicy, initContainers, containers: [{ ...busybox, ...more }] };
            return world.createPod(`p${index}`, 'default', spec, Object.fromEntries(annotations));
          });
          for (let ms = 0; ms < 21_000; ms += 500) {
            for (const [index, { goesAfterMs }] of pods.entries()) {
              if (goesAfterMs >= ms && goesAfterMs < ms + 500) world.deletePod(uids[index] ?? '');
            }
            if (restarts && ms === 10_000) world.restart(seed % 2 === 0, 700);
            world.advance(500);
          }
          world.advance(240_000);
          expect([...world.pods.keys()]).toEqual([]);
          expect(world.podCount).toBe(0);
          expect([...world.watches].filter((key) => key.startsWith('configmaps/'))).toEqual([]);
          const order = ['Pending', 'Running', 'Succeeded', 'Failed'];
          for (const index of pods.keys()) {
            const phases = world.patches
              .filter(({ name, status }) => name === `p${index}` && status['phase'] !== undefined)
              .map(({ status }) => Math.min(2, order.indexOf(String(status['phase']))))
              // A crashed node's init containers run again: until they have, the pod is Pending once more.
              .filter((phase) => phase === 2 || !restarts);
            expect(phases).toEqual(phases.toSorted((a, b) => a - b));
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
