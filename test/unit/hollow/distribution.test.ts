import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { type Distribution, distributionFault, sample } from '../../../src/hollow/runtime/distribution.ts';

/** Sorted samples, and the one below which a part of them lies. */
function samples(distribution: Distribution, count = 20_000): { at: (q: number) => number; all: number[] } {
  const prng = new Prng(JSON.stringify(distribution));
  const all = Array.from({ length: count }, () => sample(distribution, prng)).toSorted((a, b) => a - b);
  return { all, at: (q) => all[Math.min(count - 1, Math.floor(q * count))] ?? Number.NaN };
}

const positive = fc.double({ min: 0.001, max: 1e6, noNaN: true });

const anyDistribution: fc.Arbitrary<Distribution> = fc.oneof(
  positive.map((constant) => ({ constant })),
  fc
    .tuple(positive, positive)
    .map(([a, b]) => ({ uniform: [Math.min(a, b), Math.max(a, b)] as [number, number] })),
  fc.record({ mean: positive, stddev: positive }).map((normal) => ({ normal })),
  fc
    .tuple(positive, positive)
    .map(([a, b]) => ({ logNormal: { median: Math.min(a, b), p99: Math.max(a, b) } })),
  fc.array(positive, { minLength: 3, maxLength: 3 }).map((values) => {
    const [p0 = 0, p50 = 0, p100 = 0] = values.toSorted((a, b) => a - b);
    return { empirical: { p0, p50, p100 } };
  }),
);

describe('sample', () => {
  it('is never negative, never infinite, and the same for the same generator', () => {
    fc.assert(
      fc.property(anyDistribution, fc.string(), (distribution, seed) => {
        const [a, b] = [new Prng(seed), new Prng(seed)];
        for (let i = 0; i < 50; i++) {
          const value = sample(distribution, a);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(value)).toBe(true);
          expect(sample(distribution, b)).toBe(value);
        }
      }),
    );
  });

  it('stays within the ends of what has ends', () => {
    fc.assert(
      fc.property(positive, positive, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        for (const distribution of [{ uniform: [low, high] }, { empirical: { p0: low, p100: high } }]) {
          const { all } = samples(distribution as Distribution, 100);
          expect(all[0]).toBeGreaterThanOrEqual(low);
          expect(all.at(-1)).toBeLessThanOrEqual(high);
        }
      }),
    );
  });

  it.each<[Distribution, [quantile: number, value: number][]]>([
    [
      { constant: 5 },
      [
        [0, 5],
        [0.5, 5],
        [0.999, 5],
      ],
    ],
    [
      { uniform: [10, 30] },
      [
        [0.1, 12],
        [0.5, 20],
        [0.9, 28],
      ],
    ],
    [
      { normal: { mean: 50, stddev: 5 } },
      [
        [0.1587, 45],
        [0.5, 50],
        [0.8413, 55],
      ],
    ],
    // Half a normal distribution: what would be negative is drawn anew.
    [
      { normal: { mean: 0, stddev: 10 } },
      [
        [0.5, 6.745],
        [0.6827, 10],
      ],
    ],
    [
      { logNormal: { median: 80, p99: 400 } },
      [
        [0.5, 80],
        [0.99, 400],
      ],
    ],
    [
      { empirical: { p0: 0, p50: 10, p90: 20, p99: 100, p100: 200 } },
      [
        [0.25, 5],
        [0.5, 10],
        [0.7, 15],
        [0.9, 20],
        [0.99, 100],
      ],
    ],
    // Written in any order.
    [{ empirical: { p100: 100, p0: 0 } }, [[0.3, 30]]],
  ])('%j has its quantiles', (distribution, quantiles) => {
    const { at } = samples(distribution);
    for (const [quantile, value] of quantiles) {
      // The p99 of 20,000 samples is known to a few percent.
      expect(Math.abs(at(quantile) - value)).toBeLessThanOrEqual(0.08 * Math.abs(value) + 0.2);
    }
  });
});

describe('distributionFault', () => {
  it.each<[Distribution, string | undefined]>([
    [{ uniform: [3, 2] }, 'uniform goes from 3 down to 2'],
    [{ logNormal: { median: 3, p99: 2 } }, 'the median 3 is above the p99 2'],
    [{ empirical: { p50: 1, p100: 2 } }, 'empirical lacks p0 or p100'],
    [{ empirical: { p0: 1, p50: 3, 'p99.5': 2, p100: 4 } }, 'p99.5 is below the quantile before it'],
    [{ empirical: { p0: 1, p50: 3, p100: 4 } }, undefined],
    [{ constant: 0 }, undefined],
  ])('of %j: %s', (distribution, fault) => {
    expect(distributionFault(distribution)).toBe(fault);
  });
});
