import { describe, expect, it } from 'vitest';
import type { ChartSpec } from '../../../src/report/charts/chart-spec.ts';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { hydrate } from '../../../src/report/charts/hydrate.js';
import { themes } from '../../../src/report/charts/themes.js';
import { hostileName, sampleResult } from './sample-result.ts';

function chart(id: string, charts: readonly ChartSpec[] = chartsOf(sampleResult())): ChartSpec {
  const found = charts.find((spec) => spec.id === id);
  if (found === undefined) throw new Error(`no chart ${id}`);
  return found;
}

describe('chartsOf', () => {
  it('has all charts of a whole run, as plain data without holes', () => {
    const charts = chartsOf(sampleResult());
    expect(charts.map((spec) => spec.id)).toEqual([
      'pod-startup-percentiles',
      'pod-startup-histogram',
      'pod-startup-phases',
      'timeline-pods',
      'timeline-rate',
      'timeline-latency',
      'resources-cpu',
      'resources-memory',
      'heat-map-startup-1',
      'heat-map-api-2',
      'heat-map-api-3',
      'api-percentiles',
      'api-calls',
      'nodes-readiness',
      'nodes-startup',
      'nodes-pods',
    ]);
    // JSON would drop functions and undefined, and turn NaN and Infinity into null.
    expect(JSON.parse(JSON.stringify(charts))).toEqual(charts);
    for (const spec of charts) expect(spec.id).toMatch(/^[a-z0-9-]+$/);
  });

  it('draws the percentile curve up to the largest sample, never falling', () => {
    const result = sampleResult();
    for (const series of chart('pod-startup-percentiles', chartsOf(result)).series) {
      const sli = result.slis.find((each) => each.id === series.label);
      const values = series.points.map(([, y]) => y ?? Number.NaN);
      expect(values.at(-1)).toBe(sli?.max);
      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      expect(series.points[48]?.[0]).toBeCloseTo(10);
      expect(series.points[48]?.[1]).toBe(sli?.p90);
    }
  });

  it('counts every sample in the histogram, once', () => {
    for (const options of [
      {},
      { verdict: 'fail' as const },
      { pods: 1 },
      { pods: 2 },
      { pods: 5000, seed: 'x' },
    ]) {
      const result = sampleResult(options);
      const spec = chart('pod-startup-histogram', chartsOf(result));
      const total = spec.series[0]?.points.reduce((sum, [, count]) => sum + (count ?? 0), 0);
      expect(total).toBe(result.pods.started);
      expect(spec.categories).toHaveLength(spec.series[0]?.points.length ?? 0);
      expect(spec.series[0]?.points.length).toBeLessThanOrEqual(60);
    }
  });

  it('shows the SLO in the curve only where it does not flatten it', () => {
    expect(
      chart('pod-startup-percentiles').subtitle + JSON.stringify(chart('pod-startup-percentiles').markers),
    ).toContain('5 s');
    const fast = sampleResult();
    for (const sli of fast.slis) if (sli.slo !== undefined) sli.slo.threshold = 3_600_000_000;
    const spec = chart('pod-startup-percentiles', chartsOf(fast));
    expect(spec.markers).toBeUndefined();
    expect(spec.subtitle).toContain('1 h');
  });

  it('stacks the phases in the order of the result', () => {
    const spec = chart('pod-startup-phases');
    expect(spec.categories).toEqual(['p50', 'p90', 'p99']);
    expect(spec.series[0]?.label).toBe('sent to accepted');
    expect(spec.series.at(-1)?.label).toBe('acknowledged to seen by watcher');
  });

  it('has the phases of the pods that are judged, and of no others', () => {
    const result = sampleResult();
    const [phase] = result.slis.filter((sli) => sli.id === 'pod-startup-phase');
    if (phase === undefined) throw new Error('the sample has no phases');
    const others = { ...phase, labels: { phase: 'of others', kind: 'job', class: 'stateless' } };
    const spec = chart('pod-startup-phases', chartsOf({ ...result, slis: [...result.slis, others] }));
    expect(spec.series.map(({ label }) => label)).not.toContain('of others');
  });

  it('keeps gaps in the timeline as gaps', () => {
    const [startup] = chart('timeline-latency').series;
    expect(startup?.points[0]).toEqual([expect.any(Number), null]);
    expect(chart('timeline-rate').bands?.map((band) => band.label)).toEqual([
      'nodes',
      'create',
      'steady',
      'delete',
    ]);
  });

  it('limits the API chart to the slowest kinds', () => {
    const spec = chart('api-calls', chartsOf(sampleResult({ extraApiRows: 1000, hostileName })));
    expect(spec.categories).toHaveLength(20);
    expect(spec.categories?.[0]).toContain('</script>');
  });

  it('draws heat maps on the axis of the run, with the p99 of pods when there is one map of them', () => {
    const result = sampleResult();
    const map = chart('heat-map-startup-1', chartsOf(result));
    expect(map.bands).toEqual(chart('timeline-pods').bands);
    expect(map.cells?.values).toBe(result.latencyGrids[0]?.columns);
    expect(map.cells?.xs).toHaveLength((map.cells?.values.length ?? 0) + 1);
    expect(map.series.map((series) => series.label)).toEqual(['p99']);
    const [grid] = result.latencyGrids;
    if (grid === undefined) throw new Error('the sample has no grid');
    const two = { ...result, latencyGrids: [grid, { ...grid, labels: { kind: 'deployment' } }] };
    expect(
      chartsOf(two).flatMap((spec) => (spec.cells?.of === undefined && spec.cells ? spec.series : [])),
    ).toEqual([]);
  });

  it('gives each node one cell, in the order of the inventory', () => {
    for (const nodes of [1, 19, 21, 100, 5000]) {
      const result = sampleResult({ nodes, pods: 200 });
      const { cells } = chart('nodes-pods', chartsOf(result));
      const columns = (cells?.xs.length ?? 0) - 1;
      const totals = result.inventory.nodes.map((node) => node.pods.total);
      expect(totals.map((_, index) => cells?.values[index % columns]?.[Math.floor(index / columns)])).toEqual(
        totals,
      );
      expect(cells?.values.flat().filter((value) => value !== null)).toHaveLength(nodes);
    }
  });

  it('is empty when nothing was measured', () => {
    const inventory = { nodes: [], nodesOmitted: 0, workloads: [] };
    expect(chartsOf({ ...sampleResult(), slis: [], timeline: [], inventory })).toEqual([]);
  });

  it('holds the timeline of a long run', () => {
    const { timeline } = sampleResult();
    const long = Array.from(
      { length: 200_000 },
      (_, index) => ({ ...timeline[index % 60], atMs: index * 1000 }) as (typeof timeline)[number],
    );
    expect(
      chart('timeline-latency', chartsOf({ ...sampleResult(), timeline: long })).series[0]?.points,
    ).toHaveLength(200_000);
  });

  it('holds a timeline of one point and one of all zeros', () => {
    const [point] = sampleResult().timeline;
    if (point === undefined) throw new Error('the sample has no timeline');
    const zero = { ...point, podStartupP99Us: 0, apiCallP99Us: null, cpuCores: {}, rssBytes: {} };
    for (const timeline of [[point], [zero, { ...zero, atMs: 1000 }]]) {
      const charts = chartsOf({ ...sampleResult(), timeline });
      expect(JSON.parse(JSON.stringify(charts))).toEqual(charts);
    }
  });
});

