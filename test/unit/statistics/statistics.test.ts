import { array, assert, double, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { medianInterval } from '../../../src/statistics/median-interval.ts';
import { detectableEffect, normalBelow, powerOf } from '../../../src/statistics/power.ts';
import { mean, median } from '../../../src/statistics/sample.ts';
import { spreadWithin } from '../../../src/statistics/spread.ts';
import { tQuantile, tTails } from '../../../src/statistics/student-t.ts';
import { compareMeans } from '../../../src/statistics/two-means.ts';

/** Of mean 0 and deviation 1, by Box and Muller. */
function normal(prng: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - prng.float())) * Math.cos(2 * Math.PI * prng.float());
}

const drawn = (prng: Prng, count: number, shift = 0): number[] =>
  Array.from({ length: count }, () => normal(prng) + shift);

/** The share of so many draws that are as asked. */
function shareOf(draws: number, is: () => boolean): number {
  let count = 0;
  for (let draw = 0; draw < draws; draw++) if (is()) count++;
  return count / draws;
}

describe('the t-distribution', () => {
  it('has the quantiles of the tables', () => {
    const table = [
      [0.05, 1, 12.706],
      [0.05, 2, 4.303],
      [0.01, 3, 5.841],
      [0.01, 4, 4.604],
      [0.05, 5, 2.571],
      [0.01, 8, 3.355],
      [0.05, 30, 2.042],
    ] as const;
    for (const [tails, degrees, t] of table) {
      expect(tQuantile(tails, degrees)).toBeCloseTo(t, 3);
      expect(tTails(-t, degrees)).toBeCloseTo(tails, 4);
    }
    expect(tTails(0, 4)).toBe(1);
    expect(tTails(Number.POSITIVE_INFINITY, 4)).toBe(0);
  });
});

describe('the power of a comparison of two means', () => {
  it('takes the runs that tables say', () => {
    // Cohen 1988, table 2.4.1: 5 % both ways, power 0.80.
    for (const [effect, runs] of [
      [0.8, 26],
      [0.5, 64],
      [1, 17],
    ] as const) {
      expect(powerOf(effect, runs)).toBeGreaterThanOrEqual(0.8);
      expect(powerOf(effect, runs - 1)).toBeLessThan(0.8);
    }
    // Nothing to see is seen as often as the confidence allows.
    for (const runs of [2, 3, 5, 20]) expect(powerOf(0, runs)).toBeCloseTo(0.05, 5);
  });

  it('is what comparing finds, also of few runs', () => {
    for (const runs of [2, 3, 5]) {
      const prng = new Prng(`power ${runs}`);
      const effect = detectableEffect(runs, 0.8);
      const seen = shareOf(4000, () => {
        const compared = compareMeans(drawn(prng, runs), drawn(prng, runs, effect), 1e-9);
        return compared !== undefined && compared.p < 0.05;
      });
      expect(seen, `${runs} runs`).toBeGreaterThan(0.78);
      expect(seen, `${runs} runs`).toBeLessThan(0.82);
    }
  });

  it('grows with the effect, and the effect that it takes shrinks with the runs', () => {
    const effects = [2, 3, 4, 5, 10, 20].map((runs) => detectableEffect(runs, 0.8));
    expect(effects).toEqual(effects.toSorted((a, b) => b - a));
    expect(powerOf(2, 5)).toBeGreaterThan(powerOf(1, 5));
  });

  it('rests on the normal distribution of the tables', () => {
    for (const [z, below] of [
      [0, 0.5],
      [1, 0.841345],
      [-1.959964, 0.025],
      [2.575829, 0.995],
      [-40, 0],
      [40, 1],
    ] as const) {
      expect(normalBelow(z)).toBeCloseTo(below, 6);
    }
  });
});

describe('a deviation', () => {
  it('has the interval that chi-squared gives it', () => {
    for (const [degrees, low, high] of [
      [1, 0.44614, 31.91],
      [4, 0.59913, 2.87357],
      [8, 0.67545, 1.91577],
      [30, 0.79913, 1.33672],
    ] as const) {
      // Of a sample whose deviation is 1, whatever its size.
      const sample = Array.from({ length: degrees + 1 }, (_, index) => (index % 2 === 0 ? 1 : -1));
      const found = spreadWithin([sample], 0);
      const deviation = found?.deviation ?? Number.NaN;
      expect(found?.degrees).toBe(degrees);
      expect((found?.interval[0] ?? Number.NaN) / deviation).toBeCloseTo(low, 3);
      expect((found?.interval[1] ?? Number.NaN) / deviation).toBeCloseTo(high, degrees === 1 ? 1 : 3);
    }
  });

  it('is that within the samples, wherever these lie', () => {
    expect(
      spreadWithin(
        [
          [1, 2, 3],
          [101, 102, 103],
        ],
        0,
      ),
    ).toMatchObject({ deviation: 1, degrees: 4 });
    expect(spreadWithin([[1], [2]], 1)).toBeUndefined();
    expect(spreadWithin([], 1)).toBeUndefined();
    expect(spreadWithin([[1, Number.NaN]], 1)).toBeUndefined();
  });

  it('is never smaller than what values deviate by because of how finely they are told', () => {
    const found = spreadWithin([[5, 5], [7]], 0.1);
    expect(found).toMatchObject({ deviation: 0.1, degrees: 1 });
    expect(found?.interval[0]).toBeLessThan(0.1);
    expect(found?.interval[1]).toBeGreaterThan(0.1);
    expect(spreadWithin([[1, 2, 3]], 0.1)?.deviation).toBe(1);
  });
});

