import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../src/hollow/context.ts';
import { type RuntimeSettings, defaultRuntimes } from '../../src/hollow/runtime/node-runtimes.ts';
import { loadRuntimeProfile } from '../../src/hollow/runtime/runtime-profile.ts';
import { World, noFaults } from './world.ts';

function readyWorld(node: Partial<NodeConfig> = {}, settings: Partial<RuntimeSettings> = {}): World {
  const world = new World('runtimes', noFaults, 'runtimes', node, {}, { ...defaultRuntimes, ...settings });
  world.runtimeClasses.push({ metadata: { name: 'hyper' }, handler: 'hyper' });
  world.start();
  world.advance(12_000);
  return world;
}

const containerd = loadRuntimeProfile('containerd');
const broken = (changes: Partial<typeof containerd>): Partial<RuntimeSettings> => ({
  profiles: { containerd: { ...containerd, ...changes } },
});

const startMs = (world: World, uid: string): number => {
  const times = world.started.get(uid)?.times;
  return times === undefined ? Number.NaN : (times.acknowledgedUs - times.seenUs) / 1000;
};

const warnings = (world: World, reason: string): { message: string; count: number }[] =>
  world.events.filter((event) => event.reason === reason).map(({ message, count }) => ({ message, count }));

describe('a RuntimeClass', () => {
  it('has its pods run by the runtime of its handler, others by the node’s', () => {
    const world = readyWorld({ runtime: 'hyper' });
    const plain = world.createPod('plain');
    world.advance(10_000);
    const virtual = world.createPod('virtual', 'default', { runtimeClassName: 'hyper' });
    world.advance(10_000);
    expect(startMs(world, plain)).toBeLessThan(800);
    expect(startMs(world, virtual)).toBeGreaterThan(startMs(world, plain) + 400);
  });

  it.each([
    ['none', 'runtimeclass.node.k8s.io "none" not found'],
    [
      'hyper',
      'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "hyper" is configured',
    ],
  ])('%s that the node cannot serve: no sandbox, again and again, until the pod goes', (name, error) => {
    const world = readyWorld();
    const uid = world.createPod('p', 'default', { runtimeClassName: name });
    world.advance(60_000);
    const [failed, ...others] = warnings(world, 'FailedCreatePodSandBox');
    expect(failed?.message).toBe(`Failed to create pod sandbox: ${error}`);
    expect(failed?.count).toBeGreaterThan(2);
    expect(others).toEqual([]);
    expect(world.pods.get(uid)?.status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
    });
    world.deletePod(uid);
    world.advance(10_000);
    expect(world.pods.size).toBe(0);
  });
});

describe('failure rates', () => {
  it.each([
    [{ sandboxFailureRate: 1 }, 'ContainerCreating', 'FailedCreatePodSandBox'],
    [{ createFailureRate: 1 }, 'CreateContainerError', 'Failed'],
    [{ startFailureRate: 1 }, 'RunContainerError', 'Failed'],
    [{ pullFailureRate: 1 }, 'ImagePull', 'Failed'],
  ])('%j: the container waits with %s', (changes, reason, event) => {
    const world = readyWorld({}, broken(changes));
    const uid = world.createPod('p', 'default', { containers: [{ name: 'c', image: 'app:1' }] });
    world.advance(30_000);
    const statuses = world.pods.get(uid)?.status['containerStatuses'] as { state: object }[] | undefined;
    expect(JSON.stringify(statuses?.[0]?.state)).toContain(reason);
    expect(warnings(world, event).length).toBeGreaterThan(0);
    expect(world.started.size).toBe(0);
  });

  it('of a half: all start in the end', () => {
    const world = readyWorld({}, broken({ sandboxFailureRate: 0.5, createFailureRate: 0.5 }));
    for (let i = 0; i < 10; i++) world.createPod(`p${i}`);
    world.advance(600_000);
    expect(world.started.size).toBe(10);
    expect(warnings(world, 'FailedCreatePodSandBox').length).toBeGreaterThan(0);
  });
});

