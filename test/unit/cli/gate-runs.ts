import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../../src/result/result.ts';
import { sampleResult } from '../report/sample-result.ts';

/** A whole run that passed, whose latencies are so many times the sample's. */
export function runOf(id: string, factor: number, change: (result: RunResult) => void = () => {}): RunResult {
  const result = sampleResult({ nodes: 10, pods: 200 });
  result.verdict = 'pass';
  result.run.id = id;
  for (const phase of result.run.phases) phase.outcome = 'completed';
  result.run.parameters = { phases: [...result.run.phases] };
  for (const sli of result.slis) {
    for (const key of ['p50', 'p90', 'p99', 'p999'] as const) sli[key] = Math.round(sli[key] * factor);
  }
  change(result);
  return result;
}

/** Writes a result as a run leaves it. @returns its path. */
export function writeRun(folder: string, result: RunResult): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'result.json');
  writeFileSync(file, JSON.stringify(result));
  return file;
}

/** As runs of the same thing differ. */
export const nightFactors = [1, 1.01, 0.99, 1.005, 0.995, 1];
