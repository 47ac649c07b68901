import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { parseSteps } from '../../../src/cli/slow-steps.ts';
import { renderTrend } from '../../../src/cli/trend-table.ts';
import { type Call, readCalls } from '../../../src/fidelity/trend/calls.ts';
import {
  type TrendVerdict,
  compareTrends,
  overallVerdict,
  pooledMedians,
} from '../../../src/fidelity/trend/compare-trends.ts';
import { type SideMove, judgeMoves } from '../../../src/fidelity/trend/judge-moves.ts';
import { type Percentiles, measuresOf, percentilesOf } from '../../../src/fidelity/trend/measures.ts';
import type { TrendRun } from '../../../src/fidelity/trend/run-trend.ts';
import { renderTrendMarkdown } from '../../../src/fidelity/trend/trend-markdown.ts';
import { type Trend, planDensity, planRounds } from '../../../src/fidelity/trend/trend.ts';

const side = (base: number[], slowed: number[]): { base: number[]; slowed: number[] } => ({ base, slowed });

/** Runs of a side of which the true move is `move`; `noise` is the standard deviation of its logarithm. */
function drawn(prng: Prng, { move, noise, runs }: { move: number; noise: number; runs: number }): Moves {
  // Twelve uniform numbers are as good as normal here, and each run has two measurements.
  const normal = (): number => Array.from({ length: 12 }, () => prng.float()).reduce((a, b) => a + b, -6);
  const noisy = (ms: number): number[] =>
    Array.from({ length: runs }, () => ms * Math.exp((noise / Math.SQRT2) * normal()));
  return side(noisy(10), noisy(10 * move));
}

type Moves = ReturnType<typeof side>;

describe('two moves', () => {
  const doubled = side([100, 102, 98], [200, 205, 197]);

  it('are alike when they are as large, wherever they begin', () => {
    const judged = judgeMoves(doubled, side([10, 10.1, 9.9], [20, 20.3, 19.6]));
    expect(judged.alike).toBe(true);
    expect(judged.reference.move).toBeCloseTo(2, 1);
    expect(judged.ratio).toBeCloseTo(1, 1);
    expect(judged.p).toBeGreaterThan(0.05);
  });

  it('are not alike when one is larger, and that is no chance', () => {
    for (const [reference, hollow] of [
      [doubled, side([100, 101, 99], [300, 305, 296])],
      [doubled, side([100, 101, 99], [100, 101, 99])],
      [side([100, 101, 99], [100, 101, 99]), doubled],
    ] as const) {
      expect(judgeMoves(reference, hollow)).toMatchObject({ alike: false, p: expect.closeTo(0, 3) });
    }
  });

  it('are not alike by being noisy', () => {
    const judged = judgeMoves(side([100, 100, 100], [400, 700, 250]), side([100, 100, 100], [440, 240, 720]));
    expect(judged.ratio).toBeCloseTo(1, 0);
    expect(judged.alike).toBe(false);
    expect(judged.p).toBeGreaterThan(0.5);
  });

  it('are not alike when one has not moved further than its own runs differ, or hardly at all', () => {
    const quiet = side([100, 100, 100], [110, 113, 112]);
    expect(judgeMoves(quiet, quiet).alike).toBe(true);
    expect(judgeMoves(quiet, side([100, 100, 100], [102, 122, 112])).alike).toBe(false);
    expect(judgeMoves(quiet, side([100, 100, 100], [107, 108, 107])).alike).toBe(false);
    expect(judgeMoves(side([100, 100, 100], [107, 108, 107]), quiet).alike).toBe(false);
  });

  it('have no interval with one run of a side, or with what is no number', () => {
    const nothing = { interval: null, p: null, alike: false };
    expect(judgeMoves(side([100], [200]), side([100], [900]))).toMatchObject(nothing);
    expect(judgeMoves(doubled, side([100, 100, 100], [200, Number.NaN, 200]))).toMatchObject(nothing);
  });

  it('are as wide apart as the t-test has it', () => {
    // Two runs of each side: logarithms 0 and 0.2 beside 0 and 0.2, so t(2) · √(0.02 · (1/2 + 1/2)).
    const two = side([1, 1], [1, Math.exp(0.2)]);
    const [low, high] = judgeMoves(two, two).interval ?? [0, 0];
    expect(Math.log(high)).toBeCloseTo(4.303 * Math.sqrt(0.02), 3);
    expect(Math.log(low)).toBeCloseTo(-4.303 * Math.sqrt(0.02), 3);
  });

  const shareAlike = (ratio: number, noise: number, runs: number): number => {
    const prng = new Prng(`trend ${ratio} ${noise} ${runs}`);
    const draws = 1000;
    const alike = Array.from({ length: draws }, () =>
      judgeMoves(drawn(prng, { move: 3, noise, runs }), drawn(prng, { move: 3 * ratio, noise, runs })),
    ).filter((judged) => judged.alike);
    return alike.length / draws;
  };

  it.each([0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1])(
    'of which one is 0.6 of the other are not alike, with noise of %d',
    (noise) => {
      for (const runs of [3, 5]) {
        for (const ratio of [0.6, 1 / 0.6]) expect(shareAlike(ratio, noise, runs)).toBeLessThanOrEqual(0.001);
      }
    },
  );

  it('at the limit itself are rarely alike, and those of the same distribution mostly, when it is quiet', () => {
    for (const noise of [0.02, 0.05, 0.1]) expect(shareAlike(0.8, noise, 3)).toBeLessThan(0.05);
    expect(shareAlike(1, 0.05, 3)).toBeGreaterThan(0.8);
    expect(shareAlike(1, 0.5, 3)).toBeLessThan(0.01);
  });
});

