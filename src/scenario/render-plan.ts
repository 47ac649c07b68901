import { formatDuration } from './duration.ts';
import { deploymentReplicas, requestsPerDeployment } from './deployments.ts';
import { failNodesSummary } from './node-failures.ts';
import { type PlannedNode, nodeConfigs } from './nodes.ts';
import {
  namespaceNames,
  planDeployments,
  planLatencyPods,
  planLists,
  planNodeFailures,
  planPhaseSends,
  planWorkloads,
} from './phases/plan.ts';
import type { Pacing, Phase, Scenario } from './scenario.ts';
import type { SendPlan } from '../load/sender.ts';
import { type WorkloadPhase, isWorkloadPhase, workloadPods, workloadRequests } from './workloads.ts';

/** Intended times that are written out for each phase; the rest follows from the same generator. */
const timesShown = 20;

/**
 * Everything that the scenario and its seed decide, one line each: nodes with their attributes in order, namespaces,
 * objects in order of creation, first intended send times. Two runs with the same plan do the same things. Pure.
 */
export function renderPlan(scenario: Scenario): string[] {
  const lines = [`seed ${JSON.stringify(scenario.seed)}`];
  for (const [name, profile] of Object.entries(scenario.runtimes)) {
    lines.push(`runtime ${name} ${JSON.stringify(profile)}`);
  }
  for (const [name, image] of Object.entries(scenario.images)) {
    lines.push(`image ${name} ${JSON.stringify(image)}`);
  }
  for (const node of nodeConfigs(scenario, '(version)', '(run)')) lines.push(nodeLine(node));
  for (const name of namespaceNames(scenario)) lines.push(`namespace ${name}`);
  const made = new Map<string, number>();
  for (const phase of scenario.phases) lines.push(...phaseLines(phase, scenario, made));
  return lines;
}

function nodeLine(node: PlannedNode): string {
  const { name, address, capacity, labels, taints, runtime } = node;
  return `node ${name} ${address} ${JSON.stringify({ capacity, labels, taints, runtime })}`;
}

/** @param made objects that are there by phase; the phase's own changes are written into it. */
function phaseLines(phase: Phase, scenario: Scenario, made: Map<string, number>): string[] {
  const head = `phase ${phase.name}: ${phaseSummary(phase, scenario)}`;
  switch (phase.type) {
    case 'create-deployments': {
      const { plans, sends } = planDeployments(scenario, phase);
      made.set(phase.name, plans.length);
      const objects = plans.flatMap(({ namespace, name, replicas, service, failure }) => [
        ...(service ? [`service ${namespace}/${name}`] : []),
        `deployment ${namespace}/${name} × ${replicas}${failure === undefined ? '' : ` ${failure.failure}`}`,
      ]);
      return [head, timesLine(sends), ...objects];
    }
    case 'latency-pods': {
      const { plans, sends } = planLatencyPods(scenario, phase);
      if (!phase.deleteAfterStart) made.set(phase.name, plans.length);
      return [head, timesLine(sends), ...plans.map((plan) => `pod ${plan.namespace}/${plan.name}`)];
    }
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims': {
      const { plans, sends, pods } = planWorkloads(scenario, phase);
      made.set(phase.name, plans.length);
      const later = pods.plans.length === 0 ? [] : [`${timesLine(pods.sends)}, once all claims are bound`];
      const pod = phase.type === 'create-volume-claims' && phase.pods ? ' with a pod' : '';
      const objects = plans.map((plan) => {
        const exit = plan.kind === 'job' && plan.exitCode !== undefined ? ` exits with ${plan.exitCode}` : '';
        return `${plan.kind} ${plan.namespace}/${plan.name}${pod}${exit}`;
      });
      return [head, timesLine(sends), ...later, ...objects];
    }
    case 'scale':
      return [head, timesLine(planPhaseSends(scenario, phase, made.get(phase.of) ?? 0))];
    case 'delete': {
      let count = 0;
      for (const [name, objects] of made) {
        const maker = scenario.phases.find((other) => other.name === name);
        if (maker?.type !== 'create-deployments' && phase.what === 'deployments') continue;
        if (maker?.type === 'create-deployments') count += objects * requestsPerDeployment(maker);
        else count += maker !== undefined && isWorkloadPhase(maker) ? workloadRequests(maker) : objects;
        made.delete(name);
      }
      return [head, timesLine(planPhaseSends(scenario, phase, count))];
    }
    case 'steady':
      return phase.listsPerSecond === 0 ? [head] : [head, timesLine(planLists(scenario, phase))];
    case 'fail-nodes': {
      const names = nodeConfigs(scenario, '(version)', '(run)').map(({ name }) => name);
      const waves = planNodeFailures(scenario, phase, names);
      return [head, ...waves.map((wave) => `  fails ${wave.join(' ')}`)];
    }
    case 'wait':
      return [head];
  }
}

