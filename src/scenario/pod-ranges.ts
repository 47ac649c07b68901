import { assert } from '../base/errors.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { NodeConfig } from '../hollow/context.ts';

/** Beside the pods: the address of the network, the bridge's, and the last one. */
const reservedAddresses = 3;
const sizeMin = 256;

/**
 * Gives nodes ranges of their own for their pods' addresses, as far as the cluster's controllers may not give them any:
 * the i-th node the i-th slice, large enough for the node with the most pods.
 *
 * The addresses must be nobody's: agents of a CNI that see them in a pod's status would send a real pod's traffic
 * astray. Of IPv4 they are those of 0.0.0.0/8 (RFC 1122, RFC 6890: never forwarded, never a destination), which unlike
 * 240.0.0.0/4 and 198.18.0.0/15 no provider hands out to pods; of IPv6 those of 100::/64 (RFC 6666: discarded wherever
 * they are routed at all).
 */
export function withPodRanges(nodes: readonly NodeConfig[], network: Cluster['ownPodRanges']): NodeConfig[] {
  if (network === undefined) return [...nodes];
  const { family, afterMs } = network;
  const podsMax = Math.max(...nodes.map(({ capacity }) => Number(capacity['pods'] ?? 0)));
  const sizeLog = Math.ceil(Math.log2(Math.max(sizeMin, podsMax + reservedAddresses)));
  const cidrOf = family === 4 ? ipv4Slice : ipv6Slice;
  return nodes.map((node, index) => ({ ...node, ownPodRange: { cidr: cidrOf(index, sizeLog), afterMs } }));
}

function ipv4Slice(index: number, sizeLog: number): string {
  // Not 0.0.0.x: the first of them is no address at all.
  const first = (index + 1) * 2 ** sizeLog;
  assert(first < 2 ** 24, `node ${index} has addresses for its pods in 0.0.0.0/8`);
  return `0.${first >> 16}.${(first >> 8) & 255}.${first & 255}/${32 - sizeLog}`;
}

function ipv6Slice(index: number): string {
  return `100::${(index + 1).toString(16)}:0/112`;
}
