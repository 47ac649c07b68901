import type { ComparedRow } from './compare-rows.ts';
import { type Comparison, figures } from './comparison.ts';
import type { Finding } from './known-gaps.ts';

/** The comparison as a page for people: what does not pass first, then every row. Pure. */
export function renderMarkdown(comparison: Comparison): string {
  const { against, runtime, version, plan, repeats, rows, timing, connections, findings, passed } =
    comparison;
  const { unexpected, known, closed } = findings;
  const knownCount = known.reduce((sum, { findings: found }) => sum + found.length, 0);
  return [
    `# Hollow nodes beside ${against} ${version}`,
    '',
    `${passed ? 'Passed' : 'Failed'}: ${unexpected.length} differences, ${knownCount} known ones in ${known.length} gaps. ` +
      `${plan.nodes} nodes, ${plan.podsPerNode} pods a node, ${repeats} runs of each side.` +
      (runtime === undefined ? '' : ` Hollow nodes have the runtime \`${runtime}\`.`),
    '',
    ...(unexpected.length === 0 ? [] : ['## Differences', '', ...findingTable(unexpected), '']),
    ...known.flatMap(({ gap, findings: found }) => [
      `## Known gap: ${gap.id}`,
      '',
      gap.why,
      '',
      ...findingTable(found),
      '',
    ]),
    ...(closed.length === 0
      ? []
      : [
          '## Closed gaps',
          '',
          'Nothing was found of these: take them off `src/fidelity/known-gaps.json`.',
          '',
          ...closed.map(({ id, why }) => `- ${id}: ${why}`),
          '',
        ]),
    '## From bound to Running',
    '',
    ...table(
      ['pods', 'reference', 'hollow', 'ratio', 'verdict'],
      timing.map(({ name, reference, hollow, ratio, judged, agrees }) => [
        name,
        `${Math.round(reference.median)} ms (${figures(reference.runs.map(Math.round))})`,
        `${Math.round(hollow.median)} ms (${figures(hollow.runs.map(Math.round))})`,
        ratioText(ratio),
        judged ? (agrees ? 'ok' : 'timing') : 'too few starts to judge',
      ]),
    ),
    '',
    '## Requests',
    '',
    ...table(
      [
        'phase',
        'request',
        'per',
        'reference',
        'hollow',
        'ratio',
        'bytes up',
        'bytes down',
        'compared',
        'verdict',
      ],
      rows.map(rowCells),
    ),
    '',
    '## Why not all are compared exactly',
    '',
    ...table(['compared', 'why'], reasons(rows)),
    '',
    '## Connections',
    '',
    ...table(
      ['side', 'user', 'protocol', 'connections', 'unused', 'TLS bytes read', 'written'],
      (['reference', 'hollow'] as const).flatMap((side) =>
        connections[side].map((sum) => [
          side,
          sum.user,
          sum.protocol,
          String(sum.connections),
          String(sum.unused),
          String(sum.readBytes),
          String(sum.writtenBytes),
        ]),
      ),
    ),
    '',
  ].join('\n');
}

function rowCells(row: ComparedRow): string[] {
  const { phase, name, per, reference, hollow, ratio, bytes, faults } = row;
  return [
    phase,
    name,
    per,
    figures(reference.runs),
    figures(hollow.runs),
    ratioText(ratio),
    `${bytes.up.reference} / ${bytes.up.hollow}`,
    `${bytes.down.reference} / ${bytes.down.hollow}`,
    howCompared(row),
    faults.length === 0 ? 'ok' : faults.join(', '),
  ];
}

/** `racy ± 0.5, merges`; `racy, 3 to 9`. */
function howCompared({ class: rowClass, slack, seen, mayBeAbsent, merges }: ComparedRow): string {
  return [
    slack === 0 ? rowClass : `${rowClass} ± ${slack}`,
    seen === null ? '' : seen.join(' to '),
    mayBeAbsent ? 'or none' : '',
    merges > 0 ? 'merges' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Each once. */
function reasons(rows: readonly ComparedRow[]): string[][] {
  const found = new Map(rows.filter(({ why }) => why !== '').map((row) => [row.why, howCompared(row)]));
  return [...found].map(([why, compared]) => [compared, why]);
}

/** `1.02`; `-` where the reference has nothing. */
export function ratioText(ratio: number | null): string {
  return ratio === null ? '-' : ratio.toFixed(2);
}

function findingTable(findings: readonly Finding[]): string[] {
  return table(
    ['part', 'what', 'reference', 'hollow'],
    findings.map(({ part, name, reference, hollow }) => [part, name, reference, hollow]),
  );
}

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}
