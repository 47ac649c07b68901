import { sleep } from '../../base/clock.ts';
import { formatDuration } from '../duration.ts';
import type { SteadyPhase } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { outcomeOfSends, worse } from './outcome.ts';
import { planLists } from './plan.ts';

/** Lets time pass, with LIST requests if the scenario wants them. */
export async function runSteady(phase: SteadyPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { clock, signal, load, scenario, reporter } = context;
  reporter.step(`${phase.name}: steady for ${formatDuration(phase.durationMs)}`);
  if (phase.listsPerSecond === 0) return pass(phase, context);
  await load.ensureNamespaces(signal);
  const passing = pass(phase, { ...context, clock });
  const lists = await load.listPods(planLists(scenario, phase), signal);
  return worse(outcomeOfSends(lists), await passing);
}

async function pass(phase: SteadyPhase, { clock, signal }: PhaseContext): Promise<PhaseOutcome> {
  const startUs = clock.nowUs();
  try {
    await sleep(clock, phase.durationMs, signal);
    return { outcome: 'completed' };
  } catch {
    const passed = formatDuration((clock.nowUs() - startUs) / 1000);
    return {
      outcome: 'interrupted',
      message: `interrupted after ${passed} of ${formatDuration(phase.durationMs)}`,
    };
  }
}
