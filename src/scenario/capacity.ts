import type { Fault } from './file/fault.ts';
import { formatPath } from './file/path.ts';
import { deploymentReplicas } from './deployments.ts';
import { parseQuantity } from './quantity.ts';
import type { Phase, Quantities, Scenario } from './scenario.ts';

/** Pods of one phase that are there at a time. */
type Group = { pods: number; deployments: number; requests: Quantities; fromDeployments: boolean };

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
        requests: phase.requests,
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
    case 'latency-pods': {
      const group = { pods: phase.count, deployments: 0, requests: phase.requests, fromDeployments: false };
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

/** How many pods there are in each phase. */
export function podCounts(scenario: Scenario): number[] {
  return [...states(scenario)].map(({ groups }) => groups.reduce((sum, group) => sum + group.pods, 0));
}

/** Pods that no node can hold, and more pods than all nodes hold together. */
export function findCapacityFaults(scenario: Scenario): Fault[] {
  for (const { phase, index, groups } of states(scenario)) {
    const fault = requestFault(phase, index, scenario) ?? sumFault(phase, index, groups, scenario);
    if (fault !== undefined) return [fault];
  }
  return [];
}

/** A single pod that asks for more than a node has. */
function requestFault(phase: Phase, index: number, scenario: Scenario): Fault | undefined {
  if (!('requests' in phase)) return undefined;
  for (const [resource, request] of Object.entries(phase.requests)) {
    const path = ['phases', index, 'requests', resource];
    const related = [['nodes', 'capacity']];
    const capacity = scenario.nodes.capacity[resource];
    if (capacity === undefined) {
      const message = `${formatPath(path)}: no node has the resource ${resource}`;
      return { path, at: 'key', message, hint: `give the nodes some in nodes.capacity`, related };
    }
    if (nano(request) > nano(capacity)) {
      const message = `${formatPath(path)} is ${request}, but a node has ${capacity}`;
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
  const { count, capacity } = scenario.nodes;
  const key = sizeKey(phase);
  if (key === undefined) return undefined;
  const path = ['phases', index, key];
  const related = [['nodes']];
  const pods = groups.reduce((sum, group) => sum + group.pods, 0);
  const fault = (what: string): Fault => ({
    path,
    at: 'value',
    message: `${formatPath(path)}: ${what}`,
    related,
  });
  const podsEach = nano(capacity['pods'] ?? '0') / nano('1');
  if (BigInt(pods) > podsEach * BigInt(count)) {
    return fault(
      `${pods} pods are more than the ${podsEach * BigInt(count)} that ${count} nodes hold (${podsEach} each)`,
    );
  }
  for (const [resource, each] of Object.entries(capacity)) {
    if (resource === 'pods') continue;
    const shortage = shortageOf(resource, nano(each), groups, count);
    if (shortage !== undefined) return fault(`${shortage} (${each} each)`);
  }
  return undefined;
}

/** Why `count` nodes with `each` of a resource do not hold all groups; undefined when they do, as far as one can add. */
function shortageOf(
  resource: string,
  each: bigint,
  groups: readonly Group[],
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
    const room = (each / request) * BigInt(count);
    if (BigInt(group.pods) > room) {
      return `${group.pods} pods of ${group.requests[resource]} ${resource} are more than the ${room} that ${count} nodes hold`;
    }
  }
  if (total <= each * BigInt(count)) return undefined;
  return `${pods} pods ask for more ${resource} than ${count} nodes have`;
}

/** The key of a phase that says how many pods it makes. */
function sizeKey(phase: Phase): string | undefined {
  if (phase.type === 'create-deployments') return 'podsPerNode';
  if (phase.type === 'scale') return 'podsPerDeployment';
  if (phase.type === 'latency-pods') return 'count';
  return undefined;
}

/** The schema's pattern has checked the text. */
function nano(quantity: string): bigint {
  return parseQuantity(quantity) ?? 0n;
}