const run = (base: Record<string, Percentiles>, slowed: Record<string, Percentiles>): TrendRun => ({
  kind: 'hollow',
  version: 'v1.36.3',
  conditions: [
    { name: 'none', how: '', measures: base },
    { name: 'cpu=20%', how: 'by magic', measures: slowed },
  ],
});

const medians = (values: Record<string, number>): Record<string, Percentiles> =>
  Object.fromEntries(Object.entries(values).map(([name, p50]) => [name, { count: 50, p50 }]));

describe('runs of both sides', () => {
  const of = { base: 'none', steps: ['cpu=20%'] };
  /** Three runs that differ by a few percent, in which each measure moves as it says. */
  const runsOf = (moves: Record<string, number>): TrendRun[] =>
    [0.98, 1, 1.02].map((factor, index) => {
      const names = Object.keys(moves);
      const slowed = names.map((name) => [name, 100 * (moves[name] ?? 1) * [1, 0.99, 1.01][index]!]);
      return run(
        medians(Object.fromEntries(names.map((name) => [name, 100 * factor]))),
        medians(Object.fromEntries(slowed)),
      );
    });
  const usual = { 'pod startup': 2, 'nodes: get pods': 10, 'others: create pods': 5 };
  const reference = runsOf(usual);

  it('are compared run by run, with the mean of the medians of requests', () => {
    const [first, second, third] = reference as [TrendRun, TrendRun, TrendRun];
    const { rows, leftOut } = compareTrends({ reference, hollow: [second, third, first] }, of);
    expect(rows.map(({ measure, primary, verdict }) => [measure, primary, verdict])).toEqual([
      ['pod startup', true, 'same'],
      [pooledMedians, true, 'same'],
      ['nodes: get pods', false, 'same'],
      ['others: create pods', false, 'same'],
    ]);
    expect(rows[0]).toMatchObject({
      step: 'cpu=20%',
      percentile: 'p50',
      reference: { base: [98, 100, 102], slowed: [200, 198, 202] },
      hollow: { base: [100, 102, 98], slowed: [198, 202, 200] },
    });
    expect(rows[1]?.reference.base).toEqual([98, 100, 102].map((ms) => expect.closeTo(ms)));
    expect(rows[1]?.reference.slowed[0]).toBeCloseTo(Math.sqrt(1000 * 500));
    expect(overallVerdict(rows, of.steps)).toBe('same');
    expect(leftOut.every(({ percentiles }) => !percentiles.includes('p50'))).toBe(true);
  });

  it('do not fail by what is less than the tolerance, however exactly it is known', () => {
    const exact = (move: number): TrendRun[] =>
      Array.from({ length: 3 }, () =>
        run(medians({ 'pod startup': 100 }), medians({ 'pod startup': 100 * move })),
      );
    const verdictBeside = (move: number): TrendVerdict | undefined =>
      compareTrends({ reference: exact(2), hollow: exact(move) }, of).rows[0]?.verdict;
    expect([2, 2.12, 2.24].map(verdictBeside)).toEqual(['same', 'same', 'differs']);
  });

  it('fail with one percentile that moves otherwise', () => {
    const { rows } = compareTrends({ reference, hollow: runsOf({ ...usual, 'others: create pods': 3 }) }, of);
    expect(rows.filter(({ verdict }) => verdict === 'differs').map(({ measure }) => measure)).toContain(
      'others: create pods',
    );
    expect(overallVerdict(rows, of.steps)).toBe('differs');
  });

  it('fail when all medians move less, of which few differ by themselves', () => {
    const prng = new Prng('pooled');
    const names = Array.from({ length: 12 }, (_, index) => `nodes: get ${index}`);
    const noisyRuns = (move: number): TrendRun[] =>
      Array.from({ length: 5 }, () => {
        const of100 = (factor: number): Record<string, Percentiles> =>
          medians(
            Object.fromEntries(names.map((name) => [name, 100 * factor * Math.exp(2 * prng.float() - 1)])),
          );
        return run(of100(1), of100(move));
      });
    const draws = 100;
    const differing = Array.from({ length: draws }, () =>
      compareTrends({ reference: noisyRuns(4), hollow: noisyRuns(2) }, of).rows.filter(
        ({ verdict }) => verdict === 'differs',
      ),
    ).flat();
    const pooled = differing.filter(({ measure }) => measure === pooledMedians);
    expect(pooled.length).toBeGreaterThan(0.8 * draws);
    expect(differing.length - pooled.length).toBeLessThan(0.02 * draws * names.length);
  });

  it('differ no more often for having many rows', () => {
    const prng = new Prng('holm');
    const names = ['pod startup', ...Array.from({ length: 30 }, (_, index) => `nodes: get ${index}`)];
    const noisyRun = (): TrendRun => {
      const noisy = (ms: number): Record<string, Percentiles> =>
        medians(Object.fromEntries(names.map((name) => [name, ms * Math.exp(0.6 * (prng.float() - 0.5))])));
      return run(noisy(10), noisy(40));
    };
    const comparisons = Array.from({ length: 300 }, () => {
      const three = (): TrendRun[] => Array.from({ length: 3 }, noisyRun);
      return overallVerdict(compareTrends({ reference: three(), hollow: three() }, of).rows, of.steps);
    });
    // Of 300, 5 % are 15; without a correction it would be more than half.
    expect(comparisons.filter((verdict) => verdict === 'differs').length).toBeLessThanOrEqual(20);
  });

  it('tell what is left out, whichever run has too little of it', () => {
    const few = (): Record<string, Percentiles> => ({ ...medians(usual), 'nodes: get nodes': { count: 3 } });
    const some = [...runsOf(usual).slice(0, 2), run(few(), few())];
    for (const runs of [
      { reference, hollow: some },
      { reference: some, hollow: reference },
    ]) {
      const { rows, leftOut } = compareTrends(runs, of);
      expect(rows.map(({ measure }) => measure)).not.toContain('nodes: get nodes');
      expect(leftOut).toContainEqual({
        step: 'cpu=20%',
        measure: 'nodes: get nodes',
        percentiles: ['p50', 'p90', 'p99'],
        fewest: { reference: 0, hollow: 0 },
      });
      expect(leftOut).toContainEqual({
        step: 'cpu=20%',
        measure: 'pod startup',
        percentiles: ['p90', 'p99'],
        fewest: { reference: 50, hollow: 50 },
      });
    }
    const nothing = compareTrends({ reference, hollow: reference.map(() => run({}, {})) }, of);
    expect(nothing.rows).toEqual([]);
    expect(nothing.leftOut).toHaveLength(3);
  });

  it('pass only when the primary rows of every step are the same', () => {
    const rowsOf = (step: string, ...verdicts: TrendVerdict[]): Parameters<typeof overallVerdict>[0] =>
      verdicts.map((verdict, index) => ({ step, primary: index < 2, verdict }));
    const one = rowsOf('a', 'same', 'same', 'inconclusive');
    expect(overallVerdict([], [])).toBe('inconclusive');
    expect(overallVerdict(one, ['a'])).toBe('same');
    expect(overallVerdict(one, ['a', 'b'])).toBe('inconclusive');
    expect(overallVerdict(rowsOf('a', 'same'), ['a'])).toBe('inconclusive');
    expect(overallVerdict(rowsOf('a', 'inconclusive', 'same', 'same'), ['a'])).toBe('inconclusive');
    expect(overallVerdict([...one, ...rowsOf('b', 'same', 'same', 'differs')], ['a', 'b'])).toBe('differs');
  });
});

