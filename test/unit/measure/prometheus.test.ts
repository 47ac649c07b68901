import { describe, expect, it } from 'vitest';
import { parsePrometheus } from '../../../src/measure/prometheus.ts';
import { callSeries, metricsPage } from './metrics-text.ts';

const postPods = { verb: 'POST', resource: 'pods', scope: 'resource' };
const listPods = { verb: 'LIST', resource: 'pods', scope: 'cluster' };

describe('parsePrometheus', () => {
  it('keeps every series of a histogram with its labels', () => {
    const samples = parsePrometheus(
      metricsPage(1, callSeries(postPods, [1, 2, 3, 4, 5]), callSeries(listPods, [0, 0, 0, 0, 2])),
      ['apiserver_request_sli_duration_seconds_bucket'],
    );
    expect(samples).toHaveLength(10);
    expect(samples[9]).toEqual({
      name: 'apiserver_request_sli_duration_seconds_bucket',
      labels: {
        component: 'apiserver',
        group: '',
        version: 'v1',
        subresource: '',
        ...listPods,
        le: '+Inf',
      },
      value: 2,
    });
  });

  it('reads the first and the last line, escapes, exponents and infinities', () => {
    const samples = parsePrometheus('a{x="q\\"uo\\\\te,}"} 1.5e+09\nb 2\na2 +Inf\na3 3', ['a', 'a2', 'a3']);
    expect(samples.map(({ value }) => value)).toEqual([1.5e9, Number.POSITIVE_INFINITY, 3]);
    expect(samples[0]?.labels['x']).toBe('q"uo\\te,}');
  });

  it('takes whole names only, and what is no comment', () => {
    const text = '# TYPE a counter\nab 1\na_total 2\na 3\na{b="c"} 4\n';
    expect(parsePrometheus(text, ['a']).map(({ value }) => value)).toEqual([3, 4]);
  });

  it('finds nothing in what has nothing', () => {
    expect(parsePrometheus('', ['a'])).toEqual([]);
    expect(parsePrometheus('b 1\n', ['a'])).toEqual([]);
  });
});
