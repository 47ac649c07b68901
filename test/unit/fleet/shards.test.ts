import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { shardConfigs } from '../../../src/fleet/fleet.ts';
import { testNodes } from '../../integration/support.ts';

const base = {
  proxies: true,
  wire: 'protobuf' as const,
  seed: 's',
  endpoint: { url: 'https://127.0.0.1:6443', caPem: '' },
  identities: { type: 'pooled' as const, credentials: { token: 'secret' } },
};

it('deals every node to exactly one shard, evenly', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 8 }), (count, shards) => {
      const nodes = testNodes(count);
      const configs = shardConfigs({ ...base, nodes, shards });
      expect(configs.flatMap((config) => config.nodes)).toEqual(nodes);
      const sizes = configs.map((config) => config.nodes.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      expect(configs.length).toBe(Math.min(shards, count));
    }),
  );
});

it('gives each shard a source address of its own on loopback, and none elsewhere', () => {
  const nodes = testNodes(4);
  const local = shardConfigs({ ...base, nodes, shards: 2 }).map(({ localAddress }) => localAddress);
  expect(local).toEqual(process.platform === 'linux' ? ['127.0.0.10', '127.0.0.11'] : [undefined, undefined]);
  const remote = { url: 'https://10.1.2.3:6443', caPem: '' };
  expect(shardConfigs({ ...base, endpoint: remote, nodes, shards: 2 })[0]?.localAddress).toBeUndefined();
});
