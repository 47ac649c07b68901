import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { readStatus } from '../kube/api-error.ts';
import type { ApiClient, ApiRequest, ApiResponse } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { runLabel, runSuffix, runtimeLabel } from './labels.ts';

/** A RuntimeClass by the name of its runtime, and what each of its pods takes of a node besides its requests. */
export type RuntimeClassPlan = { name: string; handler: string; overhead: { cpu: string; memory: string } };

/** Of which run, and whether others use the cluster too. */
type RunContext = { runId: string; confined: boolean };

const path = '/apis/node.k8s.io/v1/runtimeclasses';
const createRuntimeClass = callClass('POST', 'runtimeclasses', '', 'resource');
const getRuntimeClass = callClass('GET', 'runtimeclasses', '', 'resource');

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
 * @throws HollowmarkError `cluster-unavailable` when the server refuses or cannot be reached, or when one of that name is
 * there that is not this run's.
 */
export async function createRuntimeClasses(
  admin: Pick<ApiClient, 'request' | 'codec'>,
  classes: readonly RuntimeClassPlan[],
  context: RunContext,
): Promise<void> {
  for (const plan of classes) {
    const name = runtimeClassName(plan.name, context);
    const send = async (
      request: Pick<ApiRequest, 'method' | 'path' | 'kind' | 'body'>,
    ): Promise<ApiResponse> => {
      try {
        return await admin.request(request);
      } catch (error) {
        throw failed(name, errorMessage(error), error);
      }
    };
    const body = admin.codec.encode(runtimeClassObject(plan, context));
    const answer = await send({ method: 'POST', path, kind: createRuntimeClass, body });
    if (answer.status === 201) continue;
    if (answer.status !== 409) throw failed(name, reasonOf(admin, answer));
    const there = await send({ method: 'GET', path: `${path}/${name}`, kind: getRuntimeClass });
    if (there.status !== 200) throw failed(name, `it is there, but: ${reasonOf(admin, there)}`);
    const { metadata } = admin.codec.decode(there.body) as { metadata?: { labels?: Record<string, string> } };
    if (metadata?.labels?.[runLabel] !== context.runId) {
      throw failed(name, 'there is one of that name, which is not of this run');
    }
  }
}

function failed(name: string, why: string, cause?: unknown): HollowmarkError {
  return new HollowmarkError('cluster-unavailable', `cannot create the RuntimeClass ${name}: ${why}`, {
    cause,
  });
}

function reasonOf(admin: Pick<ApiClient, 'codec'>, { status, body }: ApiResponse): string {
  const { reason, message } = readStatus(admin.codec.decode(body), status);
  return `HTTP ${status} ${reason} ${message}`.trim();
}
