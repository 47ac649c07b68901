import type { Clock } from '../base/clock.ts';
import type { RunResult } from '../result/result.ts';

/** When a run began, and how far it is: what a result tells counts from when measuring began, as the timeline does. */
export class RunTimes {
  private readonly clock: Clock;
  private readonly startWallMs: number;
  private origin: { us: number; wallMs: number } | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
    this.startWallMs = clock.wallMs();
  }

  /** Measuring begins now. */
  measuring(): void {
    this.origin = { us: this.clock.nowUs(), wallMs: this.clock.wallMs() };
  }

  /** Since measuring began; 0 before. */
  atMs(): number {
    return this.origin === undefined ? 0 : Math.round((this.clock.nowUs() - this.origin.us) / 1000);
  }

  /** Times of day of a run that ends now. */
  ofDay(): Pick<RunResult['run'], 'startedAt' | 'measuringStartedAt' | 'finishedAt'> {
    return {
      startedAt: text(this.startWallMs),
      ...(this.origin === undefined ? {} : { measuringStartedAt: text(this.origin.wallMs) }),
      finishedAt: text(this.clock.wallMs()),
    };
  }
}

function text(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
