import type { PodStartTimes } from '../metrics/pod-start-times.ts';

/**
 * When each thing happened to one pod, in machine-wide monotonic microseconds; 0 where it is not known. Load generator,
 * hollow nodes and observer each know their part.
 */
export type PodTimes = {
  /** When the create request should have been sent, was sent, and was answered (directly created pods only). */
  intendedUs: number;
  sentUs: number;
  acceptedUs: number;
  /** First watch event. */
  seenUs: number;
  /** First watch event that names a node. */
  scheduledUs: number;
  /** What the node tells, once it has. */
  node: PodStartTimes | undefined;
  /** A watch event says that all containers have started. */
  startedUs: number;
};

export function noTimes(): PodTimes {
  return {
    intendedUs: 0,
    sentUs: 0,
    acceptedUs: 0,
    seenUs: 0,
    scheduledUs: 0,
    node: undefined,
    startedUs: 0,
  };
}

export type PodPath = {
  totalUs: number;
  /** Of which the node pulled images. */
  pullUs: number;
  /** In order; they add up to `totalUs` exactly. */
  phasesUs: Record<string, number>;
  /** Every place on the way is known. */
  complete: boolean;
};

/** From where a pod's startup counts: the intended send if somebody created it directly, else its first event. */
export function startOf(times: PodTimes): number {
  return times.intendedUs === 0 ? times.seenUs : times.intendedUs;
}

/** The places on a pod's way, in order, and when it was there. */
function placesOf(times: PodTimes): [string, number][] {
  const { node } = times;
  const made: [string, number][] =
    times.intendedUs === 0
      ? [['first seen', times.seenUs]]
      : [
          ['intended', times.intendedUs],
          ['sent', times.sentUs],
          ['accepted', times.acceptedUs],
        ];
  return [
    ...made,
    ['scheduled', times.scheduledUs],
    ['seen by node', node?.seenUs ?? 0],
    ['sandbox ready', node?.sandboxUs ?? 0],
    ['images pulled', node?.pulledUs ?? 0],
    ['containers started', node?.containersUs ?? 0],
    ['status sent', node?.statusSentUs ?? 0],
    ['acknowledged', node?.acknowledgedUs ?? 0],
    ['seen by watcher', times.startedUs],
  ];
}

/**
 * The way of a pod that has started, as phases that add up. Pure.
 *
 * The places are seen over different connections, so that a later one may be seen first (a kubelet often has a pod
 * before the watcher sees it scheduled, and the watcher its status before the kubelet has the answer to the write): a
 * place never lies before the one in front of it, nor after the end, and the phase between is then 0. A place that is
 * not known is left out, and its two phases are one.
 */
export function podPath(times: PodTimes): PodPath {
  const places = placesOf(times);
  const known = places.filter(([, atUs]) => atUs !== 0);
  const startUs = startOf(times);
  const totalUs = Math.max(0, Math.round(times.startedUs - startUs));
  const phasesUs: Record<string, number> = {};
  let [fromName] = known[0] ?? ['', 0];
  let fromUs = 0;
  for (const [name, atUs] of known.slice(1)) {
    const last = name === 'seen by watcher';
    const toUs = last ? totalUs : Math.min(totalUs, Math.max(fromUs, Math.round(atUs - startUs)));
    phasesUs[`${fromName} to ${name}`] = toUs - fromUs;
    fromName = name;
    fromUs = toUs;
  }
  const pullUs = Math.min(totalUs, Math.round(times.node?.pullUs ?? 0));
  return { totalUs, pullUs, phasesUs, complete: known.length === places.length };
}

/** Parts of a pod's way that other tools measure as one; clusterloader2 calls a pod whose containers have started running. */
const spans = [
  ['scheduled', 'containers started'],
  ['containers started', 'seen by watcher'],
  ['scheduled', 'seen by watcher'],
] as const;

/**
 * Several phases of a pod as one, `<from> to <to>`: percentiles of a sum cannot be made of those of its parts. A span of
 * which an end is not known is left out. Pure.
 */
export function podSpans(phasesUs: Readonly<Record<string, number>>): Record<string, number> {
  const placesUs = new Map<string, number>();
  let atUs = 0;
  for (const [phase, us] of Object.entries(phasesUs)) {
    const [from = '', to = ''] = phase.split(' to ');
    placesUs.set(from, atUs);
    atUs += us;
    placesUs.set(to, atUs);
  }
  const found: Record<string, number> = {};
  for (const [from, to] of spans) {
    const fromUs = placesUs.get(from);
    const toUs = placesUs.get(to);
    if (fromUs !== undefined && toUs !== undefined) found[`${from} to ${to}`] = toUs - fromUs;
  }
  return found;
}
