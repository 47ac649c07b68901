import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trend } from '../../src/fidelity/trend/trend.ts';
import { CliRun, type Finished } from './cli-run.ts';

/** Six control planes of a minute each. */
const timeoutMs = 900_000;

/**
 * Hollow nodes beside themselves. Only whether all is measured and written: what the figures of so few runs on a busy machine
 * say is left to chance, and how they are judged to the unit tests.
 */
describe('trends of hollow nodes beside hollow ones', () => {
  let cli: CliRun;
  let finished: Finished;
  let trend: Trend;

  beforeAll(async () => {
    cli = new CliRun({});
    const size = ['--nodes', '4', '--pods', '5', '--repeat', '3'];
    const slow = ['--slow', 'etcd=20ms', '--slow', 'cpu=20%'];
    finished = await cli.finish(
      'fidelity',
      '--against',
      'hollow',
      '--trend',
      ...size,
      ...slow,
      '--out',
      'out',
      '--json',
    );
    trend = JSON.parse(readFileSync(join(cli.dir, 'out', 'trend.json'), 'utf8')) as Trend;
  }, timeoutMs);

  afterAll(() => cli?.remove());

  it('are measured run by run, and the exit code is the verdict', () => {
    expect(finished.code).toBe({ same: 0, differs: 3, inconclusive: 5 }[trend.verdict]);
    expect(trend.repeats).toBe(3);
    for (const { name } of trend.steps) {
      const rows = trend.rows.filter(({ step, percentile }) => step === name && percentile === 'p50');
      const measures = ['pod startup', 'nodes: get pods', 'nodes: patch pods/status', 'others: create pods'];
      expect(rows.map(({ measure }) => measure)).toEqual(expect.arrayContaining(measures));
      expect(rows.filter(({ primary }) => primary)).toHaveLength(2);
      for (const { reference, hollow } of rows) {
        for (const values of [reference.base, reference.slowed, hollow.base, hollow.slowed]) {
          expect(values).toHaveLength(3);
          expect(Math.min(...values)).toBeGreaterThan(0);
        }
      }
    }
  });

  it('were measured with the API server slowed down in both ways', () => {
    expect(trend.steps).toEqual([
      { name: 'etcd=20ms', how: expect.stringContaining('a proxy before etcd holds all bytes for 20 ms') },
      { name: 'cpu=20%', how: expect.stringMatching(/20 ms of CPU time in each 100 ms|8 of each 40 ms/) },
    ]);
    const writes = trend.rows.filter(
      ({ step, measure, percentile }) =>
        step === 'etcd=20ms' && measure === 'nodes: patch pods/status' && percentile === 'p50',
    );
    // There and back, in every run.
    expect(writes).toHaveLength(1);
    for (const { slowed } of writes.flatMap(({ reference, hollow }) => [reference, hollow])) {
      expect(Math.min(...slowed)).toBeGreaterThan(40);
    }
  });

  it('leave two files, and nothing else', async () => {
    expect(readdirSync(join(cli.dir, 'out')).toSorted()).toEqual(['trend.json', 'trend.md']);
    await cli.processesGone();
    expect(cli.temporaryFiles()).toEqual([]);
  });
});
