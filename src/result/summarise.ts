import { Histogram } from '../metrics/histogram.ts';
import type { Quantiles, Sli, Slo, SloVerdict, Unit } from './result.ts';

/** What is told of an SLI beside its samples. */
export type SliDescription = {
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  definition: string;
  source: string;
  resolution: string;
  /** The same samples, each less the event-loop delay at its time. */
  lowerBound?: Histogram;
  slo?: { quantile: number; threshold: number };
};

/**
 * The fewest samples from which a quantile is judged: one sample must lie beyond it, 100 for a p99 and 1,000 for a
 * p99.9. With fewer, "the p99" is just the largest sample, and a verdict on it would say less than it seems to.
 */
export function minimumSamples(quantile: number): number {
  if (quantile >= 1) return 1;
  // Rounded first: 1 / (1 - 0.99) is 99.99999999999991 or so, in binary.
  return Math.max(1, Math.ceil(Math.round(1e6 / (1 - quantile)) / 1e6));
}

/**
 * Judges a quantile: `inconclusive` below {@link minimumSamples}, else `fail` when it lies above the threshold.
 * HDR rounds up by at most 0.1 %, so that a value which touches the threshold may fail but a miss never passes.
 */
export function judge(
  count: number,
  value: number,
  slo: { quantile: number; threshold: number },
): SloVerdict {
  if (count < minimumSamples(slo.quantile)) return 'inconclusive';
  return value > slo.threshold ? 'fail' : 'pass';
}

/**
 * Makes an SLI of a distribution: quantiles, maximum, the encoded histogram, and the verdict on its SLO if it has
 * one. Values are in the description's unit; without samples they are 0 and the histogram is the empty string.
 */
export function toSli(histogram: Histogram, description: SliDescription): Sli {
  const { slo, lowerBound, ...rest } = description;
  const sli: Sli = {
    ...rest,
    count: histogram.count,
    ...quantilesOf(histogram),
    histogram: histogram.toBase64(),
    ...(lowerBound === undefined ? {} : { lowerBound: quantilesOf(lowerBound) }),
  };
  return slo === undefined ? sli : { ...sli, slo: withVerdict(histogram, slo) };
}

function quantilesOf(histogram: Histogram): Quantiles {
  return {
    p50: histogram.quantile(0.5),
    p90: histogram.quantile(0.9),
    p99: histogram.quantile(0.99),
    p999: histogram.quantile(0.999),
    max: histogram.max,
  };
}

function withVerdict(histogram: Histogram, slo: { quantile: number; threshold: number }): Slo {
  return { ...slo, verdict: judge(histogram.count, histogram.quantile(slo.quantile), slo) };
}

/** The SLI's value at a quantile: one of those that a result holds, or else read from the histogram. */
export function valueAt(sli: Sli, quantile: number): number {
  if (quantile === 0.5) return sli.p50;
  if (quantile === 0.9) return sli.p90;
  if (quantile === 0.99) return sli.p99;
  if (quantile === 0.999) return sli.p999;
  return quantile >= 1 ? sli.max : Histogram.fromBase64(sli.histogram).quantile(quantile);
}
