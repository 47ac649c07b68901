import hdr from 'hdr-histogram-js';
import type { JsHistogram } from 'hdr-histogram-js/dist/JsHistogram.js';

/** An hour: longer than any wait in a run is allowed to be. Larger samples count as this and as clamped. */
export const latencyMaxUs = 3_600_000_000;

/** Three significant digits: 0.1 % of the value, as HDR states its precision. */
const significantDigits = 3;

/** Of a value that is not {@link Histogram.coarse}: values that differ by a smaller share are one. */
export const relativeResolution = 10 ** -significantDigits;

function build(digits = significantDigits): JsHistogram {
  return hdr.build({
    bitBucketSize: 32,
    autoResize: true,
    lowestDiscernibleValue: 1,
    highestTrackableValue: 2,
    numberOfSignificantValueDigits: digits as 2 | 3,
    useWebAssembly: false,
  }) as JsHistogram;
}

/**
 * A distribution of latencies in whole microseconds (or of any other non-negative whole numbers). Merged as a
 * histogram, never as percentiles. Grows with the largest value, so that an idle one costs little.
 */
export class Histogram {
  private readonly hdr: JsHistogram;
  /** Samples beyond {@link latencyMaxUs}; a run that has any is not valid. */
  clampedCount = 0;
  /** Samples below 0, which count as 0: of times that two clocks tell, which do not agree. */
  negativeCount = 0;

  constructor(histogram: JsHistogram = build()) {
    this.hdr = histogram;
  }

  /** Of two significant digits (1 %): an eighth of the memory, for where there are thousands of them. */
  static coarse(): Histogram {
    return new Histogram(build(2));
  }

  /** Records a sample, or as many equal ones as `times` says; negative ones count as 0. */
  record(value: number, times = 1): void {
    let whole = Math.round(value);
    if (whole < 0) {
      whole = 0;
      this.negativeCount += times;
    }
    if (whole > latencyMaxUs) {
      whole = latencyMaxUs;
      this.clampedCount += times;
    }
    if (times === 1) this.hdr.recordValue(whole);
    else if (times > 0) this.hdr.recordValueWithCount(whole, times);
  }

  get count(): number {
    return this.hdr.totalCount;
  }

  /** The largest sample, to HDR's precision; 0 without samples. */
  get max(): number {
    return this.count === 0 ? 0 : this.hdr.maxValue;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.hdr.mean;
  }

  /** The value at `q` in 0..1, at most {@link max}; 0 without samples. */
  quantile(q: number): number {
    // HDR tells the upper end of a bucket.
    return this.count === 0 ? 0 : Math.min(this.hdr.getValueAtPercentile(q * 100), this.hdr.maxValue);
  }

  /** Samples above a value. Those that HDR cannot tell from it are not: a bucket's upper limit is not above itself. */
  countAbove(value: number): number {
    const limit = this.hdr.highestEquivalentValue(value);
    return this.buckets().reduce((sum, bucket) => sum + (bucket.value > limit ? bucket.count : 0), 0);
  }

  merge(other: Histogram): void {
    if (other.count > 0) this.hdr.add(other.hdr);
    this.clampedCount += other.clampedCount;
    this.negativeCount += other.negativeCount;
  }

  reset(): void {
    this.hdr.reset();
    this.clampedCount = 0;
    this.negativeCount = 0;
  }

  /** HDR V2 compressed, base64; empty without samples. Opens in any HDR viewer. Counts beside the samples are not in it. */
  toBase64(): string {
    return this.count === 0 ? '' : hdr.encodeIntoCompressedBase64(this.hdr);
  }

  /**
   * HDR's own table of percentiles (`.hgrm`): five lines each time the distance to 100 % halves.
   * @param ratio what values are divided by: 1000 makes milliseconds of microseconds.
   */
  percentileText(ratio = 1): string {
    return this.hdr.outputPercentileDistribution(5, ratio);
  }

  /** The inverse of {@link toBase64}. @throws Error when the text is not an HDR histogram. */
  static fromBase64(text: string): Histogram {
    if (text === '') return new Histogram();
    // A decoded histogram has the size it was sent with: only one of our own grows when more is merged into it.
    const histogram = new Histogram();
    histogram.hdr.add(hdr.decodeFromCompressedBase64(text, 32, false) as JsHistogram);
    return histogram;
  }

  /** Occupied buckets in rising order: the highest value that counts as equal, and how many samples. */
  buckets(): { value: number; count: number }[] {
    const found: { value: number; count: number }[] = [];
    if (this.count === 0) return found;
    const iterator = this.hdr.recordedValuesIterator;
    iterator.reset();
    while (iterator.hasNext()) {
      const step = iterator.next();
      found.push({ value: step.valueIteratedTo, count: step.countAddedInThisIterationStep });
    }
    return found;
  }
}
