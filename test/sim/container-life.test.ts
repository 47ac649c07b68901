import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../src/hollow/context.ts';
import type { KubeletOptions } from '../../src/hollow/kubelet.ts';
import type { ImageStore } from '../../src/hollow/runtime/images.ts';
import { World, noFaults } from './world.ts';

type Json = { [key: string]: unknown };

const of = (container: string, key: string, value: string): Record<string, string> => ({
  [`hollowmark.dev/container.${container}.${key}`]: value,
});

function readyWorld(seed: string, node: Partial<NodeConfig> = {}, options: KubeletOptions = {}): World {
  const world = new World(seed, noFaults, seed, node, options);
  world.start();
  world.advance(12_000);
  return world;
}

const busybox = { name: 'c', image: 'busybox' };

type Condition = { type: string; status?: string; reason?: string | null };
type ContainerStatus = {
  name: string;
  ready: boolean;
  restartCount: number;
  state: Record<string, { reason?: string }>;
  lastState: Json;
};

/** What a PATCH says, in a line: phase, conditions but ContainersReady, each container's state, the pod's address. */
function summary(status: Json): string {
  const { phase, podIP } = status as { phase?: string; podIP?: string | null };
  const parts: string[] = phase === undefined ? [] : [phase];
  for (const { type, status: on, reason } of (status['conditions'] ?? []) as Condition[]) {
    if (on === undefined || type === 'ContainersReady') continue;
    parts.push(`${type}=${on}${typeof reason === 'string' ? `(${reason})` : ''}`);
  }
  for (const field of ['initContainerStatuses', 'containerStatuses']) {
    for (const container of (status[field] ?? []) as ContainerStatus[]) {
      const [[state, { reason }]] = Object.entries(container.state) as [[string, { reason?: string }]];
      const last = Object.keys(container.lastState).length > 0 ? ' last' : '';
      const ready = container.ready ? ' ready' : '';
      const why = reason === undefined ? '' : ` ${reason}`;
      parts.push(`${container.name}:${state}${why} #${container.restartCount}${ready}${last}`);
    }
  }
  if (podIP !== undefined) parts.push(podIP === null ? '-ip' : '+ip');
  return parts.join(' | ');
}

/** The status of a pod's containers of one kind, as the API server has it. */
const containersOf = (world: World, uid: string, kind: 'initContainer' | 'container' = 'container'): Json[] =>
  (world.pods.get(uid)?.status[`${kind}Statuses`] ?? []) as Json[];

const patchesOf = (world: World, name: string): string[] =>
  world.patches.filter((patch) => patch.name === name).map(({ status }) => summary(status));

const eventsOf = (world: World, about: string): string[] =>
  world.events.filter((event) => event.about === about).map(({ reason, count }) => `${reason} ${count}`);

/** A pod's whole start, in a line each, as the samples of a real node have it. */
const start = [
  'PodReadyToStartContainers=False | Initialized=True | Ready=False(ContainersNotReady) | c:waiting ContainerCreating #0',
  'PodReadyToStartContainers=True',
  'Running | Ready=True | c:running #0 ready | +ip',
];

