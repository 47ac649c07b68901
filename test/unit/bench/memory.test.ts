import { expect, it } from 'vitest';
import { measureMemory } from '../../../src/bench/memory.ts';

it('a further running pod takes less than 2 KB of the heap, and an empty node less than 16 KB', async () => {
  const flags = { nodes: 40, 'pods-per-node': 30, rounds: 1, profile: 'kubelet' } as const;
  const [figures] = await measureMemory(flags, () => {});
  expect(figures?.bytesPerPod).toBeGreaterThan(500);
  expect(figures?.bytesPerPod).toBeLessThan(2048);
  expect(figures?.bytesPerNode).toBeLessThan(16_384);
}, 60_000);
