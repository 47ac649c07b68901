import type { Clock } from '../../base/clock.ts';
import { Histogram } from '../../metrics/histogram.ts';

/** SIG Scalability's SLI is the p99 of one proxy over the last five minutes. */
export const windowMs = 300_000;

/** Network programming latency of the proxies of a shard: HDR V2 base64, microseconds, since the last one. */
export type ProgrammingSnapshot = {
  /** Every change on every proxy. */
  changes: string;
  /** The p99 of each proxy over each window that has ended, to 1 ms and 1 %. */
  proxyP99s: string;
  /** Of `changes`: what lay beyond a histogram's hour, and what was there before it had happened, by its clock. */
  clampedCount: number;
  negativeCount: number;
};

/** Gathers network programming latency over all proxies of a shard, and the p99 of each of them by windows. */
export class ProgrammingLatency {
  private readonly clock: Pick<Clock, 'nowUs'>;
  private readonly changes = new Histogram();
  private readonly proxyP99s = new Histogram();
  /** Of this window, in milliseconds; only proxies that have programmed something have one. */
  private readonly byProxy = new Map<string, Histogram>();
  private windowStartUs: number;

  constructor(clock: Pick<Clock, 'nowUs'>) {
    this.clock = clock;
    this.windowStartUs = clock.nowUs();
  }

  record(proxy: string, latencyUs: number): void {
    this.changes.record(latencyUs);
    let own = this.byProxy.get(proxy);
    if (own === undefined) this.byProxy.set(proxy, (own = Histogram.coarse()));
    own.record(latencyUs / 1000);
  }

  /** Everything since the last call. @param complete ends the window too, however short it is: no more will come. */
  drain(complete: boolean): ProgrammingSnapshot {
    const nowUs = this.clock.nowUs();
    if (complete || nowUs - this.windowStartUs >= windowMs * 1000) {
      for (const own of this.byProxy.values()) this.proxyP99s.record(own.quantile(0.99) * 1000);
      this.byProxy.clear();
      this.windowStartUs = nowUs;
    }
    const { clampedCount, negativeCount } = this.changes;
    const snapshot = {
      changes: this.changes.toBase64(),
      proxyP99s: this.proxyP99s.toBase64(),
      clampedCount,
      negativeCount,
    };
    this.changes.reset();
    this.proxyP99s.reset();
    return snapshot;
  }
}
