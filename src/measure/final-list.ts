import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { codecOf } from '../wire/negotiation.ts';
import { View } from '../wire/view.ts';
import { type PodObserver, runSelector } from './observer.ts';
import type { CountComparison } from './validity.ts';

const pagePods = 500;
/** 200,000 pods in pages of 500; more than the observer keeps track of. */
const pagesMax = 400;

/** A page takes 50 ms; the run's end must not hang on a server that does. */
const pageTimeoutMs = 15_000;

/** Pods may still come and go while they are listed: look again before calling it a difference. */
const attemptsMax = 6;
const retryDelayMs = 500;

/** One page that is refused, by a server that is busy with the end of the run, is not yet a list that cannot be had. */
const listAttemptsMax = 3;

/** What is read of a page. */
const listView = new View({ metadata: { continue: true }, items: { metadata: { uid: true } } });

const listPods = callClass('LIST', 'pods', '', 'cluster');

/**
 * Compares the observer's pods, uid by uid, with a consistent list from the API server. Called when nothing is measured
 * any more: a list of 10,000 pods is tens of megabytes.
 * @throws HollowmarkError `cluster-unavailable` or NoAnswerError when the server does not list them, asked {@link listAttemptsMax} times.
 */
export async function compareWithList(
  client: ApiClient,
  clock: Clock,
  runId: string,
  pods: PodObserver,
  neverSeen: () => number,
): Promise<CountComparison> {
  for (let attempt = 1; ; attempt++) {
    const listed = await listUids(client, clock, runId);
    let missed = 0;
    for (const uid of listed) if (!pods.has(uid)) missed++;
    const comparison: CountComparison = {
      missed,
      ghosts: pods.present - (listed.size - missed),
      neverSeen: neverSeen(),
      imbalance: pods.created - pods.deleted - pods.present,
      listed: listed.size,
    };
    const agrees = missed === 0 && comparison.ghosts === 0 && comparison.neverSeen === 0;
    if (agrees || attempt >= attemptsMax) return comparison;
    await sleep(clock, retryDelayMs);
  }
}

async function listUids(client: ApiClient, clock: Clock, runId: string): Promise<Set<string>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listOnce(client, runId);
    } catch (error) {
      if (attempt >= listAttemptsMax) throw error;
      await sleep(clock, retryDelayMs);
    }
  }
}

async function listOnce(client: ApiClient, runId: string): Promise<Set<string>> {
  const uids = new Set<string>();
  let next = '';
  for (let page = 0; page < pagesMax; page++) {
    const query = `${runSelector(runId)}&limit=${pagePods}`;
    const path = `/api/v1/pods?${query}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
    const { status, contentType, body } = await client.request({
      method: 'GET',
      path,
      kind: listPods,
      timeoutMs: pageTimeoutMs,
    });
    if (status !== 200) {
      throw new HollowmarkError(
        'cluster-unavailable',
        `the final list of pods was answered with HTTP ${status}`,
      );
    }
    const list = codecOf(contentType).decode(body, listView) as {
      metadata?: { continue?: string };
      items?: { metadata?: { uid?: string } }[];
    };
    for (const pod of list.items ?? []) uids.add(pod.metadata?.uid ?? '');
    next = list.metadata?.continue ?? '';
    if (next === '') return uids;
  }
  throw new HollowmarkError('internal', `the final list of pods has more than ${pagesMax * pagePods}`);
}
