import { expect, it } from 'vitest';
import { World } from './world.ts';

type Json = { [key: string]: unknown };

const claimPath = (name: string): string => `/api/v1/namespaces/default/persistentvolumeclaims/${name}`;
const volumePath = (name: string): string => `/api/v1/persistentvolumes/${name}`;
const claim = (phase: string, volumeName?: string, metadata: Json = {}): Json => ({
  metadata: { uid: 'uid-claim', ...metadata },
  spec: volumeName === undefined ? {} : { volumeName },
  status: { phase },
});

function newWorld(): World {
  const world = new World('claims');
  world.start();
  world.advance(12_000);
  return world;
}

/** A pod with these volumes, of which its container mounts `mounted`. */
function createPod(world: World, volumes: readonly Json[], mounted = volumes.map(({ name }) => name)): void {
  const volumeMounts = mounted.map((name) => ({ name, mountPath: `/${String(name)}` }));
  world.createPod('db', 'default', {
    volumes,
    containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', volumeMounts }],
  });
}

function worldWith(claims: readonly string[]): World {
  const world = newWorld();
  createPod(
    world,
    claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
  );
  return world;
}

function bind(world: World, name: string): void {
  world.storage.set(claimPath(name), claim('Bound', `pv-${name}`));
  world.storage.set(volumePath(`pv-${name}`), { metadata: { uid: `uid-${name}` } });
}

const asked = (world: World): string[] =>
  world.requests.filter(({ path }) => path.includes('/persistentvolume')).map(({ path }) => path);
const failures = (world: World): World['events'] =>
  world.events.filter(({ reason }) => reason === 'FailedMount');

it('a pod with claims starts once each claim and the volume behind it have been read, one after the other', () => {
  const world = worldWith(['a', 'b']);
  bind(world, 'a');
  bind(world, 'b');
  world.advance(1_000);
  expect(asked(world).slice(0, 4)).toEqual([
    claimPath('a'),
    volumePath('pv-a'),
    claimPath('b'),
    volumePath('pv-b'),
  ]);
  world.advance(4_000);
  expect(world.started.has('uid-db')).toBe(true);
  expect(failures(world)).toEqual([]);
  const first = world.requests.find(({ path }) => path.includes('/persistentvolume'));
  const seenMs = (world.createdAtUs.get('uid-db') ?? 0) / 1000 + world.watchDelayMs;
  expect((first?.atMs ?? 0) - seenMs).toBeLessThan(105);
});

it('a claim that is not bound fails the sync, and is read once more with each next one, 10 to 16 s later', () => {
  const world = worldWith(['a', 'b']);
  bind(world, 'b');
  world.storage.set(claimPath('a'), claim('Pending'));
  world.advance(1_000);
  // The one that is in order is read all the same.
  expect(asked(world)).toEqual([claimPath('a'), claimPath('b'), volumePath('pv-b')]);
  expect(failures(world)).toMatchObject([
    {
      message:
        'Unable to attach or mount volumes: unmounted volumes=[a], unattached volumes=[], failed to process volumes=[a]: error processing PVC default/a: PVC is not bound',
      count: 1,
    },
  ]);
  world.advance(60_000);
  const times = world.requests.filter(({ path }) => path === claimPath('a')).map(({ atMs }) => atMs);
  expect(times.length).toBeGreaterThanOrEqual(4);
  expect(times.length).toBeLessThanOrEqual(7);
  for (const [i, atMs] of times.slice(1).entries()) {
    expect(atMs - (times[i] ?? 0)).toBeGreaterThan(9_900);
    expect(atMs - (times[i] ?? 0)).toBeLessThan(16_600);
  }
  expect(failures(world).at(-1)?.count).toBe(times.length);
  expect(world.started.has('uid-db')).toBe(false);
  bind(world, 'a');
  world.advance(20_000);
  expect(world.started.has('uid-db')).toBe(true);
});

