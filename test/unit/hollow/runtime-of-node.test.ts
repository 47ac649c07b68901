import { expect, test } from 'vitest';
import { runtimeOf, userAgent } from '../../../src/hollow/context.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { testNodes } from '../../integration/support.ts';

test('a node has the runtime that it was given, else that of its wire profile', () => {
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  expect(runtimeOf(node)).toBe('containerd');
  expect(runtimeOf({ ...node, wireProfile: 'kubemark' })).toBe('kubemark');
  expect(runtimeOf({ ...node, wireProfile: 'kubemark', runtime: 'containerd' })).toBe('containerd');
  expect(runtimeOf({ ...node, wireProfile: 'lite', runtime: 'cri-o' })).toBe('cri-o');
});

test('clients say of which system they are', () => {
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  const of = (runtime: string): string =>
    userAgent('kubelet', { ...node, kubeletVersion: 'v1.36.3' }, new NodeRuntimes().of(runtime));
  expect(of('containerd')).toBe('kubelet/v1.36.3 (linux/amd64) hollowmark');
  expect(of('windows')).toBe('kubelet/v1.36.3 (windows/amd64) hollowmark');
});
