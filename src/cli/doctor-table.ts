import { type Check, type Size, type Verdict, enoughFor } from '../preflight/check.ts';
import { aboutNodesText, countOf } from '../preflight/words.ts';
import { singleLine, wrapped } from '../report/plain-text.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: '✓', warn: '!', fail: '✕', unknown: '?' };

const colours: Readonly<Record<Verdict | 'dim', string>> = {
  ok: '32',
  warn: '33',
  fail: '31',
  unknown: '2',
  dim: '2',
};

/** Room for `Control plane`, the longest title, and two spaces. */
const titleColumns = 15;

/** Room for `2,300 nodes`, flush right. */
const nodesColumns = 14;

/**
 * The checks as a table: mark, title, finding, how many nodes it is enough for, and below it what mends it; then one
 * line about all of them.
 *
 * @param options `color`: whether ANSI colours are understood; `columns`: no line is longer, but for a command,
 * which stays in one piece to be copied
 */
export function renderChecks(
  checks: readonly Check[],
  size: Size,
  options: { color: boolean; columns: number },
): string[] {
  const paint = (colour: Verdict | 'dim', text: string): string =>
    options.color ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
  const indent = ' '.repeat(2 + titleColumns);
  const width = Math.max(20, options.columns - indent.length - nodesColumns);
  const rows = checks.flatMap((check) => {
    const { title, verdict, finding, nodesMax, fix } = check;
    const [first = '', ...rest] = wrapped(finding, width);
    const nodes = nodesMax === undefined ? '' : paint('dim', aboutNodesText(nodesMax).padStart(nodesColumns));
    const found = nodesMax === undefined ? first : first.padEnd(width);
    return [
      `${paint(verdict, marks[verdict])} ${title.padEnd(titleColumns)}${found}${nodes}`,
      ...rest.map((line) => `${indent}${line}`),
      ...(fix === undefined || verdict === 'ok' ? [] : [`    ${paint('dim', '→')} ${singleLine(fix)}`]),
    ];
  });
  return [
    `For ${countOf(size.nodes, 'node')} with ${countOf(size.pods, 'pod')}:`,
    '',
    ...rows,
    '',
    closingLine(checks),
  ];
}

function closingLine(checks: readonly Check[]): string {
  const enough = enoughFor(checks);
  const limit = enough === undefined ? 'how many nodes this is enough for is not known' : limitText(enough);
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  return failed === 0 ? limit : `${countOf(failed, 'check')} failed; ${limit}`;
}

function limitText({ nodes, limitedBy }: { nodes: number; limitedBy: Check }): string {
  const by = `(limited by ${inSentence(limitedBy.title)})`;
  return nodes === 0 ? `not enough for one node ${by}` : `enough for about ${aboutNodesText(nodes)} ${by}`;
}

/** `Memory` as `memory`; `CPU` as it is. */
function inSentence(title: string): string {
  return /^[A-Z]{2}/.test(title) ? title : title.charAt(0).toLowerCase() + title.slice(1);
}
