import { assert } from '../base/errors.ts';
import { defaultRuntime } from '../hollow/runtime/runtime-profile.ts';
import { hollowTaintKey, runLabel, runSuffix, runtimeLabel } from '../load/labels.ts';
import type { NodeGroup, Scenario, ScenarioNodes, Taint } from './scenario.ts';

/** One hollow node as the scenario wants it: what a hollow kubelet takes as its configuration (`NodeConfig`). */
export type PlannedNode = {
  name: string;
  capacity: Record<string, string>;
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  /** InternalIP. */
  address: string;
  kubeletVersion: string;
  /** A key of the scenario's runtimes; else it is that of the wire profile. */
  runtime?: string | undefined;
  objectLabels?: Record<string, string>;
};

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
    infix: `-${runSuffix(runId)}`,
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
  let made = 0;
  return nodeGroups(nodes).flatMap((group) =>
    Array.from({ length: group.count }, () => {
      const index = made++;
      return {
        name: `${nodes.namePrefix}${infix}-${String(index + 1).padStart(5, '0')}`,
        capacity: { ...group.capacity },
        labels: { ...group.labels, ...labels, ...runtimeLabels(group, scenario), [runLabel]: runId },
        taints: [...taintsOf(group, scenario), ...taints].map((taint) => ({ ...taint })),
        address: nodeAddress(index),
        kubeletVersion,
        runtime: group.runtime,
        ...more,
      };
    }),
  );
}

/** All nodes by what they have in common, in their order. */
export function nodeGroups(nodes: ScenarioNodes): NodeGroup[] {
  const { capacity, labels, taints, runtime, groups } = nodes;
  const count = nodes.count - groups.reduce((sum, group) => sum + group.count, 0);
  return count > 0 ? [{ name: '', count, capacity, labels, taints, runtime }, ...groups] : [...groups];
}

/** Every taint that some node has; the load tolerates them. */
export function allTaints(scenario: Scenario): Taint[] {
  const taints = nodeGroups(scenario.nodes).flatMap((group) => taintsOf(group, scenario));
  return [...new Map(taints.map((taint) => [JSON.stringify(taint), taint])).values()];
}

/** Whether the group's nodes run pods of the RuntimeClass. */
export function runsClass(group: NodeGroup, runtimeClass: string, { runtimes }: Scenario): boolean {
  const profile = runtimes[group.runtime ?? defaultRuntime];
  return profile?.runtimeClass !== undefined && profile.name === runtimeClass;
}

/** Those of the scenario, and those that every node with such a runtime has. */
function taintsOf({ runtime, taints }: NodeGroup, { runtimes }: Scenario): Taint[] {
  return [...taints, ...((runtimes[runtime ?? defaultRuntime]?.taints ?? []) as Taint[])];
}

/** By this label a RuntimeClass finds the nodes that run its pods. */
function runtimeLabels({ runtime }: NodeGroup, { runtimes }: Scenario): Record<string, string> {
  const profile = runtimes[runtime ?? defaultRuntime];
  return profile?.runtimeClass === undefined ? {} : { [runtimeLabel]: profile.name };
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
