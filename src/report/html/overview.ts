import type { RunResult } from '../../result/result.ts';
import { formatCount, formatDurationUs } from '../charts/format.js';
import type { JudgedGate } from '../judged-gate.ts';
import { headlineStartup, labelText, runDurationMs, slowestJudgedCall } from '../view.ts';
import { type Markup, html } from './markup.ts';
import { badge, icon, time } from './parts.ts';

const headlines: Record<RunResult['verdict'], string> = {
  pass: 'Passed',
  fail: 'Failed',
  invalid: 'Invalid',
  inconclusive: 'Inconclusive',
  interrupted: 'Interrupted',
};

const meanings: Record<RunResult['verdict'], string> = {
  pass: 'Every objective was met, and the run can be trusted.',
  fail: 'At least one objective was missed.',
  invalid: 'The harness was the bottleneck: the figures below say nothing about the cluster.',
  inconclusive: 'There were too few samples for a verdict.',
  interrupted: 'The run was stopped before its end: the figures below cover what had happened by then.',
};

/**
 * The verdict and the one sentence that explains it, and what a gate has said. A run that passed and is worse than the
 * baseline is no good news: the banner has the colour of a failure then.
 */
export function banner(result: RunResult, gate?: JudgedGate): Markup {
  const { verdict, summary } = result;
  const isWorse = gate?.verdict === 'worse';
  const tone = isWorse && verdict === 'pass' ? 'fail' : verdict;
  const worse = isWorse && `${verdict === 'pass' ? ', but' : ', and'} worse than the baseline`;
  return html`<div class="banner ${tone}" role="status"><span class="sign" aria-hidden="true">${icon(tone)}</span><div><p class="verdict">${headlines[verdict]}${worse}</p><p class="summary">${summary}</p><p class="meaning">${meanings[verdict]}</p>${gate !== undefined && html`<p class="meaning"><a href="#gate">Gate</a>: ${badge(gate.verdict)} ${gate.summary}</p>`}</div></div>`;
}

/** The figures that a reader looks for first. */
export function keyFacts(result: RunResult): Markup {
  const startup = headlineStartup(result);
  const call = slowestJudgedCall(result);
  const tiles: (readonly [string, Markup | string, Markup | string])[] = [
    ['Nodes ready', formatCount(result.nodes.ready), ofAll(result.nodes.ready, result.nodes.requested)],
    ['Pods started', formatCount(result.pods.started), ofAll(result.pods.started, result.pods.created)],
    startup === undefined || startup.count === 0
      ? ['Pod startup p99', '–', 'no samples']
      : [
          'Pod startup p99',
          formatDurationUs(startup.p99),
          [`p50 ${formatDurationUs(startup.p50)}`, labelText(startup)].filter(Boolean).join(', '),
        ],
    call === undefined
      ? ['Slowest API call p99', '–', 'no samples']
      : ['Slowest API call p99', formatDurationUs(call.p99), labelText(call)],
    ['Duration', formatDurationUs(runDurationMs(result) * 1000), time(result.run.startedAt)],
    ['Kubernetes', result.cluster.version, `profile ${result.cluster.profile}`],
    ['Hollowmark', result.tool.version, `seed ${result.run.seed}`],
  ];
  return html`<dl class="tiles">${tiles.map(([name, value, remark]) => html`<div class="tile"><dt>${name}</dt><dd><span class="figure">${value}</span><span class="remark">${remark}</span></dd></div>`)}</dl>`;
}

function ofAll(part: number, whole: number): string {
  if (part === whole) return `all of ${formatCount(whole)}`;
  return `of ${formatCount(whole)}`;
}

/** Remarks without which the figures would be misread. */
export function notes(result: RunResult): Markup {
  if (result.notes.length === 0) return html``;
  return html`<div class="notes" role="note" aria-label="Notes"><h2>To read these figures right</h2><ul>${result.notes.map((note) => html`<li>${note}</li>`)}</ul></div>`;
}