type Scale = { ticks: { callback: (this: void, value: number) => string | null } };
type Config = {
  data: { datasets: { label: string; borderColor: string; data: unknown[] }[] };
  options: {
    scales: Record<string, Scale>;
    plugins: { tooltip: { callbacks: { title(items: unknown[]): string; label(item: unknown): string } } };
  };
};

describe('hydrate', () => {
  const sizes = { family: 'Inter', tick: 12, title: 16, heading: true };
  const configOf = (id: string, theme = themes.light): Config => hydrate(chart(id), theme, sizes) as Config;

  it('takes the colours of the theme', () => {
    expect(configOf('timeline-rate').data.datasets[1]?.borderColor).toBe(themes.light.colours.blue);
    expect(configOf('timeline-rate', themes.dark).data.datasets[1]?.borderColor).toBe(
      themes.dark.colours.blue,
    );
  });

  it('labels the percentile axis at each nine and nowhere else', () => {
    const { callback } = (configOf('pod-startup-percentiles').options.scales['x'] as Scale).ticks;
    expect([1, 2, 10, 50, 100, 1000, 10_000].map((x) => callback(x))).toEqual([
      '0%',
      null,
      '90%',
      null,
      '99%',
      '99.9%',
      '99.99%',
    ]);
  });

  it('shows values on hovering with their units', () => {
    const { callbacks } = configOf('timeline-latency').options.plugins.tooltip;
    expect(callbacks.title([{ parsed: { x: 41_000, y: 1 } }])).toBe('0:41 · steady');
    expect(callbacks.label({ datasetIndex: 0, parsed: { x: 0, y: 1_234_567 } })).toBe(
      ' pod startup p99: 1.23 s',
    );
    const bars = configOf('pod-startup-histogram').options.plugins.tooltip.callbacks;
    expect(bars.title([{ dataIndex: 0, parsed: { x: 0, y: 0 } }])).toMatch(/ms – .* ms$/);
  });

  it('makes a point between two gaps visible', () => {
    const spec = chart('timeline-latency');
    const [series] = spec.series;
    if (series === undefined) throw new Error('no series');
    series.points = [
      [0, null],
      [1, 5],
      [2, null],
      [3, 6],
      [4, 7],
    ];
    const { data } = hydrate(spec, themes.light, sizes) as {
      data: { datasets: { pointRadius: number[] }[] };
    };
    expect(data.datasets[0]?.pointRadius).toEqual([0, 2.5, 0, 0, 0]);
  });

  it('turns a horizontal chart: values along x', () => {
    const [first] = configOf('pod-startup-phases').data.datasets;
    expect(first?.data[0]).toEqual({ x: expect.any(Number), y: '0' });
  });

  it('draws few of very many points, and all where the reader has zoomed in', () => {
    const [point] = sampleResult().timeline;
    if (point === undefined) throw new Error('the sample has no timeline');
    const timeline = Array.from({ length: 100_000 }, (_, index) => ({
      ...point,
      atMs: index * 1000,
      apiCallP99Us: index === 77_777 ? 9_000_000 : 1000 + (index % 7),
    }));
    const spec = chart('timeline-latency', chartsOf({ ...sampleResult(), timeline }));
    type Data = { data: { datasets: { data: { x: number; y: number }[] }[] } };
    const all = (hydrate(spec, themes.light, sizes) as Data).data.datasets[1]?.data ?? [];
    expect(all.length).toBeLessThan(6000);
    expect(all.find(({ y }) => y === 9_000_000)?.x).toBe(77_777_000);
    const range = { from: 50_000_000, to: 51_000_000 };
    const part = (hydrate(spec, themes.light, { ...sizes, range }) as Data).data.datasets[1]?.data ?? [];
    expect([part[0]?.x, part.at(-1)?.x, part.length]).toEqual([49_999_000, 51_000_000, 1002]);
  });
});