describe('containers that end', () => {
  it('of a Job: Succeeded comes in two PATCHes, and nothing of the pod is held any more', () => {
    const world = readyWorld('job');
    const uid = world.createPod(
      'job',
      'default',
      { restartPolicy: 'Never', containers: [busybox] },
      of('c', 'run-duration', '2s'),
    );
    world.advance(10_000);
    expect(patchesOf(world, 'job')).toEqual([
      ...start,
      'Ready=False(PodCompleted) | c:terminated Completed #0',
      'Succeeded | PodReadyToStartContainers=False',
    ]);
    expect(world.podCount).toBe(0);
    expect([...world.watches].filter((key) => key.startsWith('configmaps/'))).toEqual([]);
    // After the PATCHes a last look, as a real node has it.
    expect(world.requests.filter(({ path }) => path.endsWith('/pods/job')).length).toBe(6);
    world.advance(100_000);
    world.deletePod(uid);
    world.advance(1000);
    expect(world.pods.size).toBe(0);
    expect(world.count('DELETE', /\/pods\/job$/)).toBe(0);
  });

  it('of a Job without annotations: as the scenario says', () => {
    const world = readyWorld('default-run', { containerRun: { runDurationMs: 3000, exitCode: 3 } });
    world.createPod('job', 'default', { restartPolicy: 'Never', containers: [busybox] });
    const other = world.createPod('other', 'default', { containers: [busybox] });
    world.advance(10_000);
    expect(patchesOf(world, 'job').at(-1)).toBe('Failed | PodReadyToStartContainers=False');
    expect(world.pods.get(other)?.status.phase).toBe('Running');
  });

  it('again and again: crash loops as the samples have them, 10 s at first, twice as long each time', () => {
    const world = readyWorld('crash');
    const uid = world.createPod(
      'crash',
      'default',
      { containers: [busybox] },
      { ...of('c', 'run-duration', '10ms'), ...of('c', 'exit-code', '1') },
    );
    world.advance(60_000);
    const [terminated, again] = [
      'Ready=False(ContainersNotReady) | c:terminated Error',
      'Ready=True | c:running',
    ];
    expect(patchesOf(world, 'crash')).toEqual([
      ...start,
      `${terminated} #0`,
      `${again} #1 ready last`,
      `${terminated} #1 last`,
      'c:waiting CrashLoopBackOff #1 last',
      `${again} #2 ready last`,
      `${terminated} #2 last`,
      'c:waiting CrashLoopBackOff #2 last',
      `${again} #3 ready last`,
      `${terminated} #3 last`,
    ]);
    expect(eventsOf(world, 'spec.containers{c}')).toEqual([
      'Pulled 4',
      'Created 4',
      'Started 4',
      'BackOff 3',
    ]);
    world.advance(3_600_000);
    const waits = world.patches
      .flatMap(({ status }) =>
        ((status['containerStatuses'] ?? []) as Json[]).map((container) => container['state']),
      )
      .flatMap((state) => /back-off (\w+)/.exec(JSON.stringify(state))?.[1] ?? []);
    expect([...new Set(waits)]).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s']);
    // An hour of 5 min and up to half as much: 8 to 12 restarts, after the first seven.
    const [status] = containersOf(world, uid);
    expect(status?.['restartCount']).toBeGreaterThanOrEqual(14);
    expect(status?.['restartCount']).toBeLessThanOrEqual(19);
  });

  it('with kubemark’s profile: each exit has the id that its run had', () => {
    const world = readyWorld('fake', { wireProfile: 'kubemark' });
    const annotations = { ...of('c', 'run-duration', '1s'), ...of('c', 'exit-code', '1') };
    const uid = world.createPod('crash', 'default', { containers: [busybox] }, annotations);
    world.advance(60_000);
    const ids = new Map<string, Set<string>>();
    const note = (startedAt: string, id: string): unknown =>
      ids.set(startedAt, (ids.get(startedAt) ?? new Set()).add(id));
    type Exit = { containerID: string; startedAt: string };
    type Fake = { containerID: string; state: Json; lastState: Json };
    for (const { status } of world.patches.filter(({ name }) => name === 'crash')) {
      for (const { containerID, state, lastState } of (status['containerStatuses'] ?? []) as Fake[]) {
        const { startedAt } = (state['running'] ?? {}) as { startedAt?: string };
        if (startedAt !== undefined) note(startedAt, containerID);
        for (const exit of [state['terminated'], lastState['terminated']] as (Exit | undefined)[]) {
          if (exit !== undefined) note(exit.startedAt, exit.containerID);
        }
      }
    }
    expect([...ids.values()].map((found) => [...found])).toEqual(
      [0, 1, 2, 3].map((attempt) => [`fakeRuntime://crash_default_${uid}_0_c_${attempt}`]),
    );
  });

  it('starts over with the back-off after ten minutes of running', () => {
    const world = readyWorld('recovers');
    world.createPod(
      'p',
      'default',
      { containers: [busybox] },
      { ...of('c', 'run-duration', '11m'), ...of('c', 'exit-code', '1') },
    );
    world.advance(3_500_000);
    expect(eventsOf(world, 'spec.containers{c}')).toEqual(['Pulled 6', 'Created 6', 'Started 6']);
  });

  it('under OnFailure: restarted until it succeeds, then the pod has succeeded', () => {
    const world = readyWorld('on-failure');
    const uid = world.createPod(
      'p',
      'default',
      { restartPolicy: 'OnFailure', containers: [busybox, { name: 'd', image: 'busybox' }] },
      { ...of('c', 'run-duration', '1s'), ...of('d', 'run-duration', '3s') },
    );
    world.advance(10_000);
    expect(world.pods.get(uid)?.status.phase).toBe('Succeeded');
    expect(eventsOf(world, 'spec.containers{c}')).toEqual(['Pulled 1', 'Created 1', 'Started 1']);
  });

  it('that use more memory than they may are killed for it and restarted', () => {
    const world = readyWorld('oom');
    const uid = world.createPod(
      'p',
      'default',
      {
        containers: [
          { ...busybox, resources: { limits: { memory: '100Mi' }, requests: { memory: '10Mi' } } },
        ],
      },
      { ...of('c', 'memory-usage', '50Mi'), ...of('c', 'memory-growth-per-second', '10Mi') },
    );
    world.advance(9_000);
    const [status] = containersOf(world, uid);
    expect(status).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
      state: { running: {} },
    });
    expect(world.events.filter(({ reason }) => reason === 'SystemOOM')).toEqual([]);
  });
});

