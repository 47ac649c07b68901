import type { WindowVerdict } from '../../result/result.ts';
import { minimumSamples } from '../../result/summarise.ts';
import type { Objective } from '../slo.ts';
import { type Bucket, countOf, isWithin, quantileOf } from '../buckets.ts';

/** What a window shows that ends with a step. */
export type WindowValue = { count: number; value: number; verdict: WindowVerdict };

const verdicts = { yes: 'good', no: 'bad', unknown: 'undecided' } as const;

/**
 * The last steps of one series: their samples by bucket, no more than a window has steps. The first windows of a run cover
 * what there is of it.
 */
export class SlidingWindow {
  private readonly stepsMax: number;
  private readonly objective: Objective;
  private steps: { step: number; buckets: readonly Bucket[] }[] = [];

  constructor(stepsMax: number, objective: Objective) {
    this.stepsMax = stepsMax;
    this.objective = objective;
  }

  /** Buckets that are kept: what it takes of memory. */
  get size(): number {
    return this.steps.reduce((sum, { buckets }) => sum + buckets.length, 0);
  }

  /**
   * Adds what came in a step and judges the window that ends with it.
   * @param step its number, larger than the one before (those in between had no samples), or the same to add to it
   * @param buckets without empty ones
   */
  close(step: number, buckets: readonly Bucket[]): WindowValue {
    this.steps = this.steps.filter((one) => one.step > step - this.stepsMax);
    if (buckets.length > 0) this.steps.push({ step, buckets });
    const all = this.steps.flatMap((one) => one.buckets);
    const count = countOf(all);
    const { quantile, threshold } = this.objective;
    const value = Math.round(quantileOf(all, quantile));
    if (count < minimumSamples(quantile)) return { count, value, verdict: 'undecided' };
    return { count, value, verdict: verdicts[isWithin(all, quantile, threshold)] };
  }
}
