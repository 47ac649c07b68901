import type { RunResult, Sli } from '../../result/result.ts';
import { fileWord, type ReportFile } from '../report-file.ts';
import { slisOf } from '../view.ts';
import { type DataItem, latencyItem, type PerfData, pooled } from './perf-data.ts';
import { resourceUsage } from './resource-usage.ts';
import { startupSummaries } from './startup-summaries.ts';

/** The version that clusterloader2 writes into summaries of API calls and of the network. */
const callVersion = 'v1';

/**
 * The run as the summaries that clusterloader2 writes and perfdash reads, one file each, named
 * `<summary>_<test>_<time>.json`. Summaries of what was not measured are left out. All quantiles are those of the whole
 * run. perfdash looks for files by the test's name: its own configuration knows `density` and `load`, and takes those of
 * every test for API calls and resources.
 */
export function renderPerfdash(result: RunResult): ReportFile[] {
  // `_` parts a file's name into summary, test and time.
  const test = fileWord(result.run.scenario).replaceAll('_', '-');
  const time = result.run.finishedAt.replace(/\.\d+(?=Z$)/, '');
  const documents: [summary: string, document: unknown][] = [
    ...startupSummaries(result),
    ...callSummary('APIResponsiveness', slisOf(result, 'api-call')),
    // The suffix is clusterloader2's for the quantiles of a whole run, in place of the worst of its windows.
    ...callSummary('APIResponsivenessPrometheus_simple', slisOf(result, 'api-call-server')),
    ...networkSummary(slisOf(result, 'network-programming')),
    ...resourceUsage(result),
  ];
  return documents.map(([summary, document]) => ({
    name: `${summary}_${test}_${time}.json`,
    content: `${JSON.stringify(document, null, 2)}\n`,
  }));
}

/** Slowest first, as clusterloader2 has them. */
function callSummary(summary: string, slis: readonly Sli[]): [string, PerfData][] {
  const kinds = new Map<string, Sli[]>();
  for (const sli of slis) {
    if (sli.count === 0) continue;
    // Whose call it was is no label there.
    const { verb, resource, subresource, scope } = sli.labels;
    const key = JSON.stringify([verb, resource, subresource, scope]);
    kinds.set(key, [...(kinds.get(key) ?? []), sli]);
  }
  const dataItems = [...kinds.values()].map(callItem);
  if (dataItems.length === 0) return [];
  const p99 = (item: DataItem): number => item.data['Perc99'] ?? 0;
  return [[summary, { version: callVersion, dataItems: dataItems.toSorted((a, b) => p99(b) - p99(a)) }]];
}

function callItem(slis: readonly Sli[]): DataItem {
  const { verb = '', resource = '', subresource = '', scope = '' } = slis[0]?.labels ?? {};
  const histogram = pooled(slis);
  return latencyItem(histogram, {
    Verb: verb,
    Resource: resource,
    Subresource: subresource,
    Scope: scope,
    Count: String(histogram.count),
    SlowCount: String(histogram.countAbove(thresholdUs(scope))),
  });
}

/** Of the official SLO, whatever the scenario's own thresholds are: a slow call is the same in every run. */
function thresholdUs(scope: string): number {
  return scope === 'resource' ? 1_000_000 : 30_000_000;
}

function networkSummary(slis: readonly Sli[]): [string, PerfData][] {
  const histogram = pooled(slis);
  if (histogram.count === 0) return [];
  return [['NetworkProgrammingLatency', { version: callVersion, dataItems: [latencyItem(histogram, {})] }]];
}
