import { allocatableOf } from '../hollow/node/allocatable.ts';
import { defaultRuntime } from '../hollow/runtime/runtime-profile.ts';
import type { Fault } from './file/fault.ts';
import { formatPath } from './file/path.ts';
import { deploymentReplicas } from './deployments.ts';
import { parseQuantity } from '../base/quantity.ts';
import { nodeGroups, runsClass } from './nodes.ts';
import { podsMax as observedPodsMax } from '../measure/observer.ts';
import { runtimeClasses } from './runtimes.ts';
import type {
  CreateDeploymentsPhase,
  CreateJobsPhase,
  CreateStatefulSetsPhase,
  LatencyPodsPhase,
  NodeGroup,
  Phase,
  Quantities,
  Scenario,
} from './scenario.ts';
import { claimPods, isWorkloadPhase, workloadPods, workloadPodsAtATime } from './workloads.ts';

/** Pods of one phase that are there at a time. */
type Group = {
  pods: number;
  /** Those that have ended beside them: objects, which take nothing of a node. */
  ended?: number;
  deployments: number;
  requests: Quantities;
  runtimeClass: string | undefined;
  fromDeployments: boolean;
};

/** The pods that are there after each phase (during it, for those that latency pods leave at once). */
function* states(scenario: Scenario): Generator<{ phase: Phase; index: number; groups: readonly Group[] }> {
  const groups = new Map<string, Group>();
  for (const [index, phase] of scenario.phases.entries()) {
    const passing = change(groups, phase, scenario);
    yield { phase, index, groups: [...groups.values(), ...passing] };
  }
}

/** Changes `groups` as the phase does, and returns pods that are gone again after it. */
function change(groups: Map<string, Group>, phase: Phase, scenario: Scenario): Group[] {
  switch (phase.type) {
    case 'create-deployments': {
      const replicas = deploymentReplicas(phase, scenario.nodes.count);
      const pods = replicas.reduce((sum, n) => sum + n, 0);
      groups.set(phase.name, {
        pods,
        deployments: replicas.length,
        requests: requestsOf(phase, scenario),
        runtimeClass: phase.runtimeClass,
        fromDeployments: true,
      });
      return [];
    }
    case 'scale': {
      const group = groups.get(phase.of);
      if (group !== undefined) {
        groups.set(phase.of, { ...group, pods: group.deployments * phase.podsPerDeployment });
      }
      return [];
    }
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims': {
      const pods = workloadPodsAtATime(phase);
      groups.set(phase.name, {
        pods,
        ended: workloadPods(phase) - pods,
        deployments: 0,
        requests: phase.type === 'create-volume-claims' ? claimPods.requests : requestsOf(phase, scenario),
        runtimeClass: phase.type === 'create-volume-claims' ? undefined : phase.runtimeClass,
        fromDeployments: false,
      });
      return [];
    }
    case 'latency-pods': {
      const group = {
        pods: phase.count,
        deployments: 0,
        requests: requestsOf(phase, scenario),
        runtimeClass: phase.runtimeClass,
        fromDeployments: false,
      };
      if (!phase.deleteAfterStart) groups.set(phase.name, group);
      // How many are there at once depends on how fast they start; one has to fit at least.
      return phase.deleteAfterStart ? [{ ...group, pods: 1 }] : [];
    }
    case 'delete':
      for (const [name, group] of groups) {
        if (phase.what === 'everything' || group.fromDeployments) groups.delete(name);
      }
      return [];
    case 'wait':
    case 'steady':
    case 'fail-nodes':
      return [];
  }
}

/** How many pods there are in each phase: of all of them, as many as are on nodes have not ended. */
export function podCounts(scenario: Scenario): { all: number; onNodes: number }[] {
  return [...states(scenario)].map(({ groups }) => ({ all: allPods(groups), onNodes: sumOfPods(groups) }));
}

function allPods(groups: readonly Group[]): number {
  return groups.reduce((sum, { pods, ended = 0 }) => sum + pods + ended, 0);
}

function sumOfPods(groups: readonly Group[]): number {
  return groups.reduce((sum, { pods }) => sum + pods, 0);
}

/** Pods that no node can hold, more pods than all nodes hold together, and more than a run keeps track of. */
export function findCapacityFaults(scenario: Scenario): Fault[] {
  for (const { phase, index, groups } of states(scenario)) {
    const fault = requestFault(phase, index, scenario) ?? sumFault(phase, index, groups, scenario);
    if (fault !== undefined) return [fault];
  }
  return [];
}

type PodsPhase = CreateDeploymentsPhase | LatencyPodsPhase | CreateJobsPhase | CreateStatefulSetsPhase;

/** What a pod takes of a node: its requests, and the overhead of its RuntimeClass. */
function requestsOf({ requests, runtimeClass }: PodsPhase, scenario: Scenario): Quantities {
  const overhead = runtimeClasses(scenario).find(({ name }) => name === runtimeClass)?.overhead;
  if (overhead === undefined) return requests;
  const sum = { ...requests };
  for (const [resource, more] of Object.entries(overhead)) {
    const needed = nano(requests[resource] ?? '0') + nano(more);
    sum[resource] = needed % nano('1') === 0n ? `${needed / nano('1')}` : `${needed / nano('1m')}m`;
  }
  return sum;
}

