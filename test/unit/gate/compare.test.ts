import { describe, expect, it, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { type GateReport, compareRuns } from '../../../src/gate/compare.ts';
import type { GateRun } from '../../../src/gate/gate-run.ts';
import { type Rule, defaultRules, ruleDefaults, rulesForAll } from '../../../src/gate/rules.ts';
import { runsNeeded } from '../../../src/gate/runs-needed.ts';
import { detectableShift } from '../../../src/statistics/one-sided.ts';
import { gateRun, gateSli, randomRuns, slowed } from './gate-fixtures.ts';

// A thousand gates take two seconds; on a busy machine ten.
vi.setConfig({ testTimeout: 120_000 });

const rule = (change: Partial<Rule> = {}): Rule => ({ ...ruleDefaults, sli: 'api-call', ...change });

const nights = (values: readonly number[], from = 0): GateRun[] =>
  values.map((us, index) => gateRun(from + index, [gateSli('api-call', us)]));

function verdictOf(baseline: readonly number[], candidate: readonly number[], change: Partial<Rule> = {}) {
  const report = compareRuns({
    rules: [rule(change)],
    baseline: nights(baseline),
    candidate: nights(candidate, 100),
  });
  return report.rows[0];
}

const steady = [100_000, 101_000, 99_000, 100_500, 99_500, 100_200];

describe('a rule', () => {
  it('finds runs worse, better and the same, with the effect and its interval', () => {
    const worse = verdictOf(steady, [120_000]);
    expect(worse).toMatchObject({ verdict: 'worse', reason: null });
    expect(worse?.compared?.ratio).toBeCloseTo(1.2, 2);
    expect(worse?.compared?.difference).toBeCloseTo(19_900, -2);
    expect(worse?.compared?.spread?.interval[0]).toBeLessThan(1.2);
    expect(worse?.compared?.spread?.interval[1]).toBeGreaterThan(1.2);
    expect(verdictOf(steady, [80_000])?.verdict).toBe('better');
    expect(verdictOf(steady, [100_100])?.verdict).toBe('same');
    expect(verdictOf(steady, [120_000, 121_000, 119_000])?.verdict).toBe('worse');
  });

  it('cannot be told where runs vary too much, and says what they could have shown', () => {
    const row = verdictOf([100_000, 150_000, 80_000, 120_000], [130_000]);
    expect(row).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('vary') });
    expect(row?.compared?.spread?.detectable).toBeGreaterThan(2);
  });

  it('tells no change that two runs could show, where none could be large enough', () => {
    const row = verdictOf([100_000, 300_000], [130_000]);
    expect(row?.compared?.spread).toMatchObject({ degrees: 1, detectable: null });
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  });

  it('lets pass what is allowed: a ratio, or an absolute change where that is more', () => {
    expect(verdictOf(steady, [108_000])?.verdict).toBe('worse');
    expect(verdictOf(steady, [108_000], { allowedRatio: 1.2 })?.verdict).toBe('same');
    expect(verdictOf(steady, [108_000], { slack: 20_000 })?.verdict).toBe('same');
    expect(verdictOf(steady, [80_000], { slack: 30_000 })?.verdict).toBe('same');
    expect(verdictOf(steady, [20_000], { slack: 200_000 })?.verdict).not.toBe('better');
  });

  it('is not told of too few samples, no baseline, one run a side or an SLI that is not there', () => {
    const few = nights(steady).map((run) => ({ ...run, slis: [gateSli('api-call', 1e5, {}, 150)] }));
    const told = (change: Partial<Rule>, baseline: GateRun[]): unknown =>
      compareRuns({ rules: [rule(change)], baseline, candidate: nights([1e6], 100) }).rows[0];
    const inconclusive = (reason: string): object => ({
      verdict: 'inconclusive',
      reason: expect.stringContaining(reason),
    });
    expect(told({ samplesMin: 200 }, few)).toMatchObject(
      inconclusive('6 of 6 baseline runs have fewer than 200 samples'),
    );
    // A p99.9 takes a thousand, whatever the rule says.
    expect(told({ quantile: 0.999, samplesMin: 1 }, few)).toMatchObject(inconclusive('fewer than 1000'));
    expect(told({}, [])).toMatchObject(inconclusive('no baseline'));
    expect(told({}, nights([1e5]))).toMatchObject(inconclusive('one run a side'));
    expect(told({ sli: 'pod-strtup' }, few)).toMatchObject(inconclusive('no run has such an SLI'));
  });

  it('is not about series that have too few samples in every run, and says so where nothing is left', () => {
    const rare = [...steady, 1e5].map((us, index) =>
      gateRun(index, [gateSli('api-call', us), gateSli('api-call', us, { resource: 'rare' }, 50)]),
    );
    const rowsOf = (change: Partial<Rule>): GateReport['rows'] =>
      compareRuns({ rules: [rule(change)], baseline: rare.slice(0, -1), candidate: rare.slice(-1) }).rows;
    expect(rowsOf({}).map(({ labels }) => labels)).toEqual([{}]);
    const labels = { resource: 'rare' };
    expect(rowsOf({ labels })).toMatchObject([
      { verdict: 'inconclusive', reason: 'no run has 100 samples of it' },
    ]);
    // A rule that is built in is about what there is.
    expect(rowsOf({ labels, optional: true })).toEqual([]);
  });

  it('knows the spread of one run a side from a noise file', () => {
    const noise = {
      rows: [{ id: 'api-call', labels: {}, quantile: 0.99, logDeviation: 0.01, degrees: 18 }],
    };
    const report = compareRuns({
      rules: [rule()],
      baseline: nights([100_000]),
      candidate: nights([130_000], 100),
      noise,
    });
    expect(report.rows[0]).toMatchObject({ verdict: 'worse', compared: { spread: { degrees: 18 } } });
  });

  it('is taken once for a series: the first that fits it', () => {
    const rules = [rule({ labels: { resource: 'r1' }, allowedRatio: 2 }), rule()];
    const prng = new Prng('first');
    const { rows } = compareRuns({
      rules,
      baseline: randomRuns(prng, { runs: 5, series: 3, deviation: 0.01 }),
      candidate: randomRuns(prng, { runs: 1, series: 3, deviation: 0.01, from: 10 }),
    });
    expect(rows.map(({ labels, rule: of }) => [labels['resource'], of.allowedRatio])).toEqual([
      ['r1', 2],
      ['r0', 1.05],
      ['r2', 1.05],
    ]);
  });

  it('goes without baseline runs that have too few samples, as long as two have enough', () => {
    const short = gateRun(50, [gateSli('api-call', 9e6, {}, 80)]);
    const rowOf = (baseline: GateRun[], candidate: GateRun[]): GateReport['rows'][number] | undefined =>
      compareRuns({ rules: [rule()], baseline, candidate }).rows[0];
    const judged = nights([120_000], 100);
    expect(rowOf([...nights(steady), short], judged)).toMatchObject({
      verdict: 'worse',
      leftOut: 1,
      compared: { baseline: steady },
    });
    expect(rowOf([...nights(steady.slice(0, 1)), short], judged)).toMatchObject({
      verdict: 'inconclusive',
      reason: '1 of 2 baseline runs have fewer than 100 samples',
    });
    // Of those that are judged, none is left out.
    expect(rowOf(nights(steady), [...judged, short])).toMatchObject({
      verdict: 'inconclusive',
      reason: '1 of 2 runs to judge have fewer than 100 samples',
    });
  });

  it('takes a series from later rules also where it has too few samples for it itself', () => {
    const rare = [...steady, 1e5].map((us, index) => gateRun(index, [gateSli('api-call', us, {}, 150)]));
    const { rows } = compareRuns({
      rules: [rule({ samplesMin: 200, optional: true }), rule({ samplesMin: 100 })],
      baseline: rare.slice(0, -1),
      candidate: rare.slice(-1),
    });
    expect(rows).toEqual([]);
  });

  it('takes equal values for as steady as a histogram can tell, and not for certain', () => {
    expect(verdictOf([1000, 1000, 1000, 1000, 1000], [1001], { allowedRatio: 1 })?.verdict).not.toBe('worse');
  });
});

