import type { CreateDeploymentsPhase } from './scenario.ts';

/** What is asked for with each Deployment of the phase: itself, and its Service. */
export function requestsPerDeployment(phase: Pick<CreateDeploymentsPhase, 'services'>): number {
  return phase.services ? 2 : 1;
}

/** The replicas of each Deployment that the phase makes; the last one has what remains. */
export function deploymentReplicas(phase: CreateDeploymentsPhase, nodeCount: number): number[] {
  const pods = Math.max(1, Math.round(phase.podsPerNode * nodeCount));
  const full = Math.floor(pods / phase.podsPerDeployment);
  const replicas = Array.from({ length: full }, () => phase.podsPerDeployment);
  const rest = pods - full * phase.podsPerDeployment;
  if (rest > 0) replicas.push(rest);
  return replicas;
}
