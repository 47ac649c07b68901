import type { Burst } from '../measure/burst-startup.ts';
import { planDeployments } from './phases/plan.ts';
import { requestsPerDeployment } from './deployments.ts';
import type { Pacing, Phase, Scenario } from './scenario.ts';

/** The phases that ask for all their pods at once, with how many of these can start. */
export function burstsOf(scenario: Scenario): Burst[] {
  return scenario.phases.flatMap((phase) => {
    const pods = podsAtOnce(phase, scenario);
    return pods === 0 ? [] : [{ phase: phase.name, pods }];
  });
}

/** 0 of any other phase. */
function podsAtOnce(phase: Phase, scenario: Scenario): number {
  if (phase.type === 'latency-pods') return isOneBurst(phase.pacing, phase.count) ? phase.count : 0;
  if (phase.type !== 'create-deployments' || phase.pacing.strategy !== 'burst') return 0;
  const { plans } = planDeployments(scenario, phase);
  if (!isOneBurst(phase.pacing, plans.length * requestsPerDeployment(phase))) return 0;
  const starting = plans.filter(({ failure }) => failure?.failure !== 'failed-pull');
  return starting.reduce((sum, { replicas }) => sum + replicas, 0);
}

function isOneBurst(pacing: Pacing, requests: number): boolean {
  return pacing.strategy === 'burst' && (pacing.size ?? requests) >= requests;
}
