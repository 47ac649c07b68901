import { PerformanceObserver } from 'node:perf_hooks';
import type { Clock, TimerHandle } from '../base/clock.ts';
import { Histogram } from './histogram.ts';

/**
 * How often the loop is asked. A hundred wake-ups a second cost 0.3 % of a core; a loop that is blocked for D ms is
 * seen as blocked for D - 10 ms at least.
 */
export const loopSampleIntervalMs = 10;

/** What a stall has kept from coming, such as what a full receive window held back, is here this long after it. */
const catchUpMs = 2;

/** A suspended machine must not lead to millions of made-up samples: 10 minutes' worth at most for one stall. */
const stallSamplesMax = 60_000;

/** Event-loop delay and GC pauses, encoded for another thread: HDR V2 base64, microseconds. */
export type RuntimeSnapshot = { loopDelay: string; gcPause: string };

/**
 * Records how late this thread's event loop is, and its garbage-collection pauses; works in the main thread and in
 * worker threads alike (GC entries are those of the thread's own isolate).
 *
 * `perf_hooks.monitorEventLoopDelay` is not used: its samples contain the timer's own resolution, and a stall of one
 * second is one sample among a hundred, so that its p99 hides what a callback would have had to wait. Here a timer is
 * armed again and again, and a stall also counts as the later arrivals it would have held up (what HDR calls the
 * correction for coordinated omission): the quantiles are those of the delay that an event at a random time meets.
 * An idle loop reads below 2 ms at p99: Node's timers have whole milliseconds.
 */
export class LoopDelayRecorder {
  private readonly clock: Clock;
  private readonly delays = new Histogram();
  private readonly pauses = new Histogram();
  private readonly observer: PerformanceObserver;
  private timer: TimerHandle | undefined;
  private dueUs = 0;
  private lastLateUs = 0;
  private stopped = false;

  constructor(clock: Clock) {
    this.clock = clock;
    this.observer = new PerformanceObserver((list) => this.onPauses(list.getEntries()));
    this.observer.observe({ entryTypes: ['gc'] });
    this.arm();
  }

  /** Delays so far, in microseconds; not a copy. */
  get loopDelays(): Histogram {
    return this.delays;
  }

  /**
   * How late what runs now may be, in microseconds: as late as the last look at the loop was, until what had queued
   * meanwhile has been read, or as one that is due by now already is; 0 once stopped. What held the loop between two looks
   * is not seen: up to {@link loopSampleIntervalMs} too little.
   */
  delayNowUs(): number {
    // Timers come up to a millisecond early.
    return Math.max(0, this.lastLateUs, this.clock.nowUs() - this.dueUs);
  }

  /** Pauses so far, in microseconds; not a copy. */
  get gcPauses(): Histogram {
    this.onPauses(this.observer.takeRecords());
    return this.pauses;
  }

  /** Forgets what was recorded: a run's preparation is not part of its figures. */
  reset(): void {
    this.observer.takeRecords();
    this.delays.reset();
    this.pauses.reset();
    this.timer?.cancel();
    if (!this.stopped) this.arm();
  }

  /** Everything since the last call, and starts anew. A stall that is still going on counts into the next. */
  drain(): RuntimeSnapshot {
    const snapshot = { loopDelay: this.delays.toBase64(), gcPause: this.gcPauses.toBase64() };
    this.delays.reset();
    this.pauses.reset();
    return snapshot;
  }

  stop(): void {
    if (this.stopped) return;
    this.onPauses(this.observer.takeRecords());
    this.stopped = true;
    this.dueUs = Number.POSITIVE_INFINITY;
    this.lastLateUs = 0;
    this.observer.disconnect();
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    this.dueUs = this.clock.nowUs() + loopSampleIntervalMs * 1000;
    this.timer = this.clock.timer(loopSampleIntervalMs, () => {
      this.lastLateUs = this.clock.nowUs() - this.dueUs;
      recordStall(this.delays, this.lastLateUs);
      if (this.stopped) return;
      this.arm();
      if (this.lastLateUs > loopSampleIntervalMs * 1000) this.forgetOnceRead();
    });
  }

  /** What is sent after a stall is not late by it. */
  private forgetOnceRead(): void {
    const nextLookUs = this.dueUs;
    const forget = (): void => {
      // A later look may have found another stall.
      if (this.dueUs === nextLookUs) this.lastLateUs = 0;
    };
    // After a stall so many timers may be due that this one runs with them: what had queued is read after them all.
    this.clock.timer(catchUpMs, () => setImmediate(forget));
  }

  private onPauses(entries: readonly { duration: number }[]): void {
    for (const entry of entries) this.pauses.record(entry.duration * 1000);
  }
}

/** One delay, and the delays of those that would have come during it, one every {@link loopSampleIntervalMs}. */
function recordStall(histogram: Histogram, lateUs: number): void {
  histogram.record(lateUs);
  const stepUs = loopSampleIntervalMs * 1000;
  let leftUs = lateUs - stepUs;
  for (let samples = 0; leftUs > 0 && samples < stallSamplesMax; samples++, leftUs -= stepUs) {
    histogram.record(leftUs);
  }
}
