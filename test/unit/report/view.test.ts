import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import {
  apiCallRows,
  judgedSlis,
  labelText,
  quantileName,
  sliName,
  valueAt,
} from '../../../src/report/view.ts';
import type { Sli } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { sampleResult } from './sample-result.ts';

function sli(labels: Record<string, string>, id = 'api-call', values: number[] = [1000]): Sli {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return toSli(histogram, { id, labels, unit: 'us', definition: 'd', source: 's' });
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

  it('puts misses first, then what came closest', () => {
    const judged = judgedSlis(sampleResult({ verdict: 'fail' }));
    expect(judged.slice(0, 2).map((each) => each.slo.verdict)).toEqual(['fail', 'fail']);
    expect(judged[2]?.slo.verdict).not.toBe('fail');
  });
});
