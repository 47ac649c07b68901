import { describe, expect, it } from 'vitest';
import { OpenLoop } from '../../../src/measure/open-loop.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

const postPods = callClass('POST', 'pods', '', 'resource');

describe('OpenLoop', () => {
  it('tells the raw latencies of each kind of call and how late the sends were, and judges neither', () => {
    const rawCalls = new CallMetrics();
    const lateness = new Histogram();
    rawCalls.record(postPods, 201, 2000);
    rawCalls.record(postPods, 429, 3000);
    rawCalls.record(callClass('GET', 'pods', '', 'resource'), 0, 0);
    lateness.record(700);
    const { slis = [], clampedCount } = new OpenLoop({ rawCalls, lateness }).tell();
    expect(slis.map(({ id, labels, count }) => [id, labels['verb'], count])).toEqual([
      ['api-call-raw', 'POST', 2],
      ['send-lateness', undefined, 1],
    ]);
    expect(slis.every(({ slo }) => slo === undefined)).toBe(true);
    expect(clampedCount).toBe(0);
  });

  it('tells nothing where nothing was sent, and of samples beyond an hour that there were some', () => {
    const sends = { rawCalls: new CallMetrics(), lateness: new Histogram() };
    expect(new OpenLoop(sends).tell()).toEqual({ slis: [], clampedCount: 0 });
    sends.rawCalls.record(postPods, 200, 4e9);
    sends.lateness.record(4e9);
    expect(new OpenLoop(sends).tell().clampedCount).toBe(2);
  });
});
