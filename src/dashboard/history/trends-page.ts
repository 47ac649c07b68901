import type { ChartSpec, Series as ChartSeries } from '../../report/charts/chart-spec.ts';
import { formatDurationUs, formatNumber } from '../../report/charts/format.js';
import { type Markup, html } from '../../report/html/markup.ts';
import { type Cell, type Column, chart, section, table } from '../../report/html/parts.ts';
import { labelText } from '../../report/view.ts';
import { choices } from './filter.ts';
import { choice } from './form.ts';
import { runHref, withQuery } from './links.ts';
import type { RunEntry, Series } from './run-entry.ts';
import type { RunIndex } from './run-index.ts';
import { type TrendPoint, type TrendQuantile, trendOf, trendQuantiles, trendRule } from './trend.ts';

/** Curves on a page; the table below them leads to all others. */
const chartsMax = 6;

/** Runs of a trend: what a chart can show apart. */
const runsMax = 500;

const rowsMax = 1_000;

type Trend = { series: Series; number: number; points: TrendPoint[] };

/** Trends of one scenario: which SLIs moved last, and their curves. */
export function trendsPage(
  index: RunIndex,
  query: URLSearchParams,
): { content: Markup[]; charts: ChartSpec[] } {
  const scenarios = choices(index.runs, 'scenario');
  const scenario = query.get('scenario') ?? index.runs[0]?.scenario ?? '';
  const versions = choices(
    index.runs.filter((run) => run.scenario === scenario),
    'kubernetes',
  );
  const version = query.get('version') ?? '';
  const quantile = trendQuantiles.find(({ name }) => name === query.get('quantile')) ?? trendQuantiles[2];
  const runs = index.runs
    .filter((run) => run.scenario === scenario && (version === '' || run.kubernetes === version))
    .slice(0, runsMax);
  const trends = trendsOf(index, runs, quantile);
  const asked = trends.filter(({ number }) => String(number) === query.get('series'));
  const shown = (asked.length > 0 ? asked : trends).slice(0, chartsMax);
  const charts = shown.map((trend) => trendChart(trend, quantile));
  const hrefOf = ({ number }: Trend): string =>
    withQuery('/trends', { scenario, version, quantile: quantile.name, series: String(number) });
  return {
    charts,
    content: [
      html`<div class="title"><h1>Trends</h1><p class="muted">${trendRule}</p></div>`,
      html`<form class="filter" action="/trends" method="get">${choice('scenario', 'Scenario', scenarios, scenario, undefined)}${choice('version', 'Kubernetes', versions, version, 'all')}${choice(
        'quantile',
        'Quantile',
        trendQuantiles.map(({ name }) => name),
        quantile.name,
        undefined,
      )}<button class="plain">Show</button></form>`,
      trends.length === 0
        ? html`<p class="empty">There is no valid run with enough samples for ${quantile.name}.</p>`
        : section('curves', 'Curves', [html`<div class="charts">${charts.map((spec) => chart(spec))}</div>`]),
      marked(trends),
      section('series', 'Indicators', trends.length === 0 ? [] : [trendTable(trends, quantile, hrefOf)]),
    ],
  };
}

/** Latencies that some run tells; those with the latest marks first, then those of pods. */
function trendsOf(index: RunIndex, runs: readonly RunEntry[], quantile: TrendQuantile): Trend[] {
  const numbers = new Set(runs.flatMap(({ slis }) => slis.map(([number]) => number)));
  const trends: Trend[] = [];
  for (const number of numbers) {
    const series = index.series[number];
    if (series === undefined || series.unit !== 'us') continue;
    const points = trendOf(runs, number, quantile);
    if (points.length > 0) trends.push({ series, number, points });
  }
  const lastWorse = ({ points }: Trend): number => (points.at(-1)?.mark === 'worse' ? 1 : 0);
  const rankOf = ({ series: { id } }: Trend): number =>
    id === 'pod-startup' || id === 'pod-startup-precise' ? 2 : id.startsWith('pod-startup') ? 1 : 0;
  return trends.toSorted(
    (a, b) => lastWorse(b) - lastWorse(a) || rankOf(b) - rankOf(a) || nameOf(a).localeCompare(nameOf(b)),
  );
}

