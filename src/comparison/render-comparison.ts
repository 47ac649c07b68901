import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tool } from '../base/package-info.ts';
import type { GateReport, RuleRow } from '../gate/compare.ts';
import { keyOf } from '../gate/run-set.ts';
import { formatNumber, formatValue } from '../report/charts/format.js';
import { type Markup, html, trusted } from '../report/html/markup.ts';
import { type Cell, type Column, icon, section, table as markupTable } from '../report/html/parts.ts';
import { sharedParts } from '../report/html/render-html.ts';
import { labelText, quantileName } from '../report/view.ts';
import type { RunResult } from '../result/result.ts';
import { type Curve, percentileCurves } from './curve-svg.ts';

/** What of a side is drawn and named. */
export type ComparedSide = {
  /** `A`, `B`. */
  name: string;
  /** Those whose histograms are at hand; a baseline keeps none. */
  results: readonly Pick<RunResult, 'slis'>[];
};

/** The report's colours and signs for what is said here. */
const tones: Readonly<Record<RuleRow['verdict'], string>> = {
  worse: 'fail',
  better: 'pass',
  same: 'pass',
  inconclusive: 'inconclusive',
  unjudged: 'skipped',
};

const words: Readonly<Record<RuleRow['verdict'], string>> = {
  worse: 'Worse',
  better: 'Better',
  same: 'The same',
  inconclusive: 'Inconclusive',
  unjudged: 'Unjudged',
};

/** More would make a page that nobody reads; the table has all. */
const chartsMax = 8;

/**
 * A comparison as one HTML file without scripts, which opens from disk, prints, and loads nothing. All text from results is
 * escaped.
 * @param rows in the order in which they are to be shown.
 */
export function renderComparison(
  report: GateReport,
  rows: readonly RuleRow[],
  summary: readonly string[],
  sides: readonly [ComparedSide, ComparedSide],
): string {
  // The report's own look; there is no script here that could choose a theme, so the system does.
  const style = `${sharedParts().style}${readFileSync(new URL('./style.css', import.meta.url), 'utf8')}`;
  const hash = createHash('sha256').update(style).digest('base64');
  const [first, second] = sides;
  const [headline = '', ...others] = summary;
  const remarks = [...others, ...report.notes];
  const drawn = charts(rows, sides);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; font-src data:; base-uri 'none'; form-action 'none'">
<meta name="color-scheme" content="light dark">
<title>${report.verdict}: ${first.name} and ${second.name} – Hollowmark</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<div class="title"><h1>${second.name} compared with ${first.name}</h1></div>
<div class="banner ${tones[report.verdict]}"><span class="sign" aria-hidden="true">${icon(tones[report.verdict])}</span><div><p class="verdict">${words[report.verdict]}</p><p class="summary">${headline}</p></div></div>
<div class="notes" role="note" aria-label="Notes"><ul>${remarks.map((line) => html`<li>${line}</li>`)}</ul></div>
${
  drawn.length > 0 &&
  section('curves', 'Curves', [
    html`<ul class="legend"><li><span class="line" aria-hidden="true"></span>${first.name}: ${runList(report.baseline)}</li><li><span class="line second" aria-hidden="true"></span>${second.name}: ${runList(report.candidate)}</li></ul><div class="charts">${drawn}</div>`,
  ])
}
${section('quantiles', 'All quantiles', [table(rows, [first.name, second.name])])}
</main>
<footer><p>Made by Hollowmark ${tool.version}.</p></footer>
</body>
</html>
`;
  return page.markup;
}

function runList(runs: GateReport['baseline']): string {
  return runs.map(({ id }) => id).join(', ');
}

function charts(rows: readonly RuleRow[], sides: readonly [ComparedSide, ComparedSide]): Markup[] {
  const indexed = sides.map(({ results }) =>
    results.map(({ slis }) => new Map(slis.map((sli) => [keyOf(sli), sli]))),
  );
  const drawn: Markup[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const key = keyOf(row);
    if (drawn.length >= chartsMax || seen.has(key)) continue;
    seen.add(key);
    const curves = indexed.flatMap((runs, index) =>
      runs.flatMap((run): Curve[] => {
        const sli = run.get(key);
        return sli === undefined ? [] : [{ side: index === 0 ? 0 : 1, sli }];
      }),
    );
    if (curves.length === 0) continue;
    const names = [sides[0].name, sides[1].name] as const;
    drawn.push(percentileCurves(curves, row.unit, { title: seriesName(row), names }));
  }
  return drawn;
}

function seriesName({ id, labels }: Pick<RuleRow, 'id' | 'labels'>): string {
  const text = labelText({ labels });
  return text === '' ? id : `${id}: ${text}`;
}

const columns: readonly Column[] = [
  { title: 'SLI' },
  { title: 'Difference', numeric: true },
  { title: 'Ratio', numeric: true },
  { title: 'Interval', numeric: true },
  { title: 'Could show', numeric: true },
  { title: 'p', numeric: true },
  { title: 'Verdict' },
];

function table(rows: readonly RuleRow[], [first, second]: readonly [string, string]): Markup {
  // One that holds for all is said above.
  const reasons = new Set(rows.map(({ reason }) => reason).filter((reason) => reason !== null));
  const lines = rows.map(({ verdict, compared, unit, quantile, reason, ...series }): Cell[] => {
    const spread = compared?.spread ?? undefined;
    const value = (of: number | undefined): string => (of === undefined ? '–' : formatValue(of, unit));
    const ratio = (of: number | undefined): string => (of === undefined ? '–' : `×${formatNumber(of)}`);
    const interval =
      spread === undefined ? '–' : `${ratio(spread.interval[0])} to ${ratio(spread.interval[1])}`;
    const sign = compared !== null && compared.difference > 0 ? '+' : '';
    const difference = compared === null ? '–' : `${sign}${signed(compared.difference, unit)}`;
    const why = reason !== null && reasons.size > 1 && html`<span class="definition">${reason}</span>`;
    return [
      { content: html`<strong>${quantileName(quantile)}</strong> ${seriesName(series)}` },
      { content: value(compared?.baselineMedian) },
      { content: value(compared?.candidateMedian) },
      { content: difference },
      { content: ratio(compared?.ratio) },
      { content: interval },
      { content: ratio(spread?.detectable ?? undefined) },
      { content: chanceText(spread?.pWorse ?? undefined) },
      { content: html`<span class="badge ${tones[verdict]}">${verdict}</span>${why}` },
    ];
  });
  const [name = { title: '' }, ...rest] = columns;
  const heads = [name, { title: first, numeric: true }, { title: second, numeric: true }, ...rest];
  return html`<p class="lead">Medians over the runs; the ratio of the geometric means with its interval of 95 %; the smallest ratio that these runs could have shown; p of being worse, over all rows that are judged (Holm). What the harness did itself is unjudged.</p>${markupTable('All quantiles', heads, lines, { sortable: false })}`;
}

function chanceText(p: number | undefined): string {
  if (p === undefined) return '–';
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

function signed(value: number, unit: RuleRow['unit']): string {
  return value < 0 ? `−${formatValue(-value, unit)}` : formatValue(value, unit);
}