function timesLine(sends: SendPlan): string {
  const count = sends.offsetsUs.length;
  const first = Array.from({ length: Math.min(timesShown, count) }, (_, i) =>
    Math.round(sends.offsetsUs[i] ?? 0),
  );
  const last = Math.round(sends.offsetsUs[count - 1] ?? 0);
  return `  ${count} requests at µs ${first.join(' ')}${count > timesShown ? ` … ${last}` : ''}`;
}

/** The scenario for people, a few lines: what `validate` prints. */
export function summariseScenario(scenario: Scenario): string[] {
  const { nodes, namespaces } = scenario;
  const capacity = Object.entries(nodes.capacity).map(([name, value]) => `${name} ${value}`);
  return [
    `${scenario.name}: ${nodes.count} nodes (${capacity.join(', ')}${nodes.proxies ? ', with proxies' : ''}), ${namespaces.count} namespaces, seed ${JSON.stringify(scenario.seed)}`,
    ...nodes.groups.map(
      ({ name, count, runtime }) => `  ${count} of them in the group ${name}, with the runtime ${runtime}`,
    ),
    ...scenario.phases.map((phase, i) => `  ${i + 1}. ${phase.name}: ${phaseSummary(phase, scenario)}`),
  ];
}

function phaseSummary(phase: Phase, scenario: Scenario): string {
  switch (phase.type) {
    case 'create-deployments': {
      const replicas = deploymentReplicas(phase, scenario.nodes.count);
      const pods = replicas.reduce((sum, n) => sum + n, 0);
      const services = phase.services ? ', a Service each' : '';
      return `create ${replicas.length} Deployments with ${pods} pods${services}, ${pacingSummary(phase.pacing)}`;
    }
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims':
      return `create ${workloadSummary(phase)}, ${pacingSummary(phase.pacing)}`;
    case 'wait':
      return `wait for ${phase.for}, ${formatDuration(phase.timeoutMs)} at most`;
    case 'steady': {
      const lists = phase.listsPerSecond === 0 ? '' : ` with ${phase.listsPerSecond} lists/s`;
      return `steady for ${formatDuration(phase.durationMs)}${lists}`;
    }
    case 'latency-pods': {
      const after = phase.deleteAfterStart ? ', each deleted after its start' : '';
      return `create ${phase.count} latency pods, ${pacingSummary(phase.pacing)}${after}`;
    }
    case 'scale':
      return `scale the Deployments of ${phase.of} to ${phase.podsPerDeployment} pods each, ${pacingSummary(phase.pacing)}`;
    case 'fail-nodes':
      return failNodesSummary(phase, scenario.nodes.count);
    case 'delete':
      return `delete ${phase.what}, ${pacingSummary(phase.pacing)}, then wait ${formatDuration(phase.timeoutMs)} at most`;
  }
}

function workloadSummary(phase: WorkloadPhase): string {
  const pods = workloadPods(phase);
  switch (phase.type) {
    case 'create-jobs':
      return `${phase.count} Jobs with ${pods} pods of ${formatDuration(phase.durationMs)}, ${phase.parallelism} of each at a time`;
    case 'create-statefulsets':
      return `${phase.count} StatefulSets with ${pods} pods (${phase.podManagementPolicy})`;
    case 'create-volume-claims':
      return `${phase.count} claims of ${phase.size} and their volumes${phase.pods ? ', a pod each' : ''}`;
  }
}

function pacingSummary(pacing: Pacing): string {
  switch (pacing.strategy) {
    case 'constant-rate':
      return `${pacing.requestsPerSecond} requests/s`;
    case 'poisson':
      return `${pacing.requestsPerSecond} requests/s (poisson)`;
    case 'burst':
      return pacing.size === undefined
        ? 'all at once'
        : `${pacing.size} at once every ${formatDuration(pacing.everyMs)}`;
  }
}
