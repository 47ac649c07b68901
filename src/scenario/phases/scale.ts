import type { ScalePhase } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { outcomeOfSends } from './outcome.ts';
import { planPhaseSends } from './plan.ts';

/** Sets the replicas of an earlier phase's Deployments; a `wait` phase waits for the pods. */
export async function runScale(phase: ScalePhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { load, scenario, signal, reporter } = context;
  const keys = load.deploymentsOf(phase.of);
  reporter.step(`${phase.name}: scaling ${keys.length} Deployments to ${phase.podsPerDeployment} pods each`);
  const sends = planPhaseSends(scenario, phase, keys.length);
  return outcomeOfSends(await load.scaleDeployments(keys, phase.podsPerDeployment, sends, signal));
}
