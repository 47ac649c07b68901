import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { detectableChange, noiseOf, runsTold } from '../../../src/gate/noise.ts';
import { type Repeats, summariseRepeats } from '../../../src/gate/repeats.ts';
import type { FinishedRun } from '../../../src/gate/run-set.ts';
import type { RunResult, RunVerdict, Sli } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { sampleResult } from '../report/sample-result.ts';

/** An SLI of so many samples, all of one value. */
function sliOf(
  valueUs: number,
  count = 200,
  labels: Record<string, string> = {},
  id = 'pod-startup-precise',
): Sli {
  const histogram = new Histogram();
  histogram.record(valueUs, count);
  const about = { definition: 'a', source: 'b', resolution: 'c', unit: 'us' as const };
  return toSli(histogram, { id, labels, ...about, slo: { quantile: 0.99, threshold: 5e6 } });
}

type Given = { slis: Sli[]; verdict?: RunVerdict; variant?: number; change?: (result: RunResult) => void };

/** Made once: what is compared here are its SLIs. */
const sample = { ...sampleResult(), slis: [], timeline: [], slowestPods: [] };

function runs(given: readonly Given[]): FinishedRun[] {
  return given.map(({ slis, verdict = 'pass', variant = 0, change }, index) => {
    const result: RunResult = { ...structuredClone(sample), verdict, slis };
    for (const phase of result.run.phases) phase.outcome = 'completed';
    result.run.parameters = { phases: [...result.run.phases] };
    change?.(result);
    return { variant, folder: `run-${index + 1}`, result };
  });
}

const one = { id: 'set', planned: 3, variants: [{ name: 'A', sets: [] }] };
const two = { ...one, variants: [...one.variants, { name: 'B', sets: ['nodes.count=9'] }] };

const row = ({ rows }: Pick<Repeats, 'rows'>, quantile: number): Repeats['rows'][number] | undefined =>
  rows.find((each) => each.quantile === quantile);

