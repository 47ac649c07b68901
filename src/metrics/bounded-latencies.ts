import { Histogram } from './histogram.ts';

/** Latencies that end with what this thread sees, and each of them less how late the thread may have been: the truth lies between. */
export class BoundedLatencies {
  readonly samples = new Histogram();
  readonly lower = new Histogram();

  record(latencyUs: number, delayUs: number): void {
    this.samples.record(latencyUs);
    this.lower.record(latencyUs - delayUs);
  }
}
