import { describe, expect, it } from 'vitest';
import { detectableShift, holm, oneSidedPower, tAbove, tUpper } from '../../../src/statistics/one-sided.ts';
import { powerOf } from '../../../src/statistics/power.ts';
import { tQuantile } from '../../../src/statistics/student-t.ts';

describe('one-sided tests', () => {
  it('know how much of Student’s distribution lies above a value', () => {
    // Tables: 2.132 with 4 degrees and 5 %, 3.365 with 5 and 1 %.
    expect(tAbove(2.1318, 4)).toBeCloseTo(0.05, 4);
    expect(tAbove(3.3649, 5)).toBeCloseTo(0.01, 4);
    expect(tAbove(-3.3649, 5)).toBeCloseTo(0.99, 4);
    expect(tAbove(0, 7)).toBe(0.5);
    expect(tUpper(0.05, 4)).toBeCloseTo(2.1318, 3);
  });

  it('have the power of two-sided ones, whose other side adds next to nothing', () => {
    const [runs, effect] = [5, 3];
    const two = powerOf(effect, runs);
    const one = oneSidedPower(effect * Math.sqrt(runs / 2), tQuantile(0.05, 8), 8);
    expect(one).toBeLessThanOrEqual(two + 1e-4);
    // Of the two readings of a standard error the smaller power counts.
    expect(one).toBeGreaterThan(two - 0.05);
  });

  it('tell the shift that is seen as often as was asked for', () => {
    for (const [share, degrees] of [
      [0.01, 4],
      [0.0005, 9],
      [0.0002, 40],
    ] as const) {
      const shift = detectableShift(share, degrees, 0.95);
      expect(oneSidedPower(shift, tUpper(share, degrees), degrees)).toBeCloseTo(0.95, 4);
    }
  });

  it('share the false alarms among several tests by Holm', () => {
    // 0.01 · 4, 0.02 · 3, 0.03 · 2, and the last no less than the one before.
    const adjusted = holm([0.03, 0.01, 0.04, 0.02]);
    [0.06, 0.04, 0.06, 0.06].forEach((p, index) => expect(adjusted[index]).toBeCloseTo(p, 12));
    expect(holm([0.6, 0.9])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
