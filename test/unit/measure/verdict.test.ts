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
    ...(threshold === undefined ? {} : { slo: { quantile: 0.99, threshold } }),
  });
}

const startup = (us: number, count = 1000): Sli => sli('pod-startup', { kind: 'latency' }, us, count, 5e6);
const call = (us: number, count = 1000): Sli =>
  sli(
    'api-call',
    { verb: 'POST', resource: 'pods', subresource: '', scope: 'resource', source: 'load' },
    us,
    count,
    1e6,
  );
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
  podsCreated: 1000,
};

describe('judgeRun', () => {
  it.each<[string, Partial<VerdictInputs>, string, string]>([
    [
      'all met',
      {},
      'pass',
      'All SLOs were met: 99 % of 1,000 pods started within 1.42 s, and the slowest judged kind of API call took 112 ms at p99.',
    ],
    [
      'an SLO missed',
      { slis: [startup(7_900_000), call(1000)] },
      'fail',
      'Startup of latency pods missed its SLO: the p99 was 7.9 s, the threshold is 5 s.',
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
      { slis: [rare], podsCreated: 0 },
      'inconclusive',
      'There were too few samples to judge any SLO.',
    ],
    [
      'calls alone',
      { slis: [call(1000)], podsCreated: 0 },
      'pass',
      'All SLOs were met: the slowest judged kind of API call took 1 ms at p99.',
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
