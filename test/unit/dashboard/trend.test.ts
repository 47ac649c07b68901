import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { RunEntry } from '../../../src/dashboard/history/run-entry.ts';
import { trendOf, trendQuantiles } from '../../../src/dashboard/history/trend.ts';

const [, , p99] = trendQuantiles;

/** Oldest first, as one would write them. @returns newest first, as the index has them. */
function runsOf(
  values: readonly number[],
  change: (index: number) => Partial<RunEntry> = () => ({}),
): RunEntry[] {
  return values
    .map(
      (value, index): RunEntry => ({
        folder: `run-${index}`,
        id: `run-${index}`,
        scenario: 'density',
        startedAt: new Date(Date.UTC(2026, 0, 1 + index)).toISOString(),
        durationMs: 60_000,
        verdict: 'pass',
        summary: '',
        kubernetes: 'v1.36.3',
        tool: '0.1.0',
        flags: 'scale',
        profile: 'kubelet',
        machine: 'CPU × 2',
        nodes: 100,
        pods: 1000,
        startupP99Us: value,
        slis: [[0, 1000, value / 2, value * 0.9, value, value * 2]],
        ...change(index),
      }),
    )
    .toReversed();
}

const marks = (runs: readonly RunEntry[]): string =>
  trendOf(runs, 0, p99)
    .map(({ mark }) => mark[0])
    .join('');

describe('trendOf', () => {
  it('marks the run at which latency rises, and the one at which it falls', () => {
    expect(marks(runsOf([100, 102, 99, 101, 100, 140, 100, 60]))).toBe('ssssswsb');
  });

  it('says nothing with fewer than five runs before', () => {
    expect(marks(runsOf([100, 100, 100, 100, 500]))).toBe('sssss');
  });

  it('marks nothing within a tenth, however alike the runs before are', () => {
    expect(marks(runsOf([100, 100, 100, 100, 100, 110, 90]))).toBe('sssssss');
    expect(marks(runsOf([100, 100, 100, 100, 100, 111]))).toBe('sssssw');
  });

  it('asks for more where runs differ by themselves', () => {
    expect(marks(runsOf([100, 140, 70, 120, 80, 150]))).toBe('ssssss');
  });

  it('holds against each other only what is comparable', () => {
    const slowMachine = (index: number): Partial<RunEntry> => (index === 5 ? { machine: 'old × 1' } : {});
    expect(marks(runsOf([100, 100, 100, 100, 100, 300, 100], slowMachine))).toBe('sssssss');
  });

  it('leaves out what says nothing', () => {
    const invalid = (index: number): Partial<RunEntry> => (index === 2 ? { verdict: 'invalid' } : {});
    expect(trendOf(runsOf([1, 2, 3, 4], invalid), 0, p99).map(({ value }) => value)).toEqual([1, 2, 4]);
    const few = runsOf([1, 2], () => ({ slis: [[0, 99, 1, 1, 1, 1]] }));
    expect(trendOf(few, 0, p99)).toEqual([]);
    expect(trendOf(few, 0, trendQuantiles[0])).toHaveLength(2);
  });

  it('forgets old times: after ten runs of a new level it is the usual one', () => {
    const values = [...Array<number>(10).fill(100), ...Array<number>(12).fill(200)];
    const after = marks(runsOf(values)).slice(10);
    expect(after.startsWith('wwwww')).toBe(true);
    expect(after.endsWith('sss')).toBe(true);
  });

  it('marks few of runs that differ by chance alone', () => {
    const prng = new Prng('trend');
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - prng.float())) * Math.cos(2 * Math.PI * prng.float());
    const values = Array.from({ length: 2_000 }, () => 1e6 * Math.exp(0.05 * normal()));
    const worse = marks(runsOf(values)).split('w').length - 1;
    expect(worse / values.length).toBeLessThan(0.03);
  });
});
