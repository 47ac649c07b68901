import { array, assert, integer, nat, oneof, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, latencyMaxUs } from '../../../src/metrics/histogram.ts';

const quantiles = [0.5, 0.9, 0.99, 0.999];
/** Three significant digits: a value may be given as the top of its bucket, at most 0.1 % above. */
const precision = 0.001;

const samples = array(
  oneof(nat(2000), integer({ min: 0, max: 10_000_000 }), integer({ min: 0, max: latencyMaxUs })),
  { minLength: 1, maxLength: 400 },
);

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** The nearest-rank quantile, the oracle. */
function exact(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(values.length * quantile) - 1)] ?? 0;
}

describe('Histogram', () => {
  it('gives quantiles of the sorted samples, to 0.1 %', () => {
    assert(
      property(samples, (values) => {
        const histogram = of(values);
        expect(histogram.count).toBe(values.length);
        for (const quantile of quantiles) {
          const expected = exact(values, quantile);
          expect(histogram.quantile(quantile)).toBeGreaterThanOrEqual(expected);
          expect(histogram.quantile(quantile)).toBeLessThanOrEqual(expected * (1 + precision) + 1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('merges to the same as recording everything in one', () => {
    assert(
      property(samples, samples, (a, b) => {
        const merged = of(a);
        merged.merge(of(b));
        const whole = of([...a, ...b]);
        expect(merged.buckets()).toEqual(whole.buckets());
        expect(merged.count).toBe(whole.count);
        expect(merged.max).toBe(whole.max);
      }),
      { numRuns: 100 },
    );
  });

  it('comes back from base64, and can be merged from', () => {
    assert(
      property(samples, samples, (a, b) => {
        const back = Histogram.fromBase64(of(a).toBase64());
        expect(back.buckets()).toEqual(of(a).buckets());
        const target = of(b);
        target.merge(back);
        expect(target.buckets()).toEqual(of([...a, ...b]).buckets());
      }),
      { numRuns: 100 },
    );
  });

  it('holds nothing, and says so with zeros', () => {
    const histogram = new Histogram();
    expect([histogram.count, histogram.max, histogram.mean, histogram.quantile(0.99)]).toEqual([0, 0, 0, 0]);
    expect(histogram.toBase64()).toBe('');
    expect(Histogram.fromBase64('').count).toBe(0);
    expect(histogram.buckets()).toEqual([]);
  });

  it('clamps what is out of range and counts it', () => {
    const histogram = of([-5, latencyMaxUs + 1]);
    expect(histogram.count).toBe(2);
    expect([histogram.clampedCount, histogram.negativeCount]).toEqual([1, 1]);
    expect(histogram.quantile(0)).toBe(0);
    const merged = of([-1]);
    merged.merge(histogram);
    expect([merged.clampedCount, merged.negativeCount]).toEqual([1, 2]);
    histogram.reset();
    expect([histogram.count, histogram.clampedCount, histogram.negativeCount]).toEqual([0, 0, 0]);
  });

  it('refuses text that is no histogram', () => {
    expect(() => Histogram.fromBase64('not a histogram')).toThrow(/base64|Invalid/i);
    expect(() => Histogram.fromBase64('AAAA')).toThrow(/./);
  });

  it('encodes as HDR V2 compressed, which starts with its cookie', () => {
    expect(Buffer.from(of([1, 2, 3]).toBase64(), 'base64').readUInt32BE(0)).toBe(0x1c849314);
  });
});
