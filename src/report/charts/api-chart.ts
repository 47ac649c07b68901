import type { RunResult, Sli } from '../../result/result.ts';
import { apiCallRows, labelText } from '../view.ts';
import type { ChartSpec, ColourRole } from './chart-spec.ts';
import { formatCount, formatDurationUs } from './format.js';
import { curvesMax, percentileChart } from './percentile-chart.ts';

/** Rows that fit on a screen; the table below the chart has all of them. */
const rowsMax = 20;

/** Fewer samples make no curve. */
const curveSamplesMin = 100;

/** The slowest kinds of API call on the client, by quantiles and as curves; nothing when there were no calls. */
export function apiCharts(result: RunResult): ChartSpec[] {
  const seen = apiCallRows(result)
    .map((row) => row.client)
    .filter((sli): sli is Sli => sli !== undefined && sli.count > 0);
  const shown = seen.slice(0, rowsMax);
  if (shown.length === 0) return [];
  const quantiles: ['p50' | 'p90' | 'p99', ColourRole][] = [
    ['p50', 'green'],
    ['p90', 'blue'],
    ['p99', 'orange'],
  ];
  const curves = seen.filter((sli) => sli.count >= curveSamplesMin).slice(0, curvesMax);
  return [
    ...(curves.length === 0 ? [] : [curveChart(curves)]),
    {
      id: 'api-calls',
      title: 'API calls by kind',
      subtitle:
        seen.length > shown.length
          ? `The ${shown.length} slowest of ${formatCount(seen.length)} kinds, measured on the client.`
          : 'Measured on the client, slowest first.',
      description: shown.map((sli) => `${labelText(sli)}: p99 ${formatDurationUs(sli.p99)}`).join('; '),
      x: { kind: 'logarithmic', title: 'Latency (log scale)', format: 'durationUs' },
      y: { kind: 'category', title: '', format: 'number' },
      horizontal: true,
      categories: shown.map((sli) => labelText(sli)),
      series: quantiles.map(([quantile, colour]) => ({
        label: quantile,
        kind: 'dots',
        colour,
        // A log axis has no place for 0.
        points: shown.map((sli, index) => [index, Math.max(1, sli[quantile])]),
      })),
    },
  ];
}

function curveChart(curves: readonly Sli[]): ChartSpec {
  return percentileChart(curves, {
    id: 'api-percentiles',
    title: 'API calls by percentile',
    subtitle: `The ${curves.length === 1 ? 'kind' : `${curves.length} kinds`} with the largest p99 of those called ${curveSamplesMin} times at least, on the client.`,
    axis: 'Latency',
    nameOf: labelText,
  });
}
