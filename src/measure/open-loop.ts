import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, Told } from './instrument.ts';

/** What the load generator knows of its own sends. */
export type Sends = {
  /** Latencies from the actual send of each attempt. */
  rawCalls: CallMetrics;
  /** µs from the intended to the actual send of each request of paced phases. */
  lateness: Histogram;
};

const clock = "load generator's clock";

/**
 * Both sides of an open loop: `api-call` of the load counts from the intended send, so that a stall costs all those that
 * should have been sent during it; `api-call-raw` counts from the actual one, as a client that waits would have; and
 * `send-lateness` is what lies between. Nobody is judged by raw latencies: they look best when it is worst.
 */
export class OpenLoop implements Instrument {
  private readonly sends: Sends;

  constructor(sends: Sends) {
    this.sends = sends;
  }

  tell(): Told {
    const { rawCalls, lateness } = this.sends;
    let { clampedCount } = lateness;
    const slis: Sli[] = [];
    for (const { kind, histogram } of rawCalls.entries()) {
      if (histogram.count === 0) continue;
      clampedCount += histogram.clampedCount;
      const { verb, resource, subresource, scope } = kind;
      const labels = { verb, resource, subresource, scope };
      slis.push(
        toSli(histogram, {
          id: 'api-call-raw',
          labels,
          unit: 'us',
          definition:
            'The calls of the load as in api-call, but each from its actual send: what a client that waits for answers before it sends on would have told (coordinated omission).',
          source: clock,
          resolution: '1 µs',
        }),
      );
    }
    if (lateness.count > 0) slis.push(latenessSli(lateness));
    return { slis, clampedCount };
  }
}

function latenessSli(lateness: Histogram): Sli {
  return toSli(lateness, {
    id: 'send-lateness',
    labels: {},
    unit: 'us',
    definition:
      'From the intended to the actual send of the first attempt of each request of a phase with a pace; it is part of api-call, and of pod-startup-precise of pods that are created directly.',
    source: clock,
    resolution: '1 µs; timers have whole milliseconds, so up to 1 ms of it is theirs',
  });
}
