import { formatCount, formatDurationUs } from '../../report/charts/format.js';
import { type Markup, html } from '../../report/html/markup.ts';
import { type Cell, type Column, table, time } from '../../report/html/parts.ts';
import { type RunFilter, choices, filtered, verdictChoices } from './filter.ts';
import { choice } from './form.ts';
import { runHref, withQuery } from './links.ts';
import type { RunEntry } from './run-entry.ts';
import { verdictBadges } from './verdict-badges.ts';
import type { RunIndex } from './run-index.ts';

/** Rows of a page: some screens' worth. */
export const rowsPerPage = 100;

/** The list of runs. @param page from 1 */
export function runsPage(index: RunIndex, filter: RunFilter, page: number): Markup[] {
  const found = filtered(index.runs, filter);
  const pageCount = Math.max(1, Math.ceil(found.length / rowsPerPage));
  const shownPage = Math.min(Math.max(1, page), pageCount);
  const rows = found.slice((shownPage - 1) * rowsPerPage, shownPage * rowsPerPage);
  return [
    html`<div class="title"><h1>Runs</h1><p class="muted">${formatCount(found.length)} of ${formatCount(index.runs.length)} in <code>${index.root}</code></p></div>`,
    ...notices(index),
    filterForm(index.runs, filter),
    rows.length === 0
      ? html`<p class="empty">${index.runs.length === 0 ? 'There is no run in this folder yet. hollowmark run SCENARIO writes its report to reports/, one folder a run.' : 'No run is like that.'}</p>`
      : html`<form action="/compare" method="get">${runTable(rows)}<div class="pages"><button id="compare" class="plain">Compare the two that are marked</button>${pages(filter, shownPage, pageCount)}</div></form>`,
  ];
}

function notices({ pendingCount, faults, isCut }: RunIndex): Markup[] {
  return [
    ...(pendingCount === 0
      ? []
      : [
          html`<p class="notes" role="status">${formatCount(pendingCount)} results are still being read, for the first time: <a href="">load this page again</a> for more.</p>`,
        ]),
    ...(isCut
      ? [
          html`<p class="notes">There are too many folders: not all were looked at. Name the folder of the reports itself.</p>`,
        ]
      : []),
    ...(faults.length === 0
      ? []
      : [
          html`<details class="card"><summary>${faults.length === 1 ? '1 result' : `${formatCount(faults.length)} results`} cannot be read</summary><ul>${faults.slice(0, rowsPerPage).map(({ folder, fault }) => html`<li><code>${folder}</code>: ${fault}</li>`)}</ul></details>`,
        ]),
  ];
}

function filterForm(runs: readonly RunEntry[], filter: RunFilter): Markup {
  return html`<form class="filter" action="/" method="get" role="search"><label>Search <input type="search" name="q" value="${filter.text}" placeholder="id, summary, machine …"></label>${choice('scenario', 'Scenario', choices(runs, 'scenario'), filter.scenario, 'all')}${choice('version', 'Kubernetes', choices(runs, 'kubernetes'), filter.version, 'all')}${choice('verdict', 'Verdict', verdictChoices(runs), filter.verdict, 'all')}<button class="plain">Show</button></form>`;
}

const columns: readonly Column[] = [
  { title: 'Run' },
  { title: 'Verdict' },
  { title: 'Started' },
  { title: 'Scenario' },
  { title: 'Kubernetes' },
  { title: 'Nodes', numeric: true },
  { title: 'Pods', numeric: true },
  {
    title: 'Startup p99',
    numeric: true,
    explanation: 'Pod startup to the microsecond, of the first group of pods',
  },
  { title: 'Duration', numeric: true },
  { title: 'Compare' },
];

function runTable(runs: readonly RunEntry[]): Markup {
  const rows = runs.map((run): Cell[] => [
    {
      content: html`<a href="${runHref(run)}">${run.id}</a><span class="definition">${run.summary}</span>`,
    },
    { content: verdictBadges(run) },
    { content: time(run.startedAt) },
    { content: run.scenario },
    { content: run.kubernetes },
    { content: formatCount(run.nodes) },
    { content: formatCount(run.pods) },
    { content: run.startupP99Us === null ? '–' : formatDurationUs(run.startupP99Us) },
    { content: formatDurationUs(run.durationMs * 1000) },
    {
      content: html`<input type="checkbox" name="run" value="${run.folder}" aria-label="Compare ${run.id}">`,
    },
  ]);
  return table('Runs, newest first', columns, rows, { id: 'runs', sortable: false });
}

function pages(filter: RunFilter, page: number, pageCount: number): Markup {
  if (pageCount === 1) return html``;
  const { text, scenario, version, verdict } = filter;
  const href = (to: number): string =>
    withQuery('/', { q: text, scenario, version, verdict, page: String(to) });
  return html`<nav aria-label="Pages of the list">${page > 1 && html`<a href="${href(page - 1)}" rel="prev">newer</a> `}Page ${page} of ${pageCount}${page < pageCount && html` <a href="${href(page + 1)}" rel="next">older</a>`}</nav>`;
}
