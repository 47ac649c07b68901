import { describe, expect, it } from 'vitest';
import { cellRows } from '../../../src/report/charts/cell-rows.js';
import type { ChartSpec } from '../../../src/report/charts/chart-spec.ts';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { sampleResult } from './sample-result.ts';

/** Columns of a second. */
function map(values: (number | null)[][]): Pick<ChartSpec, 'x' | 'y' | 'cells'> {
  return {
    x: { kind: 'linear', title: 'Since the start of the run', format: 'elapsedMs' },
    y: { kind: 'logarithmic', title: 'Latency', format: 'durationUs' },
    cells: {
      xs: Array.from({ length: values.length + 1 }, (_, at) => at * 1000),
      ys: [1000, 2000, 4000],
      values,
      scale: 'logarithmic',
      format: 'count',
      noun: 'pods',
    },
  };
}

describe('cellRows', () => {
  const values = [
    [0, 3],
    [null, 0],
    [1234, 1],
  ];

  it('has a row for each cell that is not empty', () => {
    expect(cellRows(map(values), 10)).toEqual([
      ['0:00 – 0:01', '2 ms – 4 ms', '3'],
      ['0:02 – 0:03', '1 ms – 2 ms', '1,234'],
      ['0:02 – 0:03', '2 ms – 4 ms', '1'],
    ]);
  });

  it('joins neighbours where there would be too many, and loses nothing', () => {
    expect(cellRows(map([[1, 0], ...values]), 2)).toEqual([
      ['0:00 – 0:04', '1 ms – 2 ms', '1,235'],
      ['0:00 – 0:04', '2 ms – 4 ms', '4'],
    ]);
    // The last of an odd number stays by itself.
    expect(cellRows(map([[1], [1], [5]]), 2)).toEqual([
      ['0:00 – 0:02', '1 ms – 2 ms', '2'],
      ['0:02 – 0:03', '1 ms – 2 ms', '5'],
    ]);
    expect(cellRows(map([]), 2)).toEqual([]);
  });

  it('tells all samples of a run', () => {
    const { latencyGrids, ...result } = sampleResult();
    const maps = chartsOf({ ...result, latencyGrids }).filter(({ id }) => id.startsWith('heat-map-'));
    expect(maps.length).toBeGreaterThan(1);
    for (const [at, spec] of maps.entries()) {
      const told = cellRows(spec, 50).reduce(
        (sum, [, , count]) => sum + Number(count.replaceAll(',', '')),
        0,
      );
      const counts = latencyGrids[at]?.columns.flat() ?? [];
      expect(told).toBe(counts.reduce((sum, count) => sum + count, 0));
    }
  });
});
