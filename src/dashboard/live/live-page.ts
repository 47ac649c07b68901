import type { ChartSpec } from '../../report/charts/chart-spec.ts';
import { type Markup, html } from '../../report/html/markup.ts';
import { chart, section } from '../../report/html/parts.ts';

/** The curves, without figures: the page's script puts them in. */
export const liveCharts: readonly ChartSpec[] = [
  {
    id: 'live-pods',
    title: 'Pods',
    subtitle: 'How many so far.',
    description: 'Pods created and started over the last minutes',
    x: { kind: 'linear', title: 'Since the start of the run', format: 'elapsedMs' },
    y: { kind: 'linear', title: 'Pods', format: 'count', min: 0 },
    series: [
      { label: 'created', kind: 'line', colour: 'blue', points: [] },
      { label: 'started', kind: 'line', colour: 'green', points: [] },
    ],
  },
  {
    id: 'live-rate',
    title: 'Load: requested and achieved',
    subtitle: 'Requests per second of the load generator.',
    description: 'Requested and achieved rate over the last minutes',
    x: { kind: 'linear', title: 'Since the start of the run', format: 'elapsedMs' },
    y: { kind: 'linear', title: 'Requests per second', format: 'number', min: 0 },
    series: [
      { label: 'requested', kind: 'steps', colour: 'orange', dashed: true, points: [] },
      { label: 'achieved', kind: 'line', colour: 'blue', points: [] },
    ],
  },
  {
    id: 'live-latency',
    title: 'Latency',
    subtitle:
      'p99 of the pods that started in each second, and of the API calls that ended in about the last five. Gaps: none did.',
    description: 'p99 of pod startup and of API calls over the last minutes',
    x: { kind: 'linear', title: 'Since the start of the run', format: 'elapsedMs' },
    y: { kind: 'linear', title: 'p99', format: 'durationUs', min: 0 },
    series: [
      { label: 'pod startup p99', kind: 'line', colour: 'blue', points: [] },
      { label: 'API calls p99', kind: 'line', colour: 'orange', points: [] },
    ],
  },
];

/** The page, empty: all that is shown comes with the snapshots. */
export function livePage(title: string): Markup[] {
  return [
    html`<div class="title"><h1>${title}</h1><p class="muted"><span id="connection" class="state" role="status">connecting …</span> <span id="phase"></span></p></div>`,
    html`<dl class="tiles" id="tiles" aria-live="off"></dl>`,
    html`<noscript><p class="notes">This page needs JavaScript.</p></noscript>`,
    section('curves', 'Course', [
      html`<div class="charts">${liveCharts.map((spec) => chart(spec, spec.id === 'live-latency'))}</div>`,
    ]),
    section('latencies', 'Latencies just now', [
      html`<p class="lead">Of the pods that started and of the API calls that ended in the last seconds, to two seconds; hollow nodes tell of theirs every five.</p>`,
      emptyTable('latency-table', 'Latencies', ['Latency', 'Over', 'Samples', 'p50', 'p90', 'p99']),
    ]),
    section('health', 'Control plane and harness', [
      html`<p class="lead" id="api-server"></p>`,
      emptyTable('processes', 'Processes', ['Process', 'State', 'Cores', 'Memory']),
    ]),
    section('windows', 'Windows of the SLOs', [
      html`<p class="lead">The last window of each indicator that is judged, once there is one.</p>`,
      emptyTable('window-table', 'Last windows', ['Indicator', 'Samples', 'Value', 'Verdict']),
    ]),
    section('workloads', 'Workloads', [
      emptyTable('workload-table', 'Workloads', ['Workload', 'Kind', 'Pods', 'Started', 'Failed', 'Deleted']),
      html`<p class="muted" id="workloads-omitted"></p>`,
    ]),
    section('nodes', 'Nodes and their pods', [
      html`<form class="filter" id="node-filter"><label>Name <input type="search" name="q"></label><label>State <select name="state"><option value="">all</option><option value="ready">Ready</option><option value="not-ready">not Ready</option></select></label><button class="plain">Show</button></form>`,
      emptyTable('node-table', 'Nodes', ['Node', 'State', 'Pods', 'Lapses']),
      pager('node-pages'),
      html`<div id="node-detail" hidden><h3 id="node-name" tabindex="-1"></h3>${emptyTable('pod-table', 'Pods of the node', ['Pod', 'Workload', 'State'])}${pager('pod-pages')}</div>`,
    ]),
    section('events', 'Events', [emptyTable('event-table', 'Events, latest first', ['Time', 'What'])]),
    section('logs', 'Logs', [
      html`<form class="filter" id="log-filter"><label>Component <select name="component" id="log-component"><option value="">none</option></select></label></form><pre class="log" id="log" tabindex="0" aria-label="End of the log" hidden></pre>`,
    ]),
  ];
}

function emptyTable(id: string, caption: string, columns: readonly string[]): Markup {
  return html`<div class="scroll tall" tabindex="0" role="group" aria-label="${caption}"><table id="${id}"><caption class="hidden">${caption}</caption><thead><tr>${columns.map((title, index) => html`<th scope="col"${index > 0 && isFigure(title) && html` class="number"`}>${title}</th>`)}</tr></thead><tbody></tbody></table></div>`;
}

const figures = new Set([
  'Cores',
  'Memory',
  'Over',
  'Samples',
  'p50',
  'p90',
  'p99',
  'Value',
  'Pods',
  'Started',
  'Failed',
  'Deleted',
  'Lapses',
]);

const isFigure = (title: string): boolean => figures.has(title);

function pager(id: string): Markup {
  return html`<div class="pages" id="${id}"><button type="button" class="plain" data-step="-1" disabled>before</button><output></output><button type="button" class="plain" data-step="1" disabled>next</button></div>`;
}