describe('repeats', () => {
  it('have the median over the runs, and where it lies', () => {
    const repeats = summariseRepeats(runs([100, 300, 200].map((us) => ({ slis: [sliOf(us)] }))), one);
    expect(repeats).toMatchObject({ basis: 'valid', leftOut: [{ quantiles: [0.999], fewest: 200 }] });
    const p99 = row(repeats, 0.99);
    expect(p99).toMatchObject({ id: 'pod-startup-precise', unit: 'us', judged: true, ratio: null });
    expect(p99?.variants).toEqual([
      {
        values: [100, 300, 200],
        median: 200,
        interval: expect.objectContaining({ method: 't on logarithms' }),
      },
    ]);
    const interval = p99?.variants[0]?.interval;
    expect(interval?.low).toBeLessThan(100);
    expect(interval?.high).toBeGreaterThan(300);
  });

  it('tell no quantile that some run has too few samples for, and no SLI that some run lacks', () => {
    const few = { slis: [sliOf(1000, 99), sliOf(5, 200, { kind: 'rare' })] };
    const repeats = summariseRepeats(runs([{ slis: [sliOf(1000)] }, few]), one);
    expect(repeats.rows.map(({ labels, quantile }) => [labels, quantile])).toEqual([
      [{}, 0.5],
      [{}, 0.9],
    ]);
    expect(repeats.leftOut).toEqual([
      { id: 'pod-startup-precise', labels: {}, quantiles: [0.99, 0.999], fewest: 99 },
      { id: 'pod-startup-precise', labels: { kind: 'rare' }, quantiles: [0.5, 0.9, 0.99, 0.999], fewest: 0 },
    ]);
  });

  it('leave out runs that are no whole run, and those that were invalid, and say so', () => {
    const slis = [sliOf(100)];
    const repeats = summariseRepeats(
      runs([
        { slis },
        { slis: [sliOf(900)], verdict: 'invalid' },
        { slis: [sliOf(901)], verdict: 'interrupted' },
        { slis: [sliOf(902)], verdict: 'fail', change: ({ run }) => run.phases.pop() },
        {
          slis: [sliOf(903)],
          verdict: 'fail',
          change: ({ run: { phases } }) =>
            Object.assign(phases[1] ?? {}, { name: 'wait', outcome: 'timed-out' }),
        },
        { slis: [sliOf(200)], verdict: 'fail' },
        { slis: [sliOf(300)], verdict: 'inconclusive' },
      ]),
      one,
    );
    expect(row(repeats, 0.5)?.variants[0]?.values).toEqual([100, 200, 300]);
    expect(repeats.runs.map(({ leftOut }) => leftOut)).toEqual([
      null,
      'invalid',
      'interrupted',
      'cut short',
      'phase wait: timed-out',
      null,
      null,
    ]);
  });

  it('of invalid runs alone are marked as such', () => {
    const invalid = [100, 110].map((us): Given => ({ slis: [sliOf(us)], verdict: 'invalid' }));
    const repeats = summariseRepeats(runs([...invalid, { slis: [sliOf(9)], verdict: 'interrupted' }]), one);
    expect(repeats.basis).toBe('invalid');
    expect(row(repeats, 0.5)?.variants[0]?.values).toEqual([100, 110]);
    const none = summariseRepeats(runs([{ slis: [sliOf(9)], verdict: 'interrupted' }]), one);
    expect(none).toMatchObject({ basis: 'valid', rows: [] });
  });

  it('compare two variants by their ratio', () => {
    const given = [100, 200, 102, 204, 98, 196].map(
      (us, index): Given => ({ slis: [sliOf(us)], variant: index % 2 }),
    );
    const ratio = row(summariseRepeats(runs(given), two), 0.5)?.ratio;
    expect(ratio?.value).toBeCloseTo(2, 2);
    expect(ratio?.interval[0]).toBeGreaterThan(1.8);
    expect(ratio?.interval[1]).toBeLessThan(2.2);
    expect(ratio?.p).toBeLessThan(0.001);
    // One run of the second has no spread.
    const few = summariseRepeats(runs(given.slice(0, 2)), two);
    expect(row(few, 0.5)).toMatchObject({ ratio: null, variants: [{ interval: null }, { interval: null }] });
  });

  it('are as far apart as can be told, where they are more alike than that', () => {
    const equal = (us: number, id: string, count: number): Given[] =>
      Array.from({ length: count }, () => ({ slis: [sliOf(us, 200, {}, id)] }));
    const found = (us: number, id: string, count = 3): Repeats['rows'][number] | undefined =>
      row(summariseRepeats(runs(equal(us, id, count)), one), 0.5);
    const whole = found(1_500_000, 'pod-startup');
    expect(whole?.toldFrom).toBe(1_000_000);
    expect(whole?.variants[0]?.interval?.low).toBeLessThan(1_000_000);
    // Between the bounds of 400 and 600 ms it may be anything, with six runs as with three.
    for (const count of [3, 6]) {
      const bucket = found(450_000, 'api-call-server', count);
      expect(bucket?.toldFrom).toBe(200_000);
      expect(bucket?.variants[0]?.interval?.low).toBeLessThan(400_000);
      expect(bucket?.variants[0]?.interval?.high).toBeGreaterThan(500_000);
    }
    const precise = found(1_500_000, 'pod-startup-precise');
    expect(precise?.toldFrom).toBeCloseTo(1500, -1);
    expect(precise?.variants[0]?.interval?.low).toBeGreaterThan(1_490_000);
    const apart = runs([1000, 1100, 1050].map((us) => ({ slis: [sliOf(us * 1000)] })));
    expect(row(summariseRepeats(apart, one), 0.5)?.toldFrom).toBeNull();
  });

  it('are not certain to differ where each side has one value', () => {
    const sided = [50_000, 80_000, 50_000, 80_000].map(
      (us, index): Given => ({ slis: [sliOf(us, 200, {}, 'api-call-server')], variant: index % 2 }),
    );
    const ratio = row(summariseRepeats(runs(sided), two), 0.5)?.ratio;
    expect(ratio?.p).toBeGreaterThan(0.05);
    expect(ratio?.interval[0]).toBeLessThan(1);
  });

  it('take labels in any order for the same, and zeros for the least that there is', () => {
    const labelled = (labels: Record<string, string>): Given => ({ slis: [sliOf(0, 200, labels)] });
    const repeats = summariseRepeats(runs([labelled({ a: '1', b: '2' }), labelled({ b: '2', a: '1' })]), one);
    expect(row(repeats, 0.5)?.variants).toEqual([
      { values: [0, 0], median: 0, interval: expect.objectContaining({ method: 't on logarithms' }) },
    ]);
    expect(JSON.parse(JSON.stringify(repeats))).toEqual(repeats);
  });
});

