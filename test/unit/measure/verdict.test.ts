import { describe, expect, it } from 'vitest';
import { type VerdictInputs, judgeRun } from '../../../src/measure/verdict.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { PhaseRecord, Sli, Validity } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';

function sli(id: string, labels: Record<string, string>, us: number, count: number, threshold?: number): Sli {
  const histogram = new Histogram();
  histogram.record(us, count);
  return toSli(histogram, {
    id,
    labels,
    unit: 'us',
    definition: 'd',
    source: 's',
    resolution: 'r',
    ...(threshold === undefined ? {} : { slo: { quantile: 0.99, threshold } }),
  });
}

const startup = (us: number, count = 1000): Sli => sli('pod-startup', { kind: 'latency' }, us, count, 5e6);
const stateful = (us: number, count = 1000, threshold?: number): Sli =>
  sli('pod-startup', { kind: 'pod', class: 'stateful' }, us, count, threshold);
const call = (us: number, count = 1000): Sli =>
  sli(
    'api-call',
    { verb: 'POST', resource: 'pods', subresource: '', scope: 'resource', source: 'load' },
    us,
    count,
    1e6,
  );
/** 940 pods within a second, 40 within 6 s, 20 within 30 s. */
const p95 = ((): Sli => {
  const histogram = new Histogram();
  histogram.record(1_000_000, 940);
  histogram.record(6_000_000, 40);
  histogram.record(30_000_000, 20);
  const about = { unit: 'us' as const, definition: 'd', source: 's', resolution: 'r' };
  const slo = { quantile: 0.95, threshold: 5_000_000 };
  return toSli(histogram, { id: 'pod-startup-precise', labels: { kind: 'latency' }, ...about, slo });
})();
const threshold = (id: string, labels: Record<string, string> = {}, thresholdMs = 1000) => ({
  sli: id,
  labels,
  quantile: 0.99,
  thresholdMs,
});
const jobs = (count: number): Sli => sli('job-completion', { phase: 'jobs' }, 1000, count, 1e6);
const withinBucket: Sli = {
  ...sli('etcd-request', {}, 22_000, 1000),
  slo: { quantile: 0.99, threshold: 20_000, verdict: 'inconclusive' },
};
const rare = sli('api-call-server', { verb: 'GET', resource: 'nodes', scope: 'resource' }, 1000, 3, 1e6);
const valid: Validity = { verdict: 'valid', checks: [] };
const invalid: Validity = {
  verdict: 'invalid',
  checks: [
    { id: 'x', verdict: 'pass', value: 0, limit: 0, unit: 'us', message: 'Fine.' },
    { id: 'y', verdict: 'fail', value: 9, limit: 1, unit: 'us', message: 'Too late: use more cores.' },
    { id: 'z', verdict: 'fail', value: 9, limit: 1, unit: 'us', message: 'Also wrong: no.' },
  ],
};
const phase = (outcome: PhaseRecord['outcome'], message?: string): PhaseRecord => ({
  name: 'create',
  type: 'create-deployments',
  startedAtMs: 0,
  finishedAtMs: 31_000,
  outcome,
  ...(message === undefined ? {} : { message }),
});

const base: VerdictInputs = {
  slis: [startup(1_420_000), call(112_000), rare],
  validity: valid,
  phases: [phase('completed')],
  interrupted: false,
  statelessPods: 1000,
  thresholds: [],
  windows: { lengthMs: 300_000, stepMs: 60_000, good: 12, bad: 0, undecided: 2 },
  goodMinutesMin: undefined,
};

const bad = (minutes: number): VerdictInputs['windows'] => ({
  ...base.windows,
  good: 12 - minutes,
  bad: minutes,
});
const allMet =
  'All SLOs that could be judged were met: 99 % of 1,000 pods started within 1.42 s, and the slowest judged kind of API call took 112 ms at p99.';

