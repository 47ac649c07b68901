import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { renderHtml } from '../../../src/report/html/render-html.ts';
import {
  type JudgedSli,
  apiCallRows,
  judgedSlis,
  labelText,
  quantileName,
  rateText,
  sliName,
  usedText,
  valueAt,
  valueText,
} from '../../../src/report/view.ts';
import type { Sli } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { sampleResult } from './sample-result.ts';

function sli(labels: Record<string, string>, id = 'api-call', values: number[] = [1000]): Sli {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return toSli(histogram, { id, labels, unit: 'us', definition: 'd', source: 's', resolution: 'r' });
}

describe('view', () => {
  it('names calls as a reader would', () => {
    const pods = { verb: 'PATCH', resource: 'pods', subresource: 'status', scope: 'resource' };
    expect(labelText(sli(pods))).toBe('PATCH pods/status (resource)');
    expect(labelText(sli({ ...pods, subresource: '', client: 'kubelet' }))).toBe(
      'PATCH pods (resource, client=kubelet)',
    );
    expect(sliName(sli({ phase: 'a to b' }, 'pod-startup-phase'))).toBe('pod-startup-phase: a to b');
    expect(sliName(sli({}))).toBe('api-call');
    expect([0.5, 0.99, 0.999, 0.9999, 1].map(quantileName)).toEqual(['p50', 'p99', 'p99.9', 'p99.99', 'max']);
  });

  it('reads quantiles that the result does not list from the histogram', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    const all = sli({}, 'x', values);
    expect([0.5, 0.9, 0.95, 0.99, 0.999, 1].map((quantile) => valueAt(all, quantile))).toEqual([
      500, 900, 950, 990, 999, 1000,
    ]);
  });

  it('sets raw latencies beside those of the load, and of nobody else', () => {
    const get = { verb: 'GET', resource: 'pods', subresource: '', scope: 'resource' };
    const slis = [
      sli({ ...get, source: 'nodes' }),
      sli({ ...get, source: 'load' }, 'api-call', [9000]),
      sli(get, 'api-call-raw', [2000]),
    ];
    const rows = apiCallRows({ ...sampleResult(), slis });
    expect(rows.map(({ client, raw }) => [client?.labels['source'], raw?.max])).toEqual([
      ['load', 2000],
      ['nodes', undefined],
    ]);
  });

  it('knows by their number whether both sides have the same calls', () => {
    const post = { verb: 'POST', resource: 'deployments', subresource: '', scope: 'resource' };
    const pods = { ...post, resource: 'pods' };
    const slis = [
      sli({ ...post, source: 'load' }, 'api-call', [9000, 9000]),
      sli(post, 'api-call-server', [25_000, 25_000]),
      sli({ ...pods, source: 'load' }, 'api-call', [8000]),
      sli(pods, 'api-call-server', [25_000, 25_000, 25_000]),
      sli({ ...post, verb: 'DELETE' }, 'api-call-server', [25_000]),
    ];
    const rows = apiCallRows({ ...sampleResult(), slis });
    expect(rows.map(({ labels, isSameCalls }) => [labels['verb'], labels['resource'], isSameCalls])).toEqual([
      ['DELETE', 'deployments', false],
      ['POST', 'deployments', true],
      ['POST', 'pods', false],
    ]);
    const page = renderHtml({ ...sampleResult(), slis });
    expect(page).toContain('>3, all clients<');
    expect(page).not.toContain('>2, all clients<');
  });

  it('says how fast a phase sent, and was to', () => {
    const requests = {
      planned: 1000,
      sent: 1000,
      done: 1000,
      failed: 0,
      retries: 0,
      achievedRatio: 1,
      requestedPerSecond: 40,
      achievedPerSecond: 39.92,
      latenessP99Us: 900,
    };
    expect(rateText(requests)).toBe('39.9 of 40/s');
    expect(rateText({ ...requests, achievedPerSecond: null })).toBe('– of 40/s');
    expect(rateText({ ...requests, requestedPerSecond: null })).toBe('1,000 at once');
  });

  it('joins client and server, also where only one of them has the call', () => {
    const get = { verb: 'GET', resource: 'pods', subresource: '', scope: 'resource' };
    const result = {
      ...sampleResult(),
      slis: [
        sli({ ...get, client: 'kubelet' }),
        sli({ ...get, client: 'load' }, 'api-call', [9000]),
        sli(get, 'api-call-server', [50_000]),
        sli({ ...get, verb: 'LIST' }, 'api-call-server', [70_000]),
        sli({ ...get, verb: 'PUT' }, 'api-call', []),
      ],
    };
    const rows = apiCallRows(result).map(({ client, server }) => [client?.labels['client'], server?.p99]);
    expect(rows).toEqual([
      [undefined, expect.any(Number)],
      ['load', expect.any(Number)],
      ['kubelet', expect.any(Number)],
    ]);
  });

  it('says of server-side values below the first bound that they are', () => {
    const judged = (id: string, us: number): JudgedSli => ({
      ...sli({}, id, [us]),
      slo: { quantile: 0.99, threshold: 1_000_000, verdict: 'pass' },
    });
    const [low, high, client] = [
      judged('api-call-server', 25_000),
      judged('api-call-server', 450_000),
      judged('api-call', 25_000),
    ];
    expect([low, high, client].map((one) => valueText(one, one.p99))).toEqual(['< 50 ms', '450 ms', '25 ms']);
    expect([low, high, client].map(usedText)).toEqual(['< 5 %', '45 %', '2.5 %']);
  });

  it('puts misses first, then what came closest', () => {
    const judged = judgedSlis(sampleResult({ verdict: 'fail' }));
    expect(judged.slice(0, 2).map((each) => each.slo.verdict)).toEqual(['fail', 'fail']);
    expect(judged[2]?.slo.verdict).not.toBe('fail');
  });
});
