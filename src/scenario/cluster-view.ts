import type { Fleet } from '../fleet/fleet.ts';
import type { ApiClient } from '../kube/client.ts';
import { type WorkloadPlan, jobMs } from '../load/workloads.ts';
import type { Measurement } from '../measure/measurement.ts';
import type { WorkloadKind } from '../measure/workload-state.ts';
import type { CreatedWorkload } from '../measure/workloads.ts';
import { leaseRenewedWallMs, podsOnNode } from './node-reads.ts';
import type { FailableNodes, Progress } from './phases/context.ts';

const watched: Readonly<Record<WorkloadPlan['kind'], WorkloadKind>> = {
  job: 'jobs',
  statefulset: 'statefulsets',
  claim: 'persistentvolumeclaims',
};

/** The kinds as the observer calls them. */
export function watchedKinds(kinds: readonly WorkloadPlan['kind'][]): WorkloadKind[] {
  return kinds.map((kind) => watched[kind]);
}

/** What the load tells of an object that it has created. */
export function createdWorkload(plan: WorkloadPlan, intendedUs: number): CreatedWorkload {
  const { kind, namespace, name, phase } = plan;
  const ownUs = plan.kind === 'job' ? jobMs(plan) * 1000 : 0;
  const failing = plan.kind === 'job' && plan.exitCode !== undefined;
  return { kind: watched[kind], namespace, name, phase, intendedUs, ownUs, failing };
}

/** What the observer has seen, as phases read it. */
export function progressOf({ pods, nodes, workloads }: Measurement): Progress {
  return {
    nodesReady: () => nodes.ready,
    podsPresent: () => pods.present,
    podsStarted: () => pods.serving,
    endedPodsGone: () => pods.endedDeleted,
    workloadsDone: (kind) => workloads.doneCount(watched[kind]),
    hasStarted: (uid) => pods.hasStarted(uid),
    node: (name) => nodes.node(name),
  };
}

/** The run's nodes. @param client reads what the observer does not watch. */
export function failableNodes(
  names: readonly string[],
  fleet: Fleet,
  client: ApiClient,
  runId: string,
): FailableNodes {
  return {
    names,
    fail: (failed, failure) => fleet.fail(failed, failure),
    heal: (healed) => fleet.heal(healed),
    podsOn: (name) => podsOnNode(client, runId, name),
    leaseRenewedWallMs: (name) => leaseRenewedWallMs(client, name),
  };
}
