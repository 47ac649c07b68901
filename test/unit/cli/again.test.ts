import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEarlier } from '../../../src/cli/again.ts';
import type { Invocation } from '../../../src/result/result.ts';
import { writeResult } from '../../../src/result/write.ts';
import { sampleResult } from '../report/sample-result.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-again-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

type Flags = Parameters<typeof readEarlier>[1];

const noFlags = {
  scenario: undefined,
  nodes: undefined,
  set: undefined,
  seed: undefined,
  kubernetesVersion: undefined,
  binaries: undefined,
  releaseUrl: undefined,
  flags: undefined,
  profile: undefined,
  identity: undefined,
  kubeconfig: undefined,
  context: undefined,
  yes: false,
  skipPreflight: false,
} as Flags;

function again(invocation: Invocation, flags: Partial<Flags> = {}): ReturnType<typeof readEarlier>['flags'] {
  const result = sampleResult();
  result.run.parameters = { name: 'a', nodes: { count: 1 }, phases: [{ type: 'steady', duration: '1s' }] };
  result.run.invocation = invocation;
  writeResult(dir, result);
  return readEarlier(dir, { ...noFlags, ...flags }).flags;
}

const foreign = { profile: 'kubelet', kubeconfig: '/k', context: 'staging', server: 'https://s' };
const local = {
  profile: 'kubelet',
  identity: 'certificate',
  kubernetesVersion: 'v1.35.4',
  flags: 'default',
};

it('goes to the cluster of then, and to no other that the kubeconfig may lead to now', () => {
  expect(again(foreign)).toMatchObject({ kubeconfig: '/k', context: 'staging', server: 'https://s' });
  // A yes is said to a cluster each time.
  expect(again(foreign).yes).toBe(false);
});

it('goes to another cluster when one is named, with what that one allows', () => {
  const flags = again(foreign, { kubeconfig: '/other' });
  expect(flags).toMatchObject({ kubeconfig: '/other' });
  expect([flags.context, flags.server]).toEqual([undefined, undefined]);
  const moved = again(local, { kubeconfig: '/other' });
  expect([moved.identity, moved.flags, moved.kubernetesVersion]).toEqual([undefined, undefined, undefined]);
});

it('goes to a control plane of our own with a flag that is for one', () => {
  const flags = again({ ...foreign, identity: 'pooled' }, { flags: 'scale' });
  expect(flags).toMatchObject({ flags: 'scale' });
  expect([flags.kubeconfig, flags.context, flags.identity]).toEqual([undefined, undefined, undefined]);
});

it('takes the flags of then, but for those of now', () => {
  expect(again(local)).toMatchObject({ ...local });
  expect(again(local, { flags: 'scale' })).toMatchObject({ ...local, flags: 'scale' });
});
