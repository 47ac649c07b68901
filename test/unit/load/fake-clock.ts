import type { Clock, TimerHandle } from '../../../src/base/clock.ts';

type Timer = { dueUs: number; order: number; callback: () => void };

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  private us = 1_000_000;
  private order = 0;
  private timers: Timer[] = [];

  nowUs(): number {
    return this.us;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.us / 1000;
  }

  timer(delayMs: number, callback: () => void): TimerHandle {
    const timer = { dueUs: this.us + delayMs * 1000, order: this.order++, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
  }

  /** Time passes without anybody being woken: a thread that is busy. */
  stall(ms: number): void {
    this.us += ms * 1000;
  }

  /** Lets `ms` pass: timers run in order, and what they set off runs before the next one. */
  async advance(ms: number): Promise<void> {
    const endUs = this.us + ms * 1000;
    await settle();
    for (;;) {
      const next = this.timers
        .filter((timer) => timer.dueUs <= endUs)
        .toSorted((a, b) => a.dueUs - b.dueUs || a.order - b.order)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.us = Math.max(this.us, next.dueUs);
      next.callback();
      await settle();
    }
    this.us = Math.max(this.us, endUs);
  }

  /** Advances until the promise is settled. @throws Error when it is not after an hour of the fake clock. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    const state = { settled: false };
    const watch = (): void => {
      state.settled = true;
    };
    promise.then(watch, watch);
    for (let i = 0; i < 360_000 && !state.settled; i++) await this.advance(10);
    if (!state.settled) throw new Error('not settled within an hour');
    return promise;
  }
}

/** Runs everything that is ready to run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
