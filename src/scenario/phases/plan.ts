import { Prng } from '../../base/prng.ts';
import type { DeploymentPlan, PodFailure, PodPlan, PodShape } from '../../load/objects.ts';
import type { SendPlan } from '../../load/sender.ts';
import type { JobPlan, WorkloadPlan } from '../../load/workloads.ts';
import { deploymentReplicas, requestsPerDeployment } from '../deployments.ts';
import { planSends } from '../pacing/plan-sends.ts';
import { failedCount } from '../node-failures.ts';
import type {
  CreateDeploymentsPhase,
  FailNodesPhase,
  LatencyPodsPhase,
  Pacing,
  Phase,
  Scenario,
} from '../scenario.ts';
import { type WorkloadPhase, claimPods } from '../workloads.ts';

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
  const replicas = deploymentReplicas(phase, scenario.nodes.count);
  const failures = planFailures<PodFailure>(scenario, phase, phase.failures, replicas.length);
  const plans = replicas.map((count, i) => {
    const failure = failures.get(i);
    return {
      namespace: namespaces[i % namespaces.length] ?? '',
      name: indexedName(phase.name, i),
      phase: phase.name,
      replicas: count,
      shape,
      service: phase.services,
      ...(failure === undefined ? {} : { failure }),
    };
  });
  const requests = plans.length * requestsPerDeployment(phase);
  return { plans, sends: planPhaseSends(scenario, phase, requests) };
}

/** Which of the phase's Deployments or Jobs fail, and how, by index; none of them in two ways. */
function planFailures<Failure>(
  scenario: Scenario,
  phase: Phase,
  failures: readonly (Failure & { readonly share: number })[],
  count: number,
): Map<number, Failure> {
  const prng = phasePrng(scenario, phase).fork('failures');
  const left = Array.from({ length: count }, (_, i) => i);
  const failing = new Map<number, Failure>();
  for (const { share, ...failure } of failures) {
    const wanted = Math.min(left.length, Math.max(1, Math.round(share * count)));
    // What is left without the share is what was joined with it.
    for (const i of draw(left, wanted, prng)) failing.set(i, failure as unknown as Failure);
  }
  return failing;
}

/** Takes `count` items out of the list. */
function draw<T>(left: T[], count: number, prng: Prng): T[] {
  return Array.from({ length: count }, () => left.splice(prng.below(left.length), 1)).flat();
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

/**
 * What the phase creates, in order, spread over the namespaces, and when. `pods`: those of its claims, which are sent once
 * these are bound, at times that count from then.
 */
export function planWorkloads(
  scenario: Scenario,
  phase: WorkloadPhase,
): { plans: WorkloadPlan[]; sends: SendPlan; pods: { plans: PodPlan[]; sends: SendPlan } } {
  const namespaces = namespaceNames(scenario);
  const failures =
    phase.type === 'create-jobs'
      ? planFailures<Pick<JobPlan, 'exitCode'>>(scenario, phase, phase.failures, phase.count)
      : undefined;
  const plans = Array.from({ length: phase.count }, (_, i) => ({
    ...workloadPlan(phase, namespaces[i % namespaces.length] ?? '', indexedName(phase.name, i)),
    ...failures?.get(i),
  }));
  const pods = plans.flatMap((plan): PodPlan[] => {
    if (plan.kind !== 'claim' || plan.pod === undefined) return [];
    const { namespace, name, pod: shape } = plan;
    return [{ namespace, name, phase: phase.name, shape, claim: name }];
  });
  return {
    plans,
    sends: planPhaseSends(scenario, phase, plans.length),
    pods: { plans: pods, sends: planPhaseSends(scenario, phase, pods.length) },
  };
}

function workloadPlan(phase: WorkloadPhase, namespace: string, name: string): WorkloadPlan {
  const own = { namespace, name, phase: phase.name };
  switch (phase.type) {
    case 'create-jobs': {
      const { completions, parallelism, durationMs } = phase;
      return { kind: 'job', ...own, completions, parallelism, durationMs, shape: shapeOf(phase) };
    }
    case 'create-statefulsets': {
      const { replicas, podManagementPolicy } = phase;
      return { kind: 'statefulset', ...own, replicas, podManagementPolicy, shape: shapeOf(phase) };
    }
    case 'create-volume-claims':
      return { kind: 'claim', ...own, size: phase.size, pod: phase.pods ? claimPods : undefined };
  }
}

function shapeOf({
  image,
  requests,
  runtimeClass,
}: Pick<CreateDeploymentsPhase, 'image' | 'requests' | 'runtimeClass'>): PodShape {
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

/** The nodes that fail, of those with these names, in the order in which they do; each list fails at once. */
export function planNodeFailures(
  scenario: Scenario,
  phase: FailNodesPhase,
  names: readonly string[],
): string[][] {
  const prng = phasePrng(scenario, phase);
  const failed = draw([...names], failedCount(phase, names.length), prng);
  const size = phase.concurrency ?? failed.length;
  return Array.from({ length: Math.ceil(failed.length / size) }, (_, i) =>
    failed.slice(i * size, (i + 1) * size),
  );
}

/** A generator of the phase's own: what other phases draw does not change it. */
function phasePrng(scenario: Scenario, phase: Phase): Prng {
  return new Prng(scenario.seed).fork(`phase/${phase.name}`);
}

/** `fill-00001`: by index, so that the same scenario makes the same names. */
function indexedName(phase: string, index: number): string {
  return `${phase}-${String(index + 1).padStart(5, '0')}`;
}
