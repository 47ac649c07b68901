import type { RunResult, Sli } from '../../result/result.ts';
import { headlineStartup, slisOf, startupParts } from '../view.ts';
import { latencyItem, type PerfData, pooled } from './perf-data.ts';

/** The version that clusterloader2 writes into summaries of pod startup. */
const startupVersion = '1.0';

/**
 * Pod startup. The pods that the SLO is judged on are `PodStartupLatency`; other stateless ones are those that fill the
 * cluster (`Saturation…`); stateful ones have a summary of their own. Each has the parts of its pods' way. To the microsecond:
 * from the first event of a pod or the send of its request, as clusterloader2 counts, not from creationTimestamp.
 */
export function startupSummaries(result: RunResult): [summary: string, document: PerfData][] {
  const judged = headlineStartup(result);
  if (judged === undefined) return [];
  const others = slisOf(result, judged.id).filter((sli) => sli !== judged && sli.labels['kind'] !== 'all');
  const stateful = (sli: Sli): boolean => sli.labels['class'] === 'stateful';
  // The pods of all kinds are among those of each.
  const filling = judged.labels['kind'] === 'all' ? [] : others.filter((sli) => !stateful(sli));
  const summaries: [string, PerfData['dataItems']][] = [
    ['PodStartupLatency_PodStartupLatency', startupItems(result, [judged])],
    ['PodStartupLatency_SaturationPodStartupLatency', startupItems(result, filling)],
    ['StatefulPodStartupLatency_PodStartupLatency', startupItems(result, others.filter(stateful))],
  ];
  return summaries
    .filter(([, dataItems]) => dataItems.length > 0)
    .map(([summary, dataItems]) => [summary, { version: startupVersion, dataItems }]);
}

function startupItems(result: RunResult, slis: readonly Sli[]): PerfData['dataItems'] {
  const histogram = pooled(slis);
  if (histogram.count === 0) return [];
  return [...wayItems(result, slis), latencyItem(histogram, { Metric: 'pod_startup' })];
}

/** The parts of these pods' way, by clusterloader2's names, with the phases or spans of ours that they are. */
function wayItems(result: RunResult, of: readonly Sli[]): PerfData['dataItems'] {
  const phase = (name: string): Sli[] =>
    startupParts(result, 'pod-startup-phase', of).filter((sli) => sli.labels['phase'] === name);
  const span = (name: string): Sli[] =>
    startupParts(result, 'pod-startup-span', of).filter((sli) => sli.labels['span'] === name);
  const parts: [metric: string, slis: Sli[]][] = [
    // A pod has one of the two: the first if it was created directly, the second if a controller made it.
    ['create_to_schedule', [...phase('accepted to scheduled'), ...phase('first seen to scheduled')]],
    ['schedule_to_run', span('scheduled to containers started')],
    ['run_to_watch', span('containers started to seen by watcher')],
    ['schedule_to_watch', span('scheduled to seen by watcher')],
  ];
  return parts
    .map(([metric, slis]) => ({ metric, histogram: pooled(slis) }))
    .filter(({ histogram }) => histogram.count > 0)
    .map(({ metric, histogram }) => latencyItem(histogram, { Metric: metric }));
}
