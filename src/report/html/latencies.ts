import type { RunResult, Sli, SlowPod } from '../../result/result.ts';
import { type ChartSpec, seriesColour } from '../charts/chart-spec.ts';
import { formatCount, formatDurationUs, formatValue } from '../charts/format.js';
import { apiCallRows, labelText, sliName, slisOf, sourceText, valueText } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { callOutcomes, callTotals } from './calls.ts';
import { badge, type Cell, chart, type Column, heatMaps, section, table } from './parts.ts';

const quantileColumns: Column[] = [
  { title: 'Samples', numeric: true },
  { title: 'p50', numeric: true },
  { title: 'p90', numeric: true },
  { title: 'p99', numeric: true },
  { title: 'p99.9', numeric: true },
  { title: 'Max', numeric: true },
];

const quantiles = ['p50', 'p90', 'p99', 'p999', 'max'] as const;

function quantileCells(sli: Sli): Cell[] {
  return [
    { content: formatCount(sli.count), sort: sli.count },
    ...quantiles.map(
      (quantile): Cell =>
        sli.count === 0
          ? { content: '–', sort: 0 }
          : {
              content: html`${valueText(sli, sli[quantile])}${lowerBound(sli, quantile)}`,
              sort: sli[quantile],
            },
    ),
  ];
}

/** Where the harness's own loop delay may be in a figure: what is left without it. Nothing when that is the same. */
export function lowerBound(sli: Sli, quantile: (typeof quantiles)[number]): Markup {
  const bound = sli.lowerBound?.[quantile];
  if (bound === undefined) return html``;
  const [value, least] = [formatValue(sli[quantile], sli.unit), formatValue(bound, sli.unit)];
  if (value === least) return html``;
  return html`<span class="bound" title="Without the harness's event-loop delay at the time of each sample: the truth lies between">≥ ${least}</span>`;
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
      content: html`<span class="name">${sli.id === 'pod-startup-phase' ? html`<span class="muted">phase</span> ${labelText(sli)}` : html`<strong>${sliName(sli)}</strong>`}</span><span class="definition">${sli.definition} Source: ${sourceText(sli)}.</span>`,
    },
    ...quantileCells(sli),
  ]);
  return section('startup', 'Pod startup', [
    html`<div class="charts">${chart(charts.get('pod-startup-percentiles'))}${chart(charts.get('pod-startup-histogram'))}${heatMaps(charts, 'startup')}${chart(charts.get('pod-startup-phases'), true)}</div>`,
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
      content: html`<span class="name"><strong>${pod.name}</strong></span><span class="definition">${pod.namespace} on <span data-node="${pod.node}">${pod.node}</span></span>`,
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

/** Load, nodes, observer, the load's raw ones, the server: a result of ours has no more of them. */
const sourcesMax = 8;

/** Every kind of API call, on the client and, where the server was asked, on the server. */
export function apiCalls(result: RunResult, charts: ReadonlyMap<string, ChartSpec>): Markup {
  const rows = apiCallRows(result);
  if (rows.length === 0)
    return section('api', 'API calls', [html`<p class="empty">No API call was measured.</p>`]);
  const sources = [
    ...new Set(
      rows
        .flatMap((row) => [row.client, row.raw, row.server])
        .filter((sli) => sli !== undefined)
        .map((sli) => `${sli.id}: ${sli.definition} Source: ${sourceText(sli)}.`),
    ),
  ];
  const columns: Column[] = [
    { title: 'Call' },
    ...quantileColumns.slice(0, 4),
    { title: 'Max', numeric: true },
    {
      title: 'Raw p99',
      numeric: true,
      explanation: 'Of the load, from the actual instead of the intended send',
    },
    {
      title: 'Server samples',
      numeric: true,
      explanation:
        'Where they are as many as the samples of the row they are the same calls, else those of all clients',
    },
    { title: 'Server p50', numeric: true },
    { title: 'Server p99', numeric: true },
    { title: 'SLO' },
  ];
  const cells = rows.map(({ client, raw, server, isSameCalls }): Cell[] => {
    const sli = client ?? server;
    const slo = client?.slo ?? server?.slo;
    return [
      { content: sli === undefined ? '' : html`<span class="name">${callName(sli)}</span>` },
      { content: client === undefined ? '–' : formatCount(client.count), sort: client?.count ?? 0 },
      ...(['p50', 'p90', 'p99', 'max'] as const).map((quantile) => latency(client, quantile)),
      latency(raw, 'p99'),
      {
        content:
          server === undefined ? '–' : `${formatCount(server.count)}${isSameCalls ? '' : ', all clients'}`,
        sort: server?.count ?? 0,
      },
      ...(['p50', 'p99'] as const).map((quantile) => latency(server, quantile)),
      { content: slo === undefined ? '' : badge(slo.verdict) },
    ];
  });
  return section('api', 'API calls', [
    html`<div class="charts">${chart(charts.get('api-percentiles'), true)}${heatMaps(charts, 'api')}${chart(charts.get('api-calls'), true)}</div>`,
    html`<p class="lead">A client's figure is longer than the server's of the same calls by what the server does not count: the way there and back, the wait for a connection, queueing for priority and fairness, webhooks. The server tells its own by ranges, the first of which ends at 50 ms.</p>`,
    html`<ul class="definitions">${sources.slice(0, sourcesMax).map((source) => html`<li>${source}</li>`)}</ul>`,
    table('API calls', columns, cells, { id: 'api-table', searchLabel: 'Filter calls, e.g. PATCH pods' }),
    callTotals(result),
    callOutcomes(result),
  ]);
}

function latency(sli: Sli | undefined, quantile: (typeof quantiles)[number]): Cell {
  if (sli === undefined || sli.count === 0) return { content: '–', sort: -1 };
  const value = sli[quantile];
  return { content: html`${valueText(sli, value)}${lowerBound(sli, quantile)}`, sort: value };
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
    'api-call-raw',
    'api-call-server',
  ]);
  const others = result.slis.filter((sli) => !known.has(sli.id));
  if (others.length === 0) return html``;
  const rows = others.map((sli): Cell[] => [
    {
      content: html`<span class="name"><strong>${sliName(sli)}</strong></span><span class="definition">${sli.definition} Source: ${sourceText(sli)}.</span>`,
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
