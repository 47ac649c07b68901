import type { LeftOut, QuantileSeries, RunSet } from '../gate/run-set.ts';
import { formatNumber, formatValue } from '../report/charts/format.js';
import { labelText, quantileName } from '../report/view.ts';
import type { Unit } from '../result/result.ts';

/** What tables of several runs have in common. */

/** The quantile first, which a narrow terminal must not cut: `p99 pod-startup: kind=latency`. */
export function rowName({
  id,
  labels,
  quantile,
}: Pick<QuantileSeries, 'id' | 'labels' | 'quantile'>): string {
  return `${quantileName(quantile)} ${sliText({ id, labels })}`;
}

function sliText({ id, labels }: Pick<QuantileSeries, 'id' | 'labels'>): string {
  const text = labelText({ labels });
  return text === '' ? id : `${id}: ${text}`;
}

/** Those that are worth a line in a terminal: what has an SLO, and startup; the files have all. */
export function isHeadline({
  id,
  judged,
  quantile,
}: QuantileSeries | Omit<QuantileSeries, 'values'>): boolean {
  return (judged || id.startsWith('pod-startup-precise')) && quantile <= 0.99;
}

/** How many runs there were, and which of them say nothing. */
export function runsText({ runs, basis, planned }: RunSet, variants: number): string {
  const counted = runs.filter(({ leftOut }) => leftOut === null).length;
  const parts = [`${counted} of ${runs.length} runs count`];
  if (runs.length < planned * variants) parts.push(`${planned * variants} were planned`);
  const reasons = runs.flatMap(({ leftOut, folder }) => (leftOut === null ? [] : [`${folder}: ${leftOut}`]));
  if (reasons.length > 0) parts.push(`left out ${reasons.join(', ')}`);
  const warning =
    basis === 'invalid'
      ? " Not one run was valid: the harness was the bottleneck in all of them, and the figures are as much its own as the cluster's."
      : '';
  return `${parts.join('; ')}.${warning}`;
}

/** What the runs were of, as lines of a page. */
export function setLines(set: RunSet, variants: number): string[] {
  const { machine, cluster, tool, wire, scenario, seed } = set;
  return [
    `Scenario ${scenario}, seed ${seed}, Kubernetes ${cluster.version}, flags ${cluster.profile}, wire profile ${wire.profile}; ` +
      `${machine.cpuModel}, ${machine.cpuCount} cores, ${formatNumber(machine.memoryBytes / 2 ** 30)} GiB, kernel ${machine.kernel}; ` +
      `Hollowmark ${tool.version}, Node ${tool.node}.`,
    '',
    runsText(set, variants),
    '',
    ...(cluster.source === 'kubeconfig'
      ? [
          'All runs were on one cluster: what one left behind (objects in etcd, caches, events) was there in the next, so that they are not independent, as intervals take them to be.',
          '',
        ]
      : []),
  ];
}

/** The runs one by one. */
export function runTable({ runs }: RunSet, names: readonly string[]): string[] {
  return table(
    ['run', ...(names.length > 1 ? ['variant'] : []), 'verdict', 'summary'],
    runs.map(({ folder, variant, verdict, summary }) => [
      `[${folder}](${folder}/report.html)`,
      ...(names.length > 1 ? [names[variant] ?? ''] : []),
      verdict,
      summary,
    ]),
  );
}

/** What has too few samples for a quantile. */
export function leftOutLines(leftOut: readonly LeftOut[]): string[] {
  if (leftOut.length === 0) return [];
  return [
    'Left out, as some run has too few samples to tell them (one must lie beyond a quantile):',
    '',
    ...table(
      ['SLI', 'quantiles', 'fewest samples'],
      leftOut.map(({ id, labels, quantiles, fewest }) => [
        sliText({ id, labels }),
        quantiles.map(quantileName).join(', '),
        String(fewest),
      ]),
    ),
    '',
  ];
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

/** What stands beside figures of runs that differ by less than their SLI can tell; the empty string of others. */
export function untoldText({ toldFrom, unit }: { toldFrom: number | null; unit: Unit }): string {
  return toldFrom === null ? '' : `cannot be told below ${formatValue(toldFrom, unit)}`;
}

/** A share as people say it: `28 %`, `2.1 %`. */
export function percentOf(share: number): string {
  const percent = share * 100;
  return `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
}

/** A ratio as a change: `+12 %`, `−3.1 %`; beyond twice as much as a factor. */
export function changeText(ratio: number): string {
  if (ratio >= 2) return `×${ratio.toFixed(1)}`;
  return `${ratio < 1 ? '−' : '+'}${percentOf(Math.abs(ratio - 1))}`;
}
