import type { Sli, Slo } from '../../result/result.ts';
import { minimumSamples, toSli } from '../../result/summarise.ts';
import { type Bucket, bucketIncreases, countOf, histogramOf, isWithin } from '../buckets.ts';
import type { PrometheusSample } from '../prometheus.ts';
import { type Objective, type Threshold, objectiveFor } from '../slo.ts';
import type { StepSamples } from '../windows/window-set.ts';
import type { HistogramSpec } from './spec.ts';

type Series = {
  labels: Record<string, string>;
  objective: Objective | undefined;
  /** Of the last reading: cumulative counts by upper bound in microseconds. */
  last: Map<number, number>;
  /** Since the first reading, by upper bound. */
  total: Map<number, Bucket>;
};

/** What came into one histogram of a component since the first reading. Takes no more memory than the histogram. */
export class HistogramIncreases {
  private readonly spec: HistogramSpec;
  private readonly thresholds: readonly Threshold[];
  private readonly series = new Map<string, Series>();

  constructor(spec: HistogramSpec, thresholds: readonly Threshold[]) {
    this.spec = spec;
    this.thresholds = thresholds;
  }

  get sampleName(): string {
    return `${this.spec.family}_bucket`;
  }

  /**
   * @param how `first`: nothing is counted yet; `restarted`: the component has begun anew, and all that it tells came since.
   * @returns what came since the last reading into what is judged
   */
  read(samples: readonly PrometheusSample[], how: 'first' | 'next' | 'restarted'): StepSamples[] {
    const came: StepSamples[] = [];
    // A series that this process has not told yet begins at nothing when it comes.
    if (how !== 'next') for (const series of this.series.values()) series.last = new Map();
    for (const [key, { labels, buckets }] of this.cumulative(samples)) {
      let series = this.series.get(key);
      if (series === undefined) {
        series = { labels, objective: this.objectiveOf(labels), last: new Map(), total: new Map() };
        this.series.set(key, series);
      }
      if (how !== 'first') {
        const increases = bucketIncreases(series.last, buckets).filter(({ count }) => count > 0);
        for (const increase of increases) addTo(series.total, increase);
        const { objective } = series;
        if (objective !== undefined && increases.length > 0) {
          came.push({ id: this.spec.id, labels, objective, buckets: increases });
        }
      }
      series.last = buckets;
    }
    return came;
  }

  /** @param source where the samples come from, behind the family's name. */
  tell(source: string): Sli[] {
    const { family, id, definition, resolution } = this.spec;
    const slis: Sli[] = [];
    for (const { labels, objective, total } of this.series.values()) {
      const buckets = [...total.values()].toSorted((a, b) => a.high - b.high);
      if (buckets.length === 0) continue;
      const about = { id, labels, unit: 'us' as const, definition, source: `${family}${source}`, resolution };
      const sli = toSli(histogramOf(buckets), about);
      slis.push(objective === undefined ? sli : { ...sli, slo: judged(objective, buckets) });
    }
    return slis;
  }

  private objectiveOf(labels: Record<string, string>): Objective | undefined {
    return objectiveFor(this.thresholds, this.spec.id, labels) ?? this.spec.objective?.(labels);
  }

  private cumulative(
    samples: readonly PrometheusSample[],
  ): Map<string, { labels: Record<string, string>; buckets: Map<number, number> }> {
    const found = new Map<string, { labels: Record<string, string>; buckets: Map<number, number> }>();
    for (const { labels: given, value } of samples) {
      const labels = this.spec.labels(given);
      if (labels === undefined) continue;
      const key = JSON.stringify(labels);
      let one = found.get(key);
      if (one === undefined) found.set(key, (one = { labels, buckets: new Map() }));
      const bound = boundUs(given['le'] ?? '');
      one.buckets.set(bound, (one.buckets.get(bound) ?? 0) + value);
    }
    return found;
  }
}

const verdicts = { yes: 'pass', no: 'fail', unknown: 'inconclusive' } as const;

/** Held against the buckets, and not against what is placed in them. */
function judged(objective: Objective, buckets: readonly Bucket[]): Slo {
  const { quantile, threshold } = objective;
  if (countOf(buckets) < minimumSamples(quantile)) return { ...objective, verdict: 'inconclusive' };
  return { ...objective, verdict: verdicts[isWithin(buckets, quantile, threshold)] };
}

/** `0.05` → 50,000. */
function boundUs(seconds: string): number {
  return seconds === '+Inf' ? Number.POSITIVE_INFINITY : Math.round(Number(seconds) * 1e6);
}

function addTo(total: Map<number, Bucket>, { low, high, count }: Bucket): void {
  const bucket = total.get(high);
  if (bucket === undefined) total.set(high, { low, high, count });
  else bucket.count += count;
}
