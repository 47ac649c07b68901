import { assert } from '../base/errors.ts';
import { hollowTaintKey, runLabel } from '../load/labels.ts';
import type { Scenario } from './scenario.ts';

/** One hollow node as the scenario wants it: what a hollow kubelet takes as its configuration (`NodeConfig`). */
export type PlannedNode = {
  name: string;
  capacity: Record<string, string>;
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  /** InternalIP. */
  address: string;
  kubeletVersion: string;
  objectLabels?: Record<string, string>;
};

/** Run ids end in four random digits. */
const runSuffixLength = 4;

/** Addresses of one /24 that are used: .1 to .254. */
const hostsPerBlock = 254;
/** /24 blocks in 100.64.0.0/10. */
const blocks = 1 << 14;

/**
 * What nodes have in addition on a cluster that others use too: no pod of theirs is to land on one (but those that
 * tolerate every taint), no load balancer is to send to one, all that they make can be found by its label, and no two
 * runs have a name in common: a kubelet takes a node of its name for its own.
 */
function sharedClusterParts(
  runId: string,
): Pick<PlannedNode, 'labels' | 'taints' | 'objectLabels'> & { infix: string } {
  return {
    infix: `-${runId.slice(-runSuffixLength)}`,
    labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' },
    taints: [{ key: hollowTaintKey, effect: 'NoSchedule' }],
    objectLabels: { [runLabel]: runId },
  };
}

/**
 * The nodes of a run, in order.
 * @param kubeletVersion as in nodeInfo: `v1.36.3`.
 * @param shared others use the cluster too.
 */
export function nodeConfigs(
  scenario: Scenario,
  kubeletVersion: string,
  runId: string,
  shared = false,
): PlannedNode[] {
  const { nodes } = scenario;
  const { labels, taints, infix, ...more } = shared
    ? sharedClusterParts(runId)
    : { labels: {}, taints: [], infix: '' };
  return Array.from({ length: nodes.count }, (_, i) => ({
    name: `${nodes.namePrefix}${infix}-${String(i + 1).padStart(5, '0')}`,
    capacity: { ...nodes.capacity },
    labels: { ...nodes.labels, ...labels, [runLabel]: runId },
    taints: [...nodes.taints, ...taints].map((taint) => ({ ...taint })),
    address: nodeAddress(i),
    kubeletVersion,
    ...more,
  }));
}

/**
 * The i-th address of 100.64.0.0/10 (shared address space, RFC 6598): unlike any that a network on this machine is
 * likely to have, as nothing really listens there.
 */
export function nodeAddress(index: number): string {
  const block = Math.floor(index / hostsPerBlock);
  assert(block < blocks, `node ${index} has an address in 100.64.0.0/10`);
  return `100.${64 + (block >> 8)}.${block & 255}.${(index % hostsPerBlock) + 1}`;
}