describe('what components tell in buckets', () => {
  const floor = 49_951;
  const labels = (index: number): Record<string, string> => ({ resource: `r${index}` });
  const series = 12;

  it('is not certain to have changed because it never did before', () => {
    const night = (index: number, us: number): GateRun => gateRun(index, [gateSli('api-call-server', us)]);
    const baseline = Array.from({ length: 10 }, (_, index) => night(index, floor));
    const rowOf = (us: number): GateReport['rows'][number] | undefined =>
      compareRuns({ rules: defaultRules, baseline, candidate: [night(99, us)] }).rows[0];
    expect(rowOf(floor)?.verdict).toBe('same');
    expect(rowOf(174_847)?.verdict).toBe('inconclusive');
    expect(rowOf(174_847)?.compared?.spread?.pWorse).toBeGreaterThan(0.01);
    expect(rowOf(1_500_000)?.verdict).toBe('worse');
  });

  it('raises no more false alarms where nights lie on one value but for a tail', () => {
    const prng = new Prng('a point mass and a tail');
    // Two buckets up, one time in thirty: with so many series nearly every second night has one.
    const value = (): number => (prng.float() < 1 / 30 ? 50_000 + 150_000 * prng.float() : floor);
    const night = (index: number): GateRun =>
      gateRun(
        index,
        Array.from({ length: series }, (_, which) => gateSli('api-call-server', value(), labels(which))),
      );
    let alarms = 0;
    for (let index = 0; index < 500; index++) {
      const baseline = Array.from({ length: 10 }, (_, which) => night(which));
      if (compareRuns({ rules: defaultRules, baseline, candidate: [night(99)] }).verdict === 'worse')
        alarms++;
    }
    expect(alarms / 500).toBeLessThanOrEqual(0.01);
  });
});

