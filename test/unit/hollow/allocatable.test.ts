import { describe, expect, it } from 'vitest';
import { allocatableOf } from '../../../src/hollow/node/allocatable.ts';

describe('what pods may use of a node', () => {
  it('is what a real node said of itself', () => {
    // wire-samples-kubelet.jsonl; its kubelet was told to keep nothing of the disk.
    const capacity = { cpu: '2', 'hugepages-2Mi': '0', memory: '24684096Ki', pods: '110' };
    expect(allocatableOf(capacity, 'linux')).toEqual({ ...capacity, memory: '24581696Ki' });
  });

  it('leaves a tenth of the disk, and more memory of Windows', () => {
    const capacity = { cpu: '8', memory: '32Gi', 'ephemeral-storage': '100Gi', 'nvidia.com/gpu': '1' };
    expect(allocatableOf(capacity, 'linux')).toEqual({
      ...capacity,
      memory: '32668Mi',
      'ephemeral-storage': '96636764160',
    });
    expect(allocatableOf(capacity, 'windows')['memory']).toBe('32268Mi');
  });

  it('is never less than nothing', () => {
    expect(allocatableOf({ memory: '64Mi', 'ephemeral-storage': '0' }, 'linux')).toEqual({
      memory: '0',
      'ephemeral-storage': '0',
    });
  });
});
