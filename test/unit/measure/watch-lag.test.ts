import { describe, expect, it } from 'vitest';
import { Passage } from '../../../src/measure/watch-lag.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

function passage(): { passage: Passage; histogram: Histogram } {
  const histogram = new Histogram();
  return { passage: new Passage(histogram), histogram };
}

const values = (histogram: Histogram): number[] =>
  histogram.buckets().flatMap(({ value, count }) => Array.from({ length: count }, () => value));

describe('Passage', () => {
  it('measures from one place to the other', () => {
    const { passage: way, histogram } = passage();
    way.enter(10, 1000);
    way.enter(12, 1100);
    way.leave(10, 1300);
    way.leave(12, 1500);
    expect(values(histogram)).toEqual([300, 400]);
  });

  it('counts 0 for one that comes to the second place first', () => {
    const { passage: way, histogram } = passage();
    way.leave(10, 1000);
    way.enter(10, 1200);
    expect(values(histogram)).toEqual([0]);
  });

  it('takes one version for all before it, as after an interruption', () => {
    const { passage: way, histogram } = passage();
    for (const version of [1, 2, 3]) way.enter(version, version * 100);
    way.leave(3, 1000);
    expect(values(histogram)).toEqual([700, 800, 900]);
  });

  it('counts those that never arrive with their age, but for the youngest', () => {
    const { passage: way, histogram } = passage();
    way.enter(1, 100);
    way.enter(2, 200);
    way.close(1000);
    expect(values(histogram)).toEqual([900]);
  });

  it('is bounded: the oldest count as arrived', () => {
    const { passage: way, histogram } = passage();
    for (let version = 1; version <= 1000; version++) way.enter(version, version);
    expect(histogram.count).toBe(760);
    expect(histogram.max).toBe(240);
  });
});
