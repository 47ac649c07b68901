import { differencesOf, identityOf } from '../../gate/identity.ts';
import { Histogram } from '../../metrics/histogram.ts';
import type { ChartSpec } from '../../report/charts/chart-spec.ts';
import { formatCount, formatNumber, formatValue } from '../../report/charts/format.js';
import { type Markup, html } from '../../report/html/markup.ts';
import { type Cell, type Column, badge, chart, section, table, time } from '../../report/html/parts.ts';
import { sliName } from '../../report/view.ts';
import type { RunResult, Sli } from '../../result/result.ts';
import { minimumSamples } from '../../result/summarise.ts';
import { fileHref, runHref } from './links.ts';
import type { RunEntry } from './run-entry.ts';

/** Pairs of curves on a page: those that differ most. */
const chartsMax = 6;

/** Points per factor of ten on the percentile axis. */
const pointsPerDecade = 24;

export type Side = { entry: RunEntry; result: RunResult };

type Pair = { first: Sli; second: Sli };

const quantiles = [
  { name: 'p50', quantile: 0.5, field: 'p50' },
  { name: 'p99', quantile: 0.99, field: 'p99' },
] as const;

/** Two runs side by side. They are two samples of one each: what differs may be chance, and the page says so. */
export function comparePage(first: Side, second: Side): { content: Markup[]; charts: ChartSpec[] } {
  const pairs = pairsOf(first.result, second.result);
  const charts = pairs
    .filter(({ first: a, second: b }) => a.unit === 'us' && Math.min(a.count, b.count) >= minimumSamples(0.9))
    .slice(0, chartsMax)
    .map((pair, index) => curves(pair, index));
  return {
    charts,
    content: [
      html`<div class="title"><h1>Two runs compared</h1><p class="muted">A: ${side(first)}<br>B: ${side(second)}</p></div>`,
      html`<p class="notes">Two runs are one sample of each side: runs of the same thing differ too. <code>hollowmark noise</code> says by how much on a machine, and <code>hollowmark compare</code> and <code>gate</code> judge several runs.</p>`,
      section('differences', 'What else differs', [differences(first.result, second.result)]),
      section(
        'curves',
        'Curves',
        charts.length === 0 ? [] : [html`<div class="charts">${charts.map((spec) => chart(spec))}</div>`],
      ),
      section('indicators', 'Indicators', [
        pairs.length === 0
          ? html`<p class="empty">No indicator has samples in both runs.</p>`
          : pairTable(pairs),
      ]),
    ],
  };
}

function side({ entry, result }: Side): Markup {
  return html`<a href="${runHref(entry)}">${result.run.id}</a> ${badge(result.verdict)} ${time(result.run.startedAt)} (<a href="${fileHref(entry, 'report.html')}">report</a>)`;
}

/** SLIs that both have samples of, those whose p99 (or p50, of few samples) differs most first. */
function pairsOf(a: RunResult, b: RunResult): Pair[] {
  const others = new Map(b.slis.map((sli) => [sliName(sli), sli]));
  const pairs = a.slis.flatMap((first): Pair[] => {
    const second = others.get(sliName(first));
    return second === undefined || first.count === 0 || second.count === 0 ? [] : [{ first, second }];
  });
  const isJudged = ({ first }: Pair): number => (first.slo === undefined ? 0 : 1);
  return pairs.toSorted((x, y) => isJudged(y) - isJudged(x) || distance(y) - distance(x));
}

function distance({ first, second }: Pair): number {
  const field = Math.min(first.count, second.count) >= minimumSamples(0.99) ? 'p99' : 'p50';
  return Math.abs(Math.log(Math.max(1, second[field]) / Math.max(1, first[field])));
}

/** What makes two runs different things, whatever their figures are. */
function differences(a: RunResult, b: RunResult): Markup {
  const unlike = differencesOf(identityOf(a), identityOf(b));
  if (unlike.length === 0) {
    return html`<p class="lead">Nothing: scenario, seed, versions, flags, wire profile and machine are the same.</p>`;
  }
  const rows = unlike.map((difference): Cell[] => [
    { content: html`<code>${difference.field}</code>` },
    { content: difference.first },
    { content: difference.second },
  ]);
  const titles: Column[] = [{ title: 'Field' }, { title: 'A' }, { title: 'B' }];
  return table('What else differs', titles, rows, { sortable: false });
}

function pairTable(pairs: readonly Pair[]): Markup {
  const columns: Column[] = [
    { title: 'Indicator' },
    { title: 'Samples A', numeric: true },
    { title: 'Samples B', numeric: true },
    ...quantiles.flatMap(({ name }): Column[] => [
      { title: `${name} A`, numeric: true },
      { title: `${name} B`, numeric: true },
      { title: 'B / A', numeric: true },
    ]),
  ];
  const rows = pairs.map(({ first, second }): Cell[] => [
    { content: html`${sliName(first)}<span class="definition">${first.definition}</span>` },
    { content: formatCount(first.count) },
    { content: formatCount(second.count) },
    ...quantiles.flatMap(({ quantile, field }): Cell[] => {
      const enough = Math.min(first.count, second.count) >= minimumSamples(quantile);
      return [
        { content: formatValue(first[field], first.unit) },
        { content: formatValue(second[field], second.unit) },
        { content: enough && first[field] > 0 ? `× ${formatNumber(second[field] / first[field])}` : '–' },
      ];
    }),
  ]);
  return table('Indicators of both runs', columns, rows, { sortable: false });
}

function curves({ first, second }: Pair, index: number): ChartSpec {
  const countMax = Math.max(first.count, second.count);
  return {
    id: `curves-${index}`,
    title: sliName(first),
    subtitle: 'How long the fastest 50 %, 90 %, 99 % … took at most.',
    description: `p99 ${formatValue(first.p99, first.unit)} in A, ${formatValue(second.p99, second.unit)} in B`,
    x: { kind: 'logarithmic', title: 'Percentile', format: 'tailOdds', min: 1, max: Math.max(10, countMax) },
    y: { kind: 'linear', title: 'Latency', format: 'durationUs', min: 0 },
    series: [
      { label: 'A', kind: 'line', colour: 'blue', points: curveOf(first) },
      { label: 'B', kind: 'line', colour: 'orange', points: curveOf(second) },
    ],
  };
}

/** x is 1 / (1 - quantile): each further nine takes as much room. */
function curveOf(sli: Sli): [number, number][] {
  const histogram = Histogram.fromBase64(sli.histogram);
  const points: [number, number][] = [];
  for (let k = 0; 10 ** (k / pointsPerDecade) < sli.count; k++) {
    const x = 10 ** (k / pointsPerDecade);
    points.push([x, histogram.quantile(1 - 1 / x)]);
  }
  return [...points, [Math.max(1, sli.count), sli.max]];
}
