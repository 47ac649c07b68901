import { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { PodStartup, StartupGroup } from './pod-startup.ts';
import { type Threshold, objectiveFor, podStartupObjective } from './slo.ts';

const officialDefinition =
  'From creationTimestamp until a watcher has seen all containers started, less the time in which the node pulled images for the pod; schedulable pods, those with init containers left out.';
const officialSource =
  "observer's wall clock less creationTimestamp; pulls on the monotonic clock of the hollow node";
const officialResolution = 'creationTimestamp has whole seconds: up to 1 s too long, half of it on average';
const preciseDefinition =
  'From the intended send of the create request (for pods that a controller makes: from the first watch event) until a watcher has seen all containers started, less image pulls; the same pods as pod-startup.';
const preciseSource = 'monotonic clock of the machine';
const preciseResolution = '1 µs';

const scheduling = "until a watch event names a node, the event's own way included";

/** In the order of a pod's way, whichever came first in a run: what each phase consists of. */
const phaseMeanings: Readonly<Record<string, string>> = {
  'intended to sent': 'how late the create request left',
  'sent to accepted': 'the create request',
  'accepted to scheduled': scheduling,
  'first seen to scheduled': scheduling,
  'scheduled to seen by node':
    "until the pod comes over the kubelet's own watch, 0 if that was before the observer's event",
  'seen by node to sandbox ready':
    'admission, token, volumes, and the sandbox, which takes what the runtime profile says',
  'sandbox ready to images pulled':
    'until the image of the last container is there; of several containers, the starts of the earlier ones are in it',
  'images pulled to containers started':
    'create and start of the last container, which take what the runtime profile says',
  'containers started to status sent': "until it is the pod's turn in the status manager, and its GET",
  'status sent to acknowledged':
    "the PATCH of the status, the client's rate limit included, as far as it was not answered after the watcher's event",
  'acknowledged to seen by watcher': "until the observer's event, 0 if that came before the acknowledgement",
};

const phaseOrder = Object.keys(phaseMeanings);

/**
 * `pod-startup`, `pod-startup-precise`, `pod-startup-phase` and `pod-startup-span`. The SLO is judged on the stateless
 * latency pods where a run has them (they are made within the churn that the SLO presupposes), else on all stateless pods.
 * A user's own thresholds take the official one's place there; those with labels are judged on every group that has the labels.
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
  for (const group of shown) slis.push(...phaseSlis(group), ...spanSlis(group));
  if (startup.statusWrites.count > 0) {
    slis.push(
      toSli(startup.statusWrites, {
        id: 'pod-status-write',
        labels: {},
        unit: 'us',
        definition:
          "From a node's send of the status in which all containers have started until its acknowledgement.",
        source: preciseSource,
        resolution: preciseResolution,
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
    all.preciseLower.merge(group.preciseLower);
    mergeAll(all.phases, group.phases);
    mergeAll(all.spans, group.spans);
  }
  return all;
}

function mergeAll(into: Map<string, Histogram>, from: ReadonlyMap<string, Histogram>): void {
  for (const [name, histogram] of from) {
    let all = into.get(name);
    if (all === undefined) into.set(name, (all = new Histogram()));
    all.merge(histogram);
  }
}

function emptyGroup(): StartupGroup {
  return {
    kind: 'all',
    class: 'stateless',
    official: new Histogram(),
    precise: new Histogram(),
    preciseLower: new Histogram(),
    phases: new Map(),
    spans: new Map(),
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
    resolution: official ? officialResolution : preciseResolution,
    ...(official ? {} : { lowerBound: group.preciseLower }),
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
        labels: { phase, kind: group.kind, class: group.class },
        unit: 'us',
        definition: `One phase of the startup of ${group.class} pods of kind ${group.kind}, ${phase}: ${phaseMeanings[phase] ?? 'several at once'}. The phases of a pod add up to its whole way, image pulls included.`,
        source: preciseSource,
        resolution: preciseResolution,
      }),
    );
}

function spanSlis(group: StartupGroup): Sli[] {
  return [...group.spans].map(([span, histogram]) =>
    toSli(histogram, {
      id: 'pod-startup-span',
      labels: { span, kind: group.kind, class: group.class },
      unit: 'us',
      definition: `Several phases of the startup of ${group.class} pods of kind ${group.kind} as one, ${span}, image pulls included.`,
      source: preciseSource,
      resolution: preciseResolution,
    }),
  );
}