/** Runs of two equal sides, whose logarithms have this deviation. */
function alike(deviation: number, pairs: number, seed: string): FinishedRun[] {
  const prng = new Prng(seed);
  const normal = (): number => Array.from({ length: 12 }, () => prng.float()).reduce((a, b) => a + b, -6);
  const given = Array.from(
    { length: 2 * pairs },
    (_, index): Given => ({
      slis: [sliOf(Math.round(1e6 * Math.exp(deviation * normal())))],
      variant: index % 2,
    }),
  );
  return runs(given);
}

describe('noise', () => {
  const set = { id: 'noise', planned: 40 };

  it('is the deviation of one run, and what differences that lets show', () => {
    const noise = noiseOf(alike(0.08, 40, 'noise'), set);
    expect(noise).toMatchObject({ confidence: 0.95, power: 0.8, differing: 0 });
    const [found] = noise.rows;
    expect(found?.logDeviation).toBeCloseTo(0.08, 1);
    expect(found?.degrees).toBe(78);
    expect(found?.logDeviationInterval[0]).toBeLessThan(0.08);
    expect(found?.logDeviationInterval[1]).toBeGreaterThan(0.08);
    expect(found?.ratio.interval[0]).toBeLessThan(1);
    expect(found?.ratio.interval[1]).toBeGreaterThan(1);
    expect(found?.detectable.map(({ runs: of }) => of)).toEqual([...runsTold]);
    for (const { change, atMost } of found?.detectable ?? []) expect(atMost).toBeGreaterThan(change);
  });

  it('says what a gate of so many runs would see', () => {
    // 3.07, 2.02 and 1.32 deviations are seen with 3, 5 and 10 values a side, at 95 % and 80 %.
    expect(detectableChange(0.08, 3)).toBeCloseTo(Math.expm1(0.08 * 3.07), 2);
    expect(detectableChange(0.08, 5)).toBeCloseTo(Math.expm1(0.08 * 2.02), 2);
    expect(detectableChange(0.08, 10)).toBeCloseTo(Math.expm1(0.08 * 1.32), 2);
  });

  it('says nothing of changes that the SLI cannot tell, however alike the runs are', () => {
    const equal = Array.from(
      { length: 6 },
      (_, index): Given => ({ slis: [sliOf(450_000, 200, {}, 'api-call-server')], variant: index % 2 }),
    );
    const [found] = noiseOf(runs(equal), set).rows;
    expect(found?.logDeviation).toBeCloseTo(Math.log(600 / 400) / Math.sqrt(12), 6);
    expect(found?.logDeviationInterval[1]).toBeGreaterThan(found?.logDeviation ?? 1);
    expect(found).toMatchObject({ toldFrom: 200_000, ratio: { value: 1, p: 1 } });
    expect(found?.detectable.find(({ runs: of }) => of === 3)?.change).toBeGreaterThan(0.3);
    // HDR has three digits.
    const [precise] = noiseOf(
      runs(equal.map(({ variant }) => ({ slis: [sliOf(450_000)], variant: variant ?? 0 }))),
      set,
    ).rows;
    expect(precise?.logDeviation).toBe(0.001);
  });

  it('counts the rows whose sides differ although they are the same', () => {
    let differing = 0;
    const sets = 200;
    for (let index = 0; index < sets; index++) {
      const { differing: found, rows } = noiseOf(alike(0.1, 4, `false alarm ${index}`), set);
      // All quantiles of one value are equal: p50, p90 and p99 differ together.
      expect(rows).toHaveLength(3);
      if (found > 0) differing++;
    }
    expect(differing / sets).toBeGreaterThan(0.01);
    expect(differing / sets).toBeLessThan(0.1);
  });

  it('is not known of one pair', () => {
    expect(noiseOf(alike(0.1, 1, 'one'), set)).toMatchObject({ rows: [], differing: 0 });
  });
});
