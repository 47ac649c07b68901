import type { WorkloadPlan } from '../load/workloads.ts';
import type { Fault } from './file/fault.ts';
import { formatPath } from './file/path.ts';
import type { Phase, Quantities, Scenario, WaitGoal } from './scenario.ts';

/** A phase that makes Jobs, StatefulSets or claims, `count` of them. */
export type WorkloadPhase = Extract<
  Phase,
  { type: 'create-jobs' | 'create-statefulsets' | 'create-volume-claims' }
>;

/** What the pods of claims are: there to mount them, and else as all load is unless a scenario says otherwise. */
export const claimPods: { readonly image: string; readonly requests: Quantities } = {
  image: 'registry.k8s.io/pause:3.10',
  requests: { cpu: '5m', memory: '10Mi' },
};

export const kindOf: Readonly<Record<WorkloadPhase['type'], WorkloadPlan['kind']>> = {
  'create-jobs': 'job',
  'create-statefulsets': 'statefulset',
  'create-volume-claims': 'claim',
};

export function isWorkloadPhase(phase: Phase): phase is WorkloadPhase {
  return phase.type in kindOf;
}

/** Which kinds a scenario makes. */
export function workloadKinds({ phases }: Pick<Scenario, 'phases'>): WorkloadPlan['kind'][] {
  return [...new Set(phases.filter(isWorkloadPhase).map(({ type }) => kindOf[type]))];
}

/** Requests that the phase sends. */
export function workloadRequests(phase: WorkloadPhase): number {
  return phase.type === 'create-volume-claims' && phase.pods ? 2 * phase.count : phase.count;
}

/** Pods that the phase makes, until all is done. */
export function workloadPods(phase: WorkloadPhase): number {
  switch (phase.type) {
    case 'create-jobs':
      return phase.count * phase.completions;
    case 'create-statefulsets':
      return phase.count * phase.replicas;
    case 'create-volume-claims':
      return phase.pods ? phase.count : 0;
  }
}

/** The most of them that run at a time. */
export function workloadPodsAtATime(phase: WorkloadPhase): number {
  return phase.type === 'create-jobs'
    ? phase.count * Math.min(phase.parallelism, phase.completions)
    : workloadPods(phase);
}

/** Which phase makes what is waited for. */
const makers: Readonly<Partial<Record<WaitGoal, WorkloadPhase['type']>>> = {
  'jobs-complete': 'create-jobs',
  'statefulsets-ready': 'create-statefulsets',
  'claims-bound': 'create-volume-claims',
};

/** Nothing to wait for is a scenario that says something else than it means. */
export function waitFaults(phase: Phase, i: number, { phases }: Scenario): Fault[] {
  const maker = phase.type === 'wait' ? makers[phase.for] : undefined;
  if (maker === undefined || phases.slice(0, i).some(({ type }) => type === maker)) return [];
  const path = ['phases', i, 'for'];
  const message = `${formatPath(path)}: no earlier phase makes any (${maker})`;
  return [{ path, at: 'value', message }];
}

/** PersistentVolumes that all phases together make. */
export function totalVolumes({ phases }: Pick<Scenario, 'phases'>): number {
  return phases.reduce((sum, phase) => sum + (phase.type === 'create-volume-claims' ? phase.count : 0), 0);
}

/** Pods of Jobs that have ended and are not deleted: how many there are at most at one time. */
export function endedPodsMax({ phases }: Pick<Scenario, 'phases'>): number {
  let ended = 0;
  let most = 0;
  for (const phase of phases) {
    if (phase.type === 'create-jobs') ended += workloadPods(phase);
    if (phase.type === 'delete' && phase.what === 'everything') ended = 0;
    most = Math.max(most, ended);
  }
  return most;
}
