import type { RunResult, Sli, SlowPod } from '../../result/result.ts';
import { type ChartSpec, seriesColour } from '../charts/chart-spec.ts';
import { formatCount, formatDurationUs, formatValue } from '../charts/format.js';
import { apiCallRows, labelText, sliName, slisOf } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { badge, type Cell, chart, type Column, section, table } from './parts.ts';

const quantileColumns: Column[] = [
  { title: 'Samples', numeric: true },
  { title: 'p50', numeric: true },
  { title: 'p90', numeric: true },
  { title: 'p99', numeric: true },
  { title: 'p99.9', numeric: true },
  { title: 'Max', numeric: true },
];

function quantileCells(sli: Sli): Cell[] {
  const values = [sli.p50, sli.p90, sli.p99, sli.p999, sli.max];
  return [
    { content: formatCount(sli.count), sort: sli.count },
    ...values.map(
      (value): Cell => ({ content: sli.count === 0 ? '–' : formatValue(value, sli.unit), sort: value }),
    ),
  ];
}

/** Pod startup: curves, distribution, phases, and the figures behind them. */
export function podStartup(result: RunResult, charts: ReadonlyMap<string, ChartSpec>): Markup {
  const slis = ['pod-startup', 'pod-startup-precise', 'pod-startup-phase'].flatMap((id) =>
    slisOf(result, id),
  );
  if (slis.every((sli) => sli.count === 0)) {
    return section('startup', 'Pod startup', [html`<p class="empty">No pod was seen to start.</p>`]);
  }
  const rows = slis.map((sli): Cell[] => [
    {
      content: html`<span class="name">${sli.id === 'pod-startup-phase' ? html`<span class="muted">phase</span> ${labelText(sli)}` : html`<strong>${sliName(sli)}</strong>`}</span><span class="definition">${sli.definition} Source: ${sli.source}.</span>`,
    },
    ...quantileCells(sli),
  ]);
  return section('startup', 'Pod startup', [
    html`<div class="charts">${chart(charts.get('pod-startup-percentiles'))}${chart(charts.get('pod-startup-histogram'))}${chart(charts.get('pod-startup-phases'), true)}</div>`,
    table('Pod startup figures', [{ title: 'Indicator' }, ...quantileColumns], rows),
    slowestPods(result.slowestPods),
  ]);
}

function slowestPods(pods: readonly SlowPod[]): Markup {
  if (pods.length === 0) return html``;
  const names = [...new Set(pods.flatMap((pod) => Object.keys(pod.phasesUs)))];
  const longestUs = Math.max(1, ...pods.map((pod) => pod.totalUs));
  const rows = pods.map((pod): Cell[] => [
    {
      content: html`<span class="name"><strong>${pod.name}</strong></span><span class="definition">${pod.namespace} on ${pod.node}</span>`,
    },
    { content: formatDurationUs(pod.totalUs), sort: pod.totalUs },
    { content: pathBar(pod, names, longestUs), sort: pod.totalUs },
  ]);
  const legend = names.map(
    (name, index) =>
      html`<li><span class="key ${seriesColour(index)}" aria-hidden="true"></span>${name}</li>`,
  );
  return html`<h3>Slowest pods</h3><p class="lead">The pods that took longest, with the way they went.</p><ul class="legend">${legend}</ul>${table('Slowest pods', [{ title: 'Pod' }, { title: 'Total', numeric: true }, { title: 'Path' }], rows)}`;
}

function pathBar(pod: SlowPod, names: readonly string[], longestUs: number): Markup {
  const parts = Object.entries(pod.phasesUs).map(([name, us]) => {
    const label = `${name}: ${formatDurationUs(us)}`;
    const width = Math.min(100, (us / longestUs) * 100).toFixed(2);
    return html`<span class="part ${seriesColour(names.indexOf(name))}" style="width:${width}%" title="${label}"><span class="hidden">${label}; </span></span>`;
  });
  return html`<span class="path">${parts}</span>`;
}

/** Every kind of API call, on the client and, where the server was asked, on the server. */
export function apiCalls(result: RunResult, charts: ReadonlyMap<string, ChartSpec>): Markup {
  const rows = apiCallRows(result);
  if (rows.length === 0)
    return section('api', 'API calls', [html`<p class="empty">No API call was measured.</p>`]);
  const sources = [
    ...new Set(
      rows
        .flatMap((row) => [row.client, row.server])
        .filter((sli) => sli !== undefined)
        .map((sli) => `${sli.id}: ${sli.definition} Source: ${sli.source}.`),
    ),
  ];
  const columns: Column[] = [
    { title: 'Call' },
    ...quantileColumns.slice(0, 4),
    { title: 'Max', numeric: true },
    { title: 'Server samples', numeric: true },
    { title: 'Server p50', numeric: true },
    { title: 'Server p99', numeric: true },
    { title: 'SLO' },
  ];
  const cells = rows.map(({ client, server }): Cell[] => {
    const sli = client ?? server;
    const slo = client?.slo ?? server?.slo;
    return [
      { content: sli === undefined ? '' : html`<span class="name">${callName(sli)}</span>` },
      { content: client === undefined ? '–' : formatCount(client.count), sort: client?.count ?? 0 },
      ...[client?.p50, client?.p90, client?.p99, client?.max].map((us) => duration(us, client)),
      { content: server === undefined ? '–' : formatCount(server.count), sort: server?.count ?? 0 },
      ...[server?.p50, server?.p99].map((us) => duration(us, server)),
      { content: slo === undefined ? '' : badge(slo.verdict) },
    ];
  });
  return section('api', 'API calls', [
    html`<div class="charts">${chart(charts.get('api-calls'), true)}</div>`,
    html`<ul class="definitions">${sources.slice(0, 4).map((source) => html`<li>${source}</li>`)}</ul>`,
    table('API calls', columns, cells, { id: 'api-table', searchLabel: 'Filter calls, e.g. PATCH pods' }),
  ]);
}

function duration(us: number | undefined, sli: Sli | undefined): Cell {
  if (us === undefined || sli === undefined || sli.count === 0) return { content: '–', sort: -1 };
  return { content: formatValue(us, sli.unit), sort: us };
}

function callName(sli: Sli): Markup {
  const { verb } = sli.labels;
  const text = labelText(sli);
  if (verb === undefined || !text.startsWith(`${verb} `)) return html`${text === '' ? 'all calls' : text}`;
  return html`<strong class="verb">${verb}</strong> ${text.slice(verb.length + 1)}`;
}

/** SLIs that no other section shows: new ones appear in the report without a change to it. */
export function otherIndicators(result: RunResult): Markup {
  const known = new Set([
    'pod-startup',
    'pod-startup-precise',
    'pod-startup-phase',
    'api-call',
    'api-call-server',
  ]);
  const others = result.slis.filter((sli) => !known.has(sli.id));
  if (others.length === 0) return html``;
  const rows = others.map((sli): Cell[] => [
    {
      content: html`<span class="name"><strong>${sliName(sli)}</strong></span><span class="definition">${sli.definition} Source: ${sli.source}.</span>`,
    },
    ...quantileCells(sli),
  ]);
  return section('others', 'Other indicators', [
    table('Other indicators', [{ title: 'Indicator' }, ...quantileColumns], rows, {
      id: 'others-table',
      ...(rows.length > 10 ? { searchLabel: 'Filter indicators' } : {}),
    }),
  ]);
}
