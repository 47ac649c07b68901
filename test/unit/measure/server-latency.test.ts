import { describe, expect, it } from 'vitest';
import { parsePrometheus } from '../../../src/measure/prometheus.ts';
import {
  bucketIncreases,
  histogramOf,
  serverLatencies,
  serverLatencySlis,
  serverPrefixes,
} from '../../../src/measure/server-latency.ts';

const bounds = ['0.05', '0.1', '0.2', '1', '+Inf'];

/** One series in the text format, cumulative counts by bound. */
function series(labels: Record<string, string>, counts: readonly number[]): string {
  const all = { component: 'apiserver', group: '', version: 'v1', subresource: '', ...labels };
  const text = (extra: Record<string, string>): string =>
    Object.entries({ ...all, ...extra })
      .map(([key, value]) => `${key}="${value}"`)
      .join(',');
  const family = 'apiserver_request_sli_duration_seconds';
  return [
    ...bounds.map((le, i) => `${family}_bucket{${text({ le })}} ${counts[i]}`),
    `${family}_sum{${text({})}} 12.5`,
    `${family}_count{${text({})}} ${counts.at(-1)}`,
  ].join('\n');
}

function page(startTime: number, ...parts: string[]): string {
  return [
    '# HELP apiserver_request_sli_duration_seconds [ALPHA] Response latency',
    '# TYPE apiserver_request_sli_duration_seconds histogram',
    ...parts,
    '# TYPE process_start_time_seconds gauge',
    `process_start_time_seconds ${startTime}`,
    '# TYPE process_start_time_seconds_of_another gauge',
    'unrelated{a="b"} 1',
  ].join('\n');
}

const read = (text: string): ReturnType<typeof serverLatencies> =>
  serverLatencies(parsePrometheus(text, serverPrefixes));

const postPods = { verb: 'POST', resource: 'pods', scope: 'resource' };
const listPods = { verb: 'LIST', resource: 'pods', scope: 'cluster' };