/** Nodes that take pods of a RuntimeClass, or those of none. Their capacity is what pods may use of it. */
function nodesFor(runtimeClass: string | undefined, scenario: Scenario): NodeGroup[] {
  const all = nodeGroups(scenario.nodes).map((group) => {
    const system = scenario.runtimes[group.runtime ?? defaultRuntime]?.system;
    return { ...group, capacity: allocatableOf(group.capacity, system?.operatingSystem ?? 'linux') };
  });
  return runtimeClass === undefined ? all : all.filter((group) => runsClass(group, runtimeClass, scenario));
}

/** A single pod that asks for more than a node has. */
function requestFault(phase: Phase, index: number, scenario: Scenario): Fault | undefined {
  if (!('requests' in phase)) return undefined;
  const nodes = nodesFor(phase.runtimeClass, scenario);
  for (const [resource, needed] of Object.entries(requestsOf(phase, scenario))) {
    const path = ['phases', index, 'requests', resource];
    const related = [['nodes', 'capacity']];
    const capacities = nodes.flatMap(({ capacity }) => capacity[resource] ?? []);
    const largest = capacities.reduce((a, b) => (nano(b) > nano(a) ? b : a), '0');
    if (capacities.length === 0) {
      const message = `${formatPath(path)}: no node has the resource ${resource}`;
      return { path, at: 'key', message, hint: `give the nodes some in nodes.capacity`, related };
    }
    if (nano(needed) > nano(largest)) {
      const asked = phase.requests[resource] ?? '0';
      const overhead = nano(asked) === nano(needed) ? '' : ' with the overhead of its RuntimeClass';
      const message = `${formatPath(path)} is ${asked}${overhead}, but a node has ${largest} for pods`;
      return { path, at: 'value', message, related };
    }
  }
  return undefined;
}

/** More pods than fit, by number or by what they ask for. */
function sumFault(
  phase: Phase,
  index: number,
  groups: readonly Group[],
  scenario: Scenario,
): Fault | undefined {
  const key = sizeKey(phase);
  if (key === undefined) return undefined;
  const path = ['phases', index, key];
  const all = allPods(groups);
  if (all > observedPodsMax) {
    const what = `${all} pods, those that have ended included, are more than the ${observedPodsMax} that a run keeps track of`;
    return { path, at: 'value', message: `${formatPath(path)}: ${what}` };
  }
  const classes = new Set([undefined, ...groups.map(({ runtimeClass }) => runtimeClass)]);
  for (const runtimeClass of classes) {
    // Pods without a class may be on all nodes, together with those that have one.
    const nodes = nodesFor(runtimeClass, scenario);
    const some = groups.filter((group) => runtimeClass === undefined || group.runtimeClass === runtimeClass);
    const what = shortage(some, nodes);
    if (what !== undefined) {
      return { path, at: 'value', message: `${formatPath(path)}: ${what}`, related: [['nodes']] };
    }
  }
  return undefined;
}

/** Why the nodes do not hold the pods; undefined when they do, as far as one can add. */
function shortage(groups: readonly Group[], nodes: readonly NodeGroup[]): string | undefined {
  const count = nodes.reduce((sum, node) => sum + node.count, 0);
  const pods = sumOfPods(groups);
  /** What every node has, where all have the same. */
  const each = (resource: string): string => {
    const all = new Set(nodes.map(({ capacity }) => capacity[resource] ?? '0'));
    return all.size === 1 ? ` (${[...all].join('')} each)` : '';
  };
  const room = nodes.reduce(
    (sum, node) => sum + (nano(node.capacity['pods'] ?? '0') / nano('1')) * BigInt(node.count),
    0n,
  );
  if (BigInt(pods) > room) {
    return `${pods} pods are more than the ${room} that ${count} nodes hold${each('pods')}`;
  }
  const resources = new Set(nodes.flatMap(({ capacity }) => Object.keys(capacity)));
  resources.delete('pods');
  for (const resource of resources) {
    const what = shortageOf(resource, groups, nodes, count);
    if (what !== undefined) return `${what}${each(resource)}`;
  }
  return undefined;
}

/** Why the nodes do not have enough of one resource; undefined when they have. */
function shortageOf(
  resource: string,
  groups: readonly Group[],
  nodes: readonly NodeGroup[],
  count: number,
): string | undefined {
  let total = 0n;
  let pods = 0;
  for (const group of groups) {
    const request = nano(group.requests[resource] ?? '0');
    total += BigInt(group.pods) * request;
    pods += group.pods;
    if (request === 0n) continue;
    // A pod does not take the remainders of two nodes: two nodes of 8 cpu hold four pods of 3, not five.
    const room = sumOver(nodes, resource, (each) => each / request);
    if (BigInt(group.pods) > room) {
      return `${group.pods} pods of ${group.requests[resource]} ${resource} are more than the ${room} that ${count} nodes hold`;
    }
  }
  if (total <= sumOver(nodes, resource, (each) => each)) return undefined;
  return `${pods} pods ask for more ${resource} than ${count} nodes have for pods`;
}

/** Adds up what each node's part of a resource makes. */
function sumOver(nodes: readonly NodeGroup[], resource: string, make: (each: bigint) => bigint): bigint {
  return nodes.reduce(
    (sum, node) => sum + make(nano(node.capacity[resource] ?? '0')) * BigInt(node.count),
    0n,
  );
}

/** The key of a phase that says how many pods it makes. */
function sizeKey(phase: Phase): string | undefined {
  if (phase.type === 'create-deployments') return 'podsPerNode';
  if (phase.type === 'scale') return 'podsPerDeployment';
  if (phase.type === 'latency-pods' || isWorkloadPhase(phase)) return 'count';
  return undefined;
}

/** The schema's pattern has checked the text. */
function nano(quantity: string): bigint {
  return parseQuantity(quantity) ?? 0n;
}
