import type { TimelinePoint } from '../result/result.ts';

/** An hour of seconds. A longer run has fewer points, each over more seconds. */
export const timelinePointsMax = 3600;

/** A run's course, with no more points than fit: when they do not, neighbours become one, old and new alike. */
export class Timeline {
  private readonly pointsMax: number;
  private merged: TimelinePoint[] = [];
  /** How many points of those that are pushed become one. */
  private stride = 1;
  private open: TimelinePoint | undefined;
  private openCount = 0;

  constructor(pointsMax: number = timelinePointsMax) {
    this.pointsMax = pointsMax;
  }

  push(point: TimelinePoint): void {
    this.open = this.open === undefined ? point : merge(this.open, point, this.openCount);
    this.openCount++;
    if (this.openCount < this.stride) return;
    this.merged.push(this.open);
    this.open = undefined;
    this.openCount = 0;
    if (this.merged.length >= this.pointsMax) this.halve();
  }

  points(): TimelinePoint[] {
    return this.open === undefined ? [...this.merged] : [...this.merged, this.open];
  }

  private halve(): void {
    const halved: TimelinePoint[] = [];
    for (let i = 0; i < this.merged.length; i += 2) {
      const first = this.merged[i] as TimelinePoint;
      const second = this.merged[i + 1];
      halved.push(second === undefined ? first : merge(first, second, 1));
    }
    this.merged = halved;
    this.stride *= 2;
  }
}

/**
 * Two neighbours as one: counts as of the later, rates and cores as the mean (the first stands for `weight` points),
 * p99 and memory as the larger. The p99 of a merged point is thus an upper bound.
 */
function merge(a: TimelinePoint, b: TimelinePoint, weight: number): TimelinePoint {
  const mean = (x: number, y: number): number => (x * weight + y) / (weight + 1);
  return {
    ...b,
    phase: a.phase,
    requestsPerSecond: mean(a.requestsPerSecond, b.requestsPerSecond),
    requestedPerSecond: mean(a.requestedPerSecond, b.requestedPerSecond),
    podStartupP99Us: larger(a.podStartupP99Us, b.podStartupP99Us),
    apiCallP99Us: larger(a.apiCallP99Us, b.apiCallP99Us),
    cpuCores: joined(a.cpuCores, b.cpuCores, mean),
    rssBytes: joined(a.rssBytes, b.rssBytes, Math.max),
  };
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

function joined(
  a: Record<string, number>,
  b: Record<string, number>,
  join: (x: number, y: number) => number,
): Record<string, number> {
  const result = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const other = a[name];
    result[name] = other === undefined ? value : join(other, value);
  }
  return result;
}
