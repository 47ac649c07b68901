import type { RunResult } from '../../result/result.ts';
import { formatCount, formatDurationUs, formatValue } from '../charts/format.js';
import { type JudgedGate, byVerdict } from '../judged-gate.ts';
import {
  type JudgedSli,
  judgedSlis,
  quantileName,
  runDurationMs,
  sliName,
  usedText,
  valueAt,
  valueText,
} from '../view.ts';
import { escapeMarkdown } from './escape-markdown.ts';

/** A link below the summary; the address is one that somebody gave, not one out of a result. */
export type MarkdownLink = { text: string; address: string };

/** Rows of the table, and those of SLOs that were missed; the rest is in the report. */
const rowsMax = 10;
const missesMax = 20;
const linesMax = 5;
const rulesMax = 10;

const signs: Record<string, string> = {
  pass: '✅',
  fail: '❌',
  inconclusive: '❔',
  invalid: '⚠️',
  interrupted: '⏹️',
  same: '✅',
  better: '✅',
  worse: '❌',
};

/**
 * A summary for a CI system's job page: verdict, its sentence, SLOs (misses first), failed checks and failures, what a
 * reader must know, links. Short: those pages are looked at for seconds, and cut what is long.
 * @param gate what a gate has said of the run.
 */
export function renderMarkdown(
  result: RunResult,
  links: readonly MarkdownLink[] = [],
  gate?: JudgedGate,
): string {
  const { verdict, summary, run, cluster, nodes, pods } = result;
  const facts = [
    `${formatCount(nodes.ready)} of ${formatCount(nodes.requested)} nodes ready`,
    `${formatCount(pods.started)} of ${formatCount(pods.created)} pods started`,
    formatDurationUs(runDurationMs(result) * 1000),
    `Kubernetes ${escapeMarkdown(cluster.version)}, flags ${escapeMarkdown(cluster.profile)}`,
    `run ${escapeMarkdown(run.id)}`,
  ];
  const failed = result.validity.checks.filter((check) => check.verdict === 'fail');
  const isWorse = gate?.verdict === 'worse';
  const blocks = [
    `## ${signs[isWorse ? gate.verdict : verdict]} ${escapeMarkdown(run.scenario)}: ${verdict}${isWorse ? ', worse than the baseline' : ''}`,
    escapeMarkdown(summary),
    ...(gate === undefined ? [] : gateBlocks(gate)),
    sloTable(judgedSlis(result)),
    bullets(failed.map((check) => `⚠️ ${check.id}: ${check.message}`)),
    bullets(result.failures.map(({ where, message }) => `❌ ${where}: ${message}`)),
    bullets(result.notes),
    facts.join(' · '),
    links.map(({ text, address }) => `[${escapeMarkdown(text)}](<${addressText(address)}>)`).join(' · '),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/**
 * Misses first, then of each id the one that came closest, then what else did. Of an id that was never decided one is
 * shown, because then the run may be inconclusive by it.
 */
function sloTable(judged: readonly JudgedSli[]): string {
  if (judged.length === 0) return 'No SLO was judged.';
  const misses = judged.filter(({ slo }) => slo.verdict === 'fail').slice(0, missesMax);
  const met = judged.filter(({ slo }) => slo.verdict === 'pass');
  const decidedIds = new Set([...misses, ...met].map(({ id }) => id));
  const open = judged.filter(({ id }) => !decidedIds.has(id));
  const firsts = [...open, ...met].filter(
    (sli, index, all) => all.findIndex(({ id }) => id === sli.id) === index,
  );
  const rows = [...new Set([...misses, ...firsts, ...met])].slice(0, Math.max(rowsMax, misses.length));
  const shown = rows.map((sli) => {
    const { slo, unit } = sli;
    const cells = [
      `${signs[slo.verdict]} ${escapeMarkdown(sliName(sli))}`,
      quantileName(slo.quantile),
      sli.count === 0 ? '–' : valueText(sli, valueAt(sli, slo.quantile)),
      formatValue(slo.threshold, unit),
      sli.count === 0 ? '–' : usedText(sli),
      formatCount(sli.count),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const left = judged.length - shown.length;
  return [
    '| SLO | quantile | value | threshold | used | samples |',
    '|---|---|--:|--:|--:|--:|',
    ...shown,
    ...(left === 0 ? [] : ['', `And ${formatCount(left)} more in the report.`]),
  ].join('\n');
}

const rulesHead = [
  '| rule | verdict | baseline | now | change (95 %) | could show |',
  '|---|---|--:|--:|--:|--:|',
];

/** What has changed one by one; the rest is counted in the summary. */
function gateBlocks({ verdict, summary, cases }: JudgedGate): string[] {
  const told = byVerdict(cases).filter((one) => one.verdict === 'worse' || one.verdict === 'better');
  const rows = told.slice(0, rulesMax).map(({ name, verdict: found, figures }) => {
    const cells = [figures?.baseline, figures?.now, figures?.change, figures?.couldShow];
    const texts = cells.map((cell) => escapeMarkdown(cell ?? '–')).join(' | ');
    return `| ${signs[found]} ${escapeMarkdown(name)} | ${found} | ${texts} |`;
  });
  const left = told.length - rows.length;
  return [
    `**Gate: ${verdict}.** ${escapeMarkdown(summary)}`,
    rows.length === 0 ? '' : [...rulesHead, ...rows].join('\n'),
    left === 0 ? '' : `And ${formatCount(left)} more rules in the JUnit file.`,
  ];
}

function bullets(lines: readonly string[]): string {
  const shown = lines.slice(0, linesMax).map((line) => `- ${escapeMarkdown(line)}`);
  const left = lines.length - shown.length;
  return [...shown, ...(left === 0 ? [] : [`- and ${formatCount(left)} more`])].join('\n');
}

/** Within `<…>`: what would end it, or the line, is percent-encoded. */
function addressText(address: string): string {
  return address.replaceAll(/[<>\\\s]/g, (character) => encodeURIComponent(character));
}
