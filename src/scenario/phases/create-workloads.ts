import { controllerTimeoutMs, stalledMs } from '../../load/controller-limits.ts';
import { joinSends } from '../../load/join-sends.ts';
import type { WorkloadPhase } from '../workloads.ts';
import { type PhaseContext, type PhaseOutcome, waitUntil } from './context.ts';
import { outcomeOfSends, outcomeOfWait, progressReports } from './outcome.ts';
import { planWorkloads } from './plan.ts';

const nouns: Readonly<Record<WorkloadPhase['type'], string>> = {
  'create-jobs': 'Jobs',
  'create-statefulsets': 'StatefulSets',
  'create-volume-claims': 'claims',
};

/** To bind a claim the controller writes spec and status of the claim and of the volume. */
const writesPerClaim = 4;

/**
 * Creates the phase's Jobs, StatefulSets or claims at their intended times; a `wait` phase waits for them. The volumes of
 * claims are made before. The pods of claims come when all of these are bound: before, they would be unschedulable.
 */
export async function runCreateWorkloads(phase: WorkloadPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { scenario, load, signal, reporter } = context;
  const { plans, sends, pods } = planWorkloads(scenario, phase);
  await load.ensureNamespaces(signal);
  const claims = plans.filter((plan) => plan.kind === 'claim');
  if (claims.length > 0) {
    reporter.step(`${phase.name}: creating ${claims.length} PersistentVolumes`);
    await load.workloads.createVolumes(claims, signal);
  }
  reporter.step(`${phase.name}: creating ${plans.length} ${nouns[phase.type]}`);
  const sent = await load.workloads.create(plans, sends, signal);
  const sending = outcomeOfSends(sent);
  if (sending.outcome !== 'completed' || pods.plans.length === 0) return sending;
  const waiting = await untilBound(phase, context);
  if (waiting.outcome !== 'completed') return { ...waiting, sent };
  reporter.step(`${phase.name}: creating ${pods.plans.length} pods`);
  return outcomeOfSends(joinSends(sent, await load.createPods(pods.plans, pods.sends, signal, () => {})));
}

/** Waits for all claims that there are. */
async function untilBound({ name }: WorkloadPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { load, progress, clock, signal, reporter } = context;
  const wanted = load.workloads.list('claim').length;
  reporter.step(`${name}: waiting until the claims are bound`);
  const report = progressReports(context);
  const say = (bound: number): string => `${bound} of ${wanted} claims bound`;
  const measure = (): number => {
    const bound = progress.workloadsDone('claim');
    report(say(bound), bound / wanted);
    return bound;
  };
  const timeoutMs = controllerTimeoutMs(wanted * writesPerClaim);
  const limits = { clock, signal, timeoutMs, stalledMs };
  const result = await waitUntil(measure, (bound) => bound >= wanted, limits);
  return outcomeOfWait(result, say(progress.workloadsDone('claim')), timeoutMs);
}