describe('a comparison of all that there is', () => {
  const ids = ['pod-startup-precise', 'harness-loop-delay', 'send-lateness', 'api-call-raw'];
  const night = (index: number, us: number): GateRun =>
    gateRun(
      index,
      ids.map((id) => gateSli(id, us)),
    );
  const before = [100_000, 101_000, 99_000, 100_500, 99_500].map((us, index) => night(index, us));

  it('shows what the harness did, and does not judge it', () => {
    const after = [night(100, 100_100)];
    const rules = rulesForAll([...before, ...after]);
    const slower = after.map((run) => ({
      ...run,
      slis: run.slis.map((sli) =>
        sli.id === 'pod-startup-precise' ? sli : { ...sli, p50: 9e6, p90: 9e6, p99: 9e6 },
      ),
    }));
    const report = compareRuns({ rules, baseline: before, candidate: slower });
    expect(report.verdict).toBe('same');
    const shown = report.rows.filter(({ verdict }) => verdict === 'unjudged');
    expect(shown).toHaveLength(9);
    expect(shown[0]?.compared).toMatchObject({ ratio: expect.closeTo(90, -1), spread: { pWorse: null } });
    // They share no false alarms: what is judged sees as much as without them.
    const alone = compareRuns({
      rules: rules.filter(({ unjudged }) => unjudged !== true),
      baseline: before,
      candidate: slower,
    });
    expect(report.rows.slice(0, 3)).toEqual(alone.rows);
  });

  it('finds no change that is smaller than its SLI can tell', () => {
    const few = (from: number, us: number): GateRun[] =>
      [0, 1, 2].map((index) => gateRun(from + index, [gateSli('pod-startup-phase', us)]));
    const compared = (us: number): GateReport['verdict'] => {
      const [baseline, candidate] = [few(0, 100), few(10, us)];
      return compareRuns({ rules: rulesForAll(baseline), baseline, candidate }).verdict;
    };
    expect(compared(1000)).not.toBe('worse');
    expect(compared(5000)).toBe('worse');
  });
});

type Design = { baseline: number; candidates: number; series: number };

const deviation = 0.08;
const designs: Design[] = [
  { baseline: 10, candidates: 1, series: 20 },
  { baseline: 5, candidates: 3, series: 12 },
];

/** Every change counts, so that nothing but the test itself keeps chance from raising alarms. */
const strict = [rule({ allowedRatio: 1 })];

function trial(
  prng: Prng,
  { baseline, candidates, series }: Design,
): { runs: GateRun[][]; report: GateReport } {
  const first = randomRuns(prng, { runs: baseline, series, deviation });
  const second = randomRuns(prng, { runs: candidates, series, deviation, from: 100 });
  return {
    runs: [first, second],
    report: compareRuns({ rules: strict, baseline: first, candidate: second }),
  };
}

