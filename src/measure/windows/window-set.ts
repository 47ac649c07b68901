import type { Objective, WindowSettings } from '../slo.ts';
import { pointLine, seriesLine } from './log-lines.ts';
import type { Bucket } from '../buckets.ts';
import { SlidingWindow } from './sliding-window.ts';

/** What came of one series in one step. */
export type StepSamples = {
  /** Of the SLI. */
  id: string;
  labels: Readonly<Record<string, string>>;
  objective: Objective;
  /** In the SLI's unit; without empty ones. */
  buckets: readonly Bucket[];
};

/**
 * The sliding windows of many series, which share their steps. It keeps what the windows that are open need and nothing
 * else: what a step that is closed shows are lines for the {@link WindowLog}.
 */
export class WindowSet {
  private readonly prefix: string;
  private readonly stepsMax: number;
  private readonly numbers = new Map<string, number>();
  private readonly windows = new Map<string, SlidingWindow>();

  /** @param prefix tells the series of this set from those of others in the same log */
  constructor(prefix: string, { lengthMs, stepMs }: WindowSettings) {
    this.prefix = prefix;
    this.stepsMax = Math.max(1, Math.round(lengthMs / stepMs));
  }

  /** What is kept: names of series, and buckets of windows. */
  get size(): number {
    let size = this.numbers.size;
    for (const window of this.windows.values()) size += window.size;
    return size;
  }

  /**
   * Closes a step of all series.
   * @param step its number, larger than the one before, or the same to add to it
   * @param came those that had samples in it may be missing if they had none
   * @returns lines for the log; windows without a sample have none
   */
  close(step: number, came: Iterable<StepSamples>): string {
    let lines = '';
    const idle = new Map(this.windows);
    for (const { id, labels, objective, buckets } of came) {
      const key = JSON.stringify([id, labels]);
      let window = this.windows.get(key);
      if (window === undefined) {
        if (buckets.length === 0) continue;
        window = new SlidingWindow(this.stepsMax, objective);
        this.windows.set(key, window);
        if (!this.numbers.has(key)) lines += seriesLine(this.name(key), id, labels);
      }
      idle.delete(key);
      lines += this.closeOne(key, window, step, buckets);
    }
    for (const [key, window] of idle) lines += this.closeOne(key, window, step, []);
    return lines;
  }

  private closeOne(key: string, window: SlidingWindow, step: number, buckets: readonly Bucket[]): string {
    const value = window.close(step, buckets);
    if (value.count > 0) return pointLine(this.name(key), step, value);
    this.windows.delete(key);
    return '';
  }

  private name(key: string): string {
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(key, number);
    }
    return `${this.prefix}${number}`;
  }
}
