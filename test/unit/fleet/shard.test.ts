import { afterEach, expect, test, vi } from 'vitest';
import { Shard } from '../../../src/fleet/shard.ts';
import { IdentityIssuer } from '../../../src/kube/identity-issuer.ts';
import { testNodes } from '../../integration/support.ts';
import { FakeClock } from '../../sim/world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test.each([
  ['lite', ['hollowmark-lite']],
  ['kubelet', ['system:node:', 'system:node:', 'system:node:']],
] as const)('the nodes of profile %s have no more identities than they use', async (profile, expected) => {
  const issued = vi.spyOn(IdentityIssuer.prototype, 'identityOf');
  const nodes = testNodes(3);
  const shard = new Shard(
    {
      shard: 0,
      seed: 's',
      nodes,
      proxies: false,
      endpoint: { url: 'https://127.0.0.1:1', caPem: '' },
      wire: 'json',
      identities: { type: 'pooled', credentials: { token: 'secret' } },
      profile,
      localAddress: undefined,
    },
    new FakeClock(),
  );
  const started = shard.start();
  await vi.waitFor(() => expect(shard.nodes.size).toBe(3));
  shard.stop();
  await started;
  const users = issued.mock.calls.map(([{ user }]) => user.replace(/:[^:]*$/, ':'));
  expect(users).toEqual(expected);
});
