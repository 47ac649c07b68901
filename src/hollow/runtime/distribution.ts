import type { Prng } from '../../base/prng.ts';

/**
 * How a quantity is spread, as it is written in YAML or JSON; the unit is that of the field that has it. What is sampled
 * is never negative.
 */
export type Distribution =
  | { constant: number }
  /** Evenly from the first number up to, but not, the second. */
  | { uniform: [low: number, high: number] }
  /** What would be negative is drawn anew. */
  | { normal: { mean: number; stddev: number } }
  | { logNormal: { median: number; p99: number } }
  /** Quantiles (`p0`, `p50`, `p99.9`, `p100`) that were measured; between two of them, a straight line. */
  | { empirical: Record<string, number> };

/** The standard normal distribution's 99th percentile. */
const z99 = 2.3263478740408408;

/** One draw. The same generator in the same state gives the same number. */
export function sample(distribution: Distribution, prng: Prng): number {
  if ('constant' in distribution) return distribution.constant;
  if ('uniform' in distribution) return prng.between(...distribution.uniform);
  if ('normal' in distribution) {
    const { mean, stddev } = distribution.normal;
    for (;;) {
      const value = mean + stddev * standardNormal(prng);
      if (value >= 0) return value;
    }
  }
  if ('logNormal' in distribution) {
    const { median, p99 } = distribution.logNormal;
    return median * Math.exp((Math.log(p99 / median) / z99) * standardNormal(prng));
  }
  return interpolate(quantilesOf(distribution.empirical), prng.float() * 100);
}

/** What the schema cannot say of a distribution that has its shape; undefined when it can be sampled. */
export function distributionFault(distribution: Distribution): string | undefined {
  if ('uniform' in distribution) {
    const [low, high] = distribution.uniform;
    return low > high ? `uniform goes from ${low} down to ${high}` : undefined;
  }
  if ('logNormal' in distribution) {
    const { median, p99 } = distribution.logNormal;
    return median > p99 ? `the median ${median} is above the p99 ${p99}` : undefined;
  }
  if (!('empirical' in distribution)) return undefined;
  const quantiles = quantilesOf(distribution.empirical);
  if (quantiles[0]?.percent !== 0 || quantiles.at(-1)?.percent !== 100) return 'empirical lacks p0 or p100';
  const falls = quantiles.find(({ value }, i) => value < (quantiles[i - 1]?.value ?? 0));
  return falls === undefined ? undefined : `p${falls.percent} is below the quantile before it`;
}

/** Box and Muller's transform; takes two draws. */
function standardNormal(prng: Prng): number {
  const radius = Math.sqrt(-2 * Math.log(1 - prng.float()));
  return radius * Math.cos(2 * Math.PI * prng.float());
}

type Quantile = { percent: number; value: number };

/** A table is read with every draw and never changes. */
const tables = new WeakMap<Record<string, number>, Quantile[]>();

function quantilesOf(empirical: Record<string, number>): Quantile[] {
  let table = tables.get(empirical);
  if (table === undefined) {
    table = Object.entries(empirical)
      .map(([name, value]) => ({ percent: Number(name.slice(1)), value }))
      .toSorted((a, b) => a.percent - b.percent);
    tables.set(empirical, table);
  }
  return table;
}

function interpolate(table: readonly Quantile[], percent: number): number {
  const above = table.findIndex((quantile) => quantile.percent >= percent);
  const high = table[above] ?? table.at(-1);
  const low = table[above - 1] ?? high;
  if (high === undefined || low === undefined) return 0;
  if (high.percent === low.percent) return high.value;
  return low.value + ((high.value - low.value) * (percent - low.percent)) / (high.percent - low.percent);
}