describe.each(designs)('a gate of $series rules, $baseline runs and $candidates', (design) => {
  const trials = 1000;

  it('raises an alarm in at most 1 % of all calls where nothing has changed', () => {
    const prng = new Prng('no change');
    let alarms = 0;
    for (let index = 0; index < trials; index++) {
      if (trial(prng, design).report.verdict === 'worse') alarms++;
    }
    // As many as 1 % come by chance in half of all seeds; none at all would be a gate that sleeps.
    expect(alarms / trials).toBeLessThanOrEqual(0.015);
    expect(alarms).toBeGreaterThan(0);
  });

  it('sees the change that it says it can see in 95 % of all calls', () => {
    const prng = new Prng('as told');
    let seen = 0;
    for (let index = 0; index < trials; index++) {
      const { runs, report } = trial(prng, design);
      const [baseline = [], candidate = []] = runs;
      const told = report.rows[0]?.compared?.spread?.detectable ?? 1;
      const after = compareRuns({ rules: strict, baseline, candidate: slowed(candidate, told) });
      if (after.rows[0]?.verdict === 'worse') seen++;
    }
    expect(seen / trials).toBeGreaterThanOrEqual(0.94);
  });

  it('sees the change that the true deviation lets it see in 95 % of all calls', () => {
    const { baseline: n, candidates: m, series } = design;
    const shift = detectableShift(0.01 / series, n + m - 2, 0.95);
    const ratio = Math.exp(shift * deviation * Math.sqrt(1 / n + 1 / m));
    const prng = new Prng('true deviation');
    let seen = 0;
    for (let index = 0; index < trials; index++) {
      const { runs } = trial(prng, design);
      const [baseline = [], candidate = []] = runs;
      const after = compareRuns({ rules: strict, baseline, candidate: slowed(candidate, ratio) });
      if (after.rows[0]?.verdict === 'worse') seen++;
    }
    expect(seen / trials).toBeGreaterThanOrEqual(0.94);
  });
});

describe('how many runs a change of 10 % takes', () => {
  it('is fewer of steadier runs, and none of runs that vary by as much', () => {
    const needed = (of: number): ReturnType<typeof runsNeeded> => {
      const prng = new Prng(`needed ${of}`);
      const baseline = randomRuns(prng, { runs: 12, series: 4, deviation: of });
      const candidate = randomRuns(prng, { runs: 1, series: 4, deviation: of, from: 100 });
      return runsNeeded(compareRuns({ rules: strict, baseline, candidate }).rows);
    };
    const steadier = needed(0.01);
    expect(steadier).toMatchObject({ candidates: 1, quantile: 0.99, limit: 1 });
    expect(steadier?.strict.withThese).toBeGreaterThan(2);
    expect(steadier?.strict.withThese).toBeLessThan(12);
    const unsteady = needed(0.08);
    expect(unsteady?.strict.withThese).toBeNull();
    expect(unsteady?.strict.withAsMany).toBeGreaterThan(5);
    expect(runsNeeded([])).toBeUndefined();
  });

  it('is more of a change that is partly allowed, and none of one that is allowed', () => {
    const prng = new Prng('allowed');
    const baseline = randomRuns(prng, { runs: 12, series: 1, deviation: 0.02 });
    const candidate = randomRuns(prng, { runs: 1, series: 1, deviation: 0.02, from: 100 });
    const needed = (allowedRatio: number): ReturnType<typeof runsNeeded> =>
      runsNeeded(compareRuns({ rules: [rule({ allowedRatio })], baseline, candidate }).rows);
    const partly = needed(1.06);
    expect(partly?.ruled.withAsMany).toBeGreaterThan(partly?.strict.withAsMany ?? Number.NaN);
    expect(needed(1.2)).toMatchObject({ ruled: { withThese: null, withAsMany: null } });
    expect(needed(1.2)?.strict).toEqual(partly?.strict);
  });

  it('is of the p99 of the pods that the SLO is judged on, where that is among the rules', () => {
    const runs = [0, 1, 2, 3, 4].map((index) =>
      gateRun(index, [
        gateSli('pod-startup-precise', 2e6 + 1e4 * index, { kind: 'saturation' }),
        gateSli('pod-startup-precise', 1e6 + 1e4 * index, { kind: 'latency' }),
      ]),
    );
    const rules = [0.5, 0.99].map((quantile) => rule({ sli: 'pod-startup-precise', quantile }));
    const { rows } = compareRuns({ rules, baseline: runs.slice(1), candidate: runs.slice(0, 1) });
    expect(rows[0]).toMatchObject({ quantile: 0.5, labels: { kind: 'saturation' } });
    expect(runsNeeded(rows)).toMatchObject({ quantile: 0.99, labels: { kind: 'latency' } });
  });
});
