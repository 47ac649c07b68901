import type { Reference } from '../references.ts';

/** How much of everything there is to do. Both sides of a comparison get the same plan. */
export type WorkPlan = {
  nodes: number;
  /** Of the Deployments, over {@link namespacesMax} namespaces. */
  podsPerNode: number;
  /** Pods that are created one at a time. */
  singles: number;
  /** Pods that are created at once. */
  burst: number;
  idleMs: number;
  /** What a phase waits after its condition holds, so that all it has caused is counted with it. */
  settleMs: number;
  /** Whether containers end and images fail: those of kubemark's fake runtime never do. */
  containersEnd: boolean;
};

/** In the order of the work. */
export const phaseNames = [
  'join',
  'deployments',
  'trickle',
  'burst',
  'idle',
  'variety',
  'delete',
  'leave',
  'return',
] as const;

export type PhaseName = (typeof phaseNames)[number];

const namespacesMax = 8;

/** What one machine bears of kubemark, and what has an address in one network. */
export const nodesMax = 100;

/** Beside those of a Deployment up to 39 pods run on a node at a time, which takes 110 in all. */
export const podsPerNodeMax = 70;

/** The namespaces of the work: eight, or one for each pod of its Deployments when there are fewer. */
export function namespacesOf({ nodes, podsPerNode }: WorkPlan): string[] {
  const count = Math.min(namespacesMax, nodes * podsPerNode);
  return Array.from({ length: count }, (_, index) => `fidelity-${index + 1}`);
}

export type PlanSize = { nodes: number; podsPerNode: number; idleMs: number; short: boolean };

/** What the work of a comparison is. Pure. */
export function planWork(against: Reference, { nodes, podsPerNode, idleMs, short }: PlanSize): WorkPlan {
  return {
    nodes,
    podsPerNode,
    singles: short ? 3 : 10,
    burst: short ? 6 : 20,
    idleMs,
    settleMs: short ? 4_000 : 8_000,
    containersEnd: against !== 'kubemark',
  };
}

/** How many pods of each phase a row is counted by; phases that are not here are counted by node. */
export function podsOfPhase(plan: WorkPlan, phase: string): number | undefined {
  const deployed = plan.nodes * plan.podsPerNode;
  const various = plan.containersEnd ? 11 : 5;
  const pods: Partial<Record<PhaseName, number>> = {
    deployments: deployed,
    trickle: plan.singles,
    burst: plan.burst,
    variety: various,
    delete: deployed + plan.singles + plan.burst + various,
  };
  return pods[phase as PhaseName];
}
