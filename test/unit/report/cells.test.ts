import { describe, expect, it } from 'vitest';
import type { ChartSpec } from '../../../src/report/charts/chart-spec.ts';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { hydrate } from '../../../src/report/charts/hydrate.js';
import { rampColour, themes } from '../../../src/report/charts/themes.js';
import { hostileName, sampleResult } from './sample-result.ts';

type Cell = { column: number; row: number };
type FakeChart = {
  cells: {
    active: Cell | null;
    at(x: number, y: number): Cell | null;
    describe(column: number, row: number): string[];
  };
  rects: string[];
  texts: string[];
};
type Plugin = {
  id: string;
  beforeInit(chart: unknown): void;
  beforeDatasetsDraw(chart: unknown): void;
  afterDraw(chart: unknown): void;
  afterEvent(chart: unknown, args: unknown): void;
};

const sizes = { family: 'Inter', tick: 12, title: 16, heading: false };

/** As much of a chart as the plugin uses: axes whose pixels are the values themselves. */
function drawn(
  spec: ChartSpec,
  describeCell?: (column: number, row: number) => string[],
): { chart: FakeChart; plugin: Plugin } {
  const config = hydrate(spec, themes.light, { ...sizes, ...(describeCell ? { describeCell } : {}) });
  const plugin = (config as { plugins: Plugin[] }).plugins.find((each) => each.id === 'cells');
  if (plugin === undefined) throw new Error('no cells');
  const rects: string[] = [];
  const texts: string[] = [];
  const ctx = new Proxy(
    { fillStyle: '', font: '' },
    {
      get: (target, name) => {
        if (name in target) return target[name as keyof typeof target];
        if (name === 'measureText') return () => ({ width: 50 });
        if (name === 'fillText') return (text: string) => texts.push(text);
        if (name === 'fillRect') return () => rects.push(target.fillStyle);
        return () => {};
      },
      set: (target, name, value: string) => Object.assign(target, { [name]: value }) !== null,
    },
  );
  const identity = { getPixelForValue: (value: number) => value, getValueForPixel: (pixel: number) => pixel };
  const chart = {
    ctx,
    rects,
    texts,
    width: 1e9,
    height: 1e9,
    chartArea: { left: 0, top: 0, right: 1e9, bottom: 1e9 },
    scales: { x: identity, y: identity },
    draw() {},
  } as unknown as FakeChart;
  plugin.beforeInit(chart);
  return { chart, plugin };
}

function chartNamed(id: string, result = sampleResult()): ChartSpec {
  const found = chartsOf(result).find((spec) => spec.id === id);
  if (found === undefined) throw new Error(`no chart ${id}`);
  return found;
}

describe('cells', () => {
  it('fill what there is: counts above 0, and every node', () => {
    const heat = chartNamed('heat-map-startup-1');
    const { chart, plugin } = drawn(heat);
    plugin.beforeDatasetsDraw(chart);
    expect(chart.rects).toHaveLength(heat.cells?.values.flat().filter((count) => count !== 0).length ?? 0);
    // Both ends of the ramp are used.
    expect(new Set(chart.rects)).toContain(rampColour(themes.light, 1));
    const nodes = drawn(chartNamed('nodes-readiness'));
    nodes.plugin.beforeDatasetsDraw(nodes.chart);
    expect(nodes.chart.rects).toHaveLength(100);
    expect(new Set(nodes.chart.rects)).toEqual(
      new Set([themes.light.colours.green, themes.light.colours.amber, themes.light.colours.threshold]),
    );
  });

  it('say when, how much and how many, or what the page knows of a node', () => {
    const heat = chartNamed('heat-map-startup-1');
    const column = heat.cells?.values.findIndex((counts) => counts.some((count) => count !== 0)) ?? 0;
    const row = heat.cells?.values[column]?.findIndex((count) => count !== 0) ?? 0;
    const { chart } = drawn(heat);
    const [when, what] = chart.cells.describe(column, row);
    expect(when).toMatch(/^0:\d\d – 0:\d\d$/);
    expect(what).toMatch(/^[\d.]+ (ms|s) – [\d.]+ (ms|s): \d+ of \d+ pods$/);
    const map = drawn(chartNamed('nodes-pods'), (at) => [hostileName, String(at)]);
    expect(map.chart.cells.describe(3, 0)).toEqual([hostileName, '3']);
  });

  it('are found under the pointer, and left with it', () => {
    const { chart, plugin } = drawn(chartNamed('nodes-pods'));
    const args = { event: { type: 'mousemove', x: 2.5, y: 1.5 }, inChartArea: true, changed: false };
    plugin.afterEvent(chart, args);
    expect(chart.cells.active).toEqual({ column: 2, row: 1 });
    expect(args.changed).toBe(true);
    plugin.afterDraw(chart);
    expect(chart.texts.some((text) => text.includes('pods'))).toBe(true);
    plugin.afterEvent(chart, { event: { type: 'mouseout', x: 0, y: 0 }, inChartArea: false });
    expect(chart.cells.active).toBeNull();
  });

  it('have a legend', () => {
    const { chart, plugin } = drawn(chartNamed('nodes-readiness'));
    plugin.afterDraw(chart);
    expect(chart.texts).toEqual(['gone', 'not Ready', 'Ready again', 'Ready throughout']);
  });
});

describe('rampColour', () => {
  it('goes from little to much, and stays within', () => {
    for (const theme of Object.values(themes)) {
      const parts = (share: number): number[] => rampColour(theme, share).match(/\d+/g)?.map(Number) ?? [];
      const lightness = [0, 0.25, 0.5, 0.75, 1].map((share) => parts(share).reduce((a, b) => a + b, 0));
      const rising = lightness.toSorted((a, b) => a - b);
      expect([rising, rising.toReversed()]).toContainEqual(lightness);
      expect(rampColour(theme, -1)).toBe(rampColour(theme, 0));
      expect(rampColour(theme, 2)).toBe(rampColour(theme, 1));
    }
  });
});
