import { describe, expect, it } from 'vitest';
import { judgedP99sUs } from '../../../src/measure/judged.ts';
import {
  type ValidityInputs,
  checkValidity,
  loopDelayLimitUs,
  pauseP99Us,
} from '../../../src/measure/validity.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { ValidityCheck } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';

const of = (value: number): Histogram => {
  const histogram = new Histogram();
  histogram.record(value, 1000);
  return histogram;
};

const lag = (value: number) => ({ lags: of(value), dueCount: 1000 });
const noLag = (dueCount: number) => ({ lags: new Histogram(), dueCount });

const agreeing = { missed: 0, ghosts: 0, neverSeen: 0, imbalance: 0, listed: 12 };

const good: ValidityInputs = {
  observerLoopDelay: of(2000),
  observerGcPause: of(900),
  shardLoopDelay: of(30_000),
  watchLag: lag(1500),
  judgedP99sUs: [2_000_000],
  achieved: [
    { phase: 'create', ratio: 1 },
    { phase: 'delete', ratio: 0.991 },
  ],
  harnessShare: 0.27,
  controlPlaneShare: 0.5,
  othersShare: 0.02,
  stealShare: 0.001,
  droppedCount: 0,
  clampedCount: 0,
  clockStepUs: 700,
  clockAheadMs: -30,
  counts: agreeing,
  cutShort: false,
};

function find(inputs: Partial<ValidityInputs>, id: string): ValidityCheck | undefined {
  return checkValidity({ ...good, ...inputs }).checks.find((check) => check.id === id);
}

describe('checkValidity', () => {
  it('takes a good run as valid, each check with a sentence', () => {
    const { verdict, checks } = checkValidity(good);
    expect(verdict).toBe('valid');
    expect(checks).toHaveLength(12);
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
    [
      'gc-pause-observer',
      { observerGcPause: of(9_990), judgedP99sUs: [] },
      { observerGcPause: of(10_100), judgedP99sUs: [] },
      10_000,
    ],
    [
      'gc-pause-observer',
      { observerGcPause: of(29_900), judgedP99sUs: [2e6, 300_000] },
      { observerGcPause: of(30_200), judgedP99sUs: [2e6, 300_000] },
      30_000,
    ],
    ['watch-lag-observer', { watchLag: lag(19_900) }, { watchLag: lag(20_100) }, 20_000],
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
    ['cpu-others', { othersShare: 0.1 }, { othersShare: 0.11 }, 10],
    ['samples-lost', {}, { droppedCount: 1 }, 0],
    ['samples-lost', {}, { clampedCount: 1 }, 0],
    ['clock-step', { clockStepUs: 5000 }, { clockStepUs: 5001 }, 5000],
    ['clock-skew', { clockAheadMs: 1000 }, { clockAheadMs: 1001 }, 1_000_000],
    ['clock-skew', { clockAheadMs: -1000 }, { clockAheadMs: -1001 }, 1_000_000],
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
    ['loop-delay-observer', { observerLoopDelay: new Histogram() }],
    ['loop-delay-shards', { shardLoopDelay: undefined }],
    ['loop-delay-shards', { shardLoopDelay: new Histogram() }],
    ['watch-lag-observer', { watchLag: noLag(7) }],
    ['watch-lag-observer', { watchLag: noLag(1000), cutShort: true }],
    ['achieved-rate', { achieved: [] }],
    ['harness-cpu', { harnessShare: undefined }],
    ['cpu-steal', { stealShare: undefined }],
    ['cpu-others', { othersShare: undefined }],
    ['clock-skew', { clockAheadMs: undefined }],
    ['counts-agree', { counts: undefined }],
  ])('%s is skipped where it was not measured', (id, without) => {
    expect(find(without, id)?.verdict).toBe('skipped');
    expect(checkValidity({ ...good, ...without }).verdict).toBe('valid');
  });

  it.each<[string, Partial<ValidityInputs>, string]>([
    [
      'watch-lag-observer',
      { watchLag: noLag(8) },
      "Not one of 8 probes of the observer's lag came to both of its watches: see in the notes what became of them.",
    ],
    [
      'counts-agree',
      { counts: { unread: 'HTTP 500' } },
      'The API server did not give the final list of pods (HTTP 500): see why it did not, or load it less.',
    ],
  ])('%s fails where it could have been measured and was not', (id, without, message) => {
    expect(find(without, id)).toMatchObject({ verdict: 'fail', message });
    expect(checkValidity({ ...good, ...without }).verdict).toBe('invalid');
  });

  it('has each failing check say what to change, and in one sentence', () => {
    const nothingGood: ValidityInputs = {
      observerLoopDelay: of(2_000_000),
      observerGcPause: of(50_000),
      shardLoopDelay: of(500_000),
      watchLag: lag(90_000),
      judgedP99sUs: [],
      achieved: [{ phase: 'create', ratio: 0.5 }],
      harnessShare: 0.9,
      controlPlaneShare: 0.02,
      othersShare: 0.3,
      stealShare: 0.3,
      droppedCount: 3,
      clampedCount: 2,
      clockStepUs: 90_000,
      clockAheadMs: 2_100,
      counts: { ...agreeing, missed: 2 },
      cutShort: false,
    };
    for (const { id, verdict, message } of checkValidity(nothingGood).checks) {
      expect(verdict, id).toBe('fail');
      expect(message, id).toMatch(/^[A-Z0-9].*: .+\.$/);
      expect(message, id).not.toMatch(/\. [A-Z]/);
    }
  });

  it('holds the harness beside the control plane, where that is ours', () => {
    expect(find({}, 'harness-cpu')?.message).toContain('0.54 times what the control plane used (50 %)');
    expect(find({ controlPlaneShare: undefined }, 'harness-cpu')?.message).not.toContain('control plane');
    expect(find({ controlPlaneShare: 0 }, 'harness-cpu')?.message).not.toContain('control plane');
  });

  it('names the phase with the worst rate', () => {
    expect(find({}, 'achieved-rate')?.message).toContain('phase delete');
  });
});

describe('judgedP99sUs', () => {
  const sli = (id: string, us: number, about: { count?: number; judged?: boolean; source?: string } = {}) => {
    const { count = 100, judged = true, source = 'load' } = about;
    const histogram = new Histogram();
    histogram.record(us, count);
    return toSli(histogram, {
      id,
      labels: { source },
      unit: 'us',
      definition: 'd',
      source: 's',
      resolution: 'r',
      ...(judged ? { slo: { quantile: 0.99, threshold: 1e6 } } : {}),
    });
  };

  it.each([
    'pod-startup',
    'pod-startup-precise',
    'api-call',
    'api-probe',
    'watch-delivery',
    'watch-delivery-slowest',
    'node-connect',
    'network-programming',
    'job-completion',
    'job-overhead',
    'statefulset-ready',
    'claim-bound',
  ])('counts %s', (id) => {
    expect(judgedP99sUs([sli('pod-startup', 500), sli(id, 20)])).toEqual([500, 20]);
  });

  it('leaves out what is not judged, what had too few samples, and what components tell', () => {
    const slis = [
      sli('pod-startup', 500),
      sli('api-probe', 20, { judged: false }),
      sli('node-connect', 20, { count: 99 }),
      ...['api-call-server', 'etcd-request', 'scheduling', 'admission', 'priority-level-wait'].map((id) =>
        sli(id, 20),
      ),
    ];
    expect(judgedP99sUs(slis)).toEqual([500]);
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
