import { assert, constantFrom, double, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { Histogram, latencyMaxUs } from '../../../src/metrics/histogram.ts';

/*
 * Percentiles against the sorted samples themselves, over the distributions that latencies have: narrow, exponential, with
 * a heavy tail, of two kinds, with stalls. HDR's own statement is that of three significant digits a value is told to
 * within a thousandth of it; of two, to within a hundredth.
 */

const distributions = [
  'constant',
  'uniform',
  'exponential',
  'log-normal',
  'Pareto',
  'bimodal',
  'stalls',
] as const;

type Drawn = { kind: (typeof distributions)[number]; seed: number; count: number; scaleUs: number };

/** Sizes from one sample to many, scales from a microsecond to beyond the hour that a histogram holds. */
const drawn = record({
  kind: constantFrom(...distributions),
  seed: integer(),
  count: integer({ min: 1, max: 3000 }),
  scaleUs: double({ min: 0, max: 9.6, noNaN: true }).map((power) => 10 ** power),
});

function samplesOf({ kind, seed, count, scaleUs }: Drawn): number[] {
  const prng = new Prng(seed);
  const exponential = (): number => -Math.log(1 - prng.float());
  const normal = (): number => Math.sqrt(2 * exponential()) * Math.cos(2 * Math.PI * prng.float());
  const draw = {
    constant: () => 1,
    uniform: () => prng.float(),
    exponential,
    'log-normal': () => Math.exp(normal()),
    Pareto: () => (1 - prng.float()) ** (-1 / 1.2),
    bimodal: () => (prng.float() < 0.7 ? 1 : 4) * prng.between(0.9, 1.1),
    stalls: () => (prng.float() < 0.01 ? 100 * prng.float() : 0.1 * exponential()),
  }[kind];
  return Array.from({ length: count }, () => Math.min(latencyMaxUs, Math.round(draw() * scaleUs)));
}

function histogramOf(samples: readonly number[], histogram = new Histogram()): Histogram {
  for (const sample of samples) histogram.record(sample);
  return histogram;
}

/** In thousandths, so that ranks are reckoned in whole numbers. */
const thousandths = [0, 1, 10, 250, 500, 750, 900, 950, 990, 995, 999, 1000] as const;

/** By nearest rank: the smallest sample that so many are not above. */
function exact(sorted: readonly number[], thousandth: number): number {
  const rank = Math.max(1, Math.ceil((sorted.length * thousandth) / 1000));
  return sorted[rank - 1] ?? Number.NaN;
}

function expectToAgree(histogram: Histogram, samples: readonly number[], precision: number): void {
  const sorted = samples.toSorted((a, b) => a - b);
  expect(histogram.count).toBe(samples.length);
  for (const thousandth of thousandths) {
    const expected = exact(sorted, thousandth);
    const told = histogram.quantile(thousandth / 1000);
    // The bottom of the lowest bucket, the top of every other one.
    const low = thousandth === 0 ? expected * (1 - precision) - 1 : expected;
    expect(told, `${thousandth / 10} %`).toBeGreaterThanOrEqual(low);
    expect(told, `${thousandth / 10} %`).toBeLessThanOrEqual(expected * (1 + precision));
  }
  expect(Math.abs(histogram.max - exact(sorted, 1000))).toBeLessThanOrEqual(histogram.max * precision);
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  expect(Math.abs(histogram.mean - mean)).toBeLessThanOrEqual(mean * precision + 1);
}

describe('percentiles, against the sorted samples', () => {
  it('are within a thousandth', () => {
    assert(
      property(drawn, (given) => {
        const samples = samplesOf(given);
        expectToAgree(histogramOf(samples), samples, 1e-3);
      }),
      { numRuns: 150 },
    );
  });

  it('are so too when the samples were spread over shards, sent as base64 and merged', () => {
    assert(
      property(drawn, integer({ min: 1, max: 7 }), (given, shards) => {
        const samples = samplesOf(given);
        const merged = new Histogram();
        for (let shard = 0; shard < shards; shard++) {
          const part = samples.filter((_, index) => index % shards === shard);
          merged.merge(Histogram.fromBase64(histogramOf(part).toBase64()));
        }
        expectToAgree(merged, samples, 1e-3);
        expectToAgree(Histogram.fromBase64(merged.toBase64()), samples, 1e-3);
      }),
      { numRuns: 100 },
    );
  });

  it('of two digits are within a hundredth, and within that once merged into one of three', () => {
    assert(
      property(drawn, (given) => {
        const samples = samplesOf(given);
        const coarse = histogramOf(samples, Histogram.coarse());
        expectToAgree(coarse, samples, 1e-2);
        const fine = new Histogram();
        fine.merge(Histogram.fromBase64(coarse.toBase64()));
        expect(fine.count).toBe(samples.length);
        const sorted = samples.toSorted((a, b) => a - b);
        for (const thousandth of [500, 900, 990, 999]) {
          const expected = exact(sorted, thousandth);
          const off = Math.abs(fine.quantile(thousandth / 1000) - expected);
          expect(off).toBeLessThanOrEqual(expected * 1.1e-2);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are of the rank that is asked for, where a sample more or less is another value', () => {
    // Each sample is its own rank, and below 2,048 every one has a bucket of its own.
    for (const count of [1, 2, 9, 10, 99, 100, 101, 500, 999, 1000, 1001, 2000]) {
      const ranks = Array.from({ length: count }, (_, index) => index + 1);
      const histogram = histogramOf(ranks);
      for (const thousandth of thousandths.slice(1)) {
        expect(histogram.quantile(thousandth / 1000), `${thousandth / 10} % of ${count}`).toBe(
          exact(ranks, thousandth),
        );
      }
    }
  });
});