describe('parsePrometheus', () => {
  it('keeps every series of a histogram with its labels', () => {
    const samples = parsePrometheus(
      page(1, series(postPods, [1, 2, 3, 4, 5]), series(listPods, [0, 0, 0, 0, 2])),
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
    const samples = parsePrometheus('a{x="q\\"uo\\\\te,}"} 1.5e+09\nb 2\na2 +Inf\na3 3', ['a']);
    expect(samples.map(({ value }) => value)).toEqual([1.5e9, Number.POSITIVE_INFINITY, 3]);
    expect(samples[0]?.labels['x']).toBe('q"uo\\te,}');
  });

  it('finds nothing in what has nothing', () => {
    expect(parsePrometheus('', ['a'])).toEqual([]);
    expect(parsePrometheus('b 1\n', ['a'])).toEqual([]);
  });
});

describe('bucketIncreases', () => {
  const cumulative = (...counts: number[]): Map<number, number> =>
    new Map(counts.map((count, i) => [[0.1, 0.2, Number.POSITIVE_INFINITY][i] as number, count]));

  it('is what came into each bucket in between', () => {
    expect(bucketIncreases(cumulative(5, 8, 9), cumulative(7, 12, 14))).toEqual([
      { lowSeconds: 0, highSeconds: 0.1, count: 2 },
      { lowSeconds: 0.1, highSeconds: 0.2, count: 2 },
      { lowSeconds: 0.2, highSeconds: Number.POSITIVE_INFINITY, count: 1 },
    ]);
  });

  it('takes the later reading alone when the counters began anew', () => {
    expect(bucketIncreases(cumulative(5, 8, 9), cumulative(1, 9, 10)).map(({ count }) => count)).toEqual([
      1, 8, 1,
    ]);
    expect(bucketIncreases(undefined, cumulative(1, 1, 2)).map(({ count }) => count)).toEqual([1, 0, 1]);
  });
});

describe('histogramOf', () => {
  it('has the quantiles that histogram_quantile gives', () => {
    const histogram = histogramOf([
      { lowSeconds: 0, highSeconds: 0.05, count: 900 },
      { lowSeconds: 0.05, highSeconds: 0.1, count: 90 },
      { lowSeconds: 0.1, highSeconds: 0.2, count: 8 },
      { lowSeconds: 60, highSeconds: Number.POSITIVE_INFINITY, count: 2 },
    ]);
    expect(histogram.count).toBe(1000);
    // rank 500 of 900 in 0..0.05
    expect(histogram.quantile(0.5) / 1e6).toBeCloseTo((0.05 * 500) / 900, 3);
    // rank 945: 45 of 90 in 0.05..0.1
    expect(histogram.quantile(0.945) / 1e6).toBeCloseTo(0.075, 3);
    expect(histogram.quantile(0.99) / 1e6).toBeCloseTo(0.1, 3);
    expect(histogram.max / 1e6).toBeCloseTo(60, 0);
  });

  it('never lies beyond the bound within which a latency was', () => {
    for (const bound of [0.05, 0.1, 0.6, 1, 1.25, 30]) {
      const histogram = histogramOf([{ lowSeconds: bound / 2, highSeconds: bound, count: 7 }]);
      expect(histogram.quantile(1)).toBeLessThanOrEqual(bound * 1e6);
      expect(histogram.quantile(1)).toBeGreaterThan(bound * 0.998 * 1e6);
    }
  });

  it('loses no sample of a large bucket', () => {
    const histogram = histogramOf([{ lowSeconds: 0, highSeconds: 0.05, count: 1_234_567 }]);
    expect(histogram.count).toBe(1_234_567);
    expect(histogram.quantile(0.5)).toBeGreaterThan(24_900);
    expect(histogram.quantile(0.5)).toBeLessThan(25_100);
  });
});

describe('serverLatencySlis', () => {
  it('judges each kind of call by the official objective', () => {
    const before = read(page(100, series(postPods, [10, 10, 10, 10, 10])));
    const after = read(
      page(
        100,
        series(postPods, [110, 110, 110, 110, 210]),
        series(listPods, [0, 0, 0, 100, 100]),
        series({ verb: 'DELETECOLLECTION', resource: 'pods', scope: 'namespace' }, [1, 1, 1, 1, 1]),
        series({ verb: 'GET', resource: 'things', group: 'example.com', scope: 'resource' }, [1, 1, 1, 1, 1]),
        series(
          { verb: 'POST', resource: 'tokenreviews', group: 'authentication.k8s.io', scope: 'resource' },
          [1, 1, 1, 1, 1],
        ),
        series({ verb: 'GET', resource: '', subresource: '/healthz', scope: '' }, [9, 9, 9, 9, 9]),
      ),
    );
    const { slis, reset } = serverLatencySlis(before, after, []);
    expect(reset).toBe(false);
    expect(
      slis.map((sli) => [sli.labels['verb'], sli.labels['resource'], sli.count, sli.slo?.threshold]),
    ).toEqual([
      ['POST', 'pods', 200, 1_000_000],
      ['LIST', 'pods', 100, 30_000_000],
      ['DELETECOLLECTION', 'pods', 1, undefined],
      ['GET', 'things.example.com', 1, undefined],
      ['POST', 'tokenreviews', 1, undefined],
    ]);
    expect(slis[0]?.source).toContain('nothing below 50 ms is resolved');
    expect(slis[1]?.slo?.verdict).toBe('pass');
  });

  it('adds up series that differ in version or group of built-in resources', () => {
    const after = read(
      page(
        1,
        series({ verb: 'POST', resource: 'events', scope: 'resource' }, [1, 1, 1, 1, 1]),
        series(
          { verb: 'POST', resource: 'events', group: 'events.k8s.io', scope: 'resource' },
          [2, 2, 2, 2, 2],
        ),
      ),
    );
    const { slis } = serverLatencySlis(read(page(1)), after, []);
    expect(slis.map((sli) => sli.count)).toEqual([3]);
  });

  it('takes the second scrape as it is when the server was restarted', () => {
    const before = read(page(100, series(postPods, [5, 5, 5, 5, 5])));
    const after = read(page(200, series(postPods, [7, 7, 7, 7, 7])));
    const { slis, reset } = serverLatencySlis(before, after, []);
    expect(reset).toBe(true);
    expect(slis.map((sli) => sli.count)).toEqual([7]);
  });

  it('leaves out kinds without a call', () => {
    const same = read(page(1, series(postPods, [5, 5, 5, 5, 5])));
    expect(serverLatencySlis(same, same, []).slis).toEqual([]);
  });
});
