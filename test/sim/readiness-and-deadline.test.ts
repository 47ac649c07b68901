import { describe, expect, it } from 'vitest';
import { World } from './world.ts';

type Json = { [key: string]: unknown };

function newWorld(seed: string): World {
  const world = new World(seed);
  world.start();
  world.advance(12_000);
  return world;
}

const conditionOf = (world: World, uid: string, type: string): Json | undefined =>
  world.pods.get(uid)?.status.conditions.find((condition) => condition['type'] === type);
const statusOf = (world: World, uid: string): Json => world.pods.get(uid)?.status ?? {};

/** Others open or shut a gate. */
function setGate(world: World, uid: string, type: string, status: string): void {
  world.writeStatus(uid, ({ conditions }) => {
    const known = conditions.find((condition) => condition['type'] === type);
    if (known === undefined) conditions.push({ type, status });
    else known['status'] = status;
  });
  world.advance(3_000);
}

describe('readiness gates', () => {
  const gates = (...types: string[]): Json => ({
    readinessGates: types.map((conditionType) => ({ conditionType })),
  });

  it('keep a pod from being Ready until all conditions are True, and again when one no longer is', () => {
    const world = newWorld('gates');
    const uid = world.createPod('gated', 'default', gates('a.example/up', 'b.example/up'));
    world.advance(10_000);
    expect(conditionOf(world, uid, 'ContainersReady')).toMatchObject({ status: 'True' });
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message:
        'corresponding condition of pod readiness gate "a.example/up" does not exist., corresponding condition of pod readiness gate "b.example/up" does not exist.',
    });
    setGate(world, uid, 'a.example/up', 'True');
    setGate(world, uid, 'b.example/up', 'Unknown');
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({
      status: 'False',
      message: 'the status of pod readiness gate "b.example/up" is not "True", but Unknown',
    });
    setGate(world, uid, 'b.example/up', 'True');
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True' });
    expect(conditionOf(world, uid, 'Ready')).not.toHaveProperty('reason', 'ReadinessGatesNotReady');
    setGate(world, uid, 'a.example/up', 'False');
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'False' });
    // Those who opened the gates have their conditions still, and the kubelet names them first.
    expect(conditionOf(world, uid, 'b.example/up')).toMatchObject({ status: 'True' });
    const order = world.patches.at(-1)?.status['$setElementOrder/conditions'] as Json[];
    expect(order.slice(0, 2)).toEqual([{ type: 'a.example/up' }, { type: 'b.example/up' }]);
  });

  it('cost one GET and one PATCH when they open, none when they open before the containers are ready', () => {
    const world = newWorld('cost');
    const uid = world.createPod('early', 'default', gates('a.example/up'));
    setGate(world, uid, 'a.example/up', 'True');
    world.advance(10_000);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True' });
    const plain = newWorld('cost');
    plain.createPod('early');
    plain.advance(13_000);
    const writes = (one: World): number => one.count('PATCH', /pods\/early\/status$/);
    expect(writes(world)).toBe(writes(plain));

    const later = world.createPod('late', 'default', gates('a.example/up'));
    world.advance(10_000);
    const before = { get: world.count('GET', /pods\/late$/), patch: world.count('PATCH', /pods\/late\//) };
    setGate(world, later, 'a.example/up', 'True');
    expect(world.count('GET', /pods\/late$/) - before.get).toBe(1);
    expect(world.count('PATCH', /pods\/late\//) - before.patch).toBe(1);
  });

  it('stay as they are when the kubelet starts again', () => {
    const world = newWorld('restart');
    const uid = world.createPod('gated', 'default', gates('a.example/up'));
    world.advance(10_000);
    world.restart(true, 2_000);
    setGate(world, uid, 'a.example/up', 'True');
    world.advance(15_000);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True' });
    world.restart(true, 2_000);
    world.advance(15_000);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'True' });
  });
});

describe('activeDeadlineSeconds', () => {
  const overdue = {
    phase: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'Pod was active on the node longer than the specified deadline',
  };

  it('ends a pod within two seconds of its deadline, which is no disruption', () => {
    const world = newWorld('deadline');
    const uid = world.createPod('job', 'default', { activeDeadlineSeconds: 20 });
    world.advance(17_000);
    expect(statusOf(world, uid)).toMatchObject({ phase: 'Running' });
    world.advance(8_000);
    expect(statusOf(world, uid)).toMatchObject(overdue);
    expect(conditionOf(world, uid, 'Ready')).toMatchObject({ status: 'False', reason: 'PodFailed' });
    expect(conditionOf(world, uid, 'DisruptionTarget')).toBeUndefined();
    // As recorded of a real node: one event, counted up with each status.
    expect(world.events.filter(({ reason }) => reason === 'DeadlineExceeded')).toMatchObject([{ count: 4 }]);
    expect(world.events.filter(({ reason }) => reason === 'Killing')).toHaveLength(1);
  });

  it('counts on while the kubelet is away', () => {
    const world = newWorld('away');
    const uid = world.createPod('job', 'default', { activeDeadlineSeconds: 20 });
    world.advance(10_000);
    world.restart(true, 15_000);
    world.advance(25_000);
    expect(statusOf(world, uid)).toMatchObject(overdue);
  });

  it('holds as it is changed', () => {
    const world = newWorld('changed');
    const uid = world.createPod('job');
    world.advance(30_000);
    world.changeSpec(uid, (spec) => {
      spec['activeDeadlineSeconds'] = 10;
    });
    world.advance(5_000);
    expect(statusOf(world, uid)).toMatchObject(overdue);
  });

  it('of one pod keeps the node from evicting no other', () => {
    const world = newWorld('both');
    const slow = { 'hollowmark.dev/container.c.term-duration': '20s' };
    world.createPod('job', 'default', { activeDeadlineSeconds: 10 }, slow);
    const other = world.createPod('other');
    world.advance(14_000);
    world.pressure('MemoryPressure', 1);
    world.advance(13_000);
    expect(statusOf(world, other)).toMatchObject({ reason: 'Evicted' });
  });
});