describe('percentiles', () => {
  it('are those of enough samples', () => {
    const numbers = Array.from({ length: 101 }, (_, index) => 100 - index);
    expect(percentilesOf(numbers)).toEqual({ count: 101, p50: 50, p90: 90, p99: 99 });
    expect(percentilesOf(numbers.slice(0, 99))).toEqual({ count: 99, p50: 51, p90: expect.closeTo(90.2) });
    expect(percentilesOf([1, 2])).toEqual({ count: 2 });
  });

  const call = (byNode: boolean, kind: string, receivedUs: number): Call => ({
    byNode,
    kind,
    receivedUs,
    latencyMs: 1,
  });

  it('of calls count those that came during a round, by who asked', () => {
    const rounds = [
      { startUs: 0, endUs: 10, startupMs: [5] },
      { startUs: 20, endUs: 30, startupMs: [6, 7] },
    ];
    const calls = [
      call(true, 'get pods', 0),
      call(false, 'get pods', 9),
      call(true, 'get pods', 10),
      call(true, 'create events', 25),
    ];
    const counts = Object.entries(measuresOf(rounds, calls)).map(([name, { count }]) => [name, count]);
    expect(counts).toEqual([
      ['pod startup', 3],
      ['nodes: create events', 1],
      ['nodes: get pods', 1],
      ['others: get pods', 1],
    ]);
  });
});

