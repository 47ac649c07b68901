import { expect, test } from 'vitest';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import type { EventRecorder } from '../../../src/hollow/event-recorder.ts';
import { type Candidate, EvictionManager } from '../../../src/hollow/pods/eviction.ts';

const pod = (uid: string, isEnding: boolean, priority = 0): Candidate =>
  ({ spec: { uid, priority, containers: [] }, life: { containers: [] }, isEnding }) as unknown as Candidate;

/** The manager of a node with 4 GiB that has these pods, and the uids of those that it evicts. */
function managerOf(
  candidates: Candidate[],
  operatingSystem = 'linux',
): { manager: EvictionManager; evicted: string[] } {
  const context = {
    node: { name: 'n', capacity: { memory: '4Gi', 'ephemeral-storage': '100Gi' } },
    profile: { system: { operatingSystem } },
    nowMs: 0,
    now: { us: 0, wallMs: 0 },
    after: () => {},
  } as unknown as KubeletContext;
  const evicted: string[] = [];
  const manager = new EvictionManager(context, { record: () => {} } as unknown as EventRecorder, {
    candidates: () => candidates,
    evict: (uid) => evicted.push(uid),
    setMemoryPressure: () => {},
  });
  return { manager, evicted };
}

test.each([
  ['linux', 150, []],
  ['linux', 50, ['pod']],
  // A kubelet of Windows keeps 500Mi.
  ['windows', 550, []],
  ['windows', 450, ['pod']],
])('a node of %s with %i MiB left evicts %j', (operatingSystem, leftMi, expected) => {
  const memoryBytes = (4096 - leftMi) * 2 ** 20;
  const spec = { uid: 'pod', priority: 0, containers: [{ name: 'c', behaviour: { memoryBytes } }] };
  const life = { containers: [{ run: { is: 'running', startedWallMs: 0 } }] };
  const candidate = { spec, life, isEnding: false } as unknown as Candidate;
  const { manager, evicted } = managerOf([candidate], operatingSystem);
  manager.watch();
  manager.onTimer();
  expect(evicted).toEqual(expected);
});

test.each([
  // What ends by itself, its containers done, is neither evicted nor counted as evicted.
  [[pod('done', true), pod('other', false, 1000)], ['other']],
  [[pod('done', true)], []],
])('a node takes what is not ending already', (candidates, expected) => {
  const { manager, evicted } = managerOf(candidates);
  manager.inject('DiskPressure', 1);
  manager.onTimer();
  expect(evicted).toEqual(expected);
});
