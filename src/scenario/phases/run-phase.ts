import { HollowmarkError } from '../../base/errors.ts';
import type { Phase } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { runCreateDeployments } from './create-deployments.ts';
import { runDelete } from './delete.ts';
import { runFailNodes } from './fail-nodes.ts';
import { runLatencyPods } from './latency-pods.ts';
import { runCreateWorkloads } from './create-workloads.ts';
import { runScale } from './scale.ts';
import { runSteady } from './steady.ts';
import { runWait } from './wait.ts';

/**
 * Runs one phase to its end.
 * @throws HollowmarkError `bad-input` when the cluster has something in the way (a namespace of somebody else),
 * `cluster-unavailable` when it refuses or cannot be reached. An abort, a timeout and failed requests are outcomes.
 */
export async function runPhase(phase: Phase, context: PhaseContext): Promise<PhaseOutcome> {
  try {
    return await start(phase, context);
  } catch (error) {
    if (error instanceof HollowmarkError && error.code === 'interrupted') {
      return { outcome: 'interrupted', message: error.message };
    }
    throw error;
  }
}

function start(phase: Phase, context: PhaseContext): Promise<PhaseOutcome> {
  switch (phase.type) {
    case 'create-deployments':
      return runCreateDeployments(phase, context);
    case 'create-jobs':
    case 'create-statefulsets':
    case 'create-volume-claims':
      return runCreateWorkloads(phase, context);
    case 'wait':
      return runWait(phase, context);
    case 'steady':
      return runSteady(phase, context);
    case 'latency-pods':
      return runLatencyPods(phase, context);
    case 'scale':
      return runScale(phase, context);
    case 'fail-nodes':
      return runFailNodes(phase, context);
    case 'delete':
      return runDelete(phase, context);
  }
}
