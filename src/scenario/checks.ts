import { findCapacityFaults, podCounts } from './capacity.ts';
import { requestsPerDeployment } from './deployments.ts';
import { durationMsMax } from './duration.ts';
import { type Fault, alternatives, describeValue } from './file/fault.ts';
import { type ScenarioPath, formatPath } from './file/path.ts';
import { nearest } from '../base/nearest.ts';
import { parseQuantity } from '../base/quantity.ts';
import { failNodesFaults } from './node-failures.ts';
import { nodeGroups } from './nodes.ts';
import { runtimeClasses } from './runtimes.ts';
import { windowFaults } from './window-faults.ts';
import type { CreateDeploymentsPhase, CreateJobsPhase, Phase, Quantities, Scenario } from './scenario.ts';
import { isWorkloadPhase, waitFaults, workloadPods, workloadRequests } from './workloads.ts';

/** Requests that one phase may plan: their send times are kept in memory, 8 bytes each. */
export const requestsPerPhaseMax = 1_000_000;

/** What each value allows but all of them together do not. Empty: the scenario can be run. */
export function findConflicts(scenario: Scenario): Fault[] {
  const faults = [
    ...nodeFaults(scenario),
    ...nameFaults(scenario),
    ...windowFaults(scenario.windows),
    ...scenario.phases.flatMap((phase, i) => phaseFaults(phase, i, scenario)),
  ];
  // Capacities are only worth adding up when each is a sensible number.
  return faults.length > 0 ? faults : findCapacityFaults(scenario);
}

function nodeFaults({ nodes }: Scenario): Fault[] {
  const faults = [
    ...capacityFaults(nodes.capacity, ['nodes', 'capacity']),
    ...labelFaults(nodes.labels, ['nodes', 'labels']),
    ...nodes.groups.flatMap((group, i) => [
      ...capacityFaults(group.capacity, ['nodes', 'groups', i, 'capacity']),
      ...labelFaults(group.labels, ['nodes', 'groups', i, 'labels']),
    ]),
  ];
  let inGroups = 0;
  for (const [i, { name, count }] of nodes.groups.entries()) {
    inGroups += count;
    const path = ['nodes', 'groups', i, 'name'];
    const first = nodes.groups.findIndex((other) => other.name === name);
    if (first < i) {
      const message = `${formatPath(path)} is "${name}", as is that of nodes.groups[${first}]; each group needs its own`;
      faults.push({ path, at: 'value', message });
    }
  }
  if (inGroups > nodes.count) {
    faults.push({
      path: ['nodes', 'groups'],
      at: 'value',
      message: `nodes.groups have ${inGroups} nodes, but there are only ${nodes.count} (nodes.count)`,
      hint: 'nodes.count is that of all nodes, those of groups included',
      related: [['nodes', 'count']],
    });
  }
  return faults;
}

function capacityFaults(capacity: Quantities, parent: ScenarioPath): Fault[] {
  const faults: Fault[] = [];
  for (const name of ['cpu', 'memory', 'pods']) {
    const value = capacity[name] ?? '0';
    const path = [...parent, name];
    const nano = parseQuantity(value) ?? 0n;
    if (nano <= 0n) {
      faults.push({ path, at: 'value', message: `${formatPath(path)} must be greater than 0, not ${value}` });
    } else if (name === 'pods' && nano % 1_000_000_000n !== 0n) {
      faults.push({ path, at: 'value', message: `${formatPath(path)} must be a whole number, not ${value}` });
    }
  }
  return faults;
}

function labelFaults(labels: Readonly<Record<string, string>>, parent: ScenarioPath): Fault[] {
  return Object.keys(labels)
    .filter((key) => !kubeletMaySet(key))
    .map((key) => ({
      path: [...parent, key],
      at: 'key',
      message: `a kubelet may not give itself the label ${describeValue(key)}: NodeRestriction forbids it`,
      hint: 'take a key outside of kubernetes.io and k8s.io, or one below node.kubernetes.io/ or kubelet.kubernetes.io/',
    }));
}

/**
 * What the NodeRestriction admission plugin lets a node set on itself.
 * Source: k8s.io/kubernetes plugin/pkg/admission/noderestriction/admission.go and
 * pkg/kubelet/apis/well_known_labels.go.
 */
