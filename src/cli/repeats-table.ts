import type { RepeatRow, RepeatedVariant, Repeats } from '../gate/repeats.ts';
import { formatValue } from '../report/charts/format.js';
import { singleLine } from '../report/plain-text.ts';
import {
  changeText,
  isHeadline,
  leftOutLines,
  rowName,
  runTable,
  runsText,
  setLines,
  table,
  untoldText,
} from './run-set-text.ts';

const nameColumnsMin = 24;
const nameColumnsMax = 60;
/** `536 ms (498 ms–612 ms)`. */
const figureColumns = 28;
/** `+12 % (−3.1 % to +31 %)`. */
const ratioColumns = 28;

/** Medians of several runs in lines of at most `columns`, as far as their figures fit. */
export function renderRepeats(
  repeats: Repeats,
  { color, columns }: { color: boolean; columns: number },
): string[] {
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { variants, rows } = repeats;
  const compared = variants.length > 1;
  const figures = figureColumns * variants.length + (compared ? ratioColumns : 0);
  const nameColumns = Math.min(nameColumnsMax, Math.max(nameColumnsMin, columns - figures));
  const line = (name: string, cells: readonly string[], ratio: string): string =>
    [
      fits(singleLine(name), nameColumns),
      ...cells.map((cell) => cell.padStart(figureColumns)),
      ...(compared ? [ratio.padStart(ratioColumns)] : []),
    ].join('');
  const names = compared ? variants.map(({ name }) => name) : ['median (95 %)'];
  const shown = rows.filter(isHeadline);
  return [
    '',
    paint('1', line('', names, 'B to A')),
    ...shown.map((row) =>
      line(
        rowName(row),
        row.variants.map((_, index) => figure(row, index)),
        ratioText(row),
      ),
    ),
    ...(shown.length === 0 ? ['no SLI that has an SLO has enough samples in every run'] : []),
    ...(shown.some(({ toldFrom }) => toldFrom !== null)
      ? ['', '* the runs differ by less than can be told: the interval is that of what can']
      : []),
    '',
    ...variants.slice(1).map(({ name, sets }) => `${name}: ${sets.join(', ')}`),
    runsText(repeats, variants.length),
    ...(rows.length > shown.length ? [`${rows.length - shown.length} more rows are in the table`] : []),
  ];
}

/** The same as a page, with every row. */
export function renderRepeatsMarkdown(repeats: Repeats): string {
  const { variants, rows, leftOut } = repeats;
  const compared = variants.length > 1;
  return [
    `# Repeats of ${repeats.scenario}`,
    '',
    ...setLines(repeats, variants.length),
    ...variants.slice(1).flatMap(({ name, sets }) => [`${name}: \`${sets.join(' ')}\`.`, '']),
    ...runTable(
      repeats,
      variants.map(({ name }) => name),
    ),
    '',
    'Medians over the runs, and where the true median lies with 95 % confidence or more: between two of the sorted values',
    "of six runs or more; of fewer by Student's t on the logarithms, which takes them for normally distributed. Where the runs",
    'differ by less than the SLI can tell (bucket bounds, whole seconds, three digits), the interval is that of what it can.',
    ...(compared ? ['The ratio is that of the geometric means, with its interval of 95 %.'] : []),
    '',
    ...table(
      [
        'SLI',
        ...variants.flatMap(({ name }) => [compared ? `${name}, median` : 'median', 'interval', 'runs']),
        ...(compared ? ['B to A', 'interval', 'p'] : []),
      ],
      rows.map((row) => [
        rowName(row),
        ...row.variants.flatMap(({ median, interval, values }) => [
          formatValue(median, row.unit),
          intervalText(row, interval),
          values.map((value) => formatValue(value, row.unit)).join(', '),
        ]),
        ...(compared ? ratioCells(row) : []),
      ]),
    ),
    '',
    ...leftOutLines(leftOut),
  ].join('\n');
}

function intervalText(row: RepeatRow, interval: RepeatedVariant['interval']): string {
  if (interval === null) return 'unknown';
  const { low, high } = interval;
  const range = `${formatValue(low, row.unit)}–${formatValue(high, row.unit)}`;
  return row.toldFrom === null ? range : `${range}, ${untoldText(row)}`;
}

function figure({ variants, unit, toldFrom }: RepeatRow, index: number): string {
  const variant = variants[index];
  if (variant === undefined || variant.values.length === 0) return '–';
  const { median, interval } = variant;
  const mark = toldFrom === null ? '' : '*';
  const range =
    interval === null
      ? ''
      : ` (${formatValue(interval.low, unit)}–${formatValue(interval.high, unit)})${mark}`;
  return `${formatValue(median, unit)}${range}`;
}

function ratioText({ ratio }: RepeatRow): string {
  if (ratio === null) return '–';
  const [low, high] = ratio.interval;
  return `${changeText(ratio.value)} (${changeText(low)} to ${changeText(high)})`;
}

function ratioCells({ ratio }: RepeatRow): string[] {
  if (ratio === null) return ['unknown', 'unknown', 'unknown'];
  const [low, high] = ratio.interval;
  return [changeText(ratio.value), `${changeText(low)} to ${changeText(high)}`, ratio.p.toFixed(3)];
}

const fits = (text: string, width: number): string =>
  text.length < width ? text.padEnd(width) : `${text.slice(0, width - 2)}… `;
