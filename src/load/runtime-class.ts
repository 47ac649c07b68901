import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { readStatus } from '../kube/api-error.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { runLabel, runSuffix, runtimeLabel } from './labels.ts';

/** A RuntimeClass by the name of its runtime, and what each of its pods takes of a node besides its requests. */
export type RuntimeClassPlan = { name: string; handler: string; overhead: { cpu: string; memory: string } };

/** Of which run, and whether others use the cluster too. */
type RunContext = { runId: string; confined: boolean };

const path = '/apis/node.k8s.io/v1/runtimeclasses';
const createRuntimeClass = callClass('POST', 'runtimeclasses', '', 'resource');

/** On a cluster that others use too it is the run's own, as its nodes are. */
export function runtimeClassName(name: string, { runId, confined }: RunContext): string {
  return confined ? `${name}-${runSuffix(runId)}` : name;
}

/** Its pods go to nodes with that runtime. */
export function runtimeClassObject(
  { name, handler, overhead }: RuntimeClassPlan,
  context: RunContext,
): unknown {
  return {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: runtimeClassName(name, context), labels: { [runLabel]: context.runId } },
    handler,
    overhead: { podFixed: overhead },
    scheduling: { nodeSelector: { [runtimeLabel]: name } },
  };
}

/**
 * Makes the RuntimeClasses. Calling it again does no harm.
 * @param admin may create them.
 * @throws HollowmarkError `cluster-unavailable` when the server refuses or cannot be reached.
 */
export async function createRuntimeClasses(
  admin: Pick<ApiClient, 'request' | 'codec'>,
  classes: readonly RuntimeClassPlan[],
  context: RunContext,
): Promise<void> {
  for (const plan of classes) {
    const failure = (why: string, cause?: unknown): HollowmarkError =>
      new HollowmarkError('cluster-unavailable', `cannot create the RuntimeClass ${plan.name}: ${why}`, {
        cause,
      });
    const body = admin.codec.encode(runtimeClassObject(plan, context));
    const answer = await admin
      .request({ method: 'POST', path, kind: createRuntimeClass, body })
      .catch((error: unknown) => {
        throw failure(errorMessage(error), error);
      });
    if (answer.status === 201 || answer.status === 409) continue;
    const status = readStatus(admin.codec.decode(answer.body), answer.status);
    throw failure(`HTTP ${answer.status} ${status.reason} ${status.message}`.trim());
  }
}
