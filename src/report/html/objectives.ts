import type { PhaseRequests, RunResult } from '../../result/result.ts';
import {
  formatCount,
  formatDurationUs,
  formatElapsedMs,
  formatNumber,
  formatValue,
} from '../charts/format.js';
import {
  judgedSlis,
  type JudgedSli,
  labelText,
  quantileName,
  sourceText,
  usedShare,
  usedText,
  valueAt,
  valueText,
} from '../view.ts';
import { lowerBound } from './latencies.ts';
import { type Markup, html } from './markup.ts';
import { badge, type Cell, type Column, section, shareBar, table } from './parts.ts';
import { windowStrips } from './windows.ts';

/**
 * Rows of one SLI, threshold and verdict beyond which only the worst is shown: a hundred passes are one fact, and
 * the table of API calls has them all. Misses are shown one by one as long as a reader can take them in.
 */
const groupMax = { fail: 20, pass: 1, inconclusive: 1 };

const sloColumns: Column[] = [
  { title: 'Indicator' },
  { title: 'Verdict' },
  { title: 'Value', numeric: true },
  { title: 'Threshold', numeric: true },
  { title: 'Used', numeric: true, explanation: 'Value as a share of the threshold' },
  { title: 'Samples', numeric: true },
];

/** Every SLO with its figures, its definition and where the samples come from. */
export function objectives(result: RunResult): Markup {
  const judged = judgedSlis(result);
  if (judged.length === 0)
    return section('slos', 'Service level objectives', [
      html`<p class="empty">No SLO was judged in this run.</p>`,
    ]);
  const rows = grouped(judged).flatMap(({ worst, others }) =>
    others.length < groupMax[worst.slo.verdict]
      ? [worst, ...others].map((sli) => row(sli, 0))
      : [row(worst, others.length)],
  );
  return section('slos', 'Service level objectives', [
    windowStrips(result, judged),
    table('Service level objectives', sloColumns, rows),
  ]);
}

/** SLIs of one id, objective and verdict, in the order of the worst of each. */
function grouped(judged: readonly JudgedSli[]): { worst: JudgedSli; others: JudgedSli[] }[] {
  const groups = new Map<string, { worst: JudgedSli; others: JudgedSli[] }>();
  for (const sli of judged) {
    const key = JSON.stringify([sli.id, sli.slo.quantile, sli.slo.threshold, sli.slo.verdict]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { worst: sli, others: [] });
    else group.others.push(sli);
  }
  return [...groups.values()];
}

/** `others` more of the same verdict are no worse than this one. */
function row(sli: JudgedSli, others: number): Cell[] {
  const { slo } = sli;
  const value = valueAt(sli, slo.quantile);
  const share = usedShare(sli);
  const labels = labelText(sli);
  const more =
    others > 0 &&
    html`<span class="muted"> and ${formatCount(others)} more kinds with this verdict, none worse (<a href="#api">all</a>)</span>`;
  return [
    {
      content: html`<span class="name"><strong>${sli.id}</strong> ${labels} ${quantileName(slo.quantile)}</span>${more}<span class="definition">${sli.definition}</span><span class="definition">Source: ${sourceText(sli)}</span>`,
    },
    { content: badge(slo.verdict) },
    {
      content:
        sli.count === 0
          ? '–'
          : html`${valueText(sli, value)}${slo.quantile === 0.99 && lowerBound(sli, 'p99')}`,
      sort: value,
    },
    { content: formatValue(slo.threshold, sli.unit), sort: slo.threshold },
    {
      content: html`${shareBar(share, share > 1 ? 'fail' : 'neutral')}<span>${usedText(sli)}</span>`,
      sort: share,
    },
    { content: formatCount(sli.count), sort: sli.count },
  ];
}

/** Whether the run itself can be trusted, check by check; failed ones first. */
export function validity(result: RunResult): Markup {
  const order = { fail: 0, pass: 1, skipped: 2 };
  const checks = result.validity.checks.toSorted((a, b) => order[a.verdict] - order[b.verdict]);
  if (checks.length === 0)
    return section('validity', 'Can this run be trusted?', [html`<p class="empty">No check was made.</p>`]);
  const rows = checks.map((check): Cell[] => [
    {
      content: html`<span class="name"><strong>${check.id}</strong></span><span class="definition">${check.message}</span>`,
    },
    { content: badge(check.verdict) },
    { content: check.verdict === 'skipped' ? '–' : formatValue(check.value, check.unit), sort: check.value },
    { content: formatValue(check.limit, check.unit), sort: check.limit },
  ]);
  const columns: Column[] = [
    { title: 'Check' },
    { title: 'Verdict' },
    { title: 'Value', numeric: true },
    { title: 'Limit', numeric: true },
  ];
  return section('validity', 'Can this run be trusted?', [
    html`<p class="lead">A run whose harness was too slow says nothing about the cluster. These are its own error bars: the run is ${badge(result.validity.verdict)}</p>`,
    table('Validity checks', columns, rows),
  ]);
}

