import { Histogram } from '../metrics/histogram.ts';

/** Shorter than that at which hollow nodes tell their calls; a look back is shorter by less than one. */
const slotUs = 2_000_000;

/** The longest look back. */
const slotsMax = 30;

/** Latencies of the last seconds; microseconds, null without samples. */
export type RecentLatency = {
  count: number;
  p50Us: number | null;
  p90Us: number | null;
  p99Us: number | null;
};

/** What has been recorded in the last minute, so that it can be asked for the last seconds of it. For live displays. */
export class RecentLatencies {
  /** Each has its place, in which a later one takes over its histogram. */
  private readonly slots = new Map<number, { nth: number; histogram: Histogram }>();

  record(nowUs: number, latencyUs: number): void {
    this.histogramAt(nowUs).record(latencyUs);
  }

  merge(nowUs: number, latencies: Histogram): void {
    if (latencies.count > 0) this.histogramAt(nowUs).merge(latencies);
  }

  /** Of the last `lengthMs`, a minute at most; 1 ms of work for that. */
  over(nowUs: number, lengthMs: number): RecentLatency {
    const last = Math.floor(nowUs / slotUs);
    const first = last - Math.min(slotsMax, Math.round((lengthMs * 1000) / slotUs)) + 1;
    const all = new Histogram();
    for (const { nth, histogram } of this.slots.values()) if (nth >= first) all.merge(histogram);
    const at = (quantile: number): number | null => (all.count === 0 ? null : all.quantile(quantile));
    return { count: all.count, p50Us: at(0.5), p90Us: at(0.9), p99Us: at(0.99) };
  }

  private histogramAt(nowUs: number): Histogram {
    const nth = Math.floor(nowUs / slotUs);
    let slot = this.slots.get(nth % slotsMax);
    if (slot === undefined) {
      slot = { nth, histogram: new Histogram() };
      this.slots.set(nth % slotsMax, slot);
    } else if (slot.nth !== nth) {
      slot.nth = nth;
      slot.histogram.reset();
    }
    return slot.histogram;
  }
}