describe('init containers and sidecars', () => {
  const init = (name: string, more: Json = {}): Json => ({ name, image: 'busybox', ...more });

  it('run one after the other, as the samples have it', () => {
    const world = readyWorld('init');
    world.createPod('p', 'default', { initContainers: [init('i')], containers: [busybox] });
    world.advance(10_000);
    expect(patchesOf(world, 'p')).toEqual([
      'PodReadyToStartContainers=False | Initialized=False(ContainersNotInitialized) | Ready=False(ContainersNotReady) | i:waiting PodInitializing #0 | c:waiting PodInitializing #0',
      'PodReadyToStartContainers=True',
      'i:running #0 | +ip',
      'Initialized=True | i:terminated Completed #0 ready',
      'Running | Ready=True | c:running #0 ready',
    ]);
  });

  it('are restarted on failure, and fail the pod where the policy is Never', () => {
    const world = readyWorld('init-fails');
    const annotations = { ...of('i', 'run-duration', '100ms'), ...of('i', 'exit-code', '1') };
    const always = world.createPod(
      'a',
      'default',
      { initContainers: [init('i')], containers: [busybox] },
      annotations,
    );
    const never = world.createPod(
      'n',
      'default',
      { restartPolicy: 'Never', initContainers: [init('i')], containers: [busybox] },
      annotations,
    );
    world.advance(20_000);
    expect(world.pods.get(always)?.status.phase).toBe('Pending');
    const [status] = containersOf(world, always, 'initContainer');
    expect(status?.['restartCount']).toBeGreaterThanOrEqual(1);
    expect(world.pods.get(never)?.status.phase).toBe('Failed');
    expect(eventsOf(world, 'spec.containers{c}')).toEqual([]);
  });

  it('sidecars start in order, each once the one before has started, and end after the main containers, in reverse', () => {
    const world = readyWorld('sidecars');
    const sidecar = (name: string, more: Json = {}): Json => init(name, { restartPolicy: 'Always', ...more });
    const uid = world.createPod(
      'p',
      'default',
      {
        restartPolicy: 'Never',
        initContainers: [
          sidecar('s1', { startupProbe: { exec: {}, periodSeconds: 1, failureThreshold: 9 } }),
          init('i'),
          sidecar('s2'),
        ],
        containers: [busybox],
      },
      {
        ...of('s1', 'started-after', '3s'),
        ...of('c', 'run-duration', '5s'),
        ...of('s1', 'term-duration', '1s'),
        ...of('s2', 'term-duration', '1s'),
      },
    );
    world.advance(30_000);
    const started = world.events.filter(({ reason }) => reason === 'Started').map(({ about }) => about);
    expect(started).toEqual(
      ['initContainers{s1}', 'initContainers{i}', 'initContainers{s2}', 'containers{c}'].map(
        (name) => `spec.${name}`,
      ),
    );
    const status = world.pods.get(uid)?.status;
    expect(status?.phase).toBe('Succeeded');
    const finishedMs = containersOf(world, uid, 'initContainer').map((container) =>
      Date.parse(((container['state'] as Json)['terminated'] as Json)['finishedAt'] as string),
    );
    expect(finishedMs[0]).toBeGreaterThanOrEqual((finishedMs[2] ?? 0) + 1000);
    const unhealthy = world.events.find(({ reason }) => reason === 'Unhealthy');
    expect(unhealthy).toMatchObject({ about: 'spec.initContainers{s1}', message: 'Startup probe failed: ' });
  });

  it('a sidecar that ends is restarted under every policy', () => {
    const world = readyWorld('sidecar-ends');
    const uid = world.createPod(
      'p',
      'default',
      {
        restartPolicy: 'Never',
        initContainers: [init('s', { restartPolicy: 'Always' })],
        containers: [busybox],
      },
      of('s', 'run-duration', '3s'),
    );
    world.advance(6_000);
    const [status] = containersOf(world, uid, 'initContainer');
    expect(status).toMatchObject({ restartCount: 1, ready: true });
    expect(world.pods.get(uid)?.status.phase).toBe('Running');
  });
});