/** What went wrong, where and when. */
export function failures(result: RunResult): Markup {
  if (result.failures.length === 0) return html``;
  const rows = result.failures.map((failure): Cell[] => [
    { content: formatElapsedMs(failure.atMs), sort: failure.atMs },
    { content: html`<code>${failure.where}</code>` },
    { content: failure.message },
  ]);
  return section('failures', 'What went wrong', [
    table('Failures', [{ title: 'At' }, { title: 'Where' }, { title: 'What' }], rows),
  ]);
}

/** The phases of the run with their share of its time. */
export function phases(result: RunResult): Markup {
  const all = result.run.phases;
  if (all.length === 0) return html``;
  const from = Math.min(...all.map((phase) => phase.startedAtMs));
  const span = Math.max(1, Math.max(...all.map((phase) => phase.finishedAtMs)) - from);
  const paced = all.some((phase) => phase.requests !== undefined);
  const rows = all.map((phase): Cell[] => {
    const left = ((phase.startedAtMs - from) / span) * 100;
    const width = Math.max(0.4, ((phase.finishedAtMs - phase.startedAtMs) / span) * 100);
    const { requests } = phase;
    return [
      {
        content: html`<strong>${phase.name}</strong>${phase.name !== phase.type && html` <span class="muted">${phase.type}</span>`}${phase.message !== undefined && html`<span class="definition">${phase.message}</span>`}`,
      },
      { content: badge(phase.outcome) },
      { content: formatElapsedMs(phase.startedAtMs), sort: phase.startedAtMs },
      {
        content: formatDurationUs((phase.finishedAtMs - phase.startedAtMs) * 1000),
        sort: phase.finishedAtMs - phase.startedAtMs,
      },
      ...(paced ? requestCells(requests) : []),
      {
        content: html`<span class="gantt" aria-hidden="true"><span style="margin-left:${left.toFixed(2)}%;width:${width.toFixed(2)}%"></span></span>`,
      },
    ];
  });
  const columns: Column[] = [
    { title: 'Phase' },
    { title: 'Outcome' },
    { title: 'Start', numeric: true },
    { title: 'Duration', numeric: true },
    ...(paced ? requestColumns : []),
    { title: 'Course' },
  ];
  return section('phases', 'Phases of the run', [
    table('Phases of the run', columns, rows, { sortable: false }),
  ]);
}

const requestColumns: Column[] = [
  { title: 'Sent', numeric: true, explanation: 'Requests of the plan of which a first attempt left' },
  { title: 'Requested', numeric: true, explanation: 'Requests a second' },
  { title: 'Achieved', numeric: true, explanation: 'Requests a second, from the first send to the last' },
  {
    title: 'In time',
    numeric: true,
    explanation:
      'Share of the planned requests that left in time; held back: sent late since 1,000 had no answer',
  },
  { title: 'Late, p99', numeric: true, explanation: 'p99 of how late they left' },
  { title: 'Given up', numeric: true, explanation: 'Without success in the end' },
  { title: 'Repeated', numeric: true, explanation: 'Attempts beyond the first of each request' },
];

function heldBackText({ heldBack = 0 }: PhaseRequests): string {
  return heldBack === 0 ? '' : `, ${formatCount(heldBack)} held back`;
}

function requestCells(requests: PhaseRequests | undefined): Cell[] {
  if (requests === undefined) return requestColumns.map(() => ({ content: '' }));
  const { requestedPerSecond, achievedPerSecond } = requests;
  const sent = formatCount(requests.sent);
  return [
    { content: requests.sent === requests.planned ? sent : `${sent} of ${formatCount(requests.planned)}` },
    { content: requestedPerSecond === null ? 'all at once' : `${formatNumber(requestedPerSecond)}/s` },
    { content: achievedPerSecond === null ? '–' : `${formatNumber(achievedPerSecond)}/s` },
    { content: `${formatNumber(requests.achievedRatio * 100)} %${heldBackText(requests)}` },
    { content: formatDurationUs(requests.latenessP99Us) },
    { content: formatCount(requests.failed) },
    { content: formatCount(requests.retries) },
  ];
}
