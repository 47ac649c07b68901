import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { judge, minimumSamples, toSli } from '../../../src/result/summarise.ts';

const description = {
  id: 'pod-startup',
  labels: { namespace: 'a' },
  unit: 'us',
  definition: 'From a to b.',
  source: 'client clock',
  resolution: '1 µs',
} as const;

function filled(...values: number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe('toSli', () => {
  it('is all zero without samples, with an empty histogram', () => {
    const sli = toSli(new Histogram(), description);
    expect(sli).toEqual({ ...description, count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0, histogram: '' });
    expect(Object.hasOwn(sli, 'slo')).toBe(false);
  });

  it('has the quantiles and a histogram that gives them back', () => {
    const sli = toSli(filled(...Array.from({ length: 1000 }, (_, i) => i + 1)), description);
    expect(sli).toMatchObject({ count: 1000, p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
    expect(Histogram.fromBase64(sli.histogram).quantile(0.9)).toBe(900);
  });

  it('judges the SLO', () => {
    const slo = { quantile: 0.99, threshold: 1000 };
    const many = (value: number): Histogram => filled(...Array.from({ length: 200 }, () => value));
    expect(toSli(many(900), { ...description, slo }).slo).toEqual({ ...slo, verdict: 'pass' });
    expect(toSli(many(1000), { ...description, slo }).slo?.verdict).toBe('pass');
    expect(toSli(many(1100), { ...description, slo }).slo?.verdict).toBe('fail');
    expect(toSli(filled(1, 2, 3), { ...description, slo }).slo?.verdict).toBe('inconclusive');
  });
});

describe('minimumSamples', () => {
  it('is what leaves one sample beyond the quantile', () => {
    expect([0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1].map(minimumSamples)).toEqual([
      1, 2, 10, 100, 1000, 10000, 1,
    ]);
  });

  it('is where a verdict starts', () => {
    const slo = { quantile: 0.99, threshold: 10 };
    expect(judge(99, 11, slo)).toBe('inconclusive');
    expect(judge(100, 11, slo)).toBe('fail');
    expect(judge(100, 10, slo)).toBe('pass');
  });
});
