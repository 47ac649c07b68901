import { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { PrometheusSample } from './prometheus.ts';
import { type Threshold, apiCallObjective, objectiveFor, resourceName } from './slo.ts';

/** The family that the SLO is defined on: without webhooks and without queueing for priority and fairness. */
export const serverFamily = 'apiserver_request_sli_duration_seconds';

/** What {@link serverLatencySlis} needs of a scrape. */
export const serverPrefixes = [`${serverFamily}_bucket`, 'process_start_time_seconds'] as const;

/** Cumulative counts by upper bound in seconds, of one kind of call. */
type Series = {
  verb: string;
  resource: string;
  subresource: string;
  scope: string;
  buckets: Map<number, number>;
};

/** The API server's own latencies at one time. */
export type ServerLatencies = { startTimeSeconds: number; series: Map<string, Series> };

/**
 * Reads {@link serverFamily}. Series that differ in group, version or component only are added up, as
 * clusterloader2 does.
 */
export function serverLatencies(samples: readonly PrometheusSample[]): ServerLatencies {
  const series = new Map<string, Series>();
  let startTimeSeconds = 0;
  for (const { name, labels, value } of samples) {
    if (name === 'process_start_time_seconds') startTimeSeconds = value;
    if (name !== `${serverFamily}_bucket`) continue;
    const text = (label: string): string => labels[label] ?? '';
    // Paths that are no resources: /healthz, /openapi/v3, …
    if (text('resource') === '') continue;
    const resource = resourceName(text('group'), text('resource'));
    const [verb, subresource, scope] = [text('verb'), text('subresource'), text('scope')];
    const key = [verb, resource, subresource, scope].join('|');
    let one = series.get(key);
    if (one === undefined) {
      one = { verb, resource, subresource, scope, buckets: new Map() };
      series.set(key, one);
    }
    const bound = text('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(text('le'));
    one.buckets.set(bound, (one.buckets.get(bound) ?? 0) + value);
  }
  return { startTimeSeconds, series };
}

/**
 * What the API server counted between two scrapes, as `api-call-server`. When it was restarted in between, its
 * counters began anew: the second scrape is then taken as it is, and `reset` is true (what the first process
 * counted after the first scrape is lost).
 */
export function serverLatencySlis(
  before: ServerLatencies,
  after: ServerLatencies,
  thresholds: readonly Threshold[],
): { slis: Sli[]; reset: boolean } {
  const reset = before.startTimeSeconds !== after.startTimeSeconds;
  const slis: Sli[] = [];
  for (const [key, series] of after.series) {
    const earlier = reset ? undefined : before.series.get(key)?.buckets;
    const histogram = histogramOf(bucketIncreases(earlier, series.buckets));
    if (histogram.count === 0) continue;
    const { verb, resource, subresource, scope } = series;
    const labels = { verb, resource, subresource, scope };
    const slo = objectiveFor(thresholds, 'api-call-server', labels) ?? apiCallObjective(series);
    slis.push(
      toSli(histogram, {
        id: 'api-call-server',
        labels,
        unit: 'us',
        definition:
          'From receipt of the request until the last byte of the answer, without webhooks and without queueing for priority and fairness; calls of all clients, streams left out.',
        source: `${serverFamily}, difference between start and end of the run: nothing below 50 ms is resolved, between two bucket bounds latencies are taken as evenly spread (as Prometheus does)`,
        ...(slo === undefined ? {} : { slo }),
      }),
    );
  }
  return { slis, reset };
}

/** A bucket of its own: `count` latencies above `lowSeconds`, up to and with `highSeconds`. */
export type Bucket = { lowSeconds: number; highSeconds: number; count: number };

/**
 * How many came into each bucket between two cumulative readings. A reading that went down stands for a restart:
 * the later one is then all there is. Pure.
 */
export function bucketIncreases(
  before: ReadonlyMap<number, number> | undefined,
  after: ReadonlyMap<number, number>,
): Bucket[] {
  const bounds = [...after.keys()].toSorted((a, b) => a - b);
  const wentDown = bounds.some((bound) => (before?.get(bound) ?? 0) > (after.get(bound) ?? 0));
  const base = wentDown ? undefined : before;
  let low = 0;
  let below = 0;
  return bounds.map((bound) => {
    const cumulative = (after.get(bound) ?? 0) - (base?.get(bound) ?? 0);
    const bucket = { lowSeconds: low, highSeconds: bound, count: Math.max(0, cumulative - below) };
    low = bound;
    below = Math.max(below, cumulative);
    return bucket;
  });
}

/** At most so many samples are placed one by one in a bucket; more are placed in as many groups. */
const placesMax = 1000;

/** HDR reports the top of a bucket of its own, up to 0.1 % above: what was within a bound must not lie beyond it. */
const withinBound = 0.999;

/**
 * An HDR histogram whose quantiles are those that `histogram_quantile` of Prometheus would give: the latencies of a
 * bucket lie evenly spread in it, and those beyond the last bound lie on it.
 */
export function histogramOf(buckets: readonly Bucket[]): Histogram {
  const histogram = new Histogram();
  for (const { lowSeconds, highSeconds, count } of buckets) {
    if (count === 0) continue;
    const high = Number.isFinite(highSeconds) ? highSeconds : lowSeconds;
    const places = Math.min(count, placesMax);
    for (let place = 1; place <= places; place++) {
      const us = (lowSeconds + ((high - lowSeconds) * place) / places) * 1e6 * withinBound;
      // Whole samples only: the groups differ by one where the count does not divide.
      const times = Math.floor((count * place) / places) - Math.floor((count * (place - 1)) / places);
      histogram.record(us, times);
    }
  }
  return histogram;
}
