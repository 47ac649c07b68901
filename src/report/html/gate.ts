import { type JudgedGate, byVerdict } from '../judged-gate.ts';
import { type Markup, html } from './markup.ts';
import { badge, type Cell, type Column, section, table } from './parts.ts';

const columns: readonly Column[] = [
  { title: 'Rule' },
  { title: 'Verdict' },
  { title: 'Baseline', numeric: true, explanation: 'Median over the runs of the baseline' },
  { title: 'Now', numeric: true, explanation: 'Median over the runs that were judged' },
  { title: 'Change', numeric: true, explanation: 'Of the geometric means, with its interval of 95 %' },
  {
    title: 'Could show',
    numeric: true,
    explanation: 'The smallest change that these runs could have shown, in 95 of 100 cases',
  },
];

/** What a gate has said of the run by each of its rules; nothing where none has judged it. */
export function gateRules(gate: JudgedGate | undefined): Markup {
  if (gate === undefined) return html``;
  const rows = byVerdict(gate.cases).map(({ name, verdict, message, figures }): Cell[] => [
    { content: figures === null ? html`${name}<span class="definition">${message}</span>` : name },
    { content: badge(verdict) },
    ...[figures?.baseline, figures?.now, figures?.change, figures?.couldShow].map((text) => ({
      content: text ?? '–',
    })),
  ]);
  return section(
    'gate',
    'Gate',
    [
      html`<p class="lead">${gate.summary}</p>`,
      table('Rules of the gate', columns, rows, { sortable: false }),
      gate.remarks.length > 0 &&
        html`<ul class="definitions">${gate.remarks.map((line) => html`<li>${line}</li>`)}</ul>`,
    ].filter((content) => content !== false),
  );
}
