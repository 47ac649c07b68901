import { describe, expect, it } from 'vitest';
import { RecentLatencies } from '../../../src/measure/recent-latencies.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

const secondUs = 1_000_000;
const near = (value: number | null | undefined, wanted: number): void =>
  expect(Math.abs((value ?? Number.NaN) - wanted)).toBeLessThanOrEqual(wanted * 0.002);

describe('RecentLatencies', () => {
  it('tells quantiles and how many there were of the last seconds only', () => {
    const recent = new RecentLatencies();
    for (let second = 0; second < 100; second++) {
      for (let nth = 1; nth <= 100; nth++) recent.record(second * secondUs, (second + 1) * 1000 + nth);
    }
    const nowUs = 99 * secondUs;
    const ten = recent.over(nowUs, 10_000);
    expect(ten.count).toBe(1000);
    // Of seconds 90 to 99.
    near(ten.p50Us, 95_100);
    near(ten.p90Us, 99_100);
    near(ten.p99Us, 100_090);
    const sixty = recent.over(nowUs, 60_000);
    expect(sixty.count).toBe(6000);
    near(sixty.p50Us, 70_100);
  });

  it('forgets what is older, also when nothing has come since', () => {
    const recent = new RecentLatencies();
    const report = new Histogram();
    report.record(5000, 7);
    recent.merge(0, report);
    recent.merge(secondUs, new Histogram());
    expect(recent.over(9 * secondUs, 10_000).count).toBe(7);
    expect(recent.over(10 * secondUs, 10_000).count).toBe(0);
    expect(recent.over(59 * secondUs, 60_000).count).toBe(7);
    expect(recent.over(60 * secondUs, 60_000)).toEqual({ count: 0, p50Us: null, p90Us: null, p99Us: null });
    // In the place of the first.
    recent.record(60 * secondUs, 9000);
    expect(recent.over(61 * secondUs, 60_000).count).toBe(1);
  });
});
