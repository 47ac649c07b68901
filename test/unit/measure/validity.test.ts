import { describe, expect, it } from 'vitest';
import {
  type ValidityInputs,
  checkValidity,
  loopDelayLimitUs,
  pauseP99Us,
} from '../../../src/measure/validity.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { ValidityCheck } from '../../../src/result/result.ts';

const of = (value: number): Histogram => {
  const histogram = new Histogram();
  histogram.record(value, 1000);
  return histogram;
};

const agreeing = { missed: 0, ghosts: 0, neverSeen: 0, imbalance: 0, listed: 12 };

const good: ValidityInputs = {
  observerLoopDelay: of(2000),
  observerGcPause: of(900),
  shardLoopDelay: of(30_000),
  watchLag: of(1500),
  judgedP99sUs: [2_000_000],
  achieved: [
    { phase: 'create', ratio: 1 },
    { phase: 'delete', ratio: 0.991 },
  ],
  harnessShare: 0.27,
  stealShare: 0.001,
  droppedCount: 0,
  clampedCount: 0,
  clockStepUs: 700,
  counts: agreeing,
};

function find(inputs: Partial<ValidityInputs>, id: string): ValidityCheck | undefined {
  return checkValidity({ ...good, ...inputs }).checks.find((check) => check.id === id);
}

describe('checkValidity', () => {
  it('takes a good run as valid, each check with a sentence', () => {
    const { verdict, checks } = checkValidity(good);
    expect(verdict).toBe('valid');
    expect(checks).toHaveLength(10);
    for (const check of checks) {
      expect(check.verdict, check.id).toBe('pass');
      expect(check.message).toMatch(/^[A-Z0-9].*\.$/);
    }
  });

  it.each<[string, Partial<ValidityInputs>, Partial<ValidityInputs>, number]>([
    [
      'loop-delay-observer',
      { observerLoopDelay: of(9_990), judgedP99sUs: [] },
      { observerLoopDelay: of(10_100), judgedP99sUs: [] },
      10_000,
    ],
    ['loop-delay-observer', { observerLoopDelay: of(199_000) }, { observerLoopDelay: of(201_000) }, 200_000],
    [
      'loop-delay-observer',
      { observerLoopDelay: of(9_990), judgedP99sUs: [2e6, 50_000] },
      { observerLoopDelay: of(11_000), judgedP99sUs: [2e6, 50_000] },
      10_000,
    ],
    ['loop-delay-shards', { shardLoopDelay: of(99_900) }, { shardLoopDelay: of(101_000) }, 100_000],
    ['gc-pause-observer', { observerGcPause: of(9_990) }, { observerGcPause: of(10_100) }, 10_000],
    ['watch-lag-observer', { watchLag: of(19_900) }, { watchLag: of(20_100) }, 20_000],
    [
      'achieved-rate',
      { achieved: [{ phase: 'a', ratio: 0.98 }] },
      {
        achieved: [
          { phase: 'a', ratio: 1 },
          { phase: 'b', ratio: 0.979 },
        ],
      },
      0.98,
    ],
    ['harness-cpu', { harnessShare: 0.4 }, { harnessShare: 0.41 }, 0.4],
    ['cpu-steal', { stealShare: 0.05 }, { stealShare: 0.051 }, 5],
    ['samples-lost', {}, { droppedCount: 1 }, 0],
    ['samples-lost', {}, { clampedCount: 1 }, 0],
    ['clock-step', { clockStepUs: 5000 }, { clockStepUs: 5001 }, 5000],
    ['counts-agree', {}, { counts: { ...agreeing, missed: 1 } }, 0],
    ['counts-agree', {}, { counts: { ...agreeing, ghosts: 2 } }, 0],
    ['counts-agree', {}, { counts: { ...agreeing, neverSeen: 1 } }, 0],
    ['counts-agree', {}, { counts: { ...agreeing, imbalance: -1 } }, 0],
  ])('%s passes up to its limit and fails beyond', (id, within, beyond, limit) => {
    expect(find(within, id)).toMatchObject({ verdict: 'pass', limit });
    const failed = find(beyond, id);
    expect(failed).toMatchObject({ verdict: 'fail', limit });
    // What was measured, and what to change.
    expect(failed?.message).toContain(': ');
    expect(checkValidity({ ...good, ...beyond }).verdict).toBe('invalid');
  });

  it.each<[string, Partial<ValidityInputs>]>([
    ['loop-delay-shards', { shardLoopDelay: undefined }],
    ['loop-delay-shards', { shardLoopDelay: new Histogram() }],
    ['watch-lag-observer', { watchLag: undefined }],
    ['achieved-rate', { achieved: [] }],
    ['harness-cpu', { harnessShare: undefined }],
    ['cpu-steal', { stealShare: undefined }],
    ['counts-agree', { counts: undefined }],
  ])('%s is skipped where it was not measured', (id, without) => {
    expect(find(without, id)?.verdict).toBe('skipped');
    expect(checkValidity({ ...good, ...without }).verdict).toBe('valid');
  });

  it('names the phase with the worst rate', () => {
    expect(find({}, 'achieved-rate')?.message).toContain('phase delete');
  });
});

describe('loopDelayLimitUs', () => {
  it('is 10 ms, or 10 % of the smallest judged p99 if that is more', () => {
    expect(loopDelayLimitUs([])).toBe(10_000);
    expect(loopDelayLimitUs([40_000, 9e6])).toBe(10_000);
    expect(loopDelayLimitUs([3e6, 9e6])).toBe(300_000);
  });
});

describe('pauseP99Us', () => {
  const pauses = (...values: number[]): Histogram => {
    const histogram = new Histogram();
    for (const value of values) histogram.record(value);
    return histogram;
  };

  it('lets one pause of a few be longer, and one in a hundred of many', () => {
    expect(pauseP99Us(pauses())).toBe(0);
    expect(pauseP99Us(pauses(900))).toBe(0);
    expect(pauseP99Us(pauses(100, 900))).toBe(100);
    expect(pauseP99Us(pauses(100, 900, 900))).toBe(900);
    const many = Array.from({ length: 99 }, () => 100);
    expect(pauseP99Us(pauses(...many, 900))).toBe(100);
    expect(pauseP99Us(pauses(...many, 900, 900))).toBe(900);
  });
});
