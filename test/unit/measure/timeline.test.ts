import { describe, expect, it } from 'vitest';
import { Timeline } from '../../../src/measure/timeline.ts';
import type { TimelinePoint } from '../../../src/result/result.ts';

const point = (second: number): TimelinePoint => ({
  atMs: second * 1000,
  phase: second < 50 ? 'a' : 'b',
  nodesReady: 3,
  podsCreated: second,
  podsStarted: second,
  podsDeleted: 0,
  requestsPerSecond: 10 + (second % 2),
  requestedPerSecond: 10,
  podStartupP99Us: second % 3 === 0 ? null : second,
  apiCallP99Us: null,
  cpuCores: { harness: second % 2, ...(second > 5 ? { fleet: 0.5 } : {}) },
  rssBytes: { harness: second },
});

describe('Timeline', () => {
  it('keeps every point while there is room', () => {
    const timeline = new Timeline(10);
    for (let second = 1; second < 10; second++) timeline.push(point(second));
    expect(timeline.points()).toHaveLength(9);
    expect(timeline.points()[4]).toEqual(point(5));
  });

  it('merges neighbours, old and new, and stays within its bound', () => {
    const timeline = new Timeline(10);
    for (let second = 1; second <= 1000; second++) {
      timeline.push(point(second));
      expect(timeline.points().length).toBeLessThanOrEqual(11);
    }
    const points = timeline.points();
    expect(points.length).toBeGreaterThan(4);
    expect(points.at(-1)?.atMs).toBe(1_000_000);
    // Rates are means, and those of all points alike.
    for (const one of points) {
      expect(one.requestsPerSecond).toBeCloseTo(10.5, 0);
      expect(one.requestedPerSecond).toBe(10);
    }
    const times = points.map((one) => one.atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('takes counts from the later point, the larger p99 and memory, the mean of cores', () => {
    const timeline = new Timeline(2);
    timeline.push({ ...point(1), podStartupP99Us: 50 });
    timeline.push(point(3));
    expect(timeline.points()).toEqual([
      {
        ...point(3),
        requestsPerSecond: 11,
        podStartupP99Us: 50,
        cpuCores: { harness: 1 },
        rssBytes: { harness: 3 },
      },
    ]);
  });
});
