import { Histogram } from '../../metrics/histogram.ts';
import type { Sli } from '../../result/result.ts';
import { sliName } from '../view.ts';
import { type ChartSpec, seriesColour } from './chart-spec.ts';
import { formatCount, formatDurationUs } from './format.js';

/** More curves than this cannot be told apart; the tables have them all. */
export const curvesMax = 6;

/** Points per factor of ten on the percentile axis: finer than a screen shows. */
const pointsPerDecade = 48;

/** Curves that are a factor of this apart cannot share a linear axis. */
const linearRatioMax = 20;

export type PercentileWords = {
  id: string;
  title: string;
  subtitle: string;
  /** What y is. */
  axis: string;
  nameOf: (sli: Sli) => string;
};

/**
 * The curves of HDR plots: x is 1 / (1 - quantile) on a log axis, so that each further nine takes as much room.
 * `slis` are latencies with samples, one at least.
 */
export function percentileChart(slis: readonly Sli[], words: PercentileWords): ChartSpec {
  const largest = Math.max(...slis.map((sli) => sli.max));
  const smallest = Math.max(1, Math.min(...slis.map((sli) => sli.p50)));
  const logarithmic = Math.max(...slis.map((sli) => sli.p50)) / smallest > linearRatioMax;
  const thresholds = new Set(slis.map((sli) => sli.slo?.threshold).filter((each) => each !== undefined));
  const [threshold] = thresholds.size === 1 ? thresholds : [];
  // A threshold far above every sample would press the curves into the bottom of the chart.
  const shown = threshold !== undefined && threshold <= largest * 3;
  const countMax = Math.max(...slis.map((sli) => sli.count));
  const aside =
    threshold !== undefined && !shown ? ` The threshold, ${formatDurationUs(threshold)}, lies above.` : '';
  return {
    id: words.id,
    title: words.title,
    subtitle: `${words.subtitle}${aside}`,
    description: slis.map((sli) => describeQuantiles(sli)).join('; '),
    x: { kind: 'logarithmic', title: 'Percentile', format: 'tailOdds', min: 1, max: Math.max(10, countMax) },
    y: {
      kind: logarithmic ? 'logarithmic' : 'linear',
      title: logarithmic ? `${words.axis} (log scale)` : words.axis,
      format: 'durationUs',
      ...(logarithmic ? {} : { min: 0 }),
    },
    zoom: 'own',
    series: slis.map((sli, index) => ({
      label: words.nameOf(sli),
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

/** The main figures of an SLI, for those who cannot see its curve. */
export function describeQuantiles(sli: Sli): string {
  return `${sliName(sli)}: ${formatCount(sli.count)} samples, p50 ${formatDurationUs(sli.p50)}, p90 ${formatDurationUs(sli.p90)}, p99 ${formatDurationUs(sli.p99)}, max ${formatDurationUs(sli.max)}`;
}
