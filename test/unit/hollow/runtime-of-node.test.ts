import { expect, test } from 'vitest';
import { runtimeOf } from '../../../src/hollow/hollow-kubelet.ts';
import { testNodes } from '../../integration/support.ts';

test('a node has the runtime that it was given, else that of its wire profile', () => {
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  expect(runtimeOf(node)).toBe('containerd');
  expect(runtimeOf({ ...node, wireProfile: 'kubemark' })).toBe('kubemark');
  expect(runtimeOf({ ...node, wireProfile: 'kubemark', runtime: 'containerd' })).toBe('containerd');
  expect(runtimeOf({ ...node, wireProfile: 'lite', runtime: 'cri-o' })).toBe('cri-o');
});
