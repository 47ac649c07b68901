import type { CreateDeploymentsPhase } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { outcomeOfSends } from './outcome.ts';
import { planDeployments } from './plan.ts';

/** Creates the phase's Deployments, with Services if it has them, at their intended times; a `wait` phase waits for the pods. */
export async function runCreateDeployments(
  phase: CreateDeploymentsPhase,
  context: PhaseContext,
): Promise<PhaseOutcome> {
  const { scenario, load, signal, reporter } = context;
  const { plans, sends } = planDeployments(scenario, phase);
  const pods = plans.reduce((sum, plan) => sum + plan.replicas, 0);
  const services = phase.services ? ', a Service each' : '';
  reporter.step(`${phase.name}: creating ${plans.length} Deployments with ${pods} pods${services}`);
  await load.ensureNamespaces(signal);
  return outcomeOfSends(await load.createDeployments(plans, sends, signal));
}
