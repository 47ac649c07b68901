import { type Clock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { type WorkObject, plainPod } from '../work/objects.ts';
import type { WorkClient } from '../work/work-client.ts';
import type { PodWatch } from './pod-watch.ts';

/** The value of the work's label. */
export const trendWork = 'trend';

/** How much work is done under each condition. */
export type DensityPlan = {
  nodeNames: readonly string[];
  podsPerNode: number;
  /** Pods that are asked for each second, of all nodes together; half as many again are deleted. */
  podsPerSecond: number;
  namespaces: readonly string[];
};

/** What one round has shown of the pods, and when it was: microseconds since the epoch. */
export type DensityRound = { startUs: number; endUs: number; startupMs: number[] };

/** Of pods of which the last one was asked for: what takes longer does not come. */
const limitMs = 120_000;

/** In turns a pod, the one that was created a second before, and all of its namespace. */
const readsPerSecond = 4;

/** Deletions by creations: about as many requests of a node then come of each second. */
const deletesShare = 1.5;

type DensityOptions = {
  plan: DensityPlan;
  client: Pick<WorkClient, 'create' | 'delete' | 'exists' | 'list' | 'until'>;
  watch: Pick<PodWatch, 'runningUs' | 'presentCount'>;
  clock: Clock;
  signal: AbortSignal;
  /** Of names: no two rounds share any. */
  name: string;
};

/**
 * Creates pods one by one at a steady rate, while some are read, and deletes them again. All times of sending are planned
 * before, and a start counts from its own: a server that is slow cannot make its clients ask later.
 * @throws HollowmarkError `cluster-unavailable` when requests are refused, or pods do not start or do not go; the
 * signal's reason.
 */
export async function densityRound(options: DensityOptions): Promise<DensityRound> {
  const { plan, client, watch, clock, signal, name } = options;
  const epochUs = clock.wallMs() * 1000 - clock.nowUs();
  const startUs = clock.nowUs();
  const { namespaces, nodeNames, podsPerSecond } = plan;
  const count = nodeNames.length * plan.podsPerNode;
  const pods = Array.from({ length: count }, (_, index) => {
    const namespace = namespaces[index % namespaces.length] ?? '';
    const nodeName = nodeNames[index % nodeNames.length] ?? '';
    return { namespace, pod: boundPod(namespace, `${name}-${index + 1}`, nodeName), askedUs: 0 };
  });
  const key = ({ namespace, pod }: (typeof pods)[number]): string => `${namespace}/${pod.name}`;
  const inTime = async (what: string, check: () => boolean): Promise<void> => {
    if (await client.until(() => Promise.resolve(check()), limitMs)) return;
    throw new HollowmarkError('cluster-unavailable', `not all pods ${what} within ${limitMs / 1000} s`, {
      hint: 'a step that slows less, or less work: fewer --nodes or --pods',
    });
  };

  const creating = paced(clock, signal, { count, perSecond: podsPerSecond }, (index, intendedUs) => {
    const one = pods[index] as (typeof pods)[number];
    one.askedUs = intendedUs;
    return client.create(one.pod);
  });
  const reads = Math.floor((count / podsPerSecond) * readsPerSecond);
  const reading = paced(clock, signal, { count: reads, perSecond: readsPerSecond }, async (index) => {
    const lately = Math.max(0, Math.floor((index / readsPerSecond - 1) * podsPerSecond));
    const { collection, name: podName } = (pods[lately] as (typeof pods)[number]).pod;
    await (index % 2 === 0 ? client.exists(`${collection}/${podName}`) : client.list(collection));
  });
  await Promise.all([creating, reading]);
  await inTime('were seen Running', () => pods.every((one) => watch.runningUs.has(key(one))));
  await paced(clock, signal, { count, perSecond: deletesShare * podsPerSecond }, (index) =>
    client.delete((pods[index] as (typeof pods)[number]).pod),
  );
  await inTime('were gone', () => watch.presentCount === 0);
  return {
    startUs: startUs + epochUs,
    endUs: clock.nowUs() + epochUs,
    startupMs: pods.map((one) => ((watch.runningUs.get(key(one)) ?? Number.NaN) - one.askedUs) / 1000),
  };
}

/**
 * A pod that the scheduler can only give to one node, as it does with those of DaemonSets: what nodes say that they hold
 * would else decide which of them gets how many, and how soon a node's own limits are reached.
 */
function boundPod(namespace: string, name: string, nodeName: string): WorkObject {
  const pod = plainPod(namespace, name, trendWork);
  const object = pod.object as { spec: object };
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [nodeName] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
  return { ...pod, object: { ...object, spec: { ...object.spec, affinity } } };
}

/** Sends at planned times, whatever becomes of what was sent before. @throws what the first that fails throws. */
async function paced(
  clock: Clock,
  signal: AbortSignal,
  { count, perSecond }: { count: number; perSecond: number },
  send: (index: number, intendedUs: number) => Promise<unknown>,
): Promise<void> {
  const firstUs = clock.nowUs();
  const sent: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    const intendedUs = firstUs + (index * 1e6) / perSecond;
    const waitMs = (intendedUs - clock.nowUs()) / 1000;
    if (waitMs > 0) await sleep(clock, waitMs, signal);
    sent.push(
      send(index, intendedUs).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
  }
  const failed = (await Promise.all(sent)).find((error) => error !== undefined);
  if (failed !== undefined) throw failed;
}
