import { stringify } from 'yaml';
import type { ProcessResources, RunResult } from '../../result/result.ts';
import type { ChartSpec } from '../charts/chart-spec.ts';
import { formatBytes, formatCount, formatDurationUs, formatNumber } from '../charts/format.js';
import { runDurationMs } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { type Cell, chart, type Column, facts, heatMaps, section, table, time } from './parts.ts';

/** The course of the run: pods and nodes, load, latency. */
export function timeline(charts: ReadonlyMap<string, ChartSpec>): Markup {
  if (!charts.has('timeline-pods')) {
    return section('timeline', 'Course of the run', [
      html`<p class="empty">The run ended before its first second was recorded.</p>`,
    ]);
  }
  return section('timeline', 'Course of the run', [
    html`<div class="charts">${chart(charts.get('timeline-pods'))}${chart(charts.get('timeline-rate'))}${chart(charts.get('timeline-latency'), true)}${heatMaps(charts, 'other')}</div>`,
  ]);
}

/** CPU and memory of every process, over time and in all. */
export function resources(result: RunResult, charts: ReadonlyMap<string, ChartSpec>): Markup {
  const durationS = Math.max(0.001, runDurationMs(result) / 1000);
  const rowsOf = (group: string, list: readonly ProcessResources[]): Cell[][] =>
    list.map((process) => [
      { content: html`<strong>${process.name}</strong>` },
      { content: group },
      { content: `${formatNumber(process.cpuSeconds)} s`, sort: process.cpuSeconds },
      { content: formatNumber(process.cpuSeconds / durationS), sort: process.cpuSeconds },
      { content: formatBytes(process.rssBytesMax), sort: process.rssBytesMax },
    ]);
  const rows = [
    ...rowsOf('harness', result.resources.harness),
    ...rowsOf('control plane', result.resources.controlPlane),
  ];
  const columns: Column[] = [
    { title: 'Process' },
    { title: 'Part of' },
    { title: 'CPU time', numeric: true },
    { title: 'Cores on average', numeric: true },
    { title: 'Memory, highest', numeric: true },
  ];
  const content = [
    ...(charts.has('resources-cpu')
      ? [
          html`<div class="charts">${chart(charts.get('resources-cpu'))}${chart(charts.get('resources-memory'))}</div>`,
        ]
      : []),
    ...(rows.length > 0 ? [table('CPU and memory by process', columns, rows)] : []),
  ];
  return section('resources', 'CPU and memory', content);
}

/** What the figures depend on: machine, cluster, flags, scenario. */
export function environment(result: RunResult): Markup {
  const { machine, cluster, wire, tool, run, pods, nodes } = result;
  return section('environment', 'Parameters and environment', [
    html`<div class="columns">${card('Run', [
      ['Run', html`<code>${run.id}</code>`],
      ['Scenario', run.scenario],
      ['Seed', html`<code>${run.seed}</code>`],
      ['Started', time(run.startedAt)],
      ['Finished', time(run.finishedAt)],
      ['Duration', formatDurationUs(runDurationMs(result) * 1000)],
      [
        'Pods',
        `${formatCount(pods.created)} created, ${formatCount(pods.started)} started, ${formatCount(pods.deleted)} deleted, ${formatCount(pods.failed)} failed`,
      ],
      [
        'Nodes',
        `${formatCount(nodes.ready)} of ${formatCount(nodes.requested)} ready, ${formatCount(nodes.notReadyEvents)} NotReady events`,
      ],
    ])}${card('Cluster', [
      ['Kubernetes', cluster.version],
      ['Binaries from', cluster.source],
      ['Flag profile', cluster.profile],
      ['Wire profile', wire.comparable === false ? `${wire.profile} (not comparable)` : wire.profile],
      ['Identity', wire.identity],
      ['Codec', wire.codec],
    ])}${card('Machine', [
      ['CPU', `${machine.cpuModel} × ${formatCount(machine.cpuCount)}`],
      ['Memory', formatBytes(machine.memoryBytes)],
      ['System', `${machine.os} ${machine.kernel} ${machine.arch}`],
      ['Hollowmark', tool.version],
      ['Node.js', tool.node],
    ])}</div>`,
    html`<details class="card"><summary>Scenario as it ran</summary><pre tabindex="0">${parametersText(run.parameters)}</pre></details>`,
    ...Object.entries(cluster.flags).map(
      ([component, argv]) =>
        html`<details class="card flags"><summary>Flags of <code>${component}</code> <span class="muted">${formatCount(argv.length)}</span></summary><pre tabindex="0">${argv.join('\n')}</pre></details>`,
    ),
  ]);
}

function card(title: string, rows: readonly (readonly [string, Markup | string])[]): Markup {
  return html`<div class="card"><h3>${title}</h3>${facts(rows)}</div>`;
}

/** As YAML, which is what scenarios are written in. */
function parametersText(parameters: unknown): string {
  return stringify(parameters, { lineWidth: 0, aliasDuplicateObjects: false });
}
