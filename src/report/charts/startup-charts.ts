import { Histogram } from '../../metrics/histogram.ts';
import type { RunResult, Sli } from '../../result/result.ts';
import { labelText, sliName, slisOf } from '../view.ts';
import { type ChartSpec, seriesColour } from './chart-spec.ts';
import { formatDurationUs } from './format.js';

/** More curves than this cannot be told apart; the table has them all. */
const curvesMax = 6;
/** Points per factor of ten on the percentile axis: finer than a screen shows. */
const pointsPerDecade = 48;
/** Bars of the histogram that a reader can take in. */
const binsMax = 40;

/** Percentile curves, distribution and phases of pod startup; each only where there are samples for it. */
export function startupCharts(result: RunResult): ChartSpec[] {
  const curves = [...slisOf(result, 'pod-startup-precise'), ...slisOf(result, 'pod-startup')]
    .filter((sli) => sli.count > 0)
    .slice(0, curvesMax);
  const phases = slisOf(result, 'pod-startup-phase').filter((sli) => sli.count > 0);
  const [main] = curves;
  if (main === undefined) return phases.length === 0 ? [] : [phaseChart(phases)];
  return [
    percentileChart(curves),
    histogramChart(main),
    ...(phases.length === 0 ? [] : [phaseChart(phases)]),
  ];
}

/** The curve of HDR plots: x is 1 / (1 - quantile) on a log axis, so that each further nine takes as much room. */
function percentileChart(curves: Sli[]): ChartSpec {
  const largest = Math.max(...curves.map((sli) => sli.max));
  const threshold = curves.find((sli) => sli.slo !== undefined)?.slo?.threshold;
  // A threshold far above every sample would press the curves into the bottom of the chart.
  const shown = threshold !== undefined && threshold <= largest * 3;
  const countMax = Math.max(...curves.map((sli) => sli.count));
  const aside =
    threshold !== undefined && !shown ? ` The threshold, ${formatDurationUs(threshold)}, lies above.` : '';
  return {
    id: 'pod-startup-percentiles',
    title: 'Pod startup by percentile',
    subtitle: `How long the fastest 50 %, 90 %, 99 % … of pods took at most.${aside}`,
    description: curves.map((sli) => describeQuantiles(sli)).join('; '),
    x: { kind: 'logarithmic', title: 'Percentile', format: 'tailOdds', min: 1, max: Math.max(10, countMax) },
    y: { kind: 'linear', title: 'Startup latency', format: 'durationUs', min: 0 },
    series: curves.map((sli, index) => ({
      label: sliName(sli),
      kind: 'line',
      colour: seriesColour(index),
      dashed: sli.id === 'pod-startup',
      points: percentilePoints(sli),
    })),
    ...(shown
      ? {
          markers: [
            { axis: 'y', value: threshold, label: `SLO ${formatDurationUs(threshold)}`, role: 'threshold' },
          ],
        }
      : {}),
  };
}

/** Every curve is read at the same places, so that hovering compares like with like. */
function percentilePoints(sli: Sli): [number, number][] {
  const histogram = Histogram.fromBase64(sli.histogram);
  const points: [number, number][] = [];
  for (let k = 0; ; k++) {
    const x = 10 ** (k / pointsPerDecade);
    if (x >= sli.count) break;
    points.push([x, histogram.quantile(1 - 1 / x)]);
  }
  points.push([Math.max(1, sli.count), sli.max]);
  return points;
}

function describeQuantiles(sli: Sli): string {
  return `${sliName(sli)}: ${sli.count} samples, p50 ${formatDurationUs(sli.p50)}, p90 ${formatDurationUs(sli.p90)}, p99 ${formatDurationUs(sli.p99)}, max ${formatDurationUs(sli.max)}`;
}

function histogramChart(sli: Sli): ChartSpec {
  const { bins, logarithmic } = binned(Histogram.fromBase64(sli.histogram).buckets());
  const middle = (bin: Bin): number => (logarithmic ? Math.sqrt(bin.from * bin.to) : (bin.from + bin.to) / 2);
  return {
    id: 'pod-startup-histogram',
    title: 'Pod startup, distribution',
    subtitle: `${sliName(sli)}: how many pods took how long.`,
    description: describeQuantiles(sli),
    x: {
      kind: logarithmic ? 'logarithmic' : 'linear',
      title: logarithmic ? 'Startup latency (log scale)' : 'Startup latency',
      format: 'durationUs',
      min: bins[0]?.from ?? 1,
      max: bins.at(-1)?.to ?? 10,
    },
    y: { kind: 'linear', title: 'Pods', format: 'count', min: 0 },
    categories: bins.map((bin) => `${formatDurationUs(bin.from)} – ${formatDurationUs(bin.to)}`),
    series: [
      { label: 'pods', kind: 'bar', colour: 'blue', points: bins.map((bin) => [middle(bin), bin.count]) },
    ],
    markers: [
      { axis: 'x', value: sli.p50, label: `p50 ${formatDurationUs(sli.p50)}`, role: 'muted' },
      { axis: 'x', value: sli.p99, label: `p99 ${formatDurationUs(sli.p99)}`, role: 'orange' },
    ],
  };
}

type Bin = { from: number; to: number; count: number };

/** Bins of one width, or of one ratio where the largest sample is more than 8 times the smallest. */
function binned(buckets: { value: number; count: number }[]): { bins: Bin[]; logarithmic: boolean } {
  const smallest = Math.max(1, buckets[0]?.value ?? 1);
  const largest = Math.max(smallest, buckets.at(-1)?.value ?? 1);
  const logarithmic = largest / smallest > 8;
  const width = niceStep((largest - smallest) / binsMax);
  const ratio = (largest / smallest) ** (1 / (binsMax - 1));
  const start = logarithmic ? smallest : Math.floor(smallest / width) * width;
  const edge = (index: number): number => (logarithmic ? start * ratio ** index : start + width * index);
  const position = (value: number): number =>
    logarithmic ? Math.log(Math.max(value, start) / start) / Math.log(ratio) : (value - start) / width;
  // 1e-9: a value on an edge belongs to the bin that starts there, whatever the logarithm's last digit says.
  const indexOf = (value: number): number => Math.max(0, Math.floor(position(value) + 1e-9));
  const bins = Array.from({ length: indexOf(largest) + 1 }, (_, index) => ({
    from: edge(index),
    to: edge(index + 1),
    count: 0,
  }));
  for (const { value, count } of buckets) {
    const bin = bins[indexOf(value)];
    if (bin !== undefined) bin.count += count;
  }
  return { bins, logarithmic };
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
function niceStep(step: number): number {
  if (step <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5, 10].find((factor) => factor * power >= step) ?? 10) * power;
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
      label: labelText(sli),
      kind: 'bar',
      colour: seriesColour(index),
      points: rows.map((row, at) => [at, sli[row]]),
    })),
  };
}
