/**
 * What a hollow kubelet knows of one pod's start: machine-wide monotonic microseconds, 0 where it does not know (a kubelet
 * that starts anew may find a pod half-way).
 */
export type PodStartTimes = {
  /** The pod came over the kubelet's own watch. */
  seenUs: number;
  /** Its first sandbox was ready. */
  sandboxUs: number;
  /** The image of the last container to be started for the first time was there. */
  pulledUs: number;
  /** The last of its containers had started. */
  containersUs: number;
  /** The status that says so was sent… */
  statusSentUs: number;
  /** …and acknowledged. */
  acknowledgedUs: number;
  /** No time but a duration: of its image pulls together, those that failed too. They never overlap in one pod. */
  pullUs: number;
};

/** The order in which {@link addStartTimes} puts them into a list of numbers, which is what crosses threads. */
const layout = [
  'seenUs',
  'sandboxUs',
  'pulledUs',
  'containersUs',
  'statusSentUs',
  'acknowledgedUs',
  'pullUs',
] as const satisfies readonly (keyof PodStartTimes)[];

/** Of a pod that has just been seen. */
export function startTimesFrom(seenUs: number): PodStartTimes {
  return {
    seenUs,
    sandboxUs: 0,
    pulledUs: 0,
    containersUs: 0,
    statusSentUs: 0,
    acknowledgedUs: 0,
    pullUs: 0,
  };
}

/** Appends one pod's times. */
export function addStartTimes(list: number[], times: PodStartTimes): void {
  for (const name of layout) list.push(times[name]);
}

/** The times of the pod that was added as the `index`'th. */
export function startTimesAt(list: Float64Array, index: number): PodStartTimes {
  const times = startTimesFrom(0);
  layout.forEach((name, place) => {
    times[name] = list[index * layout.length + place] ?? 0;
  });
  return times;
}