function nameOf({ series }: Pick<Trend, 'series'>): string {
  const labels = labelText(series);
  return labels === '' ? series.id : `${series.id}: ${labels}`;
}

function trendChart(trend: Trend, { name }: TrendQuantile): ChartSpec {
  const { points, number } = trend;
  const worst = points.filter(({ mark }) => mark === 'worse').length;
  const series: ChartSeries[] = [
    {
      label: name,
      kind: 'line',
      colour: 'blue',
      points: points.map(({ value }, index) => [index + 1, value]),
    },
    {
      label: 'median of the runs before',
      kind: 'line',
      colour: 'grey',
      dashed: true,
      points: points.map((point, index) => [index + 1, point.median]),
    },
    {
      label: 'worse',
      kind: 'dots',
      colour: 'threshold',
      points: points.map(({ mark, value }, index) => [index + 1, mark === 'worse' ? value : null]),
    },
  ];
  const last = points.at(-1);
  return {
    id: `trend-${number}`,
    title: nameOf(trend),
    subtitle: `${name} of ${points.length} runs, oldest first.`,
    description: `${name} of the last of ${points.length} runs ${formatDurationUs(last?.value ?? 0)}; ${worst} marked as worse`,
    x: { kind: 'linear', title: 'Run', format: 'count', min: 1, max: Math.max(2, points.length) },
    y: { kind: 'linear', title: 'Latency', format: 'durationUs', min: 0 },
    categories: points.map(({ run }) => run.id),
    series,
  };
}

/** Runs with marks, newest first, and of a run what moved most. */
function marked(trends: readonly Trend[]): Markup {
  const found = trends
    .flatMap((trend) =>
      trend.points.filter(({ mark }) => mark === 'worse').map((point) => ({ trend, point })),
    )
    .toSorted(
      ({ point: a }, { point: b }) =>
        Date.parse(b.run.startedAt) - Date.parse(a.run.startedAt) || ratioOf(b) - ratioOf(a),
    )
    .slice(0, 50);
  if (found.length === 0) return html``;
  const columns: Column[] = [
    { title: 'Run' },
    { title: 'Indicator' },
    { title: 'Value', numeric: true },
    { title: 'Median before', numeric: true },
    { title: 'Ratio', numeric: true },
  ];
  const rows = found.map(({ trend, point }): Cell[] => [
    { content: html`<a href="${runHref(point.run)}">${point.run.id}</a>` },
    { content: nameOf(trend) },
    { content: html`<span class="worse">▲ ${formatDurationUs(point.value)}</span>` },
    { content: formatDurationUs(point.median ?? 0) },
    { content: ratioText(point) },
  ]);
  return section('marked', 'Runs that are marked', [
    table('Runs that are marked', columns, rows, { sortable: false }),
  ]);
}

function ratioOf({ value, median }: TrendPoint): number {
  return median === null || median === 0 ? Number.NaN : value / median;
}

function ratioText(point: TrendPoint): string {
  const ratio = ratioOf(point);
  return Number.isNaN(ratio) ? '–' : `× ${formatNumber(ratio)}`;
}

const signs = { worse: '▲ worse', better: '▼ better', same: '' } as const;

function trendTable(
  trends: readonly Trend[],
  { name }: TrendQuantile,
  hrefOf: (trend: Trend) => string,
): Markup {
  const columns: Column[] = [
    { title: 'Indicator' },
    { title: 'Runs', numeric: true },
    { title: `Last ${name}`, numeric: true },
    { title: 'Median before', numeric: true },
    { title: 'Ratio', numeric: true },
    { title: 'Mark' },
  ];
  const rows = trends.slice(0, rowsMax).map((trend): Cell[] => {
    const last = trend.points.at(-1) as TrendPoint;
    return [
      { content: html`<a href="${hrefOf(trend)}" title="${trend.series.definition}">${nameOf(trend)}</a>` },
      { content: String(trend.points.length) },
      { content: formatDurationUs(last.value) },
      { content: last.median === null ? '–' : formatDurationUs(last.median) },
      { content: ratioText(last) },
      { content: html`<span class="${last.mark}">${signs[last.mark]}</span>` },
    ];
  });
  return table('Indicators and their last values', columns, rows, { sortable: false });
}