describe('probes', () => {
  const withProbes = (probes: Json): Json => ({ containers: [{ ...busybox, ...probes }] });

  it('of readiness: tried at once when the container runs, as the samples have it, else every period', () => {
    const world = readyWorld('ready');
    world.createPod('p', 'default', withProbes({ readinessProbe: { exec: {}, periodSeconds: 1 } }));
    world.advance(3_000);
    expect(patchesOf(world, 'p')).toEqual([
      ...start.slice(0, 2),
      'Running | c:running #0 | +ip',
      'Ready=True | c:running #0 ready',
    ]);
    const late = world.createPod(
      'late',
      'default',
      withProbes({ readinessProbe: { httpGet: {}, periodSeconds: 1, failureThreshold: 1 } }),
      of('c', 'ready-after', '3s'),
    );
    world.advance(3_000);
    const ready = (): unknown =>
      world.pods.get(late)?.status.conditions.find(({ type }) => type === 'Ready')?.['status'];
    expect(ready()).toBe('False');
    world.advance(3_000);
    expect(ready()).toBe('True');
    const unhealthy = world.events.find(({ reason }) => reason === 'Unhealthy');
    expect(unhealthy?.message).toBe('Readiness probe failed: HTTP probe failed with statuscode: 500');
    expect(unhealthy?.count).toBeGreaterThanOrEqual(3);
  });

  it('of readiness that flaps: Ready turns with it', () => {
    const world = readyWorld('flaps');
    world.createPod(
      'p',
      'default',
      withProbes({ readinessProbe: { tcpSocket: {}, periodSeconds: 1, failureThreshold: 1 } }),
      of('c', 'readiness-flaps-every', '10s'),
    );
    world.advance(45_000);
    const turns = patchesOf(world, 'p')
      .slice(3)
      .filter((line) => line.includes('Ready='))
      .map((line) => (line.includes('Ready=True') ? 'up' : 'down'));
    expect(turns).toEqual(['up', 'down', 'up', 'down', 'up']);
  });

  it('of liveness: after enough failures the container is killed and restarted', () => {
    const world = readyWorld('alive');
    const uid = world.createPod(
      'p',
      'default',
      withProbes({ livenessProbe: { httpGet: {}, periodSeconds: 2, failureThreshold: 3 } }),
      of('c', 'liveness-fails-after', '10s'),
    );
    world.advance(20_000);
    const killing = world.events.find(({ reason }) => reason === 'Killing');
    expect(killing?.message).toBe('Container c failed liveness probe, will be restarted');
    expect(world.events.find(({ reason }) => reason === 'Unhealthy')?.count).toBe(3);
    const [status] = containersOf(world, uid);
    expect(status).toMatchObject({ restartCount: 1, ready: true, state: { running: {} } });
    expect(world.pods.get(uid)?.status.phase).toBe('Running');
  });

  it('of startup: the others wait for it, and its failure restarts the container', () => {
    const world = readyWorld('slow');
    const probes = {
      startupProbe: { exec: {}, periodSeconds: 1, failureThreshold: 5 },
      livenessProbe: { exec: {}, periodSeconds: 1, failureThreshold: 1 },
    };
    const slow = world.createPod('slow', 'default', withProbes(probes), of('c', 'started-after', '3s'));
    const never = world.createPod('never', 'default', withProbes(probes), of('c', 'started-after', '1h'));
    world.advance(2_500);
    const container = (uid: string): Json | undefined => containersOf(world, uid)[0];
    expect(container(slow)).toMatchObject({ started: false, ready: false });
    world.advance(6_000);
    expect(container(slow)).toMatchObject({ started: true, ready: true, restartCount: 0 });
    expect(container(never)).toMatchObject({ started: false, restartCount: 1 });
    const killing = world.events.find(({ reason }) => reason === 'Killing');
    expect(killing?.message).toBe('Container c failed startup probe, will be restarted');
  });

  it('that always succeed cost no timer once they have', () => {
    const world = readyWorld('settled');
    world.createPod(
      'p',
      'default',
      withProbes({ livenessProbe: { exec: {} }, readinessProbe: { exec: {} } }),
    );
    world.advance(100_000);
    const before = world.timersRun;
    world.advance(600_000);
    const lone = readyWorld('settled');
    lone.advance(100_000);
    const loneBefore = lone.timersRun;
    lone.advance(600_000);
    expect(world.timersRun - before - (lone.timersRun - loneBefore)).toBeLessThan(30);
  });
});

