import { array, assert, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketIncreases, histogramOf, isWithin, quantileOf } from '../../../src/measure/buckets.ts';

describe('bucketIncreases', () => {
  const cumulative = (...counts: number[]): Map<number, number> =>
    new Map(counts.map((count, i) => [[0.1, 0.2, Number.POSITIVE_INFINITY][i] as number, count]));

  it('is what came into each bucket in between', () => {
    expect(bucketIncreases(cumulative(5, 8, 9), cumulative(7, 12, 14))).toEqual([
      { low: 0, high: 0.1, count: 2 },
      { low: 0.1, high: 0.2, count: 2 },
      { low: 0.2, high: Number.POSITIVE_INFINITY, count: 1 },
    ]);
  });

  it('takes the later reading alone when the counters began anew', () => {
    expect(bucketIncreases(cumulative(5, 8, 9), cumulative(1, 9, 10)).map(({ count }) => count)).toEqual([
      1, 8, 1,
    ]);
    expect(bucketIncreases(undefined, cumulative(1, 1, 2)).map(({ count }) => count)).toEqual([1, 0, 1]);
  });
});

describe('histogramOf', () => {
  it('has the quantiles that histogram_quantile gives', () => {
    const histogram = histogramOf([
      { low: 0, high: 50_000, count: 900 },
      { low: 50_000, high: 100_000, count: 90 },
      { low: 100_000, high: 200_000, count: 8 },
      { low: 60e6, high: Number.POSITIVE_INFINITY, count: 2 },
    ]);
    expect(histogram.count).toBe(1000);
    // rank 500 of 900 in 0..0.05
    expect(histogram.quantile(0.5) / 1e6).toBeCloseTo((0.05 * 500) / 900, 3);
    // rank 945: 45 of 90 in 0.05..0.1
    expect(histogram.quantile(0.945) / 1e6).toBeCloseTo(0.075, 3);
    expect(histogram.quantile(0.99) / 1e6).toBeCloseTo(0.1, 3);
    expect(histogram.max / 1e6).toBeCloseTo(60, 0);
  });

  it('never lies beyond the bound within which a latency was', () => {
    for (const bound of [0.05, 0.1, 0.6, 1, 1.25, 30]) {
      const histogram = histogramOf([{ low: bound * 5e5, high: bound * 1e6, count: 7 }]);
      expect(histogram.quantile(1)).toBeLessThanOrEqual(bound * 1e6);
      expect(histogram.quantile(1)).toBeGreaterThan(bound * 0.998 * 1e6);
    }
  });

  it('loses no sample of a large bucket', () => {
    const histogram = histogramOf([{ low: 0, high: 50_000, count: 1_234_567 }]);
    expect(histogram.count).toBe(1_234_567);
    expect(histogram.quantile(0.5)).toBeGreaterThan(24_900);
    expect(histogram.quantile(0.5)).toBeLessThan(25_100);
  });
});

describe('quantileOf', () => {
  it('is what histogram_quantile gives', () => {
    const buckets = [
      { low: 50_000, high: 100_000, count: 90 },
      { low: 0, high: 50_000, count: 450 },
      { low: 60e6, high: Number.POSITIVE_INFINITY, count: 2 },
      { low: 0, high: 50_000, count: 450 },
      { low: 100_000, high: 200_000, count: 8 },
    ];
    expect(quantileOf(buckets, 0.5)).toBeCloseTo((50_000 * 500) / 900, 0);
    expect(quantileOf(buckets, 0.945)).toBeCloseTo(75_000, 0);
    expect(quantileOf(buckets, 0.99)).toBeCloseTo(100_000, 0);
    expect(quantileOf(buckets, 1)).toBe(60e6);
    expect(quantileOf([], 0.99)).toBe(0);
  });

  it('is the sample of that rank where buckets are single values', () => {
    assert(
      property(
        array(integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 300 }),
        constantFrom(0.07, 0.5, 0.9, 0.99, 0.999, 1),
        (samples, q) => {
          const sorted = samples.toSorted((a, b) => a - b);
          const rank = Math.ceil(Number((q * samples.length).toFixed(6)));
          const buckets = samples.map((value) => ({ low: value, high: value, count: 1 }));
          expect(quantileOf(buckets, q)).toBe(sorted[rank - 1]);
        },
      ),
    );
  });
});

describe('isWithin', () => {
  const buckets = [
    { low: 0, high: 50_000, count: 900 },
    { low: 50_000, high: 100_000, count: 90 },
    { low: 60e6, high: Number.POSITIVE_INFINITY, count: 10 },
  ];

  it.each([
    [0.5, 20_000, 'unknown'],
    [0.5, 50_000, 'yes'],
    [0.95, 49_000, 'no'],
    [0.95, 50_000, 'no'],
    [0.95, 60_000, 'unknown'],
    [0.95, 100_000, 'yes'],
    [0.999, 60e6, 'no'],
    [0.999, 70e6, 'unknown'],
  ])('the p%d, of %d', (q, threshold, within) => {
    expect(isWithin(buckets, q, threshold)).toBe(within);
  });

  it('is plain where buckets are single values, and unknown of nothing', () => {
    const single = [{ low: 7, high: 7, count: 3 }];
    expect([6, 7, 8].map((threshold) => isWithin(single, 0.99, threshold))).toEqual(['no', 'yes', 'yes']);
    expect(isWithin([], 0.99, 7)).toBe('unknown');
  });
});
