import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { parseSteps } from '../../../src/cli/slow-steps.ts';
import { renderTrend } from '../../../src/cli/trend-table.ts';
import { type Call, readCalls } from '../../../src/fidelity/trend/calls.ts';
import { compareTrends, judge, overallVerdict } from '../../../src/fidelity/trend/compare-trends.ts';
import { type Percentiles, measuresOf, percentilesOf } from '../../../src/fidelity/trend/measures.ts';
import type { TrendRun } from '../../../src/fidelity/trend/run-trend.ts';
import { renderTrendMarkdown } from '../../../src/fidelity/trend/trend-markdown.ts';
import { type Trend, planDensity, planRounds } from '../../../src/fidelity/trend/trend.ts';

const verdictOf = (
  reference: { base: number[]; slowed: number[] },
  hollow: { base: number[]; slowed: number[] },
): string => judge(reference, hollow).verdict;

describe('two moves', () => {
  it('are the same when they are as large, wherever they begin', () => {
    const judged = judge(
      { base: [100, 102, 98], slowed: [200, 205, 197] },
      { base: [10, 10.1, 9.9], slowed: [20, 20.3, 19.6] },
    );
    expect(judged).toMatchObject({ verdict: 'same', band: 1.1 });
    expect(judged.reference.move).toBeCloseTo(2, 1);
    expect(judged.ratio).toBeCloseTo(1, 1);
  });

  it('differ when one is larger than the spread of the runs and the tolerance allow', () => {
    const reference = { base: [100, 102, 98], slowed: [200, 205, 197] };
    expect(verdictOf(reference, { base: [100, 101, 99], slowed: [240, 243, 236] })).toBe('differs');
    expect(verdictOf(reference, { base: [100, 101, 99], slowed: [100, 101, 99] })).toBe('differs');
    expect(verdictOf({ base: [100, 101, 99], slowed: [100, 101, 99] }, reference)).toBe('differs');
  });

  it('may differ as much as the runs do among themselves', () => {
    const wide = { base: [100, 100, 100], slowed: [400, 460, 350] };
    expect(verdictOf(wide, { base: [100, 100, 100], slowed: [440, 500, 400] })).toBe('same');
    expect(verdictOf(wide, { base: [100, 100, 100], slowed: [1300, 1500, 1100] })).toBe('differs');
  });

  it('say nothing when neither is larger than the spread', () => {
    const still = { base: [100, 101, 99], slowed: [101, 100, 100] };
    expect(verdictOf(still, still)).toBe('inconclusive');
    expect(
      verdictOf(
        { base: [100, 100, 100], slowed: [80, 150, 300] },
        { base: [100, 100, 100], slowed: [90, 200, 260] },
      ),
    ).toBe('inconclusive');
  });

  it('say nothing with one run of a side', () => {
    const judged = judge({ base: [100], slowed: [200] }, { base: [100], slowed: [900] });
    expect(judged).toMatchObject({ verdict: 'inconclusive', band: null });
  });

  it('are as wide apart as the t-test has it', () => {
    // Two runs of each side: logarithms 0 and 0.2 beside 0 and 0.2, so t(2) · √(0.02 · (1/2 + 1/2)).
    const side = { base: [1, 1], slowed: [1, Math.exp(0.2)] };
    expect(Math.log(judge(side, side).band ?? 0)).toBeCloseTo(9.925 * Math.sqrt(0.02), 5);
  });

  it('of the same distribution are rarely told apart', () => {
    const prng = new Prng('trend');
    const side = (): { base: number[]; slowed: number[] } => {
      const noisy = (ms: number): number[] =>
        Array.from({ length: 3 }, () => ms * Math.exp(0.3 * (prng.float() + prng.float() - 1)));
      return { base: noisy(50), slowed: noisy(150) };
    };
    const verdicts = Array.from({ length: 2000 }, () => verdictOf(side(), side()));
    expect(verdicts.filter((verdict) => verdict === 'differs').length).toBeLessThan(40);
    expect(verdicts.filter((verdict) => verdict === 'same').length).toBeGreaterThan(1000);
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

const startup = (p50: number, p99?: number): Record<string, Percentiles> => ({
  'pod startup': { count: 50, p50, ...(p99 === undefined ? {} : { p99 }) },
});

describe('runs of both sides', () => {
  const of = { base: 'none', steps: ['cpu=20%'] };
  const reference = [run(startup(100), startup(200)), run(startup(101), startup(203))];

  it('are compared run by run', () => {
    const rows = compareTrends(
      { reference, hollow: [reference[1] as TrendRun, reference[0] as TrendRun] },
      of,
    );
    expect(rows).toMatchObject([
      {
        step: 'cpu=20%',
        measure: 'pod startup',
        percentile: 'p50',
        reference: { base: [100, 101], slowed: [200, 203] },
        hollow: { base: [101, 100], slowed: [203, 200] },
        verdict: 'same',
      },
    ]);
  });

  it('fail with one percentile that moves otherwise', () => {
    const hollow = [run(startup(100), startup(300)), run(startup(101), startup(303))];
    const rows = compareTrends({ reference, hollow }, of);
    expect(rows.map(({ verdict }) => verdict)).toEqual(['differs']);
    expect(overallVerdict([...rows, { verdict: 'same' }])).toBe('differs');
  });

  it('are not compared by what one of them has too little of', () => {
    const some = [run(startup(100, 120), startup(200, 240)), run(startup(100), startup(200, 240))];
    const rows = compareTrends({ reference: some, hollow: some }, of);
    expect(rows.map(({ percentile }) => percentile)).toEqual(['p50']);
    expect(compareTrends({ reference, hollow: [run({}, {}), run({}, {})] }, of)).toEqual([]);
  });

  it('pass only when something has moved', () => {
    expect(overallVerdict([])).toBe('inconclusive');
    expect(overallVerdict([{ verdict: 'inconclusive' }])).toBe('inconclusive');
    expect(overallVerdict([{ verdict: 'inconclusive' }, { verdict: 'same' }])).toBe('same');
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
      ['nodes: any request', 2],
      ['nodes: create events', 1],
      ['nodes: get pods', 1],
      ['all: any request', 3],
      ['all: get pods', 2],
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

  it('says who asked for what and how long it took', () => {
    const leases = { resource: 'leases', apiGroup: 'coordination.k8s.io' };
    const calls = readCalls(
      [line({}), line({ verb: 'update', user: { username: 'admin' }, objectRef: leases }), ''].join('\n'),
    );
    const receivedUs = Date.UTC(2026, 10, 21, 5, 3, 20) * 1000 + 100;
    expect(calls).toEqual([
      { byNode: true, kind: 'patch pods/status', receivedUs, latencyMs: 4.25 },
      { byNode: false, kind: 'update leases.coordination.k8s.io', receivedUs, latencyMs: 4.25 },
    ]);
  });

  it('is read without refusals, watches and what is no resource', () => {
    const left = [
      { responseStatus: { code: 409 } },
      { responseStatus: undefined },
      { verb: 'watch' },
      { stage: 'Panic' },
      { objectRef: undefined },
    ];
    expect(readCalls(left.map(line).join('\n'))).toEqual([]);
  });
});

describe('the work', () => {
  it('has half of what is not slowed on either side of the steps', () => {
    const [cpu, etcd] = parseSteps(['cpu=20%', 'etcd=15ms']);
    expect(
      planRounds(
        [cpu, etcd].filter((step) => step !== undefined),
        5,
      ),
    ).toEqual([
      { condition: 'none', podsPerNode: 3 },
      { condition: { type: 'cpu', percent: 20 }, podsPerNode: 5 },
      { condition: { type: 'etcd', delayMs: 15 }, podsPerNode: 5 },
      { condition: 'none', podsPerNode: 2 },
    ]);
    expect(planRounds([], 1)).toEqual([{ condition: 'none', podsPerNode: 1 }]);
  });

  it('is a pod a second and node, in no more namespaces than pods', () => {
    const plan = planDensity({ nodes: 4, podsPerNode: 1 });
    expect(plan.nodeNames).toEqual(['node-1', 'node-2', 'node-3', 'node-4']);
    expect([plan.podsPerSecond, plan.namespaces.length]).toEqual([4, 4]);
    expect(planDensity({ nodes: 1, podsPerNode: 30 }).namespaces).toHaveLength(8);
  });
});

describe('the outcome', () => {
  const side = (base: number, slowed: number): { base: number[]; slowed: number[]; move: number } => ({
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
        reference: side(500, 600),
        hollow: side(40, 30),
        ratio: 0.625,
        band: 1.1,
        verdict: 'differs',
      },
      {
        step: 'cpu=20%',
        measure: 'nodes: get pods',
        percentile: 'p90',
        reference: side(3, 30),
        hollow: side(3, 33),
        ratio: 1.1,
        band: null,
        verdict: 'inconclusive',
      },
    ],
    runs: { reference: [], hollow: [] },
  };

  it('is a table on a terminal', () => {
    const lines = renderTrend(trend, { color: false, columns: 100 });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✕ p50 pod startup +500 → 600 ms \+20 % +40\.0 → 30\.0 ms −25 % +0\.63 +0\.91–1\.10$/,
      ),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^\? p90 nodes: get pods +3\.0 → 30\.0 ms ×10\.0 +3\.0 → 33\.0 ms ×11\.0 +1\.10 +anything$/,
      ),
    );
    expect(lines.at(-1)).toBe(
      'FAIL  0 percentiles move as with kubemark nodes, 1 differently, 1 no further than runs differ',
    );
    for (const text of lines) expect(text.length).toBeLessThanOrEqual(100);
  });

  it('is a page', () => {
    const text = renderTrendMarkdown(trend);
    expect(text).toContain('## cpu=20%\n\nHow: by magic.');
    expect(text).toContain(
      '| pod startup | p50 | 500 → 600 ms | +20 % | 40.0 → 30.0 ms | −25 % | 0.63 | 0.91–1.10 | differs |',
    );
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
