import { waveCount } from './node-failures.ts';
import { volumesPerSecond } from '../load/volumes.ts';
import { jobMs } from '../load/workloads.ts';
import { planDeployments, planLatencyPods, planPhaseSends } from './phases/plan.ts';
import type { Phase, Scenario } from './scenario.ts';
import { workloadPods, workloadRequests } from './workloads.ts';

/** How fast pods of a full cluster come and go on a small machine, for guesses of the time left only. */
const podsPerSecondGuess = 80;

/** What the phases will take, milliseconds each: exact for what is paced, a guess for what waits. */
export function estimatePhasesMs(scenario: Scenario): number[] {
  let waiting = 0;
  return scenario.phases.map((phase) => {
    const pods = podsOf(phase, scenario);
    const sendingMs = sendingMsOf(phase, scenario);
    switch (phase.type) {
      case 'create-jobs':
        waiting += jobMs(phase);
        waiting += Math.max(0, (pods / podsPerSecondGuess) * 1000 - sendingMs);
        return sendingMs;
      case 'create-deployments':
      case 'create-statefulsets':
      case 'create-volume-claims':
      case 'scale':
        waiting += Math.max(0, (pods / podsPerSecondGuess) * 1000 - sendingMs);
        return sendingMs;
      case 'wait': {
        const guess = phase.for === 'pods-gone' || phase.for === 'nodes-ready' ? 0 : waiting;
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
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims':
      return workloadPods(phase);
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
    case 'create-jobs':
    case 'create-statefulsets':
      return lastMs(planPhaseSends(scenario, phase, workloadRequests(phase)).offsetsUs);
    case 'create-volume-claims': {
      const volumesMs = (phase.count / volumesPerSecond) * 1000;
      return volumesMs + lastMs(planPhaseSends(scenario, phase, workloadRequests(phase)).offsetsUs);
    }
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
