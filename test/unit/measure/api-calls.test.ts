import { describe, expect, it } from 'vitest';
import { apiCallSlis, refusalNote } from '../../../src/measure/api-calls.ts';
import { apiCallObjective, objectiveFor } from '../../../src/measure/slo.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';

const postPods = callClass('POST', 'pods', '', 'resource');
const listPods = callClass('LIST', 'pods', '', 'cluster');
const watchPods = callClass('WATCH', 'pods', '', 'cluster');

function sources(): { load: CallMetrics; nodes: CallMetrics; observer: CallMetrics } {
  return { load: new CallMetrics(), nodes: new CallMetrics(), observer: new CallMetrics() };
}

describe('apiCallObjective', () => {
  const of = (verb: string, resource: string, scope: string, subresource = ''): number | undefined =>
    apiCallObjective({ verb, resource, subresource, scope })?.threshold;

  it.each(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE'])('gives %s on a single object one second', (verb) => {
    expect(of(verb, 'pods', 'resource')).toBe(1_000_000);
    expect(of(verb, 'pods', 'resource', 'status')).toBe(1_000_000);
    expect(of(verb, 'pods', 'namespace')).toBeUndefined();
  });

  it.each(['GET', 'LIST'])('gives %s by scope', (verb) => {
    expect(of(verb, 'pods', 'resource')).toBe(1_000_000);
    expect(of(verb, 'pods', 'namespace')).toBe(30_000_000);
    expect(of(verb, 'pods', 'cluster')).toBe(30_000_000);
    expect(of(verb, 'pods', '')).toBeUndefined();
  });

  it('leaves out streams, collections, virtual and custom resources, paths', () => {
    expect(of('WATCH', 'pods', 'cluster')).toBeUndefined();
    expect(of('CONNECT', 'pods', 'resource', 'exec')).toBeUndefined();
    expect(of('GET', 'pods', 'resource', 'log')).toBeUndefined();
    expect(of('DELETECOLLECTION', 'pods', 'namespace')).toBeUndefined();
    expect(of('POST', 'subjectaccessreviews', 'resource')).toBeUndefined();
    expect(of('GET', 'things.example.com', 'resource')).toBeUndefined();
    expect(of('GET', '', 'resource')).toBeUndefined();
  });
});

describe('objectiveFor', () => {
  it('prefers most labels, then the last', () => {
    const thresholds = [
      { sli: 'api-call', labels: {}, quantile: 0.99, thresholdMs: 1 },
      { sli: 'api-call', labels: { verb: 'POST' }, quantile: 0.9, thresholdMs: 2 },
      { sli: 'api-call', labels: {}, quantile: 0.99, thresholdMs: 3 },
    ];
    expect(objectiveFor(thresholds, 'api-call', { verb: 'POST' })).toEqual({
      quantile: 0.9,
      threshold: 2000,
    });
    expect(objectiveFor(thresholds, 'api-call', { verb: 'GET' })?.threshold).toBe(3000);
    expect(objectiveFor(thresholds, 'api-call', { verb: 'GET' }, 1)).toBeUndefined();
    expect(objectiveFor(thresholds, 'pod-startup', {})).toBeUndefined();
  });
});

describe('apiCallSlis', () => {
  it('keeps the sources apart and leaves out streams and unanswered requests', () => {
    const metrics = sources();
    for (let i = 0; i < 100; i++) metrics.load.record(postPods, 201, 5000);
    metrics.nodes.record(postPods, 201, 700_000);
    metrics.load.record(watchPods, 200, 1);
    metrics.load.record(listPods, 0, 0);
    const slis = apiCallSlis(metrics, true, []);
    expect(
      slis.map((sli) => [sli.labels['source'], sli.labels['verb'], sli.count, sli.slo?.verdict]),
    ).toEqual([
      ['load', 'POST', 100, 'pass'],
      ['nodes', 'POST', 1, undefined],
    ]);
  });

  it('judges none where the server tells its own, unless a user asks for it', () => {
    const metrics = sources();
    metrics.load.record(postPods, 201, 5000);
    metrics.nodes.record(postPods, 201, 5000);
    expect(apiCallSlis(metrics, false, []).every((sli) => sli.slo === undefined)).toBe(true);
    const all = [{ sli: 'api-call', labels: {}, quantile: 0.99, thresholdMs: 1 }];
    expect(apiCallSlis(metrics, false, all).map((sli) => sli.slo?.threshold)).toEqual([1000, undefined]);
    const nodes = [{ sli: 'api-call', labels: { source: 'nodes' }, quantile: 0.99, thresholdMs: 1 }];
    expect(apiCallSlis(metrics, false, nodes).map((sli) => sli.slo?.threshold)).toEqual([undefined, 1000]);
  });

  it('has a lower bound where the loop that measured is known, of as many samples', () => {
    const metrics = sources();
    let delayUs = 0;
    metrics.load.delayNowUs = () => delayUs;
    metrics.load.record(postPods, 201, 900);
    delayUs = 400;
    metrics.load.record(postPods, 201, 900);
    delayUs = 5000;
    metrics.load.record(postPods, 201, 900);
    metrics.load.record(postPods, 0, 0);
    metrics.nodes.merge([
      {
        verb: 'POST',
        resource: 'pods',
        subresource: '',
        scope: 'resource',
        histogram: '',
        clampedCount: 0,
        statuses: { 201: 1 },
      },
    ]);
    metrics.nodes.record(postPods, 201, 900);
    const [load, nodes] = apiCallSlis(metrics, true, []);
    expect(load).toMatchObject({ count: 3, p50: 900, max: 900 });
    expect(load?.lowerBound).toMatchObject({ p50: 500, max: 900 });
    expect(nodes?.lowerBound).toBeUndefined();
  });

  it('counts refusals as results: in the latencies and in a note', () => {
    const metrics = sources();
    for (let i = 0; i < 3; i++) metrics.load.record(postPods, 429, 1000);
    metrics.load.record(postPods, 201, 1000);
    metrics.nodes.record(listPods, 429, 1000);
    metrics.nodes.record(callClass('PATCH', 'pods', 'status', 'resource'), 409, 1000);
    metrics.nodes.record(listPods, 0, 0);
    expect(apiCallSlis(metrics, true, [])[0]?.count).toBe(4);
    expect(refusalNote(metrics)).toBe(
      'Requests without success: 1 × 409 (most: PATCH pods/status, 1), 4 × 429 (most: POST pods, 3), 1 × no answer (most: LIST pods, 1).',
    );
    expect(refusalNote(sources())).toBeUndefined();
  });
});
