import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Noise, noiseOf } from '../../src/gate/noise.ts';
import type { Repeats } from '../../src/gate/repeats.ts';
import { readResult } from '../../src/result/read.ts';
import { CliRun, listed } from './cli-run.ts';
import { latencyScenario } from './repeated.ts';
import { eventually } from './support.ts';

/** So few pods that a run is over in seconds; of one with as many as a p99 takes, `gate.test.ts` has the repeats. */
const scenario = latencyScenario(3, 30);

const timeoutMs = 600_000;

let cli: CliRun;
beforeEach(() => {
  cli = new CliRun({ 'tiny.yaml': scenario });
});
afterEach(async () => {
  await cli.processesGone();
  cli.remove();
});

const written = <T>(path: string): T => JSON.parse(readFileSync(join(cli.dir, path), 'utf8')) as T;

const lines = (stdout: string): { type: string }[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });

describe('run --repeat', () => {
  it('takes turns with another value, and compares', { timeout: timeoutMs }, async () => {
    const against = ['--against', 'nodes.proxies=false', '--against', 'wire=json'];
    const args = ['--repeat', '2', ...against, '--json', '--out', 'out'];
    const { stdout } = await cli.finish('run', 'tiny.yaml', ...args);
    const repeats = written<Repeats>('out/repeats.json');
    expect(repeats.runs.map(({ folder }) => folder)).toEqual(['run-1-a', 'run-2-b', 'run-3-b', 'run-4-a']);
    expect(repeats.variants).toEqual([
      { name: 'A', sets: [] },
      { name: 'B', sets: ['nodes.proxies=false', 'wire=json'] },
    ]);
    const changed = repeats.runs.map(({ folder }) => {
      const { run, wire } = readResult(join(cli.dir, 'out', folder));
      return [(run.parameters as { nodes: { proxies: boolean } }).nodes.proxies, wire.codec];
    });
    const [a, b] = [
      [true, 'protobuf'],
      [false, 'json'],
    ];
    expect(changed).toEqual([a, b, b, a]);
    const told = lines(stdout).filter(({ type }) => type === 'result' || type === 'repeats');
    expect(told.map(({ type }) => type)).toEqual(['result', 'result', 'result', 'result', 'repeats']);
  });

  it('keeps what there is when it is stopped', { timeout: timeoutMs }, async () => {
    const run = cli.start('run', 'tiny.yaml', '--repeat', '5', '--out', 'out');
    await eventually(
      'the second run is under way',
      () => /Run 2 of 5[^]*Phase 1 of 1/.test(run.output()),
      240_000,
    );
    run.child.kill('SIGINT');
    expect((await run.exit).code, run.output()).toBe(130);
    const repeats = written<Repeats>('out/repeats.json');
    expect(repeats).toMatchObject({ planned: 5, runs: [{ folder: 'run-1' }, { verdict: 'interrupted' }] });
    expect(repeats.rows.length).toBeGreaterThan(0);
    expect(run.stdout()).toMatch(/5 were planned; left out .*run-2: interrupted/);
    expect(existsSync(join(cli.dir, 'out/run-3'))).toBe(false);
    expect(cli.temporaryFiles()).toEqual([]);
  });
});

describe('noise', () => {
  it('says how large a difference can be seen', { timeout: timeoutMs }, async () => {
    const { code, stdout, stderr } = await cli.finish('noise', 'tiny.yaml', '--pairs', '2', '--out', 'out');
    const noise = written<Noise>('out/noise.json');
    expect(noise).toMatchObject({
      schema: 'hollowmark.noise/v1',
      scenario: 'tiny',
      confidence: 0.95,
      power: 0.8,
      cluster: { version: 'v1.36.3' },
    });
    expect(noise.machine.cpuCount).toBeGreaterThan(0);
    const folders = ['run-1-a', 'run-2-a2', 'run-3-a2', 'run-4-a'];
    expect(listed(join(cli.dir, 'out'))).toEqual(['noise.json', 'noise.md', ...folders]);
    expect(noise.runs.map(({ variant, folder }) => [variant, folder])).toEqual(
      [0, 1, 1, 0].map((variant, index) => [variant, folders[index]]),
    );
    const finished = noise.runs.map(({ variant, folder }) => ({
      variant,
      folder,
      result: readResult(join(cli.dir, 'out', folder)),
    }));
    const set = { id: noise.id, planned: 2 };
    expect(noise).toEqual(JSON.parse(JSON.stringify(noiseOf(finished, set))));

    // On a busy machine runs are invalid and left out; of a side with one run nothing is said.
    const isWhole = noise.runs.every(({ leftOut }) => leftOut === null);
    expect(noise.rows.length > 0, `${stdout}${stderr}`).toBe(isWhole);
    expect(code, `${stdout}${stderr}`).toBe(noise.basis === 'valid' && isWhole ? 0 : 5);
    // Where all are invalid, all count: what these four say has no gaps then.
    const alike = finished.map((run) => ({ ...run, result: { ...run.result, verdict: 'invalid' as const } }));
    const { rows } = noiseOf(alike, set);
    const row = rows.find(({ id, quantile }) => id === 'pod-startup-precise' && quantile === 0.5);
    expect(row).toMatchObject({ degrees: 2 });
    const changes = row?.detectable.map(({ change }) => change) ?? [];
    expect(changes.length).toBeGreaterThan(1);
    expect(changes).toEqual(changes.toSorted((a, b) => b - a));
    if (isWhole) expect(stdout).toMatch(/p50 pod-startup.* n = 3: +\d/);
  });
});