function kubeletMaySet(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return true;
  const domain = key.slice(0, slash);
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`);
  if (within('node-restriction.kubernetes.io')) return false;
  if (!within('kubernetes.io') && !within('k8s.io')) return true;
  if (within('kubelet.kubernetes.io') || within('node.kubernetes.io')) return true;
  return kubeletLabels.has(key);
}

/** Hostname, OS and architecture are left out: the kubelet sets them by itself, to what is true. */
const kubeletLabels = new Set([
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
]);

function nameFaults(scenario: Scenario): Fault[] {
  const faults: Fault[] = [];
  const seen = new Map<string, number>();
  for (const [i, { name }] of scenario.phases.entries()) {
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, i);
      continue;
    }
    const path = ['phases', i, 'name'];
    faults.push({
      path,
      at: 'value',
      message: `${formatPath(path)} is "${name}", as is the name of phases[${first}]; each phase needs its own`,
    });
  }
  return faults;
}

function phaseFaults(phase: Phase, i: number, scenario: Scenario): Fault[] {
  const faults = durationFaults(phase, i);
  if (phase.type === 'create-deployments' && phase.podsPerNode * scenario.nodes.count > requestsPerPhaseMax) {
    faults.push(tooMany(['phases', i, 'podsPerNode'], phase.podsPerNode * scenario.nodes.count, 'pods'));
  }
  if (phase.type === 'steady' && (phase.listsPerSecond * phase.durationMs) / 1000 > requestsPerPhaseMax) {
    const count = (phase.listsPerSecond * phase.durationMs) / 1000;
    faults.push(tooMany(['phases', i, 'listsPerSecond'], count, 'requests'));
  }
  if (isWorkloadPhase(phase) && workloadPods(phase) > requestsPerPhaseMax) {
    faults.push(tooMany(['phases', i, 'count'], workloadPods(phase), 'pods', []));
  }
  faults.push(...waitFaults(phase, i, scenario));
  faults.push(...pacingFaults(phase, i, scenario), ...classFaults(phase, i, scenario));
  if ('failures' in phase) faults.push(...failureShareFaults(phase, i));
  if (phase.type === 'fail-nodes') faults.push(...failNodesFaults(phase, i, scenario));
  if (phase.type === 'scale') {
    const made = scenario.phases
      .slice(0, i)
      .filter((earlier) => earlier.type === 'create-deployments')
      .map((earlier) => earlier.name);
    if (!made.includes(phase.of)) faults.push(nothingToScale(phase.of, i, made));
  }
  return faults;
}

/** Pods of a RuntimeClass need nodes that run them. */
function classFaults(phase: Phase, i: number, scenario: Scenario): Fault[] {
  if (!('runtimeClass' in phase)) return [];
  const known = runtimeClasses(scenario).map(({ name }) => name);
  if (known.includes(phase.runtimeClass)) return [];
  const path = ['phases', i, 'runtimeClass'];
  const near = nearest(phase.runtimeClass, known);
  const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
  return [
    {
      path,
      at: 'value',
      message: `${formatPath(path)}: no node runs pods of the RuntimeClass ${describeValue(phase.runtimeClass)}${suggestion}`,
      hint: 'give nodes a runtime that is chosen by RuntimeClass, such as nodes.runtime: hyper',
      related: [['nodes']],
    },
  ];
}

/** A plan of send times must end: one slow enough outlasts every timer. */
function pacingFaults(phase: Phase, i: number, scenario: Scenario): Fault[] {
  if (!('pacing' in phase)) return [];
  const { pacing } = phase;
  const requests = requestsOf(phase, scenario.phases.slice(0, i), scenario.nodes.count);
  const burst = pacing.strategy === 'burst';
  const sendingMs = burst
    ? pacing.everyMs * Math.floor((requests - 1) / (pacing.size ?? requests))
    : (requests * 1000) / pacing.requestsPerSecond;
  if (sendingMs <= durationMsMax) return [];
  const path = ['phases', i, 'pacing', burst ? 'every' : 'requestsPerSecond'];
  const message = `${formatPath(path)}: ${requests} requests would take longer than ${durationMsMax / 3_600_000}h`;
  return [{ path, at: 'value', message, related: [['nodes', 'count']] }];
}

/** Requests that a phase paces; at least 1. */
function requestsOf(phase: Phase, earlier: readonly Phase[], nodes: number): number {
  switch (phase.type) {
    case 'create-deployments':
      return deploymentsOf(phase, nodes) * requestsPerDeployment(phase);
    case 'latency-pods':
      return phase.count;
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims':
      return workloadRequests(phase);
    case 'scale': {
      const scaled = earlier.find(({ name }) => name === phase.of);
      return scaled?.type === 'create-deployments' ? deploymentsOf(scaled, nodes) : 1;
    }
    case 'delete': {
      const made = earlier.filter(
        (other) =>
          other.type === 'create-deployments' || other.type === 'latency-pods' || isWorkloadPhase(other),
      );
      return Math.max(
        1,
        made.reduce((sum, other) => sum + requestsOf(other, [], nodes), 0),
      );
    }
    case 'wait':
    case 'steady':
    case 'fail-nodes':
      return 1;
  }
}

function deploymentsOf(phase: CreateDeploymentsPhase, nodes: number): number {
  return Math.ceil((phase.podsPerNode * nodes) / phase.podsPerDeployment);
}

function failureShareFaults({ failures }: CreateDeploymentsPhase | CreateJobsPhase, i: number): Fault[] {
  const total = failures.reduce((sum, { share }) => sum + share, 0);
  if (total <= 1) return [];
  const path = ['phases', i, 'failures'];
  const percent = Number((total * 100).toFixed(3));
  return [{ path, at: 'value', message: `${formatPath(path)} have shares of ${percent}%, of 100% at most` }];
}

function nothingToScale(of: string, i: number, made: readonly string[]): Fault {
  const path = ['phases', i, 'of'];
  const near = nearest(of, made);
  const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
  return {
    path,
    at: 'value',
    message: `${formatPath(path)} must name an earlier create-deployments phase, not ${describeValue(of)}${suggestion}`,
    ...(made.length === 0 ? {} : { hint: `such phases: ${alternatives(made)}` }),
  };
}

function durationFaults(phase: Phase, i: number): Fault[] {
  const found: [path: (string | number)[], durationMs: number][] = [];
  if ('timeoutMs' in phase) found.push([['phases', i, 'timeout'], phase.timeoutMs]);
  if ('durationMs' in phase && phase.durationMs !== undefined) {
    found.push([['phases', i, 'duration'], phase.durationMs]);
  }
  if (phase.type === 'create-deployments') {
    for (const [n, failure] of phase.failures.entries()) {
      const path = ['phases', i, 'failures', n];
      if ('afterMs' in failure) found.push([[...path, 'after'], failure.afterMs]);
      if (failure.failure === 'flapping') found.push([[...path, 'every'], failure.everyMs]);
    }
  }
  if (phase.type === 'fail-nodes') {
    if (phase.delayMs !== undefined) found.push([['phases', i, 'delay'], phase.delayMs]);
    for (const [answer, withinMs] of Object.entries(phase.withinMs)) {
      found.push([['phases', i, 'expect', answer], withinMs]);
    }
  }
  if ('pacing' in phase && phase.pacing.strategy === 'burst') {
    found.push([['phases', i, 'pacing', 'every'], phase.pacing.everyMs]);
  }
  const faults: Fault[] = [];
  for (const [path, durationMs] of found) {
    if (durationMs <= 0) {
      faults.push({ path, at: 'value', message: `${formatPath(path)} must be longer than 0s` });
    } else if (durationMs > durationMsMax) {
      faults.push({
        path,
        at: 'value',
        message: `${formatPath(path)} must be at most ${durationMsMax / 3_600_000}h`,
      });
    }
  }
  return faults;
}

function tooMany(
  path: (string | number)[],
  count: number,
  what: string,
  related: ScenarioPath[] = [['nodes', 'count']],
): Fault {
  return {
    path,
    at: 'value',
    message: `${formatPath(path)} makes ${Math.round(count)} ${what}; a phase may have ${requestsPerPhaseMax}`,
    related,
  };
}

/** SIG Scalability's limits of the promise, and what a p99 needs: the run works, but its figures say less. */
export function findWarnings(scenario: Scenario): string[] {
  const warnings: string[] = [];
  const { nodes, namespaces } = scenario;
  const counts = podCounts(scenario);
  const podsMax = Math.max(0, ...counts.map(({ all }) => all));
  const perNamespace = Math.ceil(podsMax / namespaces.count);
  const promised = nodeGroups(nodes).map(({ count, capacity }) => {
    const cores = Number((parseQuantity(capacity['cpu'] ?? '0') ?? 0n) / 1_000_000_000n);
    return count * Math.min(110, 10 * cores);
  });
  const perNodePromised = Math.floor(promised.reduce((sum, pods) => sum + pods, 0) / nodes.count);
  const perNode = Math.ceil(Math.max(0, ...counts.map(({ onNodes }) => onNodes)) / nodes.count);
  const beyond = (what: string, limit: string): void => {
    warnings.push(`${what}: beyond the ${limit} up to which Kubernetes promises its SLOs`);
  };
  if (nodes.count > 5000) beyond(`${nodes.count} nodes`, '5000 nodes');
  if (podsMax > 150_000) beyond(`${podsMax} pods`, '150000 pods');
  if (perNamespace > 3000) {
    beyond(
      `${perNamespace} pods in each of ${namespaces.count} namespaces (namespaces.count)`,
      '3000 pods a namespace',
    );
  }
  if (perNode > perNodePromised)
    beyond(`${perNode} pods a node`, `${perNodePromised} pods a node (10 a core, 110 at most)`);
  for (const phase of scenario.phases) warnings.push(...latencyWarnings(phase));
  return warnings;
}

function latencyWarnings(phase: Phase): string[] {
  if (phase.type !== 'latency-pods') return [];
  const warnings: string[] = [];
  if (phase.count < 100) {
    warnings.push(
      `phase ${phase.name}: ${phase.count} latency pods are too few to judge a p99; it takes 100`,
    );
  }
  const { pacing } = phase;
  const rate =
    pacing.strategy === 'burst'
      ? ((pacing.size ?? phase.count) * 1000) / pacing.everyMs
      : pacing.requestsPerSecond;
  const churn = rate * (phase.deleteAfterStart ? 2 : 1);
  if (churn > 20) {
    warnings.push(
      `phase ${phase.name}: a churn of ${Number(churn.toFixed(1))}/s is above the 20/s that the startup SLO presumes (creations and deletions together)`,
    );
  }
  return warnings;
}
