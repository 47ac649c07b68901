import { formatDuration } from '../duration.ts';
import type { DeletePhase } from '../scenario.ts';
import { type PhaseContext, type PhaseOutcome, waitUntil } from './context.ts';
import { outcomeOfSends, outcomeOfWait, progressReports, worse } from './outcome.ts';
import { planPhaseSends } from './plan.ts';
import { podsGone } from './wait.ts';

/** Deletes what the load made, and waits until the pods (and, with `everything`, the namespaces) are gone. */
export async function runDelete(phase: DeletePhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { load, scenario, signal, reporter, clock } = context;
  const deployments = load.deploymentsOf();
  const services = load.services();
  const pods = phase.what === 'everything' ? load.directPods() : [];
  const workloads = phase.what === 'everything' ? load.workloads.list() : [];
  const own = services.length === 0 ? '' : `, their ${services.length} Services`;
  const what = `${deployments.length} Deployments${own} and ${pods.length} single pods`;
  const others = workloads.length === 0 ? '' : ` and ${workloads.length} Jobs, StatefulSets and claims`;
  reporter.step(`${phase.name}: deleting ${what}${others}`);
  const count = deployments.length + services.length + pods.length + workloads.length;
  const sends = planPhaseSends(scenario, phase, count);
  const sent = await load.deleteObjects({ deployments, services, pods, workloads }, sends, signal);
  const sending = outcomeOfSends(sent);
  if (sending.outcome === 'interrupted') return sending;

  const deadlineUs = clock.nowUs() + phase.timeoutMs * 1000;
  const waiting = await untilPodsGone(phase, context);
  if (phase.what !== 'everything' || waiting.outcome !== 'completed') return worse(sending, waiting);
  reporter.step(`${phase.name}: deleting the namespaces`);
  const leftMs = Math.max(0, (deadlineUs - clock.nowUs()) / 1000);
  const left = await load.removeNamespaces(leftMs, signal);
  if (left.length === 0) return worse(sending, await removeVolumes(phase, context, deadlineUs));
  const some = `${left.length} of ${load.namespaces.length} namespaces`;
  const message = `${some} still there after ${formatDuration(phase.timeoutMs)}: ${left.slice(0, 5).join(', ')}`;
  return worse(sending, { outcome: 'timed-out', message });
}

async function removeVolumes(
  { name, timeoutMs }: DeletePhase,
  { load, signal, clock, reporter }: PhaseContext,
  deadlineUs: number,
): Promise<PhaseOutcome> {
  if (!load.workloads.hasVolumes) return { outcome: 'completed' };
  reporter.step(`${name}: deleting the volumes`);
  const left = await load.workloads.removeVolumes(Math.max(0, (deadlineUs - clock.nowUs()) / 1000), signal);
  if (left === 0) return { outcome: 'completed' };
  const message = `${left} PersistentVolumes still there after ${formatDuration(timeoutMs)}`;
  return { outcome: 'timed-out', message };
}

async function untilPodsGone(phase: DeletePhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { clock, signal } = context;
  const { timeoutMs } = phase;
  const goal = podsGone(context);
  const report = progressReports(context);
  const measure = (): number => {
    const count = goal.count();
    report(goal.say(count), goal.fraction(count));
    return count;
  };
  const result = await waitUntil(measure, goal.met, { clock, signal, timeoutMs });
  return outcomeOfWait(result, goal.say(goal.count()), timeoutMs);
}
