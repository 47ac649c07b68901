import { Histogram } from '../metrics/histogram.ts';

/** `count` samples above `low`, up to and with `high`; all of them lie on `high` when the two are equal. */
export type Bucket = { low: number; high: number; count: number };

export function countOf(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, { count }) => sum + count, 0);
}

/**
 * How many came into each bucket between two cumulative readings by upper bound. A reading that went down stands for a
 * restart: the later one is then all there is. Pure.
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
  return bounds.map((high) => {
    const cumulative = (after.get(high) ?? 0) - (base?.get(high) ?? 0);
    const bucket = { low, high, count: Math.max(0, cumulative - below) };
    low = high;
    below = Math.max(below, cumulative);
    return bucket;
  });
}

/** Of a rank such as 0.07 × 100, which is 7.000000000000001 in binary: not the eighth sample. */
const rounding = 1e-9;

/**
 * The value at `q` in 0..1 of all samples, 0 without any: the smallest one that a share `q` of them does not exceed. As
 * `histogram_quantile` of Prometheus, it takes the samples of a bucket for evenly spread in it, and those beyond the last
 * bound to lie on it.
 * @param buckets in any order; the same bucket may be there more than once, and each has samples
 */
export function quantileOf(buckets: readonly Bucket[], q: number): number {
  const { bucket, below, rank } = bucketAt(buckets, q);
  if (bucket === undefined) return 0;
  const { low, high, count } = bucket;
  if (!Number.isFinite(high)) return low;
  return low + ((high - low) * Math.max(0, rank - below)) / count;
}

/**
 * Whether the value at `q`, wherever it lies within its bucket, does not exceed a threshold. `unknown`: the threshold lies
 * in the same bucket; or there are no samples.
 */
export function isWithin(buckets: readonly Bucket[], q: number, threshold: number): 'yes' | 'no' | 'unknown' {
  const { bucket } = bucketAt(buckets, q);
  if (bucket === undefined) return 'unknown';
  if (bucket.high <= threshold) return 'yes';
  return bucket.low < threshold ? 'unknown' : 'no';
}

/** The bucket that the sample of rank `q` lies in, and how many lie below it. */
function bucketAt(
  buckets: readonly Bucket[],
  q: number,
): { bucket: Bucket | undefined; below: number; rank: number } {
  const joined = new Map<number, Bucket>();
  for (const { low, high, count } of buckets) {
    const same = joined.get(high);
    if (same === undefined) joined.set(high, { low, high, count });
    else same.count += count;
  }
  const rising = [...joined.values()].toSorted((a, b) => a.high - b.high);
  const rank = q * countOf(rising) * (1 - rounding);
  let below = 0;
  for (const bucket of rising) {
    if (below + bucket.count >= rank) return { bucket, below, rank };
    below += bucket.count;
  }
  return { bucket: undefined, below, rank };
}

/** At most so many samples are placed one by one in a bucket; more are placed in as many groups. */
const placesMax = 1000;

/** HDR reports the top of a bucket of its own, up to 0.1 % above: what was within a bound must not lie beyond it. */
const withinBound = 0.999;

/** An HDR histogram whose quantiles are those of {@link quantileOf}. */
export function histogramOf(buckets: readonly Bucket[]): Histogram {
  const histogram = new Histogram();
  for (const { low, high: bound, count } of buckets) {
    if (count === 0) continue;
    const high = Number.isFinite(bound) ? bound : low;
    const places = Math.min(count, placesMax);
    for (let place = 1; place <= places; place++) {
      const value = (low + ((high - low) * place) / places) * withinBound;
      // Whole samples only: the groups differ by one where the count does not divide.
      const times = Math.floor((count * place) / places) - Math.floor((count * (place - 1)) / places);
      histogram.record(value, times);
    }
  }
  return histogram;
}
