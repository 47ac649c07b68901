import { describe, expect, it } from 'vitest';
import type { ChartSpec } from '../../../src/report/charts/chart-spec.ts';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { hydrate } from '../../../src/report/charts/hydrate.js';
import { packed, packedPointsMin } from '../../../src/report/charts/pack.ts';
import { themes } from '../../../src/report/charts/themes.js';
import { unpacked } from '../../../src/report/charts/unpack.js';
import { renderHtml } from '../../../src/report/html/render-html.ts';
import { longResult } from '../../browser/samples.ts';
import { sampleResult } from './sample-result.ts';

const pointCount = 100_000;
const long = longResult(pointCount);
const sizes = { family: 'Inter', tick: 12, title: 16, heading: false };

type Drawn = { data: { datasets: { data: unknown[] }[] } };

/** With the fields of its series in one order. */
function sorted({ series, ...spec }: ChartSpec): unknown {
  return [
    Object.entries(spec).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    series.map(({ points, ...one }) => [one, points]),
  ];
}

// Two million points take some seconds on a machine that is busy.
describe('a report of 100,000 points', { timeout: 60_000 }, () => {
  it('has a size that a browser takes, with each time in it once a chart', () => {
    const bytes = Buffer.byteLength(renderHtml(long)) - Buffer.byteLength(renderHtml(longResult(100)));
    expect(bytes / pointCount).toBeLessThan(300);
  });

  it('draws of each series what can be seen of it, and never a point for each', () => {
    const charts = chartsOf(long);
    const seriesCount = charts
      .filter(({ series }) => series.some(({ points }) => points.length === pointCount))
      .reduce((sum, { series }) => sum + series.length, 0);
    expect(seriesCount).toBeGreaterThan(10);
    for (const spec of charts) {
      const { datasets } = (hydrate(spec, themes.light, sizes) as Drawn).data;
      for (const { data } of datasets) expect(data.length, spec.id).toBeLessThan(6000);
    }
  });
});

describe('charts in a page', () => {
  it('are the same when they have been packed and unpacked', () => {
    for (const result of [longResult(1000), sampleResult()]) {
      const charts = chartsOf(result);
      const text = JSON.stringify(charts.map(packed));
      const read = (JSON.parse(text) as ChartSpec[]).map(unpacked);
      expect(JSON.stringify(read.map(sorted))).toBe(JSON.stringify(charts.map(sorted)));
    }
  });

  it('are packed when there are many points with the same places', () => {
    const line = (count: number, stepX: number): ChartSpec['series'][0] => ({
      label: 'line',
      kind: 'line',
      colour: 'blue',
      points: Array.from({ length: count }, (_, at) => [at * stepX, at % 3 === 0 ? null : at]),
    });
    const spec = (...series: ChartSpec['series']): ChartSpec => ({
      id: 'chart',
      title: 'title',
      subtitle: '',
      description: '',
      x: { kind: 'linear', title: '', format: 'elapsedMs' },
      y: { kind: 'linear', title: '', format: 'number' },
      series,
    });
    const count = packedPointsMin;
    const shared = spec(line(count, 1000), line(count, 1000));
    expect(packed(shared)).toHaveProperty('xs.length', count);
    expect(unpacked(packed(shared))).toEqual(shared);
    for (const other of [
      spec(line(count, 1000)),
      spec(line(count, 1000), line(count, 500)),
      spec(line(count, 1000), line(count + 1, 1000)),
      spec(line(count - 1, 1000), line(count - 1, 1000)),
    ]) {
      expect(packed(other)).toBe(other);
      expect(unpacked(packed(other))).toEqual(other);
    }
  });
});
