import type { Inventory, PodTally, RunResult } from '../../result/result.ts';
import type { ChartSpec } from '../charts/chart-spec.ts';
import { formatCount, formatDurationUs, formatElapsedMs } from '../charts/format.js';
import { type Markup, html } from './markup.ts';
import { badge, type Cell, chart, type Column, section, table } from './parts.ts';

/** Rows of a page without script, or on paper: those that one looks for first. */
const rowsMax = 50;

const tallyColumns: Column[] = [
  { title: 'Pods', numeric: true },
  { title: 'Started', numeric: true },
  { title: 'Failed', numeric: true },
  { title: 'Deleted', numeric: true },
  { title: 'Startup, mean', numeric: true },
  { title: 'Startup, longest', numeric: true },
];

/** A map of the nodes and a table of them, both of which lead to the pods of each. */
export function nodes(result: RunResult, charts: ReadonlyMap<string, ChartSpec>): Markup {
  const { inventory } = result;
  if (inventory.nodes.length === 0) return html``;
  const rank = { 'not-ready': 0, gone: 1, ready: 2 };
  const worstFirst = inventory.nodes.toSorted(
    (a, b) =>
      rank[a.state] - rank[b.state] ||
      b.lapses - a.lapses ||
      b.pods.failed - a.pods.failed ||
      (b.pods.startupMaxUs ?? 0) - (a.pods.startupMaxUs ?? 0),
  );
  const rows = worstFirst
    .slice(0, rowsMax)
    .map((node): Cell[] => [
      { content: html`<span class="name">${node.name}</span>` },
      { content: badge(node.state) },
      { content: formatCount(node.lapses) },
      { content: node.readyAtMs === null ? 'never' : formatElapsedMs(node.readyAtMs) },
      ...tallyCells(node.pods),
    ]);
  const columns: Column[] = [
    { title: 'Node' },
    { title: 'At the end' },
    { title: 'Lapses', numeric: true, explanation: 'How often it ceased to be Ready' },
    { title: 'First Ready', numeric: true, explanation: "Since the run's start" },
    ...tallyColumns,
  ];
  const maps = ['nodes-readiness', 'nodes-startup', 'nodes-pods'].map((id) => chart(charts.get(id), true));
  const omitted =
    inventory.nodesOmitted > 0 ? ` ${formatCount(inventory.nodesOmitted)} more are not listed.` : '';
  return section('nodes', 'Nodes', [
    html`<p class="lead">Choose a node, in a map or in the table, to see its pods.${omitted}</p><div class="charts">${maps}</div>`,
    table('Nodes', columns, rows, {
      id: 'nodes-table',
      rows: 'nodes',
      searchLabel: 'Filter nodes by name or state',
    }),
    cut(inventory.nodes.length),
  ]);
}

/** What the pods belonged to; each leads to its pods, and those to their nodes. */
export function workloads(result: RunResult): Markup {
  const all = result.inventory.workloads;
  if (all.length === 0) return html``;
  const worstFirst = all.toSorted(
    (a, b) => b.pods.failed - a.pods.failed || (b.pods.startupMaxUs ?? 0) - (a.pods.startupMaxUs ?? 0),
  );
  const rows = worstFirst
    .slice(0, rowsMax)
    .map((workload): Cell[] => [
      { content: html`<span class="name">${nameOf(workload)}</span>` },
      { content: workload.kind },
      { content: workload.namespace },
      ...tallyCells(workload.pods),
    ]);
  const columns: Column[] = [
    { title: 'Workload' },
    { title: 'Kind' },
    { title: 'Namespace' },
    ...tallyColumns,
  ];
  return section('workloads', 'Workloads', [
    html`<p class="lead">Choose a workload to see its pods and where they ran.</p>`,
    table('Workloads', columns, rows, {
      id: 'workloads-table',
      rows: 'workloads',
      searchLabel: 'Filter workloads by name, kind or namespace',
    }),
    cut(all.length),
  ]);
}

function nameOf({ name, kind }: Inventory['workloads'][number]): string {
  return name === '' ? `(${kind})` : name;
}

function tallyCells(pods: PodTally): Cell[] {
  const duration = (us: number | null): Cell => ({ content: us === null ? '–' : formatDurationUs(us) });
  return [
    ...[pods.total, pods.started, pods.failed, pods.deleted].map((count): Cell => {
      return { content: formatCount(count) };
    }),
    duration(pods.startupMeanUs),
    duration(pods.startupMaxUs),
  ];
}

/** On paper only so many rows are there; on screen the page's script has them all. */
function cut(count: number): Markup {
  if (count <= rowsMax) return html``;
  return html`<p class="lead static-only">The first ${rowsMax} of ${formatCount(count)}, worst first; result.json has them all.</p>`;
}
