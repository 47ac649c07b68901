import type { Comparison, GateReport, RuleRow, RuleVerdict } from '../gate/compare.ts';
import type { GateOutcome } from '../gate/gate.ts';
import { samplesNeeded } from '../gate/rules.ts';
import { type RunsNeeded, askedRatio } from '../gate/runs-needed.ts';
import { formatValue } from '../report/charts/format.js';
import type { RuleCase } from '../report/judged-gate.ts';
import { singleLine } from '../report/plain-text.ts';
import { changeText, percentOf, rowName } from './run-set-text.ts';

const nameColumnsMin = 24;
const nameColumnsMax = 56;
const valueColumns = 12;
const changeColumns = 30;
const couldColumns = 12;
const verdictColumns = 15;

/** What is left for names where the smallest change that each row could have shown has a column too: enough to tell rows apart. */
const nameColumnsEnough = 30;

/** Rows without some runs that are named. */
const leftOutMax = 5;

/** Rows of a terminal: with every kind of API call there are some forty. */
const rowsMax = 30;

const colours: Record<RuleVerdict, string> = {
  worse: '31',
  better: '32',
  same: '0',
  inconclusive: '33',
  unjudged: '2',
};
const order: readonly RuleVerdict[] = ['worse', 'better', 'same', 'inconclusive', 'unjudged'];

/** A gate's rules in lines of at most `columns`, as far as their figures fit: what is worse first. */
export function renderGate(
  report: GateOutcome,
  { color, columns }: { color: boolean; columns: number },
): string[] {
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const narrow = 2 * valueColumns + changeColumns + verdictColumns;
  const isWide = columns >= narrow + couldColumns + nameColumnsEnough;
  const figures = isWide ? narrow + couldColumns : narrow;
  const nameColumns = Math.min(nameColumnsMax, Math.max(nameColumnsMin, columns - figures));
  const line = (name: string, before: string, after: string, change: string, could: string): string =>
    fits(singleLine(name), nameColumns) +
    before.padStart(valueColumns) +
    after.padStart(valueColumns) +
    change.padStart(changeColumns) +
    (isWide ? could.padStart(couldColumns) : '');
  const sorted = byVerdict(report.rows);
  const shown = sorted.slice(0, rowsMax);
  return [
    '',
    paint('1', line('', 'baseline', 'now', 'change (95 %)', 'could show')),
    ...shown.map((row) => {
      const { compared, unit, verdict } = row;
      const value = (of: number | undefined): string => (of === undefined ? '–' : formatValue(of, unit));
      const cells = line(
        rowName(row),
        value(compared?.baselineMedian),
        value(compared?.candidateMedian),
        changeOf(compared),
        couldShow(compared),
      );
      return `${cells}  ${paint(colours[verdict], verdict)}`;
    }),
    ...(sorted.length > shown.length ? [`and ${sorted.length - shown.length} more`] : []),
    '',
    ...report.notes.map(singleLine),
    ...summaryLines(report),
  ];
}

/** What is worse first, then what is better; the rest in the order of the rules. */
export function byVerdict(rows: readonly RuleRow[]): RuleRow[] {
  return rows.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
}

