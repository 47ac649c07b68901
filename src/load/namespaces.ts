import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { inParallel } from '../base/in-parallel.ts';
import type { ApiResponse } from '../kube/client.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import { type CallOutcome, type LoadClient, type LoadRequest, callUntilDone } from './call.ts';
import { runLabel } from './labels.ts';
import type { ObjectContext } from './objects.ts';
import {
  createNamespace,
  deleteNamespace,
  getDefaultServiceAccount,
  getNamespace,
  getRootCa,
  listNamespaces,
} from './requests.ts';

/** Namespaces that are made or deleted at a time. */
const parallelMax = 10;

/** How often one looks whether a namespace is usable, or gone. */
const pollMs = 100;
const gonePollMs = 500;

/** Controllers give a new namespace its service account and CA within a second or so. */
const usableTimeoutMs = 60_000;

export type NamespaceWork = {
  client: LoadClient;
  clock: Clock;
  raw: CallMetrics;
  context: ObjectContext;
  signal: AbortSignal;
};

/**
 * Makes namespaces and waits until pods can be created in them: until their default service account and
 * kube-root-ca.crt are there.
 * @throws HollowmarkError `bad-input` when one exists that is not of this run, `cluster-unavailable` when the server
 * refuses or controllers do not do their part, `interrupted` on abort.
 */
export async function createNamespaces(names: readonly string[], work: NamespaceWork): Promise<void> {
  await inParallel(names, parallelMax, async (name) => {
    const outcome = await call(work, createNamespace(work.client, name, work.context));
    if (outcome.type === 'failed' && outcome.status === 409) await refuseForeign(name, work);
    else requireDone(outcome, `cannot create the namespace ${name}`);
    await untilFound(getDefaultServiceAccount(name), work);
    await untilFound(getRootCa(name), work);
  });
}

/**
 * Deletes namespaces and waits until none of this run's is left.
 * @returns the names of those that are still there after `timeoutMs`; empty when all are gone.
 * @throws HollowmarkError as {@link createNamespaces}.
 */
export async function deleteNamespaces(
  names: readonly string[],
  timeoutMs: number,
  work: NamespaceWork,
): Promise<string[]> {
  await inParallel(names, parallelMax, async (name) => {
    requireDone(await call(work, deleteNamespace(name)), `cannot delete the namespace ${name}`);
  });
  const deadlineUs = work.clock.nowUs() + timeoutMs * 1000;
  for (;;) {
    const left = await namespacesOfRun(work);
    if (left.length === 0 || work.clock.nowUs() >= deadlineUs) return left;
    await pause(gonePollMs, work);
  }
}

/** The names of the namespaces that carry the run's label. @throws HollowmarkError as {@link createNamespaces}. */
export async function namespacesOfRun(work: NamespaceWork): Promise<string[]> {
  const outcome = await call(work, listNamespaces(work.context.runId));
  const list = work.client.codec.decode(requireDone(outcome, 'cannot list namespaces').body) as {
    items?: { metadata: { name: string } }[];
  };
  return (list.items ?? []).map(({ metadata }) => metadata.name);
}

async function refuseForeign(name: string, work: NamespaceWork): Promise<void> {
  const outcome = await call(work, getNamespace(name));
  const { body } = requireDone(outcome, `cannot read the namespace ${name}`);
  const found = work.client.codec.decode(body) as { metadata?: { labels?: Record<string, string> } };
  if (found.metadata?.labels?.[runLabel] === work.context.runId) return;
  throw new HollowmarkError('bad-input', `the namespace ${name} exists already and is not of this run`, {
    hint: 'choose another one with --set namespaces.prefix=…, or delete it',
  });
}

async function untilFound(request: LoadRequest, work: NamespaceWork): Promise<void> {
  const deadlineUs = work.clock.nowUs() + usableTimeoutMs * 1000;
  for (;;) {
    const outcome = await call(work, request);
    if (outcome.type === 'done') return;
    if (outcome.type !== 'failed' || outcome.status !== 404) requireDone(outcome, `cannot ${request.what}`);
    if (work.clock.nowUs() >= deadlineUs) {
      throw new HollowmarkError(
        'cluster-unavailable',
        `no answer but 404 to "${request.what}" for ${usableTimeoutMs / 1000} s: does the controller manager run?`,
      );
    }
    await pause(pollMs, work);
  }
}

export function call(work: NamespaceWork, request: LoadRequest): Promise<CallOutcome> {
  return callUntilDone(work, request, work.clock.nowUs(), work.signal);
}

/** The answer of a call that has to succeed. @throws HollowmarkError, see {@link createNamespaces}. */
export function requireDone(outcome: CallOutcome, what: string): ApiResponse {
  if (outcome.type === 'interrupted') throw interrupted();
  if (outcome.type === 'failed')
    throw new HollowmarkError('cluster-unavailable', `${what}: ${outcome.message}`);
  return outcome.response;
}

export async function pause(delayMs: number, work: NamespaceWork): Promise<void> {
  try {
    await sleep(work.clock, delayMs, work.signal);
  } catch (cause) {
    throw interrupted(cause);
  }
}

export function interrupted(cause?: unknown): HollowmarkError {
  return new HollowmarkError('interrupted', 'interrupted', cause === undefined ? {} : { cause });
}
