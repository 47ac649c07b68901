import { type Noise, type NoiseRow, sides } from '../gate/noise.ts';
import { formatValue } from '../report/charts/format.js';
import { singleLine } from '../report/plain-text.ts';
import {
  changeText,
  isHeadline,
  leftOutLines,
  percentOf,
  rowName,
  runTable,
  runsText,
  setLines,
  table,
  untoldText,
} from './run-set-text.ts';

/** Runs a side that a terminal has room for. */
const runsShown = [3, 5, 10] as const;
/** The pages have these. */
const runsListed = [3, 5, 10, 20] as const;

const nameColumnsMin = 24;
const nameColumnsMax = 64;
const medianColumns = 12;
const detectableColumns = 14;

/** What a machine can detect, in lines of at most `columns`: `n = 3: 28 %`. */
export function renderNoise(noise: Noise, { color, columns }: { color: boolean; columns: number }): string[] {
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const figures = medianColumns + detectableColumns * runsShown.length;
  const nameColumns = Math.min(nameColumnsMax, Math.max(nameColumnsMin, columns - figures));
  const shown = noise.rows.filter(isHeadline);
  return [
    '',
    paint('1', 'The smallest change that is seen with n runs a side'),
    ...shown.map((row) => {
      const changes = runsShown.map((runs) => `n = ${runs}: ${percentOf(changeOf(row, runs).change)}`);
      const cells = row.toldFrom === null ? changes : [`  ${untoldText(row)}`];
      return [
        fits(singleLine(rowName(row)), nameColumns),
        formatValue(row.median, row.unit).padStart(medianColumns),
        ...cells.map((cell) => cell.padStart(detectableColumns)),
      ].join('');
    }),
    ...(shown.length === 0 ? ['no SLI that has an SLO has enough samples in two runs of each side'] : []),
    '',
    `${percentOf(noise.confidence)} confidence, ${percentOf(noise.power)} power. ${runsText(noise, sides)}`,
    differingText(noise),
  ];
}

/** The same as a page, with every row. */
export function renderNoiseMarkdown(noise: Noise): string {
  return [
    `# Noise of ${noise.scenario}`,
    '',
    ...setLines(noise, sides),
    ...runTable(noise, ['A', 'A again']),
    '',
    `The smallest change between two sides of n runs that Student's test of two means shows at ${percentOf(noise.confidence)} confidence in`,
    `${percentOf(noise.power)} of all cases, from the deviation of the logarithm of one run's quantile. In parentheses the same if that deviation`,
    'is as large as its interval of 95 % allows. The two sides are the same: their ratio is 1 but for chance.',
    'Where the runs differ by less than the SLI can tell (bucket bounds, whole seconds, three digits), the deviation is that',
    'of what it can.',
    '',
    ...table(
      ['SLI', 'median', 'deviation', ...runsListed.map((runs) => `n = ${runs}`), 'A again to A', 'p'],
      noise.rows.map((row) => [
        rowName(row),
        formatValue(row.median, row.unit),
        row.toldFrom === null
          ? `${percentOf(row.logDeviation)} (${row.logDeviationInterval.map(percentOf).join('–')})`
          : untoldText(row),
        ...runsListed.map((runs) => {
          const { change, atMost } = changeOf(row, runs);
          return `${percentOf(change)} (${percentOf(atMost)})`;
        }),
        `${changeText(row.ratio.value)} (${row.ratio.interval.map(changeText).join(' to ')})`,
        row.ratio.p.toFixed(3),
      ]),
    ),
    '',
    differingText(noise),
    '',
    ...leftOutLines(noise.leftOut),
  ].join('\n');
}

function changeOf({ detectable }: NoiseRow, runs: number): { change: number; atMost: number } {
  const found = detectable.find((one) => one.runs === runs);
  return found ?? { change: Number.NaN, atMost: Number.NaN };
}

function differingText({ differing, rows, confidence }: Noise): string {
  return `${differing} of ${rows.length} rows differ between the two sides at ${percentOf(confidence)} confidence, where about ${Math.round(rows.length * (1 - confidence))} would by chance.`;
}

const fits = (text: string, width: number): string =>
  text.length < width ? text.padEnd(width) : `${text.slice(0, width - 2)}… `;
