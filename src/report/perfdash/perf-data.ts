import { Histogram } from '../../metrics/histogram.ts';
import type { Sli } from '../../result/result.ts';

/** What perfdash draws as one line per quantile; `labels` tell lines apart, and every value of theirs is text. */
export type DataItem = { data: Record<string, number>; unit: string; labels: Record<string, string> };

/** The document of most summaries (`perftype.PerfData` in Kubernetes' tests). */
export type PerfData = { version: string; dataItems: DataItem[] };

/** Quantiles in milliseconds. */
export function latencyItem(histogram: Histogram, labels: Record<string, string>): DataItem {
  const ms = (quantile: number): number => histogram.quantile(quantile) / 1000;
  return { data: { Perc50: ms(0.5), Perc90: ms(0.9), Perc99: ms(0.99) }, unit: 'ms', labels };
}

/** The samples of several SLIs as one distribution. */
export function pooled(slis: readonly Sli[]): Histogram {
  const all = new Histogram();
  for (const sli of slis) all.merge(Histogram.fromBase64(sli.histogram));
  return all;
}
