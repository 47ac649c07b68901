import { HollowmarkError } from '../base/errors.ts';
import { parseQuantity } from '../base/quantity.ts';
import type { OwnPodRanges } from '../cluster/cluster.ts';
import type { NodeConfig } from '../hollow/context.ts';

/** Beside the pods: the address of the network, the bridge's, and the last one. */
const reservedAddresses = 3;
const sizeMin = 256;

/** 2^24 addresses of 0.0.0.0/8; of 100::/64 one slice of 2^16 for each node, and 2^32 of these. */
const addressesLog = { 4: 24, 6: 48 } as const;
const sizeLogOf6 = 16;

type Capacities = readonly Pick<NodeConfig, 'capacity'>[];

/**
 * Gives nodes ranges of their own for their pods' addresses, as far as the cluster's controllers may not give them any:
 * the i-th node the i-th slice, large enough for the node with the most pods.
 *
 * The addresses must be nobody's: agents of a CNI that see them in a pod's status would send a real pod's traffic
 * astray. Of IPv4 they are those of 0.0.0.0/8 (RFC 6890: reserved, though Linux sends packets there since 5.3), which
 * unlike 240.0.0.0/4 and 198.18.0.0/15 no provider hands out to pods; of IPv6 those of 100::/64 (RFC 6666: discarded
 * wherever they are routed at all).
 * @throws HollowmarkError `bad-input` when there are not enough of them.
 */
export function withPodRanges(nodes: readonly NodeConfig[], network: OwnPodRanges | undefined): NodeConfig[] {
  if (network === undefined) return [...nodes];
  const { family, afterMs } = network;
  const sizeLog = sizeLogFor(nodes, family);
  if (!fits(nodes.length, sizeLog, family)) throw tooFew(nodes);
  const cidrOf = family === 4 ? ipv4Slice : ipv6Slice;
  return nodes.map((node, index) => ({ ...node, ownPodRange: { cidr: cidrOf(index, sizeLog), afterMs } }));
}

/**
 * What nodes get on a cluster that gives ranges to its nodes, or does not (undefined: not known).
 * @returns undefined where its own have to do, as there are not enough of ours.
 * @throws HollowmarkError `bad-input` when there are not enough of ours and the cluster may have none.
 */
export function podRangesOn(
  clusterGives: boolean | undefined,
  nodes: Capacities,
  network: OwnPodRanges,
): OwnPodRanges | undefined {
  if (fits(nodes.length, sizeLogFor(nodes, network.family), network.family)) return network;
  if (clusterGives === true) return undefined;
  throw tooFew(nodes);
}

function sizeLogFor(nodes: Capacities, family: 4 | 6): number {
  const size = Math.max(sizeMin, podsMax(nodes) + reservedAddresses);
  return family === 4 ? Math.ceil(Math.log2(size)) : sizeLogOf6;
}

function podsMax(nodes: Capacities): number {
  const nano = nodes.map(({ capacity }) => parseQuantity(capacity['pods'] ?? '0') ?? 0n);
  return nano.reduce((most, pods) => Math.max(most, Number(pods / 1_000_000_000n)), 0);
}

/** The first slice is nobody's: 0.0.0.0 is no address at all. */
function fits(count: number, sizeLog: number, family: 4 | 6): boolean {
  return count < 2 ** (addressesLog[family] - sizeLog);
}

function tooFew(nodes: Capacities): HollowmarkError {
  const message = `${nodes.length} nodes with up to ${podsMax(nodes)} pods each need more addresses for their pods than there are in 0.0.0.0/8`;
  return new HollowmarkError('bad-input', message, {
    hint: 'let the cluster give its nodes a spec.podCIDR, or take fewer nodes or a smaller nodes.capacity.pods',
  });
}

function ipv4Slice(index: number, sizeLog: number): string {
  const first = (index + 1) * 2 ** sizeLog;
  return `0.${first >> 16}.${(first >> 8) & 255}.${first & 255}/${32 - sizeLog}`;
}

function ipv6Slice(index: number): string {
  const slice = index + 1;
  return `100::${(slice >>> 16).toString(16)}:${(slice & 0xffff).toString(16)}:0/112`;
}
