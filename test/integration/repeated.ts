import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Repeats } from '../../src/gate/repeats.ts';
import { readResult } from '../../src/result/read.ts';
import { type CliRun, type Finished, listed } from './cli-run.ts';

/** A scenario that is over as soon as its pods have come, ten a second. */
export const latencyScenario = (nodes: number, pods: number): string => `name: tiny
nodes: {count: ${nodes}, capacity: {cpu: 8, memory: 32Gi, pods: 110}}
phases:
  - {type: latency-pods, name: latency, count: ${pods}, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
`;

/**
 * What `run --repeat 3 --out <out>` leaves: three runs on control planes of their own, and medians.
 * @param more files beside them.
 */
export function expectRepeats(
  cli: CliRun,
  out: string,
  { code, stdout, stderr }: Finished,
  more: readonly string[] = [],
): void {
  const folder = join(cli.dir, out);
  const repeats = JSON.parse(readFileSync(join(folder, 'repeats.json'), 'utf8')) as Repeats;
  const verdicts = repeats.runs.map(({ verdict }) => verdict);
  const codes = { invalid: 5, fail: 3, inconclusive: 5, pass: 0 } as const;
  const worst = (['invalid', 'fail', 'inconclusive', 'pass'] as const).find((one) => verdicts.includes(one));
  expect(code, `${stdout}${stderr}`).toBe(codes[worst ?? 'pass']);
  expect(listed(folder)).toEqual(
    [...more, 'repeats.json', 'repeats.md', 'run-1', 'run-2', 'run-3'].toSorted(),
  );
  const results = repeats.runs.map((run) => readResult(join(folder, run.folder)));
  expect(results.map(({ run }) => run.id)).toEqual(repeats.runs.map(({ id }) => id));
  expect(new Set(results.map(({ run }) => run.seed)).size).toBe(1);
  // No port and no folder of one is another's.
  expect(new Set(results.map(({ cluster }) => JSON.stringify(cluster.flags['etcd']))).size).toBe(3);
  const startup = repeats.rows.find(({ id, quantile }) => id === 'pod-startup-precise' && quantile === 0.99);
  const counted = repeats.runs.flatMap(({ leftOut }, index) => (leftOut === null ? [results[index]] : []));
  const p99s = counted.map((result) => result?.slis.find(({ id }) => id === 'pod-startup-precise')?.p99);
  expect(startup?.variants[0]?.values).toEqual(p99s);
  const sorted = p99s.map(Number).toSorted((a, b) => a - b);
  // Of two, which is what one invalid run of three leaves, it is the mean.
  const middle = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]].map(Number);
  expect(startup?.variants[0]?.median).toBe(((middle[0] ?? 0) + (middle[1] ?? 0)) / 2);
  expect(stdout).toMatch(/Run 3 of 3: \w+ {2}/);
  expect(stdout).toMatch(/p99 pod-startup: kind=latency, class=stateless/);
  expect(cli.temporaryFiles()).toEqual([]);
}
