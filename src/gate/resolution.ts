import { relativeResolution } from '../metrics/histogram.ts';
import { bucketBoundsUs } from '../result/bucket-bounds.ts';
import type { GateSli } from './gate-run.ts';

/** What is known of a value beside itself: whose it is. */
type Told = Pick<GateSli, 'id' | 'unit'>;

/** They count from a time that an object has in whole seconds. */
const inWholeSeconds: ReadonlySet<string> = new Set([
  'pod-startup',
  'network-programming',
  'network-programming-proxy',
]);

const secondUs = 1_000_000;

/** Latencies of our own begin or end with a timer, which has whole milliseconds. */
const timerUs = 1000;

/** How far apart two values near this one must be to be told apart, in the SLI's own unit. */
export function resolutionAt(sli: Told, value: number): number {
  const bounds = bucketBoundsUs.get(sli.id);
  if (bounds !== undefined) {
    const { low, high } = bucketOf(bounds, value);
    // Nothing is told below the first bound.
    return low < (bounds[0] ?? 0) ? high : high - low;
  }
  if (inWholeSeconds.has(sli.id)) return secondUs;
  return Math.max(1, value * relativeResolution);
}

/** A change that is smaller says nothing, wherever it is, in the SLI's own unit. */
export function leastChange({ id, unit }: Told): number {
  const [first] = bucketBoundsUs.get(id) ?? [];
  if (first !== undefined) return first;
  if (inWholeSeconds.has(id)) return secondUs;
  return unit === 'us' ? timerUs : 1;
}

/**
 * What the logarithms of these values deviate by because of how finely they are told: as those of what may lie anywhere
 * between the two ends of a step with the same chance. No smaller deviation is known, however alike the values are.
 */
export function logDeviationMin(sli: Told, values: readonly number[]): number {
  return Math.max(relativeResolution, ...values.map((value) => logDeviationAt(sli, value)));
}

/** That of a uniform distribution, in its widths. */
const uniformDeviation = 1 / Math.sqrt(12);

/** Of the logarithm of what lies anywhere between nothing and a bound. */
const logDeviationMax = 1;

function logDeviationAt(sli: Told, value: number): number {
  const bounds = bucketBoundsUs.get(sli.id);
  if (bounds !== undefined) {
    const { low, high } = bucketOf(bounds, value);
    return Math.log(high / low) * uniformDeviation;
  }
  const share = resolutionAt(sli, value) / Math.max(1, value);
  return Math.min(logDeviationMax, share * uniformDeviation);
}

/** The first bucket and what is beyond the last bound are taken to be as wide, in logarithms, as bounds that double. */
function bucketOf(bounds: readonly number[], value: number): { low: number; high: number } {
  const index = bounds.findIndex((bound) => value <= bound);
  const last = bounds.at(-1) ?? 1;
  if (index < 0) return { low: last, high: 2 * last };
  const high = bounds[index] ?? last;
  return { low: bounds[index - 1] ?? high / 2, high };
}
