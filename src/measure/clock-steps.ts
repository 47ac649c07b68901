import type { Clock } from '../base/clock.ts';

/** Tries to read both clocks close together: a thread that is put aside in between would look like a step. */
const readsMax = 5;
const readSpanUsMax = 200;

/** Compares wall clock and monotonic clock, to find steps of the wall clock during a run. */
export class ClockSteps {
  /** The largest change of their difference between two checks, in microseconds; 1 ms is the wall clock's own grain. */
  stepUsMax = 0;
  private readonly clock: Clock;
  private lastUs: number | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Call it about once a second: a slew of NTP (0.5 ms/s at most) then stays far below what counts as a step. */
  check(): void {
    const differenceUs = this.difference();
    if (differenceUs === undefined) return;
    if (this.lastUs !== undefined) {
      this.stepUsMax = Math.max(this.stepUsMax, Math.round(Math.abs(differenceUs - this.lastUs)));
    }
    this.lastUs = differenceUs;
  }

  private difference(): number | undefined {
    for (let reads = 0; reads < readsMax; reads++) {
      const beforeUs = this.clock.nowUs();
      const wallUs = this.clock.wallMs() * 1000;
      const spanUs = this.clock.nowUs() - beforeUs;
      if (spanUs <= readSpanUsMax) return wallUs - (beforeUs + spanUs / 2);
    }
    return undefined;
  }
}
