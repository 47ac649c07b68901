import { sleep } from '../../base/clock.ts';
import type { NodeFailure } from '../../hollow/node-failure.ts';
import { evictPodsDefault, failNodesSummary } from '../node-failures.ts';
import type { FailNodesPhase } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { NodeAnswers, namesOf } from './node-answers.ts';
import { planNodeFailures } from './plan.ts';

/**
 * Makes nodes fail, a wave after the other, and has each wave return. The control plane's answers and the nodes' return
 * are waited for, each within its time limit; what does not come about fails the phase. Nodes return in any case.
 */
export async function runFailNodes(phase: FailNodesPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { scenario, nodes, reporter } = context;
  reporter.step(`${phase.name}: ${failNodesSummary(phase, nodes.names.length)}`);
  const said: string[] = [];
  for (const names of planNodeFailures(scenario, phase, nodes.names)) {
    const outcome = await failWave(phase, names, context);
    if (outcome.outcome !== 'completed') return outcome;
    if (outcome.message !== undefined) said.push(outcome.message);
  }
  return { outcome: 'completed', ...(said.length === 0 ? {} : { message: said.join('; ') }) };
}

async function failWave(
  phase: FailNodesPhase,
  names: readonly string[],
  context: PhaseContext,
): Promise<PhaseOutcome> {
  const { clock, nodes } = context;
  const { readyAgain, ...during } = phase.withinMs;
  const answers = new NodeAnswers(phase, names, context);
  const unknown = await answers.remember();
  if (unknown !== undefined) return unknown;
  const failedUs = clock.nowUs();
  nodes.fail(names, failureOf(phase));
  let answered: PhaseOutcome;
  try {
    answered = await answers.until(during, failedUs);
    if (answered.outcome !== 'completed') return answered;
    const leftMs = (phase.durationMs ?? 0) - (clock.nowUs() - failedUs) / 1000;
    if (await interruptedIn(Math.max(0, leftMs), context)) {
      return { outcome: 'interrupted', message: `interrupted while ${names.length} nodes had failed` };
    }
  } finally {
    nodes.heal(names);
  }
  const returned = await answers.until(readyAgain === undefined ? {} : { readyAgain }, clock.nowUs());
  if (returned.outcome !== 'completed') return returned;
  const lapsed = phase.staysReady ? answers.lapsed() : [];
  if (lapsed.length > 0) {
    const message = `${lapsed.length} of ${names.length} nodes ceased to be Ready: ${namesOf(lapsed)}`;
    return { outcome: 'failed', message };
  }
  const said = [answered.message, returned.message].filter((message) => message !== undefined);
  return { outcome: 'completed', ...(said.length === 0 ? {} : { message: said.join(', ') }) };
}

/** Lets time pass. */
async function interruptedIn(durationMs: number, { clock, signal }: PhaseContext): Promise<boolean> {
  try {
    await sleep(clock, durationMs, signal);
    return false;
  } catch {
    return true;
  }
}

/** What the shards do to the nodes. */
function failureOf({
  failure,
  delayMs = 0,
  lossRate = 1,
  evictPods = evictPodsDefault,
}: FailNodesPhase): NodeFailure {
  switch (failure) {
    case 'crash':
      return { type: 'crash' };
    case 'kubelet-restart':
      return { type: 'kubelet-down' };
    case 'partition':
      return { type: 'partition' };
    case 'slow-heartbeats':
      return { type: 'bad-heartbeats', lossRate: 0, delayMs };
    case 'lost-heartbeats':
      return { type: 'bad-heartbeats', lossRate, delayMs: 0 };
    case 'memory-pressure':
      return { type: 'pressure', condition: 'MemoryPressure', evictions: evictPods };
    case 'disk-pressure':
      return { type: 'pressure', condition: 'DiskPressure', evictions: evictPods };
    case 'pid-pressure':
      return { type: 'pressure', condition: 'PIDPressure', evictions: evictPods };
  }
}
