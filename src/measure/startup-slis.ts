import { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { PodStartup, StartupGroup } from './pod-startup.ts';
import { type Threshold, objectiveFor, podStartupObjective } from './slo.ts';

const officialDefinition =
  'From creationTimestamp until a watcher has seen all containers started; schedulable pods, without image pulls (hollow nodes have every image) and without pods that have init containers.';
const officialSource =
  "observer's wall clock less creationTimestamp, which has whole seconds: up to 1 s too long, half of it on average";
const preciseDefinition =
  'From the intended send of the create request (for pods that a controller makes: from the first watch event) until a watcher has seen all containers started; the same pods as pod-startup.';
const preciseSource = 'monotonic clock of the machine, 1 µs';

/** In the order of a pod's way, whichever came first in a run. */
const phaseOrder = [
  'intended to sent',
  'sent to accepted',
  'accepted to scheduled',
  'first seen to scheduled',
  'scheduled to seen by node',
  'seen by node to status sent',
  'status sent to seen by watcher',
];

/**
 * `pod-startup`, `pod-startup-precise` and `pod-startup-phase`. The SLO is judged on the stateless latency pods where
 * a run has them (they are made within the churn that the SLO presupposes), else on all stateless pods. A user's own
 * thresholds take the official one's place there; those with labels are judged on every group that has the labels.
 */
export function startupSlis(startup: PodStartup, thresholds: readonly Threshold[]): Sli[] {
  const groups = [...startup.groups.values()];
  const judged = judgedGroup(groups);
  const shown = judged === undefined || groups.includes(judged) ? groups : [judged, ...groups];
  const slis: Sli[] = [];
  for (const id of ['pod-startup', 'pod-startup-precise'] as const) {
    for (const group of shown) slis.push(startupSli(id, group, group === judged, thresholds));
    if (shown.length === 0) slis.push(startupSli(id, emptyGroup(), true, thresholds));
  }
  if (judged !== undefined) slis.push(...phaseSlis(judged));
  if (startup.statusWrites.count > 0) {
    slis.push(
      toSli(startup.statusWrites, {
        id: 'pod-status-write',
        labels: {},
        unit: 'us',
        definition:
          "From a node's send of the status in which all containers have started until its acknowledgement.",
        source: preciseSource,
      }),
    );
  }
  return slis;
}

/** The group that the startup SLO is judged on; undefined when no stateless pod started. */
export function judgedGroup(groups: readonly StartupGroup[]): StartupGroup | undefined {
  const stateless = groups.filter((group) => group.class === 'stateless' && group.official.count > 0);
  const latency = stateless.find((group) => group.kind === 'latency');
  if (latency !== undefined || stateless.length < 2) return latency ?? stateless[0];
  return merged(stateless);
}

function merged(groups: readonly StartupGroup[]): StartupGroup {
  const all = { ...emptyGroup(), kind: 'all' };
  for (const group of groups) {
    all.official.merge(group.official);
    all.precise.merge(group.precise);
    for (const [phase, histogram] of group.phases) {
      let into = all.phases.get(phase);
      if (into === undefined) all.phases.set(phase, (into = new Histogram()));
      into.merge(histogram);
    }
  }
  return all;
}

function emptyGroup(): StartupGroup {
  return {
    kind: 'all',
    class: 'stateless',
    official: new Histogram(),
    precise: new Histogram(),
    phases: new Map(),
  };
}

function startupSli(
  id: 'pod-startup' | 'pod-startup-precise',
  group: StartupGroup,
  judged: boolean,
  thresholds: readonly Threshold[],
): Sli {
  const official = id === 'pod-startup';
  const labels = { kind: group.kind, class: group.class };
  const own = objectiveFor(thresholds, id, labels, judged ? 0 : 1);
  const slo = own ?? (official && judged ? podStartupObjective : undefined);
  return toSli(official ? group.official : group.precise, {
    id,
    labels,
    unit: 'us',
    definition: official ? officialDefinition : preciseDefinition,
    source: official ? officialSource : preciseSource,
    ...(slo === undefined ? {} : { slo }),
  });
}

function phaseSlis(group: StartupGroup): Sli[] {
  const place = (phase: string): number => (phaseOrder.indexOf(phase) + 1 || phaseOrder.length + 1) - 1;
  return [...group.phases]
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([phase, histogram]) =>
      toSli(histogram, {
        id: 'pod-startup-phase',
        labels: { phase },
        unit: 'us',
        definition: `One phase of the startup of pods of kind ${group.kind}: ${phase}. The phases of a pod add up to its pod-startup-precise.`,
        source: preciseSource,
      }),
    );
}
