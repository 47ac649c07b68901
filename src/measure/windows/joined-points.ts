import type { SliWindows, WindowVerdict } from '../../result/result.ts';

type Point = SliWindows['points'][number];

/** Sixty hours of minutes, and an even number; see the type of the result. */
export const windowPointsMax = 3600;

const worst: readonly WindowVerdict[] = ['bad', 'undecided', 'good'];

/** Windows of one SLI in order, with no more points than fit: when they do not, neighbours become one. */
export class JoinedPoints {
  private readonly counts = { good: 0, bad: 0, undecided: 0 };
  private points: Point[] = [];
  /** How many windows become a point. */
  private stride = 1;
  private openCount = 0;

  push(point: Point): void {
    this.counts[point.verdict]++;
    const last = this.points.at(-1);
    if (last !== undefined && this.openCount > 0) this.points[this.points.length - 1] = joined(last, point);
    else this.points.push(point);
    this.openCount = (this.openCount + 1) % this.stride;
    if (this.points.length > windowPointsMax) this.halve();
  }

  get isEmpty(): boolean {
    return this.points.length === 0;
  }

  /** @param steps of the run: those in which there was no window are undecided. */
  windows(steps: number): SliWindows {
    const { good, bad } = this.counts;
    return { good, bad, undecided: Math.max(0, steps - good - bad), points: this.points };
  }

  private halve(): void {
    const halved: Point[] = [];
    for (const [index, point] of this.points.entries()) {
      const before = halved.at(-1);
      if (index % 2 === 1 && before !== undefined) halved[halved.length - 1] = joined(before, point);
      else halved.push(point);
    }
    // There is one point more than fit, an odd number: the last has no neighbour yet.
    this.openCount = this.openCount === 0 ? this.stride : this.openCount;
    this.stride *= 2;
    this.points = halved;
  }
}

/** The later one's time; count and value of the larger value; the worse verdict. */
function joined(a: Point, b: Point): Point {
  const { count, value } = a.value > b.value ? a : b;
  const verdict = worst.find((one) => one === a.verdict || one === b.verdict) ?? 'undecided';
  return { atMs: b.atMs, count, value, verdict };
}