/** What was compared with what, and how many rules say what. */
export function countsText({ rows, baseline, candidate }: GateReport): string {
  const counts = order
    .map((verdict) => [verdict, rows.filter((row) => row.verdict === verdict).length] as const)
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${count} ${verdict}`);
  return `${runs(candidate.length)} against ${runs(baseline.length)} of the baseline: ${counts.join(', ')}.`;
}

/** What the whole says, and what it could have said. */
export function summaryLines(report: GateOutcome): string[] {
  const { rows, falseAlarmsMax, power } = report;
  const judged = rows.filter(({ verdict }) => verdict !== 'unjudged');
  const reasons = [...new Set(judged.flatMap(({ reason }) => reason ?? []))];
  const headline = judged.find(({ compared }) => (compared?.spread ?? null) !== null);
  return [
    countsText(report),
    ...reasons.map((reason) => `inconclusive: ${reason}`),
    ...leftOutLines(rows),
    ...(headline === undefined ? [] : [detectableText(headline, power)]),
    ...(report.runsNeeded === null ? [] : [neededText(report.runsNeeded)]),
    `False alarms: at most ${percentOf(falseAlarmsMax)} of all calls, over all rules (Holm).`,
  ];
}

const runs = (count: number): string => `${count} ${count === 1 ? 'run' : 'runs'}`;

function detectableText(row: RuleRow, power: number): string {
  const detectable = row.compared?.spread?.detectable ?? null;
  if (detectable === null) return `${rowName(row)}: so few runs could not show any change.`;
  return `${rowName(row)}: a change by ${changeText(detectable)} or more is seen in ${percentOf(power)} of all cases.`;
}

/** Rows without some of the baseline's runs. */
function leftOutLines(rows: readonly RuleRow[]): string[] {
  const short = rows.filter(({ leftOut, compared }) => leftOut > 0 && compared !== null);
  const lines = short
    .slice(0, leftOutMax)
    .map(
      (row) =>
        `${rowName(row)}: without ${runs(row.leftOut)} of the baseline, of fewer than ${samplesNeeded(row.rule)} samples`,
    );
  return short.length > leftOutMax
    ? [...lines, `and ${short.length - leftOutMax} more rows without some runs`]
    : lines;
}

/** What it takes to see a change of 10 %, by the rule and if it allowed none. */
export function neededText(needed: RunsNeeded): string {
  const { candidates, limit, ruled, strict } = needed;
  const count = (of: number | null): string => (of === null ? 'no number of runs' : runs(of));
  const name = `${rowName(needed)}: to see a change of ${changeText(askedRatio)}`;
  const strictly = `${count(strict.withThese)} of the baseline with ${runs(candidates)} to judge, ${count(strict.withAsMany)} with as many to judge`;
  if (limit <= 1) return `${name} takes ${strictly}.`;
  const allowed = `with ${changeText(limit)} allowed`;
  const byRule =
    limit >= askedRatio
      ? `${allowed} is not asked for`
      : `${allowed} takes ${count(ruled.withThese)} of the baseline with ${runs(candidates)} to judge, ${count(ruled.withAsMany)} with as many to judge`;
  return `${name} ${byRule}; were none allowed, it would take ${strictly}.`;
}

function changeOf(compared: Comparison | null): string {
  if (compared === null) return '–';
  const { ratio, spread } = compared;
  if (spread === null) return changeText(ratio);
  const [low, high] = spread.interval;
  return `${changeText(ratio)} (${changeText(low)} to ${changeText(high)})`;
}

/** The smallest change that the runs could have shown. */
function couldShow(compared: Comparison | null): string {
  const detectable = compared?.spread?.detectable ?? null;
  return detectable === null ? '–' : changeText(detectable);
}

/** The rules as test cases. */
export function ruleCases({ rows, baseline, candidate }: GateReport): RuleCase[] {
  return rows.flatMap((row): RuleCase[] => {
    const { verdict, reason, compared, unit } = row;
    if (verdict === 'unjudged') return [];
    // Of the rule alone: a test history knows a case by its name.
    const name = `${rowName(row)}: ratio <= ${row.rule.allowedRatio}`;
    if (compared === null) return [{ name, verdict, message: reason ?? verdict, figures: null }];
    const { baselineMedian, candidateMedian, spread } = compared;
    const seen = spread?.detectable ?? null;
    const detectable = seen === null ? '' : `; ${changeText(seen)} would have been seen in 95 of 100 cases`;
    const figures = {
      baseline: formatValue(baselineMedian, unit),
      now: formatValue(candidateMedian, unit),
      change: changeOf(compared),
      couldShow: couldShow(compared),
    };
    const message = `${figures.now} after ${figures.baseline}: ${figures.change}, ${runs(candidate.length)} against ${runs(baseline.length - row.leftOut)}${detectable}`;
    return [{ name, verdict, message: reason === null ? message : `${reason}; ${message}`, figures }];
  });
}

const fits = (text: string, width: number): string =>
  text.length < width ? text.padEnd(width) : `${text.slice(0, width - 2)}… `;
