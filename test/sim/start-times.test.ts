import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RuntimeSettings, defaultRuntimes } from '../../src/hollow/runtime/node-runtimes.ts';
import { loadRuntimeProfile } from '../../src/hollow/runtime/runtime-profile.ts';
import type { PodStartTimes } from '../../src/metrics/pod-start-times.ts';
import { World, noFaults } from './world.ts';

const containerd = loadRuntimeProfile('containerd');

/** 10 MB a second, so that an image of 20 MB takes 2 s. */
const slowLine = { pullBytesPerSecond: 10e6, pullOverheadMs: { constant: 0 } };

function readyWorld(seed: string, changes: Partial<typeof containerd> = {}, faults = noFaults): World {
  const settings: RuntimeSettings = {
    ...defaultRuntimes,
    images: { 'app:1': { sizeBytes: 20e6, layers: 1 }, 'app:2': { sizeBytes: 40e6, layers: 1 } },
    profiles: { containerd: { ...containerd, ...changes } },
  };
  const world = new World(seed, faults, seed, {}, {}, settings);
  world.start();
  world.advance(12_000);
  return world;
}

function timesOf(world: World, uid: string): PodStartTimes {
  const times = world.started.get(uid)?.times;
  if (times === undefined) throw new Error(`${uid} has not started`);
  return times;
}

const container = (name: string, image: string): object => ({ name, image });

/** In the order in which they happen. */
function placesOf(times: PodStartTimes): number[] {
  const { seenUs, sandboxUs, pulledUs, containersUs, statusSentUs, acknowledgedUs } = times;
  return [seenUs, sandboxUs, pulledUs, containersUs, statusSentUs, acknowledgedUs];
}

describe('what a kubelet tells of a start', () => {
  it('of a pod whose image is there: no pull', () => {
    const world = readyWorld('present');
    const uid = world.createPod('p');
    world.advance(5_000);
    const times = timesOf(world, uid);
    expect(times.pullUs).toBe(0);
    expect(times.pulledUs).toBe(times.sandboxUs);
    expect(times.seenUs).toBeLessThan(times.sandboxUs);
    expect(times.pulledUs).toBeLessThan(times.containersUs);
    expect(times.containersUs).toBeLessThan(times.acknowledgedUs);
  });

  it('of a pod with two images to be pulled: how long both took, and when the last one was there', () => {
    const world = readyWorld('pulled', slowLine);
    const containers = [container('a', 'app:1'), container('b', 'app:2')];
    const uid = world.createPod('p', 'default', { containers });
    world.advance(30_000);
    const times = timesOf(world, uid);
    // 2 s and 4 s; in between the first container is created and started.
    expect(times.pullUs / 1e6).toBeCloseTo(6, 1);
    expect(times.pulledUs - times.sandboxUs).toBeGreaterThan(times.pullUs);
    expect(times.containersUs - times.sandboxUs - times.pullUs).toBeLessThan(1_000_000);
    expect(placesOf(times)).toEqual(placesOf(times).toSorted((a, b) => a - b));
  });

  it('of a pod whose pulls failed at first: those pulls too, and not the waits between them', () => {
    const world = readyWorld('failing', { ...slowLine, pullFailureRate: 0.5 });
    const uids = Array.from({ length: 10 }, (_, i) =>
      world.createPod(`p${i}`, 'default', {
        containers: [{ ...container('c', 'app:1'), imagePullPolicy: 'Always' }],
      }),
    );
    // Back-off ends at five minutes: ten attempts and more.
    world.advance(1_800_000);
    const waits = uids.map((uid) => {
      const { sandboxUs, pulledUs, pullUs } = timesOf(world, uid);
      return pulledUs - sandboxUs - pullUs;
    });
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeGreaterThan(5_000_000);
  });

  it('of a pod whose containers restart before anybody knows it: their first starts', () => {
    const world = readyWorld('restarts');
    const ends = { 'hollowmark.dev/container.c.run-duration': '1ms' };
    const uid = world.createPod('p', 'default', {}, ends);
    world.advance(120_000);
    const times = timesOf(world, uid);
    expect(placesOf(times)).toEqual(placesOf(times).toSorted((a, b) => a - b));
    expect(times.containersUs - times.seenUs).toBeLessThan(2_000_000);
  });

  it('of a pod that it finds half-way: nothing of what was before', () => {
    const whole = readyWorld('half-way', slowLine);
    const containers = [container('c', 'app:1')];
    const create = (world: World): string => world.createPod('p', 'default', { containers });
    const createdUs = whole.clock.nowUs();
    const uid = create(whole);
    whole.advance(30_000);
    const { sandboxUs } = timesOf(whole, uid);
    // The same again, up to a moment after its sandbox.
    const world = readyWorld('half-way', slowLine);
    create(world);
    world.advance((sandboxUs - createdUs) / 1000 + 5);
    world.restart(true, 5_000);
    const backUs = world.clock.nowUs();
    world.advance(30_000);
    const times = timesOf(world, uid);
    expect(times.sandboxUs).toBe(0);
    expect(times.seenUs).toBeGreaterThan(backUs);
    expect(times.containersUs).toBeGreaterThan(backUs);
  });

  it('is in order, whatever fails', () => {
    const faults = { ...noFaults, serverError: 0.1, noAnswer: 0.05, relistEveryMs: 20_000 };
    const broken = {
      sandboxFailureRate: 0.2,
      createFailureRate: 0.2,
      startFailureRate: 0.2,
      pullFailureRate: 0.2,
    };
    assert(
      property(integer(), (seed) => {
        const world = readyWorld(`order-${seed}`, { ...slowLine, ...broken }, faults);
        const containers = [container('a', 'app:1'), container('b', 'registry.k8s.io/pause:3.10')];
        for (let i = 0; i < 8; i++) world.createPod(`p${i}`, 'default', i % 2 === 0 ? { containers } : {});
        world.advance(600_000);
        expect(world.started.size).toBeGreaterThan(0);
        for (const { times } of world.started.values()) {
          expect(placesOf(times)).toEqual(placesOf(times).toSorted((a, b) => a - b));
          expect(times.seenUs).toBeGreaterThan(0);
          expect(times.pullUs).toBeLessThanOrEqual(times.pulledUs - times.sandboxUs);
        }
      }),
      { numRuns: 5 },
    );
  });
});
