import { describe, expect, it } from 'vitest';
import { leastChange, logDeviationMin, resolutionAt } from '../../../src/gate/resolution.ts';
import { componentNames, specOf } from '../../../src/measure/components/components.ts';
import { bucketBoundsUs } from '../../../src/result/bucket-bounds.ts';

const calls = { id: 'api-call-server', unit: 'us' } as const;
const startup = { id: 'pod-startup', unit: 'us' } as const;
const precise = { id: 'pod-startup-precise', unit: 'us' } as const;

describe('how finely a value is told', () => {
  it('is known of every histogram that a component tells', () => {
    const ids = componentNames.flatMap((name) => specOf(name).histograms.map(({ id }) => id));
    expect([...bucketBoundsUs.keys()].toSorted()).toEqual([...new Set(ids)].toSorted());
    for (const [id, bounds] of bucketBoundsUs) {
      expect(bounds, id).toEqual(bounds.toSorted((a, b) => a - b));
      expect(bounds[0], id).toBeGreaterThan(0);
    }
  });

  it('is the width of a bucket, and all below the first bound', () => {
    expect(resolutionAt(calls, 49_951)).toBe(50_000);
    expect(resolutionAt(calls, 50_000)).toBe(50_000);
    expect(resolutionAt(calls, 50_001)).toBe(50_000);
    expect(resolutionAt(calls, 450_000)).toBe(200_000);
    expect(resolutionAt(calls, 90_000_000)).toBe(60_000_000);
  });

  it('is a second of what counts from whole seconds, else three digits, a whole unit at least', () => {
    expect(resolutionAt(startup, 700_000)).toBe(1_000_000);
    expect(resolutionAt(precise, 700_000)).toBeCloseTo(700, 6);
    expect(resolutionAt(precise, 20)).toBe(1);
  });

  it('leaves logarithms a deviation, the largest of all values', () => {
    expect(logDeviationMin(calls, [70_000])).toBeCloseTo(Math.log(2) / Math.sqrt(12), 9);
    expect(logDeviationMin(calls, [49_951])).toBeCloseTo(Math.log(2) / Math.sqrt(12), 9);
    expect(logDeviationMin(calls, [49_951, 450_000])).toBeCloseTo(Math.log(2) / Math.sqrt(12), 9);
    expect(logDeviationMin(startup, [2_000_000])).toBeCloseTo(0.5 / Math.sqrt(12), 9);
    // Somewhere between nothing and a second: the logarithm of that deviates by 1.
    expect(logDeviationMin(startup, [0])).toBe(1);
    expect(logDeviationMin(precise, [700_000, 500_000])).toBe(0.001);
    expect(logDeviationMin(precise, [10])).toBeCloseTo(0.1 / Math.sqrt(12), 9);
  });

  it('makes smaller changes say nothing', () => {
    expect([calls, startup, precise].map(leastChange)).toEqual([50_000, 1_000_000, 1000]);
    expect(leastChange({ id: 'watchers', unit: 'count' })).toBe(1);
  });
});