describe('the audit log', () => {
  const line = (change: object): string =>
    JSON.stringify({
      stage: 'ResponseComplete',
      verb: 'patch',
      user: { username: 'system:node:node-1' },
      objectRef: { resource: 'pods', subresource: 'status', namespace: 'a', name: 'b' },
      responseStatus: { code: 200 },
      requestReceivedTimestamp: '2026-11-21T05:03:20.000100Z',
      stageTimestamp: '2026-11-21T05:03:20.004350Z',
      ...change,
    });

  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'hollowmark-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const read = (lines: readonly string[]): Promise<Call[]> => {
    const path = join(dir, 'audit.log');
    writeFileSync(path, lines.map((text) => `${text}\n`).join(''));
    return readCalls(path);
  };

  it('says who asked for what and how long it took', async () => {
    const leases = { resource: 'leases', apiGroup: 'coordination.k8s.io' };
    const calls = await read([
      line({}),
      line({ verb: 'update', user: { username: 'admin' }, objectRef: leases }),
      '',
    ]);
    const receivedUs = Date.UTC(2026, 10, 21, 5, 3, 20) * 1000 + 100;
    expect(calls).toEqual([
      { byNode: true, kind: 'patch pods/status', receivedUs, latencyMs: 4.25 },
      { byNode: false, kind: 'update leases.coordination.k8s.io', receivedUs, latencyMs: 4.25 },
    ]);
  });

  it('is read without refusals, watches, what is no resource and what has no end', async () => {
    const left = [
      { responseStatus: { code: 409 } },
      { responseStatus: undefined },
      { verb: 'watch' },
      { stage: 'Panic' },
      { objectRef: undefined },
      { stageTimestamp: undefined },
    ];
    expect(await read(left.map(line))).toEqual([]);
  });

  it('that was cut off says where', async () => {
    const cut = line({}).slice(0, 40);
    await expect(read([line({}), cut])).rejects.toMatchObject({
      code: 'internal',
      message: `a line of the audit log is no JSON: ${cut}`,
    });
  });
});

