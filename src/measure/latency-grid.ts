import type { Histogram } from '../metrics/histogram.ts';
import type { LatencyGrid } from '../result/result.ts';

/** As many as a screen shows apart; the contract's bound. */
export const gridColumnsMax = 240;

/** Each row is a third larger than the one below: finer than an eye tells colours apart, 77 rows up to an hour. */
const rowsPerDecade = 8;

/** How many samples lay in which range in which span: columns of time, rows of powers. Memory does not grow with either. */
export class GridRecorder {
  private columns: number[][] = [];
  private stepUs: number;

  /** `stepUs`: the span of a column; it doubles when there are too many. */
  constructor(stepUs: number) {
    this.stepUs = stepUs;
  }

  /** `atUs`: since the run's start; what was before it counts as its first moment. */
  record(atUs: number, valueUs: number, times = 1): void {
    let column = Math.max(0, Math.floor(atUs / this.stepUs));
    while (column >= gridColumnsMax) {
      this.halve();
      column = Math.floor(atUs / this.stepUs);
    }
    const row = rowOf(valueUs);
    while (this.columns.length <= column) this.columns.push([]);
    const counts = this.columns[column] as number[];
    while (counts.length <= row) counts.push(0);
    counts[row] = (counts[row] ?? 0) + times;
  }

  recordAll(atUs: number, histogram: Histogram): void {
    for (const { value, count } of histogram.buckets()) this.record(atUs, value, count);
  }

  /** Undefined without samples. Only rows between the smallest and the largest sample. */
  grid(id: string, labels: Record<string, string>): LatencyGrid | undefined {
    const last = this.columns.reduce((most, counts) => Math.max(most, counts.length), 0);
    if (last === 0) return undefined;
    let first = 0;
    while (this.columns.every((counts) => (counts[first] ?? 0) === 0)) first++;
    const rows = Array.from({ length: last - first }, (_, index) => first + index);
    return {
      id,
      labels,
      unit: 'us',
      stepMs: Math.round(this.stepUs / 1000),
      edges: [...rows, last].map(lowerEdge),
      columns: this.columns.map((counts) => rows.map((row) => counts[row] ?? 0)),
    };
  }

  private halve(): void {
    const halved: number[][] = [];
    for (let i = 0; i < this.columns.length; i += 2) {
      const [a = [], b = []] = this.columns.slice(i, i + 2);
      const longer = a.length > b.length ? a : b;
      halved.push(longer.map((_, row) => (a[row] ?? 0) + (b[row] ?? 0)));
    }
    this.columns = halved;
    this.stepUs *= 2;
  }
}

/** Row 0 is all up to a third more than a microsecond; a row holds its upper edge. */
function rowOf(valueUs: number): number {
  // 1e-9: 10 µs are exactly an edge, whatever the logarithm's last digit says.
  return Math.max(0, Math.ceil(Math.log10(Math.max(1, valueUs)) * rowsPerDecade - 1e-9) - 1);
}

function lowerEdge(row: number): number {
  return Number((10 ** (row / rowsPerDecade)).toPrecision(4));
}
