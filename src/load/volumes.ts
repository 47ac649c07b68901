import { HollowmarkError } from '../base/errors.ts';
import { Histogram } from '../metrics/histogram.ts';
import { View } from '../wire/view.ts';
import type { LoadRequest } from './call.ts';
import { controllerTimeoutMs, stalledMs } from './controller-limits.ts';
import { type NamespaceWork, call, interrupted, pause, requireDone } from './namespaces.ts';
import { PacedSender } from './sender.ts';
import { createVolume, deleteVolume, listVolumes } from './workload-requests.ts';
import type { ClaimPlan } from './workloads.ts';

/** Volumes are made and deleted at this pace, whatever the phase's: they are many at once, beside load that is measured. */
export const volumesPerSecond = 100;

/** Between two looks at all volumes: looking is load too, and so the pauses grow with the time that it takes. */
const pollMsMin = 200;
const pollMsMax = 5_000;

/** Of a volume that has been made, the controller writes the status. */
const writesPerVolume = 1;

const listView = new View({ metadata: { continue: true }, items: { status: { phase: true } } });

/**
 * Makes the volumes of claims that are to come, at {@link volumesPerSecond}, and waits until the controller has them: a
 * claim that it sees before its volume would wait for its next round, 15 s later, which would be our doing.
 * @throws HollowmarkError `cluster-unavailable` when the server refuses or the controller does not do its part,
 * `interrupted` on abort.
 */
export async function createVolumes(plans: readonly ClaimPlan[], work: NamespaceWork): Promise<void> {
  await sendAll(plans, (plan) => createVolume(work.client, plan, work.context), work);
  // `Pending` is what a volume is until the controller has seen it.
  const pending = (phase: string): boolean => phase === '' || phase === 'Pending';
  const { left, waitedMs } = await untilNone(
    pending,
    controllerTimeoutMs(plans.length * writesPerVolume),
    stalledMs,
    work,
  );
  if (left === 0) return;
  throw new HollowmarkError(
    'cluster-unavailable',
    `${left} PersistentVolumes are not Available after ${Math.round(waitedMs / 1000)} s: does the controller manager run?`,
  );
}

/**
 * Deletes volumes, whose claims are gone, and waits until none of this run's is left.
 * @returns how many are still there after `timeoutMs`.
 * @throws HollowmarkError as {@link createVolumes}.
 */
export async function deleteVolumes(
  plans: readonly ClaimPlan[],
  timeoutMs: number,
  work: NamespaceWork,
): Promise<number> {
  await sendAll(plans, (plan) => deleteVolume(plan, work.context), work);
  const { left } = await untilNone(() => true, timeoutMs, timeoutMs, work);
  return left;
}

/** Sends one request for each plan, at times of their own: they are none of the phase's. */
async function sendAll(
  plans: readonly ClaimPlan[],
  make: (plan: ClaimPlan) => LoadRequest,
  work: NamespaceWork,
): Promise<void> {
  const intervalUs = 1e6 / volumesPerSecond;
  const sent = await new PacedSender({
    ...work,
    lateness: new Histogram(),
    plan: {
      offsetsUs: plans.map((_, i) => i * intervalUs),
      requestsPerSecond: volumesPerSecond,
      intervalUs,
    },
    make: (i) => make(plans[i] as ClaimPlan),
  }).run();
  if (sent.interrupted) throw interrupted();
  const [first] = sent.failures;
  if (first !== undefined) {
    throw new HollowmarkError('cluster-unavailable', `cannot ${first.what}: ${first.message}`);
  }
}

/**
 * Waits until no volume of the run is in such a phase, `timeoutMs` at most, and no longer than `stallMs` in which there
 * were not fewer of them.
 */
async function untilNone(
  such: (phase: string) => boolean,
  timeoutMs: number,
  stallMs: number,
  work: NamespaceWork,
): Promise<{ left: number; waitedMs: number }> {
  const startUs = work.clock.nowUs();
  let fewerUs = startUs;
  let fewest = Number.POSITIVE_INFINITY;
  for (let pollMs = pollMsMin; ; pollMs = Math.min(pollMsMax, pollMs * 1.5)) {
    const lookUs = work.clock.nowUs();
    const left = (await phasesOfVolumes(work)).filter(such).length;
    const nowUs = work.clock.nowUs();
    const waitedMs = (nowUs - startUs) / 1000;
    if (left < fewest) fewerUs = nowUs;
    fewest = Math.min(fewest, left);
    if (left === 0 || waitedMs >= timeoutMs || nowUs - fewerUs >= stallMs * 1000) return { left, waitedMs };
    const pauseMs = Math.max(pollMs, (nowUs - lookUs) / 1000);
    await pause(Math.min(pauseMs, timeoutMs - waitedMs), work);
  }
}

/** Of each of the run's volumes. */
async function phasesOfVolumes(work: NamespaceWork): Promise<string[]> {
  const phases: string[] = [];
  let token = '';
  do {
    const outcome = await call(work, listVolumes(work.context, token));
    const { body } = requireDone(outcome, 'cannot list PersistentVolumes');
    const list = work.client.codec.decode(body, listView) as {
      items?: { status?: { phase?: string } }[];
      metadata?: { continue?: string };
    };
    for (const { status } of list.items ?? []) phases.push(status?.phase ?? '');
    token = list.metadata?.continue ?? '';
  } while (token !== '');
  return phases;
}
