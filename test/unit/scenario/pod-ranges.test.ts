import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../../../src/hollow/context.ts';
import { PodIpPool } from '../../../src/hollow/pods/pod-ip-pool.ts';
import { podRangesOn, withPodRanges } from '../../../src/scenario/pod-ranges.ts';

const node = (pods: string): NodeConfig => ({
  name: 'n',
  capacity: { pods },
  labels: {},
  taints: [],
  address: '100.64.0.1',
  kubeletVersion: 'v1.36.3',
});

/** As many addresses as a node has, in its range. */
function addressesOf({ ownPodRange }: NodeConfig): string[] {
  const pool = new PodIpPool();
  pool.assign([ownPodRange?.cidr ?? '']);
  const addresses: string[] = [];
  while (pool.available && addresses.length < 2000) addresses.push(pool.take(String(addresses.length)));
  return addresses;
}

describe('ranges of the nodes’ own for the addresses of their pods', () => {
  it('are none where the cluster gives them', () => {
    expect(withPodRanges([node('110')], undefined)).toEqual([node('110')]);
  });

  it.each([
    [4, '110', '0.0.0.0', 8, 'ipv4'],
    [4, '1k', '0.0.0.0', 8, 'ipv4'],
    [6, '110', '100::', 64, 'ipv6'],
  ] as const)(
    'IPv%i, %s pods: nowhere routed, no two the same, enough',
    (family, pods, net, prefix, type) => {
      const nodes = withPodRanges([node('110'), ...Array.from({ length: 300 }, () => node(pods))], {
        family,
        afterMs: 7,
      });
      const nowhere = new BlockList();
      nowhere.addSubnet(net, prefix, type);
      const all = nodes.slice(0, 3).map(addressesOf);
      for (const addresses of all)
        expect(addresses.length).toBeGreaterThanOrEqual(pods === '1k' ? 1000 : Number(pods));
      const flat = all.flat();
      expect(new Set(flat).size).toBe(flat.length);
      expect(flat.every((address) => nowhere.check(address, type))).toBe(true);
      expect(flat.some((address) => address.startsWith('0.0.0.'))).toBe(false);
      expect(new Set(nodes.map(({ ownPodRange }) => ownPodRange?.cidr)).size).toBe(301);
      expect(nodes[0]?.ownPodRange?.afterMs).toBe(7);
    },
  );

  it('are refused when there are not enough for so many nodes', () => {
    const many = Array.from({ length: 16_384 }, () => node('2k'));
    const refused = expect.objectContaining({
      code: 'bad-input',
      message: expect.stringMatching(/^16384 nodes with up to 2000 pods .* 0\.0\.0\.0\/8$/),
    });
    const network = { family: 4, afterMs: 0 } as const;
    expect(() => withPodRanges(many, network)).toThrow(refused);
    expect(withPodRanges(many.slice(0, 8191), network)).toHaveLength(8191);
    // Before anything is made; but not where the nodes get theirs from the cluster.
    expect(() => podRangesOn(false, many, network)).toThrow(refused);
    expect(() => podRangesOn(undefined, many, network)).toThrow(refused);
    expect(podRangesOn(true, many, network)).toBeUndefined();
    expect(podRangesOn(false, many.slice(0, 8191), network)).toBe(network);
  });

  it('are enough of IPv6 for any number of nodes', () => {
    const nodes = withPodRanges(
      Array.from({ length: 70_000 }, () => node('110')),
      { family: 6, afterMs: 0 },
    );
    expect(nodes.at(-1)?.ownPodRange?.cidr).toBe('100::1:1170:0/112');
    expect(nodes.slice(-1).map(addressesOf)[0]?.[0]).toMatch(/^100::1:1170:/);
  });
});
