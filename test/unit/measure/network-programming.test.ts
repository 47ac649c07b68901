import { describe, expect, test } from 'vitest';
import { NetworkProgramming } from '../../../src/measure/network-programming.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

function encoded(...values: number[]): string {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram.toBase64();
}

describe('network programming latency', () => {
  test('is nothing without a change', () => {
    const programming = new NetworkProgramming();
    programming.record({ changes: '', proxyP99s: '' });
    expect(programming.slis([])).toEqual([]);
  });

  test('merges what shards tell; nothing is judged', () => {
    const programming = new NetworkProgramming();
    programming.record({ changes: encoded(100_000, 200_000), proxyP99s: '' });
    programming.record({ changes: encoded(300_000), proxyP99s: encoded(200_000) });
    programming.record({ changes: '', proxyP99s: encoded(300_000) });
    const [changes, proxies] = programming.slis([]);
    expect(changes).toMatchObject({ id: 'network-programming', unit: 'us', count: 3 });
    expect((changes?.max ?? 0) / 300_000).toBeCloseTo(1, 2);
    expect(proxies).toMatchObject({ id: 'network-programming-proxy', count: 2 });
    expect(changes?.slo ?? proxies?.slo).toBeUndefined();
  });

  test('is judged by a threshold of the scenario', () => {
    const programming = new NetworkProgramming();
    const values = Array.from({ length: 100 }, (_, i) => (i + 1) * 10_000);
    programming.record({ changes: encoded(...values), proxyP99s: encoded(990_000) });
    const threshold = { sli: 'network-programming', labels: {}, quantile: 0.99, thresholdMs: 500 };
    const slis = programming.slis([threshold]);
    expect(slis.map(({ id, slo }) => [id, slo?.verdict])).toEqual([
      ['network-programming', 'fail'],
      ['network-programming-proxy', undefined],
    ]);
  });
});
