import { waveCount } from './node-failures.ts';
import { planDeployments, planLatencyPods, planPhaseSends } from './phases/plan.ts';
import type { Phase, Scenario } from './scenario.ts';

/** How fast pods of a full cluster come and go on a small machine, for guesses of the time left only. */
const podsPerSecondGuess = 80;

/** What the phases will take, milliseconds each: exact for what is paced, a guess for what waits. */
export function estimatePhasesMs(scenario: Scenario): number[] {
  let waiting = 0;
  return scenario.phases.map((phase) => {
    const pods = podsOf(phase, scenario);
    const sendingMs = sendingMsOf(phase, scenario);
    switch (phase.type) {
      case 'create-deployments':
      case 'scale':
        waiting += Math.max(0, (pods / podsPerSecondGuess) * 1000 - sendingMs);
        return sendingMs;
      case 'wait': {
        const guess = phase.for === 'pods-started' ? waiting : 0;
        waiting = 0;
        return guess;
      }
      case 'steady':
        return phase.durationMs;
      case 'latency-pods':
        return sendingMs + 2_000;
      case 'fail-nodes': {
        // Answers mostly come well before their time limit.
        const { readyAgain = 0, ...during } = phase.withinMs;
        const failedMs = phase.durationMs ?? Math.max(0, ...Object.values(during)) / 2;
        return waveCount(phase, scenario.nodes.count) * (failedMs + readyAgain / 2);
      }
      case 'delete':
        return Math.max(sendingMs, (totalPods(scenario) / podsPerSecondGuess) * 1000) + 2_000;
    }
  });
}

/** Pods that all phases together make. */
export function totalPods(scenario: Scenario): number {
  return scenario.phases.reduce((sum, phase) => sum + podsOf(phase, scenario), 0);
}

function podsOf(phase: Phase, scenario: Scenario): number {
  switch (phase.type) {
    case 'create-deployments':
      return phase.podsPerNode * scenario.nodes.count;
    case 'latency-pods':
      return phase.count;
    case 'wait':
    case 'steady':
    case 'scale':
    case 'fail-nodes':
    case 'delete':
      return 0;
  }
}

function sendingMsOf(phase: Phase, scenario: Scenario): number {
  switch (phase.type) {
    case 'create-deployments':
      return lastMs(planDeployments(scenario, phase).sends.offsetsUs);
    case 'latency-pods':
      return lastMs(planLatencyPods(scenario, phase).sends.offsetsUs);
    case 'scale':
    case 'delete':
      return lastMs(planPhaseSends(scenario, phase, 1).offsetsUs);
    case 'wait':
    case 'steady':
    case 'fail-nodes':
      return 0;
  }
}

function lastMs(offsetsUs: ArrayLike<number>): number {
  return (offsetsUs[offsetsUs.length - 1] ?? 0) / 1000;
}
