import { table } from '../markdown.ts';
import type { SideMove, TrendRow } from './compare-trends.ts';
import type { Trend } from './trend.ts';

/** What is said of the whole in one line. */
export function trendSummary({ rows, against }: Pick<Trend, 'rows' | 'against'>): string {
  const count = (verdict: TrendRow['verdict']): number =>
    rows.filter((row) => row.verdict === verdict).length;
  return (
    `${count('same')} percentiles move as with ${against} nodes, ${count('differs')} differently, ` +
    `${count('inconclusive')} no further than runs differ`
  );
}

/** The comparison of trends as a page for people. Pure. */
export function renderTrendMarkdown(trend: Trend): string {
  const { against, version, plan, repeats, steps, rows } = trend;
  return [
    `# Trends of hollow nodes beside ${against} ${version}`,
    '',
    `${trendSummary(trend)}. ${plan.nodeNames.length} nodes, ${plan.podsPerNode} pods a node, ${plan.podsPerSecond} pods a second, ` +
      `${repeats} runs of each side.`,
    '',
    ...steps.flatMap(({ name, how }) => [
      `## ${name}`,
      '',
      `How: ${how}.`,
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
            bandText(row.band),
            row.verdict,
          ]),
      ),
      '',
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
export function bandText(band: number | null): string {
  return band === null ? 'anything' : `${(1 / band).toFixed(2)}–${band.toFixed(band < 10 ? 2 : 0)}`;
}
