import { type Markup, html, trusted } from '../report/html/markup.ts';
import { formatValue, formatTailOdds } from '../report/charts/format.js';
import { Histogram } from '../metrics/histogram.ts';
import { niceStep } from '../report/charts/bins.ts';
import type { Sli, Unit } from '../result/result.ts';

/** One run's distribution, and which side it is of. */
export type Curve = { side: 0 | 1; sli: Sli };

const width = 720;
const height = 300;
const left = 84;
const right = 12;
const top = 12;
const bottom = 44;

/** Points per factor of ten on the percentile axis: finer than a screen shows. */
const pointsPerDecade = 24;
/** Lines across, about. */
const ticksY = 5;

/**
 * Percentile curves of the runs of two sides as an SVG without a script: x is 1 / (1 - quantile) on a log axis, so that each
 * further nine takes as much room. A line a run: they are never put together.
 */
export function percentileCurves(
  curves: readonly Curve[],
  unit: Unit,
  { title, names }: { title: string; names: readonly [string, string] },
): Markup {
  const drawn = curves.filter(({ sli }) => sli.count > 0 && sli.histogram !== '');
  const countMax = Math.max(10, ...drawn.map(({ sli }) => sli.count));
  const largest = Math.max(1, ...drawn.map(({ sli }) => sli.max));
  const step = niceStep(largest / ticksY);
  const ticks = Math.ceil(largest / step);
  const valueMax = step * ticks;
  const xOf = (odds: number): number => left + (Math.log(odds) / Math.log(countMax)) * (width - left - right);
  const yOf = (value: number): number => height - bottom - (value / valueMax) * (height - top - bottom);
  const decades = Array.from({ length: Math.floor(Math.log10(countMax)) + 1 }, (_, index) => 10 ** index);
  const verticals = decades.map((odds) => {
    const x = xOf(odds).toFixed(1);
    return html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${height - bottom}"/><text x="${x}" y="${height - bottom + 18}" text-anchor="middle">${formatTailOdds(odds)}</text>`;
  });
  const horizontals = Array.from({ length: ticks + 1 }, (_, index) => {
    const value = step * index;
    const y = yOf(value).toFixed(1);
    return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/><text x="${left - 8}" y="${y}" dy="4" text-anchor="end">${value === 0 ? '0' : formatValue(value, unit)}</text>`;
  });
  const lines = drawn.map(({ side, sli }) => {
    const points = pointsOf(sli).map(([x, y]) => `${xOf(x).toFixed(1)},${yOf(y).toFixed(1)}`);
    return html`<polyline class="side-${side}" points="${trusted(points.join(' '))}"/>`;
  });
  const label = `${title}: percentile curves of ${drawn.length} runs, ${names[0]} and ${names[1]}; the figures are in the table`;
  return html`<figure class="card chart"><figcaption><h3>${title}</h3></figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${verticals}${horizontals}${lines}<text x="${(width + left) / 2}" y="${height - 6}" text-anchor="middle">Percentile</text></svg></figure>`;
}

function pointsOf(sli: Sli): [number, number][] {
  const histogram = Histogram.fromBase64(sli.histogram);
  const points: [number, number][] = [];
  for (let k = 0; ; k++) {
    const odds = 10 ** (k / pointsPerDecade);
    if (odds >= sli.count) break;
    points.push([odds, histogram.quantile(1 - 1 / odds)]);
  }
  points.push([Math.max(1, sli.count), sli.max]);
  return points;
}
