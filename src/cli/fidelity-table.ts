import type { ComparedRow } from '../fidelity/compare-rows.ts';
import { type Comparison, figures } from '../fidelity/comparison.ts';
import { ratioText } from '../fidelity/markdown.ts';
import { singleLine } from '../report/plain-text.ts';

/** Room for figures of three runs, flush right. */
const figureColumns = 18;
const ratioColumns = 7;
/** Longer than this no finding's value is shown; the report has all of it. */
const valueColumns = 60;

/** The comparison in lines of at most `columns`: every row, then what does not pass, then one line about all. */
export function renderComparison(
  comparison: Comparison,
  { color, columns }: { color: boolean; columns: number },
): string[] {
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const nameColumns = Math.max(30, columns - 2 - 2 * figureColumns - ratioColumns);
  const { findings, rows, timing, against, passed } = comparison;
  const fits = (text: string, width: number): string =>
    text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
  const cell = (text: string): string =>
    fits(text, figureColumns - 1)
      .trimEnd()
      .padStart(figureColumns);
  const line = (ok: boolean, name: string, reference: string, hollow: string, ratio: string): string =>
    `${ok ? paint('32', '✓') : paint('31', '✕')} ${fits(name, nameColumns)}${cell(reference)}${cell(hollow)}${ratio.padStart(ratioColumns)}`;
  const lines: string[] = [];
  for (const phase of new Set(rows.map((row) => row.phase))) {
    lines.push(
      '',
      `  ${paint('1', fits(phase, nameColumns))}${cell(against)}${cell('hollow')}${'ratio'.padStart(ratioColumns)}`,
    );
    for (const row of rows.filter((one) => one.phase === phase)) {
      lines.push(
        line(
          row.faults.length === 0,
          shortName(row),
          figures(row.reference.runs),
          figures(row.hollow.runs),
          ratioText(row.ratio),
        ),
      );
    }
  }
  lines.push('', `  ${paint('1', 'from bound to Running, ms')}`);
  for (const { name, reference, hollow, ratio, judged, agrees } of timing) {
    const medians = (runs: number[]): string => figures(runs.map(Math.round));
    const title = judged ? name : `${name} (too few to judge)`;
    lines.push(
      line(agrees || !judged, title, medians(reference.runs), medians(hollow.runs), ratioText(ratio)),
    );
  }
  lines.push('');
  for (const { part, name, reference, hollow } of findings.unexpected) {
    lines.push(`${paint('31', '✕')} ${part}: ${singleLine(name)}`);
    lines.push(`    ${against}: ${fits(reference, valueColumns).trimEnd()}`);
    lines.push(`    hollow: ${fits(hollow, valueColumns).trimEnd()}`);
  }
  for (const { gap, findings: found } of findings.known) {
    lines.push(`! known gap ${gap.id}: ${found.length} differences; ${gap.why}`);
  }
  for (const { id } of findings.closed) {
    lines.push(`! known gap ${id} is closed: remove it from src/fidelity/known-gaps.json`);
  }
  const known = findings.known.reduce((sum, one) => sum + one.findings.length, 0);
  lines.push(
    `${passed ? paint('32', 'PASS') : paint('31', 'FAIL')}  ${findings.unexpected.length} differences from ${against} nodes, ${known} known ones`,
  );
  return lines;
}

/** `node create events 201 a pod (bytes)`; the query that all first watches have is told in a word. */
function shortName({ name, per, faults }: ComparedRow): string {
  const short = name
    .replace('system:node:<node>', 'node')
    .replace('system:kube-proxy', 'proxy')
    .replace(/\?\S*sendInitialEvents=true\S*/, '?streaming-list');
  return `${short} a ${per}${faults.length === 0 ? '' : ` (${faults.join(', ')})`}`;
}
