import { Histogram } from '../../metrics/histogram.ts';
import type { RunResult, Sli } from '../../result/result.ts';
import { headlineStartup, sliName, slisOf, startupParts } from '../view.ts';
import { barsOf } from './bars.js';
import { binned } from './bins.ts';
import { type ChartSpec, seriesColour } from './chart-spec.ts';
import { formatDurationUs } from './format.js';
import { curvesMax, describeQuantiles, percentileChart } from './percentile-chart.ts';

/** Percentile curves, distribution and phases of pod startup; each only where there are samples for it. */
export function startupCharts(result: RunResult): ChartSpec[] {
  const curves = [...slisOf(result, 'pod-startup-precise'), ...slisOf(result, 'pod-startup')]
    .filter((sli) => sli.count > 0)
    .slice(0, curvesMax);
  const headline = headlineStartup(result);
  const phases =
    headline === undefined
      ? []
      : startupParts(result, 'pod-startup-phase', [headline]).filter((sli) => sli.count > 0);
  const [main] = curves;
  if (main === undefined) return phases.length === 0 ? [] : [phaseChart(phases)];
  return [
    percentileChart(curves, {
      id: 'pod-startup-percentiles',
      title: 'Pod startup by percentile',
      subtitle: 'How long the fastest 50 %, 90 %, 99 % … of pods took at most.',
      axis: 'Startup latency',
      nameOf: sliName,
    }),
    histogramChart(main),
    ...(phases.length === 0 ? [] : [phaseChart(phases)]),
  ];
}

function histogramChart(sli: Sli): ChartSpec {
  const bins = binned(Histogram.fromBase64(sli.histogram).buckets());
  return {
    ...barsOf(bins, 'durationUs', 'Startup latency', 'pods'),
    id: 'pod-startup-histogram',
    title: 'Pod startup, distribution',
    subtitle: `${sliName(sli)}: how many pods took how long.`,
    description: describeQuantiles(sli),
    markers: [
      { axis: 'x', value: sli.p50, label: `p50 ${formatDurationUs(sli.p50)}`, role: 'muted' },
      { axis: 'x', value: sli.p99, label: `p99 ${formatDurationUs(sli.p99)}`, role: 'orange' },
    ],
  };
}

function phaseChart(phases: Sli[]): ChartSpec {
  const rows = ['p50', 'p90', 'p99'] as const;
  return {
    id: 'pod-startup-phases',
    title: 'Pod startup by phase',
    subtitle:
      'Where the time goes. Each phase has its own percentile: at p90 and p99 they add up to more than the whole.',
    description: phases.map((sli) => describeQuantiles(sli)).join('; '),
    x: { kind: 'linear', title: 'Latency', format: 'durationUs', stacked: true },
    y: { kind: 'category', title: '', format: 'number', stacked: true },
    horizontal: true,
    categories: [...rows],
    series: phases.map((sli, index) => ({
      label: sli.labels['phase'] ?? '',
      kind: 'bar',
      colour: seriesColour(index),
      points: rows.map((row, at) => [at, sli[row]]),
    })),
  };
}
