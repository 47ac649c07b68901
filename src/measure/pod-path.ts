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
  /** The kubelet has it from its own watch. */
  nodeSeenUs: number;
  /** The kubelet sends the status in which all containers have started. */
  statusSentUs: number;
  acknowledgedUs: number;
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
    nodeSeenUs: 0,
    statusSentUs: 0,
    acknowledgedUs: 0,
    startedUs: 0,
  };
}

export type PodPath = {
  totalUs: number;
  /** In order; they add up to `totalUs` exactly. */
  phasesUs: Record<string, number>;
  /** Every place on the way is known. */
  complete: boolean;
};

/** From where a pod's startup counts: the intended send if somebody created it directly, else its first event. */
export function startOf(times: PodTimes): number {
  return times.intendedUs === 0 ? times.seenUs : times.intendedUs;
}

/**
 * The way of a pod that has started, as phases that add up. Pure.
 *
 * The places are seen over different connections, so that a later one may be seen first (a kubelet often has a pod
 * before the watcher sees it scheduled): a place never lies before the one in front of it, nor after the end, and the
 * phase between is then 0. A place that is not known is left out, and its two phases are one.
 */
export function podPath(times: PodTimes): PodPath {
  const direct = times.intendedUs !== 0;
  const places: [string, number][] = [
    ...(direct
      ? ([
          ['intended', times.intendedUs],
          ['sent', times.sentUs],
          ['accepted', times.acceptedUs],
        ] as [string, number][])
      : ([['first seen', times.seenUs]] as [string, number][])),
    ['scheduled', times.scheduledUs],
    ['seen by node', times.nodeSeenUs],
    ['status sent', times.statusSentUs],
    ['seen by watcher', times.startedUs],
  ];
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
  return { totalUs, phasesUs, complete: known.length === places.length };
}
