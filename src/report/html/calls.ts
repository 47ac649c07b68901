import { Histogram } from '../../metrics/histogram.ts';
import type { CallOutcomes, RunResult, Sli } from '../../result/result.ts';
import { formatCount, formatDurationUs, formatNumber } from '../charts/format.js';
import { slisOf } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { type Cell, type Column, table } from './parts.ts';

/** What is told of a verb or a resource: all of its calls on the client as one distribution. */
const totalColumns: Column[] = [
  { title: 'Calls', numeric: true },
  { title: 'p50', numeric: true },
  { title: 'p99', numeric: true },
  { title: 'Max', numeric: true },
  { title: 'Without success', numeric: true },
];

/** Calls by verb and by resource, as their clients saw them. Histograms are added up, never percentiles. */
export function callTotals(result: RunResult): Markup {
  const slis = slisOf(result, 'api-call').filter((sli) => sli.count > 0);
  if (slis.length === 0) return html``;
  const by = (label: 'verb' | 'resource', title: string): Markup => {
    const names = [...new Set(slis.map((sli) => sli.labels[label] ?? ''))];
    const rows = names.map((name) => {
      const members = slis.filter((sli) => (sli.labels[label] ?? '') === name);
      return totalRow(name, members, failedOf(result, label, name));
    });
    rows.sort((a, b) => (b[1]?.sort ?? 0) - (a[1]?.sort ?? 0));
    return html`<div><h3>By ${label}</h3>${table(title, [{ title: label === 'verb' ? 'Verb' : 'Resource' }, ...totalColumns], rows, { id: `${label}-table`, searchLabel: `Filter ${label}s` })}</div>`;
  };
  return html`<div class="columns wide-tables">${by('verb', 'API calls by verb')}${by('resource', 'API calls by resource')}</div>`;
}

function totalRow(name: string, slis: readonly Sli[], failed: number): Cell[] {
  const all = new Histogram();
  for (const sli of slis) all.merge(Histogram.fromBase64(sli.histogram));
  return [
    { content: html`<strong>${name === '' ? 'unknown' : name}</strong>` },
    { content: formatCount(all.count), sort: all.count },
    ...[all.quantile(0.5), all.quantile(0.99), Math.max(...slis.map((sli) => sli.max))].map((us): Cell => {
      return { content: formatDurationUs(us), sort: us };
    }),
    { content: formatCount(failed), sort: failed },
  ];
}

function failedOf(result: RunResult, label: 'verb' | 'resource', name: string): number {
  return result.calls
    .filter((call) => call[label] === name)
    .reduce((sum, call) => sum + failedCount(call), 0);
}

/** Attempts that were refused, failed, or had no answer. */
function failedCount({ statuses }: CallOutcomes): number {
  return Object.entries(statuses)
    .filter(([status]) => !isSuccess(status))
    .reduce((sum, [, count]) => sum + count, 0);
}

function isSuccess(status: string): boolean {
  return /^[123]\d\d$/.test(status);
}

/** What became of the calls of each kind: with what status each attempt was answered. */
export function callOutcomes(result: RunResult): Markup {
  if (result.calls.length === 0) return html``;
  const rows = result.calls
    .map((call) => ({ call, failed: failedCount(call), attempts: sumOf(call.statuses) }))
    .toSorted((a, b) => b.failed - a.failed || b.attempts - a.attempts)
    .map(({ call, failed, attempts }): Cell[] => [
      {
        content: html`<span class="name"><strong class="verb">${call.verb}</strong> ${call.subresource === '' ? call.resource : `${call.resource}/${call.subresource}`}</span><span class="definition">${call.source}, ${call.scope}</span>`,
      },
      { content: formatCount(attempts), sort: attempts },
      { content: formatCount(failed), sort: failed },
      {
        content: attempts === 0 ? '–' : `${formatNumber((failed / attempts) * 100)} %`,
        sort: attempts === 0 ? 0 : failed / attempts,
      },
      { content: statusBadges(call) },
    ]);
  const columns: Column[] = [
    { title: 'Call' },
    { title: 'Attempts', numeric: true },
    { title: 'Without success', numeric: true },
    { title: 'Share', numeric: true },
    { title: 'Answers by status' },
  ];
  return html`<h3>What became of them</h3><p class="lead">Each attempt counts. Refusals and repetitions are results, not faults of the run: 429 is the server's throttling, 409 a conflict.</p>${table('Outcomes of API calls', columns, rows, { id: 'outcomes-table', searchLabel: 'Filter outcomes, e.g. PATCH 429' })}`;
}

function statusBadges(call: CallOutcomes): Markup {
  const parts = Object.entries(call.statuses).map(
    ([status, count]) =>
      html`<span class="badge ${isSuccess(status) ? 'pass' : 'inconclusive'}">${status === 'none' ? 'no answer' : status} <span class="muted">× ${formatCount(count)}</span></span> `,
  );
  return html`${parts}`;
}

function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
