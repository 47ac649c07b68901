import { beforeEach, describe, expect, it } from 'vitest';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiRequest, ApiResponse } from '../../../src/kube/client.ts';
import { WatchDelivery } from '../../../src/measure/watch-delivery.ts';
import { deliveryAnnotation, readWrite } from '../../../src/metrics/delivery.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from './fake-clock.ts';

let clock: FakeClock;
let nodesReady: number;
/** Of each request: method, path, and the sequence that its annotation has. */
let sent: [string, string, number | undefined][];
/** Statuses of the next answers; 0: none; -1: success after 15 s. */
let statuses: number[];
let delivery: WatchDelivery;

const client = {
  codec: jsonCodec,
  request({ method, path, body }: ApiRequest): Promise<ApiResponse> {
    const { metadata } = JSON.parse(body?.toString() ?? '{}') as {
      metadata: { annotations: Record<string, string> };
    };
    sent.push([method, path, readWrite(metadata.annotations[deliveryAnnotation])?.sequence]);
    const status = statuses.shift() ?? (method === 'POST' ? 201 : 200);
    return new Promise((resolve, reject) => {
      clock.timer(status === -1 ? 15_000 : 20, () =>
        status === 0
          ? reject(new NoAnswerError('connection lost', false))
          : resolve({
              status: Math.abs(status) === 1 ? 200 : status,
              contentType: '',
              body: Buffer.alloc(0),
            }),
      );
    });
  },
};

function make(proxies: boolean): WatchDelivery {
  const service = { namespace: 'default', name: 'probe', labels: {} };
  return new WatchDelivery({
    clock,
    client,
    service,
    nodesReady: () => nodesReady,
    proxies,
    delayNowUs: () => 5_000,
  });
}

beforeEach(() => {
  clock = new FakeClock();
  nodesReady = 10;
  sent = [];
  statuses = [];
  delivery = make(true);
});

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 20) {
    clock.pass(20);
    await new Promise(setImmediate);
    delivery.sample(clock.nowUs());
  }
}

function begin(): void {
  delivery.phase();
  delivery.phase();
}

function seen(
  sequence: number,
  kubelets: number,
  proxies: number,
  slowestUs: number,
  slowestNode = 'a',
): void {
  const histogram = new Histogram();
  histogram.record(slowestUs, kubelets);
  const writes = [{ sequence, kubelets, proxies, slowestUs, slowestNode }];
  delivery.shard({ delivery: { kubelets: histogram.toBase64(), proxies: '', clampedCount: 0, writes } });
}

const figure = (id: string): number | undefined =>
  delivery.tell([]).figures?.find((one) => one.id === id)?.value;
const sli = (id: string): { count: number; max: number } | undefined =>
  delivery.tell([]).slis?.find((one) => one.id === id);