describe('the work', () => {
  it('has as much of what is not slowed on either side of the steps as in each', () => {
    const steps = parseSteps(['cpu=20%', 'etcd=15ms']);
    expect(planRounds(steps)).toEqual(['none', ...steps, 'none']);
  });

  it('is a pod a second and node, in no more namespaces than pods', () => {
    const plan = planDensity({ nodes: 4, podsPerNode: 1 });
    expect(plan.nodeNames).toEqual(['node-1', 'node-2', 'node-3', 'node-4']);
    expect([plan.podsPerSecond, plan.namespaces.length]).toEqual([4, 4]);
    expect(planDensity({ nodes: 1, podsPerNode: 30 }).namespaces).toHaveLength(8);
  });
});

describe('the outcome', () => {
  const moved = (base: number, slowed: number): SideMove => ({
    base: [base],
    slowed: [slowed],
    move: slowed / base,
  });
  const trend: Trend = {
    schema: 'hollowmark.dev/fidelity-trend/v1',
    against: 'kubemark',
    version: 'v1.36.3',
    plan: planDensity({ nodes: 4, podsPerNode: 30 }),
    repeats: 3,
    steps: [{ name: 'cpu=20%', how: 'by magic' }],
    verdict: 'differs',
    rows: [
      {
        step: 'cpu=20%',
        measure: 'pod startup',
        percentile: 'p50',
        reference: moved(500, 600),
        hollow: moved(40, 30),
        ratio: 0.625,
        interval: [0.51, 0.77],
        p: 0.001,
        primary: true,
        verdict: 'differs',
      },
      {
        step: 'cpu=20%',
        measure: 'nodes: get pods',
        percentile: 'p90',
        reference: moved(3, 30),
        hollow: moved(3, 33),
        ratio: 1.1,
        interval: null,
        p: null,
        primary: false,
        verdict: 'inconclusive',
      },
    ],
    leftOut: [
      {
        step: 'cpu=20%',
        measure: 'nodes: get nodes',
        percentiles: ['p50', 'p90'],
        fewest: { reference: 5, hollow: 0 },
      },
    ],
    runs: { reference: [], hollow: [] },
  };

  it('is a table on a terminal', () => {
    const lines = renderTrend(trend, { color: false, columns: 100 });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✕ p50 pod startup +500 → 600 ms \+20 % +40\.0 → 30\.0 ms −25 % +0\.63 +0\.51–0\.77$/,
      ),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^\? p90 nodes: get pods +3\.0 → 30\.0 ms ×10\.0 +3\.0 → 33\.0 ms ×11\.0 +1\.10 +anything$/,
      ),
    );
    expect(lines.at(-1)).toBe(
      'FAIL  0 percentiles move as with kubemark nodes, 1 differently, 1 are not decided',
    );
    for (const text of lines) expect(text.length).toBeLessThanOrEqual(100);
  });

  it('is a page', () => {
    const text = renderTrendMarkdown(trend);
    expect(text).toContain('## cpu=20%\n\nHow: by magic. Of 1 medians, 1 move less with hollow nodes.');
    expect(text).toContain(
      '| pod startup | p50 | 500 → 600 ms | +20 % | 40.0 → 30.0 ms | −25 % | 0.63 | 0.51–0.77 | differs |',
    );
    expect(text).toContain('| what | percentiles | fewest, kubemark | fewest, hollow |');
    expect(text).toContain('| nodes: get nodes | p50, p90 | 5 | 0 |');
  });
});

describe('the values of --slow', () => {
  it('are steps', () => {
    expect(parseSteps(['cpu=50%', 'cpu=12.5%', 'etcd=20ms', 'etcd=0.5s'])).toEqual([
      { type: 'cpu', percent: 50 },
      { type: 'cpu', percent: 12.5 },
      { type: 'etcd', delayMs: 20 },
      { type: 'etcd', delayMs: 500 },
    ]);
  });
});