describe('images', () => {
  const images = { 'app:1': { sizeBytes: 60e6, layers: 3 } };

  it('are pulled once, and stand in the node’s status soon after', () => {
    const world = readyWorld({}, { images });
    const names = (): string[] => {
      const status = world.node?.['status'] as { images: { names: string[] }[] } | undefined;
      return status?.images.flatMap((image) => image.names) ?? [];
    };
    expect(names()).toEqual(['docker.io/library/busybox:latest', 'registry.k8s.io/pause:3.10']);
    const containers = [{ name: 'c', image: 'app:1' }];
    world.createPod('p', 'default', { containers });
    world.advance(15_000);
    const before = world.count('PATCH', /nodes\/hollow-1\/status/);
    world.createPod('q', 'default', { containers });
    world.advance(30_000);
    expect(world.started.size).toBe(2);
    expect(names()[0]).toBe('docker.io/library/app:1');
    expect(world.count('PATCH', /nodes\/hollow-1\/status/) - before).toBeLessThanOrEqual(1);
    expect(warnings(world, 'Pulling')).toHaveLength(1);
    expect(warnings(world, 'Pulled').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Successfully pulled image "app:1" in .* Image size: 60000000 bytes\.$/),
      'Container image "app:1" already present on machine and can be accessed by the pod',
    ]);
  });

  it('share the bandwidth at every moment, and their events say how long each took', () => {
    const sizes = [20e6, 60e6, 100e6];
    const settings = Object.fromEntries(sizes.map((sizeBytes, i) => [`app:${i}`, { sizeBytes, layers: 1 }]));
    const line = { pullBytesPerSecond: 10e6, pullOverheadMs: { constant: 0 }, maxParallelPulls: 5 };
    const world = readyWorld({}, { images: settings, ...broken(line) });
    for (const i of sizes.keys()) {
      world.createPod(`p${i}`, 'default', { containers: [{ name: 'c', image: `app:${i}` }] });
    }
    world.advance(60_000);
    const took = warnings(world, 'Pulled').map(({ message }) => {
      const [, size, seconds] = /"app:(\d)" in ([\d.]+)s /.exec(message) ?? [];
      return { image: Number(size), seconds: Number(seconds) };
    });
    expect(took.map(({ image }) => image)).toEqual([0, 1, 2]);
    // All three, then two, then one: 3 × 2 s, 2 × 4 s more, 4 s more. They were not asked for at the very same moment.
    for (const [i, seconds] of [6, 14, 18].entries()) {
      expect(Math.abs((took[i]?.seconds ?? 0) - seconds)).toBeLessThan(0.5);
    }
    expect(world.started.size).toBe(3);
  });

  it('are still there when the kubelet or the node comes back', () => {
    const world = readyWorld({}, { images });
    world.createPod('p', 'default', { containers: [{ name: 'c', image: 'app:1' }] });
    world.advance(15_000);
    world.restart(false, 5_000);
    world.advance(20_000);
    world.createPod('q', 'default', { containers: [{ name: 'c', image: 'app:1' }] });
    world.advance(5_000);
    expect(warnings(world, 'Pulling')).toHaveLength(1);
  });
});

describe('ids of containers', () => {
  it.each(['containerd', 'docker', 'cri-o', 'rkt'])('begin with %s', (runtime) => {
    const world = readyWorld({ runtime });
    const uid = world.createPod('p');
    world.advance(10_000);
    const status = world.pods.get(uid)?.status as { containerStatuses?: { containerID: string }[] };
    expect(status.containerStatuses?.[0]?.containerID).toMatch(new RegExp(`^${runtime}://[0-9a-f]{64}$`));
    const node = world.node?.['status'] as { nodeInfo: { containerRuntimeVersion: string } } | undefined;
    expect(node?.nodeInfo.containerRuntimeVersion).toMatch(new RegExp(`^${runtime}://`));
  });
});

describe('a windows node', () => {
  it('says so', () => {
    const world = readyWorld({ runtime: 'windows' });
    expect(world.node?.['status']).toMatchObject({
      nodeInfo: {
        operatingSystem: 'windows',
        osImage: 'Windows Server 2022 Datacenter',
        kernelVersion: '10.0.20348.2700',
        containerRuntimeVersion: 'containerd://2.1.4',
      },
    });
  });

  it('starts pods slowly, and kills none for its memory', () => {
    const world = readyWorld({ runtime: 'windows' });
    const uid = world.createPod(
      'p',
      'default',
      {
        containers: [
          { name: 'c', image: 'registry.k8s.io/pause:3.10', resources: { limits: { memory: '1Mi' } } },
        ],
      },
      { 'hollowmark.dev/container.c.memory-usage': '2Mi' },
    );
    world.advance(60_000);
    expect(startMs(world, uid)).toBeGreaterThan(2_000);
    expect(world.pods.get(uid)?.status.phase).toBe('Running');
    expect(JSON.stringify(world.pods.get(uid)?.status)).not.toContain('OOMKilled');
  });
});

describe('the node’s events', () => {
  const order = (world: World): string[] =>
    world.events
      .filter(({ message }) => /kubelet|Node|Allocatable|cgroup/.test(message))
      .map(({ reason }) => reason);
  const first = ['Starting', 'CgroupV1'];
  const conditions = ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'];

  it('come as a real node sends them', () => {
    expect(order(readyWorld())).toEqual([...first, ...conditions, 'NodeAllocatableEnforced', 'NodeReady']);
  });

  it('of one that the node controller had given up, and that is back at once, are all of its conditions', () => {
    const world = readyWorld();
    const before = order(world).length;
    world.loseNode();
    world.restart(true, 5_000);
    world.advance(10_000);
    expect(order(world).slice(before)).toEqual([
      ...first,
      'NodeAllocatableEnforced',
      ...conditions,
      'NodeReady',
    ]);
    expect(world.readyCondition).toBe('True');
  });

  it.each([
    [true, []],
    [false, ['Rebooted']],
  ])('of one that comes back, containers running on: %s', (containersSurvive, more) => {
    const world = readyWorld();
    const before = order(world).length;
    world.restart(containersSurvive, 5_000);
    world.advance(10_000);
    expect(order(world).slice(before)).toEqual([...first, 'NodeAllocatableEnforced', ...conditions, ...more]);
    expect(world.readyCondition).toBe('True');
  });
});
