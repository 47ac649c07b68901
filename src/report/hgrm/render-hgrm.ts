import { Histogram } from '../../metrics/histogram.ts';
import type { RunResult, Sli } from '../../result/result.ts';
import { distinct, fileWord, type ReportFile } from '../report-file.ts';
import { runDurationMs, sliName } from '../view.ts';

/**
 * The distributions in HDR's own two forms: `<SLI>.hgrm`, a table of percentiles, for each SLI that has samples, and
 * `all.hlog`, a log of histograms with one interval for each, tagged with the same name. Latencies are in milliseconds
 * in the tables, as viewers label them, and in microseconds in the log's histograms.
 */
export function renderHgrm(result: RunResult): ReportFile[] {
  const slis = result.slis.filter((sli) => sli.count > 0);
  const names = distinct(slis.map((sli) => fileWord(sliName(sli))));
  const tables = slis.map((sli, index) => ({
    name: `${names[index]}.hgrm`,
    content: Histogram.fromBase64(sli.histogram).percentileText(ratioOf(sli)),
  }));
  return [...tables, { name: 'all.hlog', content: histogramLog(result, slis, names) }];
}

/** One interval for each SLI, as long as the run; version 1.3 of the format is the one with tags. */
function histogramLog(result: RunResult, slis: readonly Sli[], tags: readonly string[]): string {
  const { startedAt } = result.run;
  const startSeconds = (Date.parse(startedAt) / 1000).toFixed(3);
  const lengthSeconds = (runDurationMs(result) / 1000).toFixed(3);
  const intervals = slis.map((sli, index) => {
    const max = (sli.max / ratioOf(sli)).toFixed(3);
    return `Tag=${tags[index]},0.000,${lengthSeconds},${max},${sli.histogram}`;
  });
  const lines = [
    `#[Logged by ${result.tool.name} ${result.tool.version}]`,
    '#[Histogram log format version 1.3]',
    `#[StartTime: ${startSeconds} (seconds since epoch), ${startedAt}]`,
    // Without it readers guess whether timestamps count from the start or from 1970.
    `#[BaseTime: ${startSeconds} (seconds since epoch)]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ...intervals,
  ];
  return `${lines.join('\n')}\n`;
}

function ratioOf({ unit }: Sli): number {
  return unit === 'us' ? 1000 : 1;
}