it('a container that is restarted often has one timer for its end, and still ends', () => {
  const world = readyWorld('end-timers');
  const probe = { exec: {}, periodSeconds: 1, failureThreshold: 1 };
  const uid = world.createPod(
    'p',
    'default',
    { containers: [{ ...busybox, livenessProbe: probe }] },
    { ...of('c', 'run-duration', '700s'), ...of('c', 'liveness-fails-after', '5s') },
  );
  world.advance(300_000);
  expect(world.events.find(({ reason }) => reason === 'Killing')?.count).toBeGreaterThan(3);
  expect(world.endTimers).toBe(1);
  world.deletePod(uid);
  world.advance(40_000);
  expect(world.gone).toEqual([uid]);
});

describe('a deletion', () => {
  const gone = (world: World, seconds: number): number => {
    const before = world.clock.nowUs();
    while (world.pods.size > 0 && world.clock.nowUs() - before < seconds * 1e6) world.advance(100);
    const took = (world.clock.nowUs() - before) / 1e6;
    world.advance(100);
    return took;
  };

  it.each([
    ['a program that obeys', {}, {}, 0.5, { exitCode: 0, reason: 'Completed' }],
    ['one that takes 5 s', of('c', 'term-duration', '5s'), {}, 5.5, { exitCode: 0, reason: 'Completed' }],
    [
      'one that handles no signal',
      { ...of('c', 'term-duration', '1s'), ...of('c', 'term-exit-code', '143') },
      {},
      1.5,
      { exitCode: 143, reason: 'Error' },
    ],
    [
      'one that goes beyond its grace',
      of('c', 'term-duration', '1h'),
      {},
      30.5,
      { exitCode: 137, reason: 'Error' },
    ],
    [
      'one that sleeps before',
      of('c', 'term-duration', '1s'),
      { lifecycle: { preStop: { sleep: { seconds: 4 } } } },
      5.5,
      { exitCode: 0, reason: 'Completed' },
    ],
    [
      'one whose hook uses the grace up: two seconds are left',
      { ...of('c', 'term-duration', '1h'), ...of('c', 'pre-stop-duration', '1h') },
      { lifecycle: { preStop: { exec: {} } } },
      32.5,
      { exitCode: 137, reason: 'Error' },
    ],
  ])('of %s', (_, annotations, more, seconds, terminated) => {
    const world = readyWorld('grace');
    const uid = world.createPod('p', 'default', { containers: [{ ...busybox, ...more }] }, annotations);
    world.advance(5_000);
    world.deletePod(uid);
    const took = gone(world, 100);
    expect(took).toBeGreaterThan(seconds - 0.3);
    expect(took).toBeLessThan(seconds + 0.5);
    const last = world.patches.findLast(({ status }) => status['containerStatuses'] !== undefined);
    expect(last?.status['phase']).toBe(terminated.exitCode === 0 ? 'Succeeded' : 'Failed');
    expect(((last?.status['containerStatuses'] ?? []) as Json[])[0]?.['state']).toMatchObject({ terminated });
    expect(world.podCount).toBe(0);
  });

  it.each([
    ['a shorter grace', 5, 15.5, 2],
    ['a longer grace', 300, 30.5, 1],
  ])('that comes again with %s: the smaller grace counts, from then on', (_, grace, seconds, kills) => {
    const world = readyWorld('shorter');
    const uid = world.createPod(
      'p',
      'default',
      { containers: [busybox], terminationGracePeriodSeconds: 30 },
      of('c', 'term-duration', '1h'),
    );
    world.advance(5_000);
    world.deletePod(uid);
    world.advance(10_000);
    world.deletePod(uid, grace);
    const took = 10 + gone(world, 100);
    expect(took).toBeGreaterThan(seconds - 0.5);
    expect(took).toBeLessThan(seconds + 0.5);
    expect(world.events.filter(({ reason }) => reason === 'Killing')).toMatchObject([{ count: kills }]);
    expect(world.count('DELETE', /\/pods\/p$/)).toBe(1);
  });

  it('of a pod whose exec probe goes on: each fails as the samples have it', () => {
    const world = readyWorld('canceled');
    const probe = { readinessProbe: { exec: {}, periodSeconds: 1 } };
    const uid = world.createPod(
      'p',
      'default',
      { containers: [{ ...busybox, ...probe }] },
      of('c', 'term-duration', '1h'),
    );
    world.advance(5_000);
    world.deletePod(uid);
    world.advance(29_000);
    const unhealthy = world.events.find(({ reason }) => reason === 'Unhealthy');
    expect(unhealthy?.message).toBe(
      'Readiness probe errored and resulted in unknown state: rpc error: code = Canceled desc = context canceled',
    );
    // The samples end at 25 as well: that is the spam limit, less the events before.
    expect(unhealthy?.count).toBeGreaterThanOrEqual(20);
    world.advance(10_000);
    expect(world.pods.size).toBe(0);
  });
});

