import { table } from '../markdown.ts';
import { type LeftOut, type TrendRow, pooledMedians } from './compare-trends.ts';
import type { JudgedMoves, SideMove } from './judge-moves.ts';
import { percentileNames, percentiles } from './measures.ts';
import type { Trend } from './trend.ts';

/** What is said of the whole in one line. */
export function trendSummary({ rows, against }: Pick<Trend, 'rows' | 'against'>): string {
  const count = (verdict: TrendRow['verdict']): number =>
    rows.filter((row) => row.verdict === verdict).length;
  return (
    `${count('same')} percentiles move as with ${against} nodes, ${count('differs')} differently, ` +
    `${count('inconclusive')} are not decided`
  );
}

/** The comparison of trends as a page for people. Pure. */
export function renderTrendMarkdown(trend: Trend): string {
  const { against, version, plan, repeats, steps, rows, leftOut } = trend;
  return [
    `# Trends of hollow nodes beside ${against} ${version}`,
    '',
    `${trendSummary(trend)}. ${plan.nodeNames.length} nodes, ${plan.podsPerNode} pods a node, ${plan.podsPerSecond} pods a second, ` +
      `${repeats} runs of each side.`,
    '',
    ...steps.flatMap(({ name, how }) => [
      `## ${name}`,
      '',
      `How: ${how}. ${mediansText(rows.filter(({ step }) => step === name))}.`,
      '',
      ...table(
        ['what', 'percentile', against, 'moves', 'hollow', 'moves', 'ratio', 'may be', 'verdict'],
        rows
          .filter((row) => row.step === name)
          .map((row) => [
            row.measure,
            row.percentile,
            fromTo(row.reference),
            moveText(row.reference.move),
            fromTo(row.hollow),
            moveText(row.hollow.move),
            row.ratio.toFixed(2),
            intervalText(row.interval),
            row.verdict,
          ]),
      ),
      '',
      ...leftOutLines(
        against,
        leftOut.filter(({ step }) => step === name),
      ),
    ]),
  ].join('\n');
}

/** Medians of the runs: `3.1 → 44.2 ms`. */
export function fromTo({ base, slowed }: SideMove): string {
  const shown = (values: readonly number[]): string => {
    const value = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
    return value < 100 ? value.toFixed(1) : String(Math.round(value));
  };
  return `${shown(base)} → ${shown(slowed)} ms`;
}

/** `+12 %`; beyond twice as much as a factor: `×3.4`. */
export function moveText(move: number): string {
  if (move >= 2) return `×${move.toFixed(1)}`;
  const percent = Math.round((move - 1) * 100);
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent)} %`;
}

/** `0.91–1.10`. */
export function intervalText(interval: JudgedMoves['interval']): string {
  if (interval === null) return 'anything';
  return interval.map((ratio) => ratio.toFixed(ratio < 10 ? 2 : 0)).join('–');
}

/** Which way the medians tend, which no row by itself says. */
function mediansText(rows: readonly TrendRow[]): string {
  const medians = rows.filter(({ measure, percentile }) => percentile === 'p50' && measure !== pooledMedians);
  const less = medians.filter(({ ratio }) => ratio < 1).length;
  return `Of ${medians.length} medians, ${less} move less with hollow nodes`;
}

function leftOutLines(against: string, leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  return [
    `Left out, as a run has fewer samples than ${samplesText()}:`,
    '',
    ...table(
      ['what', 'percentiles', `fewest, ${against}`, 'fewest, hollow'],
      leftOut.map(({ measure, percentiles: names, fewest }) => [
        measure,
        names.join(', '),
        String(fewest.reference),
        String(fewest.hollow),
      ]),
    ),
    '',
  ];
}

/** `20 (p50), 20 (p90), 100 (p99)`. */
function samplesText(): string {
  return percentileNames.map((name) => `${percentiles[name].samplesMin} (${name})`).join(', ');
}