it.each([
  [
    'a claim that is not there',
    undefined,
    'failed to fetch PVC from API server: persistentvolumeclaims "a" not found',
  ],
  [
    'a claim that goes',
    claim('Bound', 'pv-a', { deletionTimestamp: '2026-11-21T05:05:10Z' }),
    'PVC is being deleted',
  ],
  [
    'a volume that is not there',
    claim('Bound', 'pv-x'),
    'failed to fetch PV pv-x from API server: persistentvolumes "pv-x" not found',
  ],
])('%s is no volume either', (_, object, message) => {
  const world = worldWith(['a']);
  bind(world, 'a');
  if (object === undefined) world.storage.delete(claimPath('a'));
  else world.storage.set(claimPath('a'), object);
  world.advance(5_000);
  expect(failures(world)[0]?.message).toMatch(new RegExp(`: error processing PVC default/a: ${message}$`));
  expect(world.started.has('uid-db')).toBe(false);
});

it('a claim that goes once nobody uses it any more is one', () => {
  const world = worldWith(['a']);
  const going = { deletionTimestamp: '2026-11-21T05:05:10Z', finalizers: ['kubernetes.io/pvc-protection'] };
  bind(world, 'a');
  world.storage.set(claimPath('a'), claim('Bound', 'pv-a', going));
  world.advance(5_000);
  expect(world.started.has('uid-db')).toBe(true);
});

it('of a pod that runs, claims and volumes are read with every sync, every 60 to 91 s, whatever comes of it', () => {
  const world = worldWith(['a']);
  bind(world, 'a');
  world.advance(10_000);
  const first = asked(world).length;
  expect(first).toBeGreaterThanOrEqual(4);
  expect(first).toBeLessThanOrEqual(6);
  world.advance(600_000);
  const rounds = (asked(world).length - first) / 2;
  expect(rounds).toBeGreaterThanOrEqual(6);
  expect(rounds).toBeLessThanOrEqual(10);
  world.storage.clear();
  world.advance(200_000);
  expect(failures(world)).toEqual([]);
  expect(world.pods.get('uid-db')?.status.phase).toBe('Running');
});

it('pods whose claims nobody mounts send what they send without any', () => {
  const [without, unmounted] = [[], [{ name: 'a', persistentVolumeClaim: { claimName: 'a' } }]].map(
    (volumes) => {
      const world = newWorld();
      createPod(world, volumes, []);
      world.advance(300_000);
      return world;
    },
  );
  expect(without?.started.has('uid-db')).toBe(true);
  expect(unmounted?.trace).toEqual(without?.trace);
  expect(unmounted?.timersRun).toBe(without?.timersRun);
});

it('nobody asks any more for the claims of a pod that is gone', () => {
  const world = worldWith(['a']);
  world.advance(500);
  world.forceDeletePod('uid-db');
  world.advance(100);
  const count = asked(world).length;
  expect(count).toBeGreaterThan(0);
  world.advance(30_000);
  expect(asked(world)).toHaveLength(count);
});

it('a kubelet that starts again reads the claims of its pods again, which run on', () => {
  const world = worldWith(['a']);
  bind(world, 'a');
  world.advance(5_000);
  const count = asked(world).length;
  world.restart(true, 1_000);
  world.advance(10_000);
  expect(asked(world).length).toBeGreaterThanOrEqual(count + 2);
  expect(world.pods.get('uid-db')?.status.phase).toBe('Running');
});

it('the claim of an ephemeral volume is called by pod and volume', () => {
  const world = newWorld();
  createPod(world, [{ name: 'scratch', ephemeral: {} }]);
  world.advance(200);
  expect(asked(world)[0]).toBe(claimPath('db-scratch'));
});

it('a volume that is a container’s device is one that it uses', () => {
  const world = newWorld();
  world.createPod('db', 'default', {
    volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'a' } }],
    containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', volumeDevices: [{ name: 'disk' }] }],
  });
  world.advance(200);
  expect(asked(world)[0]).toBe(claimPath('a'));
});