describe('judgeRun', () => {
  it.each<[string, Partial<VerdictInputs>, string, string]>([
    ['all met', {}, 'pass', allMet],
    [
      'all met but for bad minutes',
      { windows: bad(3) },
      'pass',
      `${allMet} 3 of 12 minutes that could be judged were bad (75 % good).`,
    ],
    [
      'all met but for a bad window that is no minute',
      { windows: { ...bad(1), stepMs: 5_000 } },
      'pass',
      `${allMet} 1 of 12 windows that could be judged was bad (91.7 % good).`,
    ],
    ['as many good minutes as are asked for', { windows: bad(0), goodMinutesMin: 1 }, 'pass', allMet],
    [
      'too few good minutes',
      { windows: bad(3), goodMinutesMin: 0.9 },
      'fail',
      'Too few windows were good: the scenario asks for 90 %. 3 of 12 minutes that could be judged were bad (75 % good).',
    ],
    [
      'an SLO missed and too few good minutes',
      { windows: bad(12), goodMinutesMin: 0.9, slis: [startup(7_900_000), call(1000)] },
      'fail',
      'Startup of latency pods missed its SLO: the p99 was 7.9 s, the threshold is 5 s. Too few windows were good: the scenario asks for 90 %. 12 of 12 minutes that could be judged were bad (0 % good).',
    ],
    [
      'good minutes asked for and none judged',
      { windows: { ...base.windows, good: 0 }, goodMinutesMin: 0.9 },
      'inconclusive',
      'No window had enough samples to be judged, and the scenario asks for good ones.',
    ],
    [
      'an SLO missed',
      { slis: [startup(7_900_000), call(1000)] },
      'fail',
      'Startup of latency pods missed its SLO: the p99 was 7.9 s, the threshold is 5 s.',
    ],
    [
      'an SLO of a component missed',
      { slis: [startup(1_000), sli('etcd-request', { operation: 'get' }, 8_000, 200, 5_000)] },
      'fail',
      'etcd-request (get) missed its SLO: the p99 was 8 ms, the threshold is 5 ms.',
    ],
    [
      'an SLO of a quantile that a result does not list',
      { slis: [startup(1_000), call(1000), p95] },
      'fail',
      'Startup of latency pods missed its SLO: the p95 was 6 s, the threshold is 5 s.',
    ],
    [
      'two SLOs missed',
      { slis: [startup(7_900_000), call(3_000_000)] },
      'fail',
      'POST pods (resource) missed its SLO: the p99 was 3 s, the threshold is 1 s. 1 further SLI missed theirs.',
    ],
    [
      'a phase timed out',
      { phases: [phase('timed-out', '40 of 1000 pods are not started')] },
      'fail',
      'Phase create did not complete in time: 40 of 1000 pods are not started.',
    ],
    [
      'a phase failed',
      { phases: [phase('failed', 'quota exceeded.')] },
      'fail',
      'Phase create failed: quota exceeded.',
    ],
    [
      'too few pods',
      { slis: [startup(1000, 40), call(1000)] },
      'inconclusive',
      'Too few pods were started to judge their p99: 40 of the 100 that it takes.',
    ],
    [
      'nothing to judge',
      { slis: [rare], statelessPods: 0 },
      'inconclusive',
      'There were too few samples to judge any SLO.',
    ],
    [
      'calls alone',
      { slis: [call(1000)], statelessPods: 0 },
      'pass',
      'All SLOs that could be judged were met: the slowest judged kind of API call took 1 ms at p99.',
    ],
    [
      'pods that are all stateful, which no SLO judges',
      { slis: [stateful(1000), call(1000)], statelessPods: 0 },
      'pass',
      'All SLOs that could be judged were met: the slowest judged kind of API call took 1 ms at p99.',
    ],
    [
      'pods that are all stateful, and nothing else to judge',
      { slis: [stateful(1000), rare], statelessPods: 0 },
      'inconclusive',
      'There were too few samples to judge any SLO.',
    ],
    [
      'too few stateful pods for the threshold of the scenario',
      { slis: [stateful(1000, 40, 9e6), call(1000)], statelessPods: 0 },
      'inconclusive',
      'Too few pods were started to judge their p99: 40 of the 100 that it takes.',
    ],
    [
      'stateful pods beside stateless ones of which none started',
      { slis: [stateful(1000), call(1000)], statelessPods: 3 },
      'inconclusive',
      'Too few pods were started to judge their p99: 0 of the 100 that it takes.',
    ],
    [
      'thresholds of the scenario that nothing is held against',
      {
        slis: [...base.slis, jobs(40)],
        thresholds: [threshold('job-completion', { phase: 'jobs' }), threshold('network-programming')],
      },
      'inconclusive',
      'Not judged, though the scenario has a threshold for it: job-completion, phase jobs (40 of the 100 samples that it takes); network-programming (the run has no such SLI).',
    ],
    [
      'a threshold with a label that no SLI has',
      { thresholds: [threshold('api-call', { verb: 'PSOT' })] },
      'inconclusive',
      'Not judged, though the scenario has a threshold for it: api-call, verb PSOT (the run has no such SLI).',
    ],
    [
      'a threshold within a bucket of what it is held against',
      { slis: [...base.slis, withinBucket], thresholds: [threshold('etcd-request', {}, 20)] },
      'inconclusive',
      'Not judged, though the scenario has a threshold for it: etcd-request (its histogram has no bound between value and threshold).',
    ],
    [
      'calls that are only known to have taken less than something',
      {
        slis: [sli('api-call-server', { verb: 'GET', resource: 'pods' }, 30_000, 900, 1e6)],
        statelessPods: 0,
      },
      'pass',
      'All SLOs that could be judged were met: the slowest judged kind of API call took less than 50 ms at p99.',
    ],
    [
      'thresholds that are held against something, and one whose place another takes',
      {
        slis: [...base.slis, jobs(100)],
        thresholds: [
          threshold('job-completion', {}, 7),
          threshold('job-completion'),
          threshold('api-call', { verb: 'POST' }),
        ],
      },
      'pass',
      allMet,
    ],
    [
      'too few pods, and a threshold that nothing is held against',
      { slis: [startup(1000, 40), call(1000)], thresholds: [threshold('claim-bound')] },
      'inconclusive',
      'Too few pods were started to judge their p99: 40 of the 100 that it takes. Not judged, though the scenario has a threshold for it: claim-bound (the run has no such SLI).',
    ],
    [
      'the harness too slow',
      { validity: invalid },
      'invalid',
      'The run says nothing about the cluster. Too late: use more cores. 1 further check failed.',
    ],
    [
      'the harness too slow and an SLO missed',
      { validity: invalid, slis: [startup(7_900_000)] },
      'invalid',
      'The run says nothing about the cluster. Too late: use more cores. 1 further check failed.',
    ],
    [
      'interrupted, whatever else',
      { interrupted: true, validity: invalid, phases: [phase('interrupted')] },
      'interrupted',
      'The run was stopped after 31 s, in phase create.',
    ],
    [
      'interrupted at once',
      { interrupted: true, phases: [] },
      'interrupted',
      'The run was stopped before its first phase.',
    ],
  ])('%s', (_, inputs, verdict, summary) => {
    expect(judgeRun({ ...base, ...inputs })).toEqual({ verdict, summary });
  });
});
