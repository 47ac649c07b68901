import type { TrendVerdict } from '../fidelity/trend/compare-trends.ts';
import type { SideMove } from '../fidelity/trend/judge-moves.ts';
import { fromTo, intervalText, moveText, trendSummary } from '../fidelity/trend/trend-markdown.ts';
import type { Trend } from '../fidelity/trend/trend.ts';

const nameColumnsMin = 24;
/** `123.4 → 1234 ms ×12.3`. */
const sideColumns = 22;
const ratioColumns = 6;
const intervalColumns = 11;

const marks: Record<TrendVerdict, { sign: string; color: string }> = {
  same: { sign: '✓', color: '32' },
  differs: { sign: '✕', color: '31' },
  inconclusive: { sign: '?', color: '33' },
};

const words: Record<TrendVerdict, string> = {
  same: 'PASS',
  differs: 'FAIL',
  inconclusive: 'INCONCLUSIVE',
};

const moved = (side: SideMove): string => `${fromTo(side)} ${moveText(side.move)}`;

/** A comparison of trends in lines of at most `columns`, as far as its figures fit: each row, then one line about all. */
export function renderTrend(trend: Trend, { color, columns }: { color: boolean; columns: number }): string[] {
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const nameColumns = Math.max(
    nameColumnsMin,
    columns - 2 - 2 * sideColumns - ratioColumns - intervalColumns,
  );
  const fits = (text: string): string =>
    text.length <= nameColumns ? text.padEnd(nameColumns) : `${text.slice(0, nameColumns - 1)}…`;
  const line = (name: string, reference: string, hollow: string, ratio: string, interval: string): string =>
    `${fits(name)}${reference.padStart(sideColumns)}${hollow.padStart(sideColumns)}${ratio.padStart(ratioColumns)}${interval.padStart(intervalColumns)}`;
  const lines: string[] = [];
  for (const { name, how } of trend.steps) {
    lines.push('', `  ${paint('1', line(name, trend.against, 'hollow', 'ratio', 'may be'))}`, `  ${how}`);
    for (const row of trend.rows.filter(({ step }) => step === name)) {
      const { sign, color: code } = marks[row.verdict];
      const figures = line(
        `${row.percentile} ${row.measure}`,
        moved(row.reference),
        moved(row.hollow),
        row.ratio.toFixed(2),
        intervalText(row.interval),
      );
      lines.push(`${paint(code, sign)} ${figures}`);
    }
  }
  if (trend.leftOut.length > 0)
    lines.push('', `${trend.leftOut.length} measures have too few samples: trend.md lists them`);
  lines.push('', `${paint(marks[trend.verdict].color, words[trend.verdict])}  ${trendSummary(trend)}`);
  return lines;
}