describe('watch delivery', () => {
  it('keeps what shards say of samples beyond an hour', async () => {
    begin();
    await pass(100);
    const told = { kubelets: '', proxies: '', writes: [] };
    delivery.shard({ delivery: { ...told, clampedCount: 2 } });
    delivery.shard({ delivery: { ...told, clampedCount: 1 } });
    expect(delivery.tell([]).clampedCount).toBe(3);
  });

  it('writes nothing before the nodes are there, and is nothing then', async () => {
    delivery.phase();
    await pass(20_000);
    await delivery.finish();
    expect(sent).toEqual([]);
    expect(delivery.tell([])).toEqual({});
  });

  it('makes its Service, patches it every 10 s, and times the answers', async () => {
    begin();
    await pass(21_000);
    const path = '/api/v1/namespaces/default/services';
    expect(sent).toEqual([
      ['POST', path, 1],
      ['PATCH', `${path}/probe`, 2],
      ['PATCH', `${path}/probe`, 3],
    ]);
    await delivery.finish();
    expect(sli('watch-delivery-write')).toMatchObject({ count: 3 });
    expect((sli('watch-delivery-write')?.max ?? 0) / 20_000).toBeCloseTo(1, 1);
  });

  it('tells how long a write took at least: less the delay of the thread that waits for its answer', async () => {
    begin();
    await pass(100);
    const [write] = (delivery.tell([]).slis ?? []).filter(({ id }) => id === 'watch-delivery-write');
    expect(write?.max).toBeGreaterThanOrEqual(20_000);
    expect((write?.max ?? 0) - (write?.lowerBound?.max ?? 0)).toBeCloseTo(5000, -2);
  });

  it('knows the slowest of all nodes over all shards', async () => {
    begin();
    await pass(4_000);
    seen(1, 4, 4, 30_000);
    seen(1, 6, 5, 90_000, 'b');
    await pass(5_000);
    seen(1, 0, 1, 70_000);
    await pass(10_000);
    await delivery.finish();
    // The second write was still on its way.
    expect(figure('watch-delivery-writes')).toBe(1);
    expect(figure('watch-delivery-missing')).toBe(0);
    expect((sli('watch-delivery-slowest')?.max ?? 0) / 90_000).toBeCloseTo(1, 2);
    const slowest = delivery.tell([]).figures?.find(({ id }) => id === 'watch-delivery-slowest-node');
    expect(slowest).toMatchObject({ labels: { node: 'b' }, unit: 'us', value: 90_000 });
    expect(sli('watch-delivery')?.count).toBe(10);
    expect(delivery.tell([]).notes).toEqual([]);
  });

  it('counts what had not come when the next write was due, and that write with the time until then', async () => {
    begin();
    seen(1, 10, 8, 30_000);
    // Late, though settled only when all shards have told.
    await pass(12_000);
    nodesReady = 5;
    seen(2, 10, 10, 40_000);
    await pass(20_000);
    await delivery.finish();
    expect(figure('watch-delivery-missing')).toBe(2 + 2 * 5);
    expect((sli('watch-delivery-slowest')?.max ?? 0) / 10_000_000).toBeCloseTo(1, 2);
    expect(delivery.tell([]).notes?.[0]).toMatch(/^2 of 3 writes had not come to every Ready node/);
  });

  it('asks nothing of proxies where there are none', async () => {
    delivery = make(false);
    begin();
    await pass(100);
    seen(1, 10, 0, 30_000);
    await delivery.finish();
    expect(figure('watch-delivery-missing')).toBe(0);
    expect(figure('watch-delivery-writes')).toBe(1);
  });

  it('holds no node to a write without success, and says why there was none', async () => {
    statuses = [403, 0, 201];
    begin();
    await pass(31_000);
    for (const sequence of [3, 4]) seen(sequence, 10, 10, 5_000);
    await delivery.finish();
    expect(sent.map(([method]) => method)).toEqual(['POST', 'POST', 'POST', 'PATCH']);
    expect(figure('watch-delivery-writes')).toBe(2);
    expect(figure('watch-delivery-missing')).toBe(0);
    expect(delivery.tell([]).notes).toEqual([
      'Watch delivery: 2 of 4 writes were without success, the first: HTTP 403.',
    ]);
  });

  it('leaves out a write while the one before has no answer, and says so', async () => {
    statuses = [201, -1];
    begin();
    await pass(35_000);
    await delivery.finish();
    // Those of 0, 10 and 30 s; that of 20 s was left out.
    expect(sent.map(([, , sequence]) => sequence)).toEqual([1, 2, 3]);
    expect(delivery.tell([]).notes).toContain(
      'Watch delivery: 1 write left out, as the one before had no answer yet.',
    );
  });

  it('takes a Service for made when it is there, as after a lost answer', async () => {
    statuses = [0, 409];
    begin();
    await pass(21_000);
    expect(sent.map(([method]) => method)).toEqual(['POST', 'POST', 'PATCH']);
  });
});
