import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { defaultVersion, officialReleaseUrl } from '../../src/control-plane/control-plane.ts';
import type { Comparison } from '../../src/fidelity/comparison.ts';
import { SideProcesses } from '../../src/fidelity/reference/side-processes.ts';
import { type RunSideOptions, runSide } from '../../src/fidelity/run-side.ts';
import type { NodeSide } from '../../src/fidelity/side.ts';
import { type RunTrendOptions, runTrend } from '../../src/fidelity/trend/run-trend.ts';
import { planDensity, planRounds } from '../../src/fidelity/trend/trend.ts';
import { planWork } from '../../src/fidelity/work/plan.ts';
import { CliRun, type Finished } from './cli-run.ts';

type Common = Omit<RunSideOptions, 'plan'> & Omit<RunTrendOptions, 'plan' | 'rounds'>;

describe('a comparison whose nodes die on the way', () => {
  it.each([
    {
      what: 'of requests',
      start: (common: Common): Promise<unknown> =>
        runSide({
          ...common,
          plan: planWork('kubemark', { nodes: 1, podsPerNode: 2, idleMs: 1_000, short: true }),
        }),
    },
    {
      what: 'of trends',
      start: (common: Common): Promise<unknown> =>
        runTrend({ ...common, plan: planDensity({ nodes: 1, podsPerNode: 2 }), rounds: planRounds([]) }),
    },
  ])('ends with their last words, instead of waiting for them: one $what', async ({ start }) => {
    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-test-'));
    const children = { add: () => {}, remove: () => {} };
    let stopped = false;
    try {
      const run = start({
        kind: 'kubemark',
        // Nodes that come up, and whose kubelet then dies.
        makeSide: (options): NodeSide => {
          const processes = new SideProcesses(dir, process.env, options);
          return {
            kind: 'kubemark',
            start: async () => {
              await processes.start('kubelet-node-1', ['sh', '-c', 'sleep 1; echo panic: no disk; exit 2']);
            },
            leave: () => processes.killAll(),
            return: () => Promise.resolve(),
            stop: () => {
              stopped = true;
              return processes.killAll();
            },
          };
        },
        proxies: false,
        binaries: { version: defaultVersion, binariesDir: undefined, releaseUrl: officialReleaseUrl },
        stateDir: join(dir, 'state'),
        children,
        clock: systemClock,
        reporter: silentReporter,
        signal: new AbortController().signal,
      });
      await expect(run).rejects.toMatchObject({
        code: 'cluster-unavailable',
        message: expect.stringMatching(
          /^kubelet-node-1 \(pid \d+\) exited with code 2; its last log lines:\npanic: no disk$/,
        ) as string,
      });
      expect(stopped).toBe(true);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

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
  let fellOut: Comparison['findings']['unexpected'];

  const compare = async (): Promise<void> => {
    cli = new CliRun({});
    finished = await cli.finish('fidelity', '--against', against, '--short', '--out', 'out', '--json');
    comparison = JSON.parse(readFileSync(join(cli.dir, 'out', 'fidelity.json'), 'utf8')) as Comparison;
  };

  beforeAll(async () => {
    await compare();
    fellOut = comparison.findings.unexpected;
    if (fellOut.length === 0) return;
    // Of two hundred rows of one run of each side, a racy one falls out by chance now and then; what differs does so again.
    process.stderr.write(`fell out once, compared again: ${JSON.stringify(fellOut)}\n`);
    cli.remove();
    await compare();
    const again = new Set(comparison.findings.unexpected.map(({ name, part }) => `${name} ${part}`));
    fellOut = fellOut.filter(({ name, part }) => again.has(`${name} ${part}`));
  }, timeoutMs);

  afterAll(() => cli?.remove());

  it('differ in nothing but what is known', () => {
    expect(fellOut).toEqual([]);
    expect(finished).toMatchObject({ code: comparison.findings.unexpected.length === 0 ? 0 : 3 });
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
