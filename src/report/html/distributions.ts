import { Histogram } from '../../metrics/histogram.ts';
import type { RunResult, Sli, Unit } from '../../result/result.ts';
import { binned, type Bins } from '../charts/bins.ts';
import type { AxisFormat } from '../charts/chart-spec.ts';
import { sliName } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { section } from './parts.ts';

/** A run has some hundred SLIs; of more those with most samples can be looked at. */
const distributionsMax = 400;

/** Places on the percentile axis for each factor of ten: as fine as a curve on a screen needs. */
const perDecade = 24;

/** One SLI as the page's script draws it. */
export type Distribution = {
  name: string;
  format: AxisFormat;
  count: number;
  /** The value at each place of the percentile axis, `10 ** (index / perDecade)`, below the last sample; then the largest. */
  values: number[];
  bins: Bins;
  p50: number;
  p99: number;
  threshold: number | null;
};

export type Distributions = { perDecade: number; all: Distribution[] };

/** Every SLI with samples, in the order of the result. */
export function distributionsOf(result: RunResult): Distributions {
  const withSamples = result.slis.filter((sli) => sli.count > 0);
  const least = withSamples.map((sli) => sli.count).toSorted((a, b) => b - a)[distributionsMax - 1] ?? 0;
  const all = withSamples.filter((sli) => sli.count >= least).slice(0, distributionsMax);
  return { perDecade, all: all.map(distributionOf) };
}

function distributionOf(sli: Sli): Distribution {
  const histogram = Histogram.fromBase64(sli.histogram);
  const values: number[] = [];
  for (let x = 1; x < sli.count; x = 10 ** (values.length / perDecade)) {
    // A histogram tells the upper end of a bucket, in which the largest may lie lower.
    values.push(Math.min(histogram.quantile(1 - 1 / x), sli.max));
  }
  return {
    name: sliName(sli),
    format: formatOf(sli.unit),
    count: sli.count,
    values: [...values, sli.max],
    bins: binned(histogram.buckets()),
    p50: sli.p50,
    p99: sli.p99,
    threshold: sli.slo?.threshold ?? null,
  };
}

function formatOf(unit: Unit): AxisFormat {
  if (unit === 'us') return 'durationUs';
  return unit === 'bytes' ? 'bytes' : 'number';
}

/** A place for the script's charts of any SLI, alone or beside another one; nothing without samples. */
export function distributions(result: RunResult): Markup {
  if (result.slis.every((sli) => sli.count === 0)) return html``;
  return section('distributions', 'Any indicator as a curve', [
    html`<p class="lead">Every indicator with samples, by percentile and as a histogram, alone or beside another one.</p><div class="choices"><label>Indicator <select id="first"></select></label><label>Beside <select id="second"></select></label></div><div class="charts" id="explorer"></div>`,
  ]);
}
