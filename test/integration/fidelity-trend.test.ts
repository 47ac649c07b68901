import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trend } from '../../src/fidelity/trend/trend.ts';
import { CliRun, type Finished } from './cli-run.ts';

/** Four control planes of a minute each. */
const timeoutMs = 900_000;

/** Hollow nodes beside themselves: what differs between two such sides is a fault of the measure. */
describe('trends of hollow nodes beside hollow ones', () => {
  let cli: CliRun;
  let finished: Finished;
  let trend: Trend;

  beforeAll(async () => {
    cli = new CliRun({});
    const size = ['--nodes', '2', '--pods', '10', '--repeat', '2'];
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

  it('do not differ', () => {
    expect(trend.rows.filter(({ verdict }) => verdict === 'differs')).toEqual([]);
    expect(finished.code).toBe(trend.verdict === 'same' ? 0 : 5);
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
