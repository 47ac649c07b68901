import type { Clock } from '../base/clock.ts';
import { Histogram } from '../metrics/histogram.ts';
import { LoopDelayRecorder, loopSampleIntervalMs } from '../metrics/loop-delay.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, ShardFigures, Told } from './instrument.ts';

/** What the threads are called in labels: that of load generator and observer, and those of the hollow nodes together. */
type Threads = 'observer' | 'shards';

/**
 * How late the harness itself was: event-loop delay and garbage collection of the thread in which load generator and
 * observer live, and of the hollow nodes' threads. Error bars, not results: `validity.ts` holds them against limits.
 */
export class HarnessDelays implements Instrument {
  readonly shardLoopDelays = new Histogram();
  private readonly shardGcPauses = new Histogram();
  private readonly recorder: LoopDelayRecorder;

  constructor(clock: Clock) {
    this.recorder = new LoopDelayRecorder(clock);
  }

  /** How late this thread's event loop is, see {@link LoopDelayRecorder.delayNowUs}. */
  readonly delayNowUs = (): number => this.recorder.delayNowUs();

  get loopDelays(): Histogram {
    return this.recorder.loopDelays;
  }

  get gcPauses(): Histogram {
    return this.recorder.gcPauses;
  }

  /** Forgets what preparing took. */
  reset(): void {
    this.recorder.reset();
  }

  shard({ loopDelay, gcPause }: Pick<ShardFigures, 'loopDelay' | 'gcPause'>): void {
    this.shardLoopDelays.merge(Histogram.fromBase64(loopDelay));
    this.shardGcPauses.merge(Histogram.fromBase64(gcPause));
  }

  /** What follows the run (reading metrics, the final list) is none of its delays. */
  finish(): Promise<void> {
    this.recorder.stop();
    return Promise.resolve();
  }

  tell(): Told {
    return {
      slis: [
        ...delaySli(this.loopDelays, 'observer'),
        ...delaySli(this.shardLoopDelays, 'shards'),
        ...pauseSli(this.gcPauses, 'observer'),
        ...pauseSli(this.shardGcPauses, 'shards'),
      ],
    };
  }

  stop(): void {
    this.recorder.stop();
  }
}

function delaySli(histogram: Histogram, threads: Threads): Sli[] {
  if (histogram.count === 0) return [];
  const sli = toSli(histogram, {
    id: 'harness-loop-delay',
    labels: { threads },
    unit: 'us',
    definition: `How late an event that came at any time was looked at: a timer of ${loopSampleIntervalMs} ms, and for each stall the timers that it would have held up.`,
    source: "monotonic clock of the harness's own threads",
    resolution: `timers have whole milliseconds, so an idle thread reads up to 2 ms; of a stall, up to ${loopSampleIntervalMs} ms are not seen`,
  });
  return [sli];
}

function pauseSli(histogram: Histogram, threads: Threads): Sli[] {
  if (histogram.count === 0) return [];
  const sli = toSli(histogram, {
    id: 'harness-gc-pause',
    labels: { threads },
    unit: 'us',
    definition: 'How long one garbage collection held a thread of the harness.',
    source: 'V8, by way of perf_hooks',
    resolution: '1 µs',
  });
  return [sli];
}
