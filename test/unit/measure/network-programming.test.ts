import { describe, expect, test } from 'vitest';
import { NetworkProgramming } from '../../../src/measure/network-programming.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

function encoded(...values: number[]): string {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram.toBase64();
}

const kept = { clampedCount: 0, negativeCount: 0 };

describe('network programming latency', () => {
  test('is nothing without a change', () => {
    const programming = new NetworkProgramming();
    programming.shard({ networkProgramming: { changes: '', proxyP99s: '', ...kept } });
    expect(programming.tell([])).toEqual({});
  });

  test('merges what shards tell; nothing is judged', () => {
    const programming = new NetworkProgramming();
    programming.shard({ networkProgramming: { changes: encoded(100_000, 200_000), proxyP99s: '', ...kept } });
    programming.shard({
      networkProgramming: { changes: encoded(300_000), proxyP99s: encoded(200_000), ...kept },
    });
    programming.shard({ networkProgramming: { changes: '', proxyP99s: encoded(300_000), ...kept } });
    const [changes, proxies] = programming.tell([]).slis ?? [];
    expect(changes).toMatchObject({ id: 'network-programming', unit: 'us', count: 3 });
    expect((changes?.max ?? 0) / 300_000).toBeCloseTo(1, 2);
    expect(proxies).toMatchObject({ id: 'network-programming-proxy', count: 2 });
    expect(changes?.slo ?? proxies?.slo).toBeUndefined();
  });

  test('is judged by a threshold of the scenario', () => {
    const programming = new NetworkProgramming();
    const values = Array.from({ length: 100 }, (_, i) => (i + 1) * 10_000);
    programming.shard({
      networkProgramming: { changes: encoded(...values), proxyP99s: encoded(990_000), ...kept },
    });
    const threshold = { sli: 'network-programming', labels: {}, quantile: 0.99, thresholdMs: 500 };
    const { slis } = programming.tell([threshold]);
    expect(slis?.map(({ id, slo }) => [id, slo?.verdict])).toEqual([
      ['network-programming', 'fail'],
      ['network-programming-proxy', undefined],
    ]);
  });

  test('keeps what shards say of samples that are none', () => {
    const programming = new NetworkProgramming();
    const told = { changes: encoded(0, 0, 300_000), proxyP99s: '', clampedCount: 1, negativeCount: 2 };
    programming.shard({ networkProgramming: told });
    programming.shard({ networkProgramming: { ...told, changes: encoded(500), ...kept } });
    expect(programming.tell([])).toMatchObject({
      clampedCount: 1,
      notes: [
        'Network programming: 2 of 4 changes were in the rules before they had happened, by the clocks of two machines, and count as 0: the others are too short as well.',
      ],
    });
  });
});