describe('the interval of a median', () => {
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

  it('lies between two of the values, from six on', () => {
    expect(medianInterval(upTo(6), 0.001)).toEqual({
      low: 1,
      high: 6,
      confidence: 0.96875,
      method: 'order statistics',
    });
    for (const [count, low, confidence] of [
      [8, 1, 0.992188],
      [9, 2, 0.960938],
      [10, 2, 0.978516],
      [20, 6, 0.958611],
      [25, 8, 0.956715],
    ] as const) {
      const found = medianInterval(upTo(count).toReversed(), 0.001);
      expect(found).toMatchObject({ low, high: count + 1 - low, method: 'order statistics' });
      expect(found?.confidence).toBeCloseTo(confidence, 6);
    }
  });

  it('is of the logarithms for fewer, and of one there is none', () => {
    expect(medianInterval([7], 0.001)).toBeUndefined();
    expect(medianInterval([], 0.001)).toBeUndefined();
    const found = medianInterval([10, 1000], 0.001);
    expect(found).toMatchObject({ confidence: 0.95, method: 't on logarithms' });
    // Even about the geometric mean.
    expect((found?.low ?? 0) * (found?.high ?? 0)).toBeCloseTo(10_000, 6);
  });

  it('holds the true median as often as it says', () => {
    for (const count of [2, 3, 5, 6, 9]) {
      const prng = new Prng(`median ${count}`);
      const held = shareOf(4000, () => {
        const values = drawn(prng, count).map((value) => 100 * Math.exp(0.3 * value));
        const found = medianInterval(values, 0.001);
        return found !== undefined && found.low <= 100 && 100 <= found.high;
      });
      expect(held, `${count} values`).toBeGreaterThan(0.94);
    }
  });

  it('is no narrower than how finely values are told, however alike they are', () => {
    for (const count of [2, 5, 6, 20]) {
      const found = medianInterval(
        Array.from({ length: count }, () => 100),
        0.1,
      );
      expect(found?.low, `${count} values`).toBeLessThan(96);
      expect(found?.high, `${count} values`).toBeGreaterThan(104);
    }
  });

  it("holds the sample's own median, whatever the values", () => {
    const values = array(double({ min: 1, max: 1e9, noNaN: true }), { minLength: 2, maxLength: 40 });
    assert(
      property(values, (sample) => {
        const found = medianInterval(sample, 0.001);
        const middle = median(sample);
        // An even number of values has no middle one: the mean of two is not the mean of their logarithms.
        if (sample.length < 6 && sample.length % 2 === 0) return;
        expect(found?.low).toBeLessThanOrEqual(middle * (1 + 1e-9));
        expect(found?.high).toBeGreaterThanOrEqual(middle * (1 - 1e-9));
      }),
    );
  });
});

describe('samples', () => {
  it('have a mean and a median', () => {
    expect([mean([1, 2, 6]), median([6, 1, 2]), median([4, 1, 2, 8])]).toEqual([3, 2, 3]);
    expect([mean([]), median([])]).toEqual([Number.NaN, Number.NaN]);
  });

  it('are compared only where both have a spread', () => {
    expect(compareMeans([1], [2, 3], 0.1)).toBeUndefined();
    expect(compareMeans([1, Number.NaN], [2, 3], 0.1)).toBeUndefined();
    expect(compareMeans([1, 1], [1, 1], 0.1)).toMatchObject({ difference: 0, p: 1 });
    // Equal values are as far apart as they can be told, and not for certain: t = 1 / 0.5 with two degrees of freedom.
    const equal = compareMeans([1, 1], [2, 2], 0.5);
    expect(equal?.reach).toBeCloseTo(4.3027 * 0.5, 3);
    expect(equal?.p).toBeCloseTo(0.1835, 3);
    // Student's own way: a pooled deviation of 1 over four degrees of freedom.
    const compared = compareMeans([1, 2, 3], [3, 4, 5], 0.1);
    expect(compared?.reach).toBeCloseTo(2.7764 * Math.sqrt(2 / 3), 3);
    expect(compared?.p).toBeCloseTo(0.0705, 3);
  });
});
