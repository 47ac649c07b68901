import { expect, test } from 'vitest';
import { givesPodRanges } from '../../../src/cluster/gives-pod-ranges.ts';

const ours = '--allocate-node-cidrs=true';

test.each([
  [true, [ours]],
  [false, []],
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(
    (value) => [false, [ours, `--allocate-node-cidrs=${value}`]] as const,
  ),
  [true, ['--allocate-node-cidrs=false', '--allocate-node-cidrs=T']],
  [false, [ours, '--controllers=*,-node-ipam-controller']],
  [false, [ours, '--controllers=-nodeipam,*']],
  [false, [ours, '--controllers=replicaset-controller']],
  [false, [ours, '--controllers=*', '--controllers=-node-ipam-controller']],
  [true, [ours, '--controllers=*,-node-lifecycle-controller']],
  [true, [ours, '--controllers=node-ipam-controller']],
] as const)('a controller manager gives nodes ranges (%s) with %j', (gives, flags) => {
  expect(givesPodRanges(flags)).toBe(gives);
});
