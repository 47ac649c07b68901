import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { planSends } from '../../../src/scenario/pacing/plan-sends.ts';
import type { Pacing } from '../../../src/scenario/scenario.ts';

const rate = fc.double({ min: 0.01, max: 10_000, noNaN: true });
const anyPacing: fc.Arbitrary<Pacing> = fc.oneof(
  fc.record({ strategy: fc.constant('constant-rate' as const), requestsPerSecond: rate }),
  fc.record({ strategy: fc.constant('poisson' as const), requestsPerSecond: rate }),
  fc.record(
    {
      strategy: fc.constant('burst' as const),
      size: fc.integer({ min: 1, max: 1000 }),
      everyMs: fc.integer({ min: 1, max: 100_000 }),
    },
    { requiredKeys: ['strategy', 'everyMs'] },
  ),
);

describe('every pacing', () => {
  test('plans as many sends as asked for, finite, never falling, from 0 on', () => {
    fc.assert(
      fc.property(anyPacing, fc.nat(2000), fc.string(), (pacing, count, seed) => {
        const { offsetsUs } = planSends(pacing, count, new Prng(seed));
        expect(offsetsUs.length).toBe(count);
        for (let i = 0; i < count; i++) {
          const offset = offsetsUs[i] ?? Number.NaN;
          expect(Number.isFinite(offset) && offset >= (offsetsUs[i - 1] ?? 0)).toBe(true);
        }
      }),
    );
  });

  test('is the same for the same seed', () => {
    fc.assert(
      fc.property(anyPacing, fc.nat(200), fc.string(), (pacing, count, seed) => {
        expect(planSends(pacing, count, new Prng(seed))).toEqual(planSends(pacing, count, new Prng(seed)));
      }),
    );
  });
});

describe('constant-rate', () => {
  test('spaces requests evenly, without drift, the first at once', () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 2, max: 5000 }), (requestsPerSecond, count) => {
        const plan = planSends({ strategy: 'constant-rate', requestsPerSecond }, count, new Prng(1));
        expect(plan.offsetsUs[0]).toBe(0);
        expect(plan.offsetsUs[count - 1]).toBeCloseTo(((count - 1) * 1e6) / requestsPerSecond, 3);
        expect(plan.intervalUs).toBeCloseTo(1e6 / requestsPerSecond, 6);
        expect(plan.requestsPerSecond).toBe(requestsPerSecond);
      }),
    );
  });
});

describe('poisson', () => {
  test('has the mean rate and the spread of independent arrivals', () => {
    fc.assert(
      fc.property(rate, fc.integer(), (requestsPerSecond, seed) => {
        const count = 5000;
        const { offsetsUs } = planSends({ strategy: 'poisson', requestsPerSecond }, count, new Prng(seed));
        const meanUs = 1e6 / requestsPerSecond;
        const gaps = Array.from({ length: count }, (_, i) => (offsetsUs[i] ?? 0) - (offsetsUs[i - 1] ?? 0));
        const mean = gaps.reduce((sum, gap) => sum + gap, 0) / count;
        const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / count;
        // The mean of n exponential gaps deviates by 1/√n: 1.4 % here, so 8 % are more than five of these.
        expect(mean / meanUs).toBeGreaterThan(0.92);
        expect(mean / meanUs).toBeLessThan(1.08);
        expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.85);
        expect(Math.sqrt(variance) / mean).toBeLessThan(1.15);
      }),
    );
  });

  test('differs between seeds', () => {
    const times = (seed: number): unknown =>
      planSends({ strategy: 'poisson', requestsPerSecond: 5 }, 3, new Prng(seed)).offsetsUs;
    expect(times(1)).not.toEqual(times(2));
  });
});

describe('burst', () => {
  test('sends groups of a size, one every interval', () => {
    const plan = planSends({ strategy: 'burst', size: 2, everyMs: 500 }, 5, new Prng(1));
    expect([...(plan.offsetsUs as Float64Array)]).toEqual([0, 0, 500_000, 500_000, 1_000_000]);
    expect(plan.requestsPerSecond).toBe(4);
    expect(plan.intervalUs).toBe(500_000);
  });

  test('without a size, sends all at once, at no rate', () => {
    const plan = planSends({ strategy: 'burst', everyMs: 1000 }, 3, new Prng(1));
    expect([...(plan.offsetsUs as Float64Array)]).toEqual([0, 0, 0]);
    expect(plan.requestsPerSecond).toBeUndefined();
  });
});
