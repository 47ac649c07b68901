import type { Clock, TimerHandle } from '../../../src/base/clock.ts';

/** A clock that moves when it is told to; timers run in the order in which they are due. */
export class FakeClock implements Clock {
  us = 1_000_000_000;
  wall = Date.UTC(2026, 2, 4, 5, 6, 7);
  private timers: { dueUs: number; run: () => void }[] = [];

  nowUs(): number {
    return this.us;
  }

  wallMs(): number {
    return this.wall;
  }

  timer(delayMs: number, callback: () => void): TimerHandle {
    const timer = { dueUs: this.us + delayMs * 1000, run: callback };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Lets time pass, wall clock included, and runs what becomes due at its time. */
  pass(ms: number): void {
    const endUs = this.us + ms * 1000;
    for (;;) {
      const [next] = this.timers.filter(({ dueUs }) => dueUs <= endUs).toSorted((a, b) => a.dueUs - b.dueUs);
      if (next === undefined) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.set(Math.max(this.us, next.dueUs));
      next.run();
    }
    this.set(endUs);
  }

  /** Lets time pass without anything running, as when the thread is blocked. */
  block(ms: number): void {
    this.set(this.us + ms * 1000);
  }

  private set(us: number): void {
    this.wall += (us - this.us) / 1000;
    this.us = us;
  }
}
