import type { WorkloadPlan } from '../../load/workloads.ts';
import type { WaitPhase } from '../scenario.ts';
import { type PhaseContext, type PhaseOutcome, waitUntil } from './context.ts';
import { outcomeOfWait, progressReports } from './outcome.ts';

/** What is counted, how much of it is wanted, and how that is said. */
type Goal = {
  count: () => number;
  met: (count: number) => boolean;
  say: (count: number) => string;
  fraction: (count: number) => number;
};

/** Waits for a state of the cluster; a timeout says what is missing. */
export async function runWait(phase: WaitPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { clock, signal, reporter } = context;
  const goal = goalOf(phase, context);
  reporter.step(`${phase.name}: waiting for ${phase.for}`);
  const report = progressReports(context);
  const measure = (): number => {
    const count = goal.count();
    report(goal.say(count), goal.fraction(count));
    return count;
  };
  const result = await waitUntil(measure, goal.met, { clock, signal, timeoutMs: phase.timeoutMs });
  return outcomeOfWait(result, goal.say(goal.count()), phase.timeoutMs);
}

function goalOf(phase: WaitPhase, context: PhaseContext): Goal {
  switch (phase.for) {
    case 'nodes-ready': {
      const wanted = context.scenario.nodes.count;
      return atLeast(() => context.progress.nodesReady(), wanted, 'nodes ready');
    }
    case 'pods-started':
      return podsStarted(context);
    case 'pods-gone':
      return podsGone(context);
    case 'jobs-complete':
      return workloadsDone('job', 'Jobs complete', context);
    case 'statefulsets-ready':
      return workloadsDone('statefulset', 'StatefulSets ready', context);
    case 'claims-bound':
      return workloadsDone('claim', 'claims bound', context);
  }
}

/** Ended pods of Jobs count also when the cluster's pod garbage collector has taken them: nothing makes them again. */
function podsStarted({ progress, load }: PhaseContext): Goal {
  const taken = (): number => Math.max(0, progress.endedPodsGone() - load.workloads.deletedJobPods);
  return atLeast(() => progress.podsStarted() + taken(), load.podsExpectedToStart, 'pods started');
}

function workloadsDone(kind: WorkloadPlan['kind'], what: string, { progress, load }: PhaseContext): Goal {
  return atLeast(() => progress.workloadsDone(kind), load.workloads.list(kind).length, what);
}

function atLeast(count: () => number, wanted: number, what: string): Goal {
  return {
    count,
    met: (found) => found >= wanted,
    say: (found) => `${found} of ${wanted} ${what}`,
    fraction: (found) => (wanted === 0 ? 1 : found / wanted),
  };
}

/** No more pods than those that were not deleted. */
export function podsGone(context: PhaseContext): Goal {
  const wanted = context.load.podsExpected;
  const first = Math.max(wanted + 1, context.progress.podsPresent());
  return {
    count: () => context.progress.podsPresent(),
    met: (found) => found <= wanted,
    say: (found) =>
      wanted === 0
        ? `${found} pods are still there`
        : `${found} pods are still there, ${found - wanted} too many`,
    fraction: (found) => (first - found) / (first - wanted),
  };
}
