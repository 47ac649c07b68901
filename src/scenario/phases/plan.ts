import { Prng } from '../../base/prng.ts';
import type { DeploymentPlan, PodPlan, PodShape } from '../../load/objects.ts';
import type { SendPlan } from '../../load/sender.ts';
import { deploymentReplicas, requestsPerDeployment } from '../deployments.ts';
import { planSends } from '../pacing/plan-sends.ts';
import type { CreateDeploymentsPhase, LatencyPodsPhase, Pacing, Phase, Scenario } from '../scenario.ts';

/** The namespaces of the load, in order: `hollow-1`, … */
export function namespaceNames(scenario: Scenario): string[] {
  const { count, prefix } = scenario.namespaces;
  return Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`);
}

/** What the phase creates, in order, spread over the namespaces, and when. */
export function planDeployments(
  scenario: Scenario,
  phase: CreateDeploymentsPhase,
): { plans: DeploymentPlan[]; sends: SendPlan } {
  const namespaces = namespaceNames(scenario);
  const shape = shapeOf(phase);
  const plans = deploymentReplicas(phase, scenario.nodes.count).map((replicas, i) => ({
    namespace: namespaces[i % namespaces.length] ?? '',
    name: indexedName(phase.name, i),
    phase: phase.name,
    replicas,
    shape,
    service: phase.services,
  }));
  const requests = plans.length * requestsPerDeployment(phase);
  return { plans, sends: planPhaseSends(scenario, phase, requests) };
}

export function planLatencyPods(
  scenario: Scenario,
  phase: LatencyPodsPhase,
): { plans: PodPlan[]; sends: SendPlan } {
  const namespaces = namespaceNames(scenario);
  const shape = shapeOf(phase);
  const plans = Array.from({ length: phase.count }, (_, i) => ({
    namespace: namespaces[i % namespaces.length] ?? '',
    name: indexedName(phase.name, i),
    phase: phase.name,
    shape,
  }));
  return { plans, sends: planPhaseSends(scenario, phase, plans.length) };
}

function shapeOf({ image, requests, runtimeClass }: CreateDeploymentsPhase | LatencyPodsPhase): PodShape {
  return { image, requests, runtimeClass };
}

/** When the phase sends `count` requests: decided by its pacing, its name and the scenario's seed. */
export function planPhaseSends(
  scenario: Scenario,
  phase: Extract<Phase, { pacing: Pacing }>,
  count: number,
): SendPlan {
  return planSends(phase.pacing, count, phasePrng(scenario, phase));
}

/** LIST requests at a constant rate for as long as a steady phase lasts. */
export function planLists(scenario: Scenario, phase: Extract<Phase, { type: 'steady' }>): SendPlan {
  const count = Math.floor((phase.listsPerSecond * phase.durationMs) / 1000);
  const pacing = { strategy: 'constant-rate', requestsPerSecond: phase.listsPerSecond } as const;
  return planSends(pacing, count, phasePrng(scenario, phase));
}

/** A generator of the phase's own: what other phases draw does not change it. */
function phasePrng(scenario: Scenario, phase: Phase): Prng {
  return new Prng(scenario.seed).fork(`phase/${phase.name}`);
}

/** `fill-00001`: by index, so that the same scenario makes the same names. */
function indexedName(phase: string, index: number): string {
  return `${phase}-${String(index + 1).padStart(5, '0')}`;
}
