import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/fidelity/comparison.ts';
import { CliRun, type Finished } from './cli-run.ts';

/** Twice a few minutes; building the reference's programs comes on top, once. */
const timeoutMs = 1_500_000;

/**
 * The short forms of `hollowmark fidelity`. A reference node needs root and, for a real one, four Debian packages: where
 * they are missing, the message says so, and the test fails.
 */
describe.each([
  { against: 'kubemark', nodes: 3 },
  { against: 'kubelet', nodes: 1 },
])('hollow nodes beside $against', ({ against, nodes }) => {
  let cli: CliRun;
  let finished: Finished;
  let comparison: Comparison;

  beforeAll(async () => {
    cli = new CliRun({});
    finished = await cli.finish('fidelity', '--against', against, '--short', '--out', 'out', '--json');
    comparison = JSON.parse(readFileSync(join(cli.dir, 'out', 'fidelity.json'), 'utf8')) as Comparison;
  }, timeoutMs);

  afterAll(() => cli?.remove());

  it('differ in nothing but what is known', () => {
    expect(comparison.findings.unexpected).toEqual([]);
    expect(finished).toMatchObject({ code: 0 });
  });

  it('did the work of the short form', () => {
    expect(comparison.plan).toMatchObject({ nodes, podsPerNode: 10 });
    const created = comparison.rows.filter(
      ({ phase, name }) => phase === 'join' && /node> create nodes 201$/.test(name),
    );
    expect(created.map(({ reference, hollow }) => [reference.runs, hollow.runs])).toEqual([[[1], [1]]]);
    expect(
      comparison.timing.every(({ reference, hollow }) => reference.median > 0 && hollow.median > 0),
    ).toBe(true);
  });

  it('leave the table, the recordings, and nothing else', async () => {
    expect(readdirSync(join(cli.dir, 'out')).toSorted()).toEqual([
      'fidelity.json',
      'fidelity.md',
      'hollow-1.jsonl.gz',
      'reference-1.jsonl.gz',
    ]);
    await cli.processesGone();
    expect(cli.temporaryFiles()).toEqual([]);
  });
});
