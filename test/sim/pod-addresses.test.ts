import { describe, expect, it } from 'vitest';
import type { OwnPodRange } from '../../src/hollow/context.ts';
import { World, noFaults } from './world.ts';

function worldWith(ownPodRange: OwnPodRange | undefined, podCidr?: string): World {
  const world = new World('addresses', noFaults, 'addresses', { ownPodRange });
  world.podCidr = podCidr;
  world.start();
  world.advance(12_000);
  return world;
}

const addressOf = (world: World, uid: string): unknown => world.pods.get(uid)?.status['podIP'];

describe('pods of a node that is given no spec.podCIDR', () => {
  it('wait for one where the node has no range of its own', () => {
    const world = worldWith(undefined);
    const uid = world.createPod('p');
    world.advance(120_000);
    expect(addressOf(world, uid)).toBeUndefined();
    expect(world.readyCondition).toBe('True');
  });

  it('have an address of the node’s own range, as soon as if it had been given one', () => {
    const given = worldWith(undefined, '10.128.0.0/24');
    const own = worldWith({ cidr: '0.0.1.0/24', afterMs: 0 });
    const uids = [given, own].map((world) => world.createPod('p'));
    for (const world of [given, own]) world.advance(5_000);
    expect([addressOf(given, uids[0] ?? ''), addressOf(own, uids[1] ?? '')]).toEqual([
      '10.128.0.2',
      '0.0.1.2',
    ]);
    const written = JSON.stringify(own.patches);
    expect(written.replaceAll('0.0.1.2', '10.128.0.2')).toBe(JSON.stringify(given.patches));
  });

  it('wait as long as others may still give it one, and no longer', () => {
    const world = worldWith({ cidr: '0.0.1.0/24', afterMs: 60_000 });
    const uid = world.createPod('p');
    world.advance(40_000);
    expect(addressOf(world, uid)).toBeUndefined();
    world.advance(20_000);
    expect(addressOf(world, uid)).toBe('0.0.1.2');
  });

  it('have one of the range that it is given in time', () => {
    const world = worldWith({ cidr: '0.0.1.0/24', afterMs: 60_000 }, '10.128.7.0/24');
    const uid = world.createPod('p');
    world.advance(5_000);
    expect(addressOf(world, uid)).toBe('10.128.7.2');
  });
});
