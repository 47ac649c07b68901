import { array, assert, constant, integer, oneof, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { thinned } from '../../../src/report/charts/thin.js';

type Point = [x: number, y: number | null];

const line = (values: readonly (number | null)[]): Point[] => values.map((y, x) => [x, y]);

describe('thinned', () => {
  const values = array(oneof(integer({ min: -1000, max: 1000 }), constant(null)), { maxLength: 400 });

  it('keeps both ends, the lowest and the highest, in order, within its bound', () => {
    assert(
      property(values, integer({ min: 1, max: 20 }), (ys, buckets) => {
        const [kept = []] = thinned([line(ys)], undefined, buckets);
        expect(kept.length).toBeLessThanOrEqual(Math.max(4 * buckets + 2, 0));
        expect([kept[0], kept.at(-1)]).toEqual([line(ys)[0], line(ys).at(-1)]);
        const heights = (points: readonly Point[]): number[] =>
          points.map(([, y]) => y).filter((y) => y !== null);
        expect([Math.min(...heights(kept)), Math.max(...heights(kept))]).toEqual([
          Math.min(...heights(line(ys))),
          Math.max(...heights(line(ys))),
        ]);
        const xs = kept.map(([x]) => x);
        expect(xs.toSorted((a, b) => a - b)).toEqual(xs);
        expect(new Set(xs).size).toBe(xs.length);
      }),
    );
  });

  it('keeps the same places of lists of one length, and each extreme of each', () => {
    const up = line(Array.from({ length: 1000 }, (_, i) => (i === 333 ? 50 : 0)));
    const down = line(Array.from({ length: 1000 }, (_, i) => (i === 666 ? -50 : 0)));
    const [a = [], b = []] = thinned([up, down], undefined, 10);
    expect(a.map(([x]) => x)).toEqual(b.map(([x]) => x));
    expect(a.find(([, y]) => y === 50)?.[0]).toBe(333);
    expect(b.find(([, y]) => y === -50)?.[0]).toBe(666);
  });

  it('keeps a gap that is wider than a bucket', () => {
    const gap = line(Array.from({ length: 1000 }, (_, i) => (i >= 400 && i < 600 ? null : 1)));
    const [kept = []] = thinned([gap], undefined, 10);
    expect(kept.filter(([, y]) => y === null).length).toBeGreaterThan(0);
  });

  it('cuts to a range, with one point beyond each end', () => {
    const points = line(Array.from({ length: 100 }, (_, i) => i));
    expect(thinned([points], { from: 10.5, to: 12.5 }, 10)[0]?.map(([x]) => x)).toEqual([10, 11, 12, 13]);
    expect(thinned([points], { from: -5, to: 200 }, 100)[0]).toHaveLength(100);
  });

  it('is nothing of nothing', () => {
    expect(thinned([], undefined, 10)).toEqual([]);
    expect(thinned([[]], { from: 0, to: 1 }, 10)).toEqual([[]]);
  });
});