describe('images', () => {
  /** Everything but `127.0.0.1:9/…` is there after 2 s of pulling, once. */
  const store = (): ImageStore => {
    const present = new Set<string>();
    return {
      ask: (image, pullPolicy) => {
        if (present.has(image)) return { is: 'present' };
        if (pullPolicy === 'Never') {
          const message = `Container image "${image}" is not present with pull policy of Never`;
          return { is: 'absent', reason: 'ErrImageNeverPull', message };
        }
        return { is: 'pulling', key: image, endsInMs: image.startsWith('127') ? 20 : 2000 };
      },
      finished: (key) => {
        if (key.startsWith('127')) return { error: 'ErrImagePull', message: 'connection refused' };
        present.add(key);
        return { pulledBytes: 1000, tookMs: 1500, waitedMs: 500 };
      },
    };
  };

  it('are pulled, with the events of a real node', () => {
    const world = readyWorld('pull', {}, { images: store() });
    world.createPod('p', 'default', { containers: [busybox] });
    world.advance(5_000);
    const messages = world.events
      .filter(({ about }) => about === 'spec.containers{c}')
      .map(({ message }) => message);
    expect(messages).toEqual([
      'Pulling image "busybox"',
      'Successfully pulled image "busybox" in 1.5s (2s including waiting). Image size: 1000 bytes.',
      'Container created',
      'Container started',
    ]);
  });

  it('that cannot be pulled: ErrImagePull and ImagePullBackOff in turn, as the samples have it', () => {
    const world = readyWorld('no-pull', {}, { images: store() });
    world.createPod('p', 'default', { containers: [{ name: 'c', image: '127.0.0.1:9/none:1' }] });
    world.advance(70_000);
    const lines = patchesOf(world, 'p');
    expect(lines.slice(0, 4)).toEqual([
      ...start.slice(0, 2),
      'c:waiting ErrImagePull #0 | +ip',
      'c:waiting ImagePullBackOff #0',
    ]);
    expect(new Set(lines.slice(4))).toEqual(
      new Set(['c:waiting ErrImagePull #0', 'c:waiting ImagePullBackOff #0']),
    );
    const messages = world.events
      .filter(({ about }) => about === 'spec.containers{c}')
      .map(({ message }) => message);
    expect(messages).toEqual([
      'Pulling image "127.0.0.1:9/none:1"',
      'Failed to pull image "127.0.0.1:9/none:1": connection refused',
      'Error: ErrImagePull',
      'Back-off pulling image "127.0.0.1:9/none:1"',
      'Error: ImagePullBackOff',
    ]);
  });

  it('that nobody may pull', () => {
    const world = readyWorld('never-pull', {}, { images: store() });
    world.createPod('p', 'default', { containers: [{ ...busybox, imagePullPolicy: 'Never' }] });
    world.advance(5_000);
    expect(patchesOf(world, 'p').at(-1)).toBe('c:waiting ErrImageNeverPull #0 | +ip');
  });
});
