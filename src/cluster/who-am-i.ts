import { errorMessage } from '../base/errors.ts';
import { NoAnswerError } from '../kube/api-error.ts';
import type { ApiResponse } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { type ClusterClient, decoded, unauthorized, unavailable } from './calls.ts';

/** Who the API server takes us for, and what time it has. */
export type WhoAmI = {
  user: string;
  groups: readonly string[];
  /** The server's clock, milliseconds since the epoch, whole seconds. */
  serverWallMs: number | undefined;
};

const api = 'authentication.k8s.io/v1';
const timeoutMs = 10_000;

/**
 * Asks the API server who we are (a SelfSubjectReview: every authenticated user may). It is asked once, without
 * patience: whoever is first to talk to a cluster asks this, and learns soon whether the server can be reached at all.
 * @returns undefined where the server does not say (before Kubernetes 1.28, or to the anonymous).
 * @throws HollowmarkError `cluster-unavailable` without an answer, `bad-input` when it does not accept our credentials.
 */
export async function whoAmI(client: ClusterClient): Promise<WhoAmI | undefined> {
  let answer: ApiResponse;
  try {
    answer = await client.request({
      method: 'POST',
      path: `/apis/${api}/selfsubjectreviews`,
      kind: callClass('POST', 'selfsubjectreviews', '', 'resource'),
      body: client.codec.encode({ apiVersion: api, kind: 'SelfSubjectReview' }),
      timeoutMs,
    });
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    const cause = error.cause === undefined ? '' : ` (${errorMessage(error.cause)})`;
    throw unavailable('the API server does not answer', `${error.message}${cause}`);
  }
  if (answer.status === 401) throw unauthorized('HTTP 401');
  if (answer.status >= 500 || answer.status === 429) {
    throw unavailable('the API server does not answer', `HTTP ${answer.status}`);
  }
  if (answer.status >= 300) return undefined;
  const review = decoded(client, answer.body) as {
    metadata?: { creationTimestamp?: string };
    status?: { userInfo?: { username?: string; groups?: string[] } };
  };
  if (review.status === undefined) {
    throw unavailable(
      'what answers is no Kubernetes API server',
      `HTTP ${answer.status} without a SelfSubjectReview`,
    );
  }
  const { username = '', groups = [] } = review.status.userInfo ?? {};
  const serverWallMs = Date.parse(review.metadata?.creationTimestamp ?? '');
  return { user: username, groups, serverWallMs: Number.isNaN(serverWallMs) ? undefined : serverWallMs };
}
