import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { DelayingProxy } from '../../src/fidelity/trend/delaying-proxy.ts';
import { certificateIdentity } from '../../src/kube/identity.ts';
import type { LoadRequest } from '../../src/load/call.ts';
import { type Bucket, bucketIncreases } from '../../src/measure/buckets.ts';
import { serverFamily } from '../../src/measure/components/server-calls.ts';
import { parsePrometheus, scrape } from '../../src/measure/prometheus.ts';
import { callClass } from '../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { type Paced, exactQuantile, sendPaced, whileValid } from '../oracle/paced.ts';
import { TestControlPlane } from './support.ts';

/*
 * A real API server behind a proxy that holds all bytes for a known time, and its own histogram of the same requests: what
 * the client measures is what the server measures and the way there and back, request by request.
 */

const namespace = 'oracle';
const delaysMs = [0, 20, 100];
const [count, perSecond] = [250, 50];

/** The server may go on with its books for a moment after the client has all bytes of the answer. */
const bookkeepingUs = 2_000;
/** Requests of which that takes longer, as the machine gives the server's goroutine no core. */
const outOfOrderMax = 0.02 * count;

type Measured = { eachWayMs: number; client: Paced; server: Bucket[]; loopDelayUs: number };

let cp: TestControlPlane;
let proxy: DelayingProxy;
const measured: Measured[] = [];

beforeAll(async () => {
  cp = await TestControlPlane.start();
  proxy = await DelayingProxy.start(cp.controlPlane.ports['kube-apiserver'], systemClock);
  const made = await cp.admin.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  expect(made.status).toBe(201);
  // From here on nobody else creates ConfigMaps: the controller manager has given the namespace its own.
  const ownPath = `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`;
  while ((await cp.admin.call('GET', ownPath)).status !== 200) await sleep(systemClock, 50);
  for (const eachWayMs of delaysMs) measured.push(await measure(eachWayMs));
  process.stderr.write(`${rendered().join('\n')}\n`);
});

afterAll(async () => {
  await proxy?.stop();
  await cp?.stop();
});

function measure(eachWayMs: number): Promise<Measured> {
  const { endpoint, admin } = cp.controlPlane;
  return whileValid(async () => {
    const stem = `m-${eachWayMs}-${Math.round(systemClock.nowUs())}`;
    proxy.delay(eachWayMs);
    const before = await serverBuckets();
    const client = await sendPaced({
      endpoint: { ...endpoint, url: `https://127.0.0.1:${proxy.port}` },
      identity: certificateIdentity(endpoint, admin),
      count,
      perSecond,
      make: (index) => creation(`${stem}-${index}`),
    });
    const after = await serverBuckets();
    return { eachWayMs, client, server: bucketIncreases(before, after), loopDelayUs: client.loopDelayUs };
  });
}

function creation(name: string): LoadRequest {
  return {
    what: `create ConfigMap ${name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      kind: callClass('POST', 'configmaps', '', 'resource'),
      body: jsonCodec.encode({ metadata: { name }, data: { a: '1' } }),
    },
  };
}

/** Of what the client does here, from the server's own metrics, past the proxy. */
async function serverBuckets(): Promise<ReadonlyMap<number, number>> {
  const text = await scrape({ component: 'kube-apiserver', client: cp.admin.client });
  const buckets = new Map<number, number>();
  for (const { labels, value } of parsePrometheus(text, [`${serverFamily}_bucket`])) {
    if (labels['verb'] !== 'POST' || labels['resource'] !== 'configmaps') continue;
    const boundUs = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']) * 1e6;
    buckets.set(boundUs, (buckets.get(boundUs) ?? 0) + value);
  }
  return buckets;
}

const inServer = ({ server }: Measured, upToUs: number): number =>
  server.reduce((sum, bucket) => sum + (bucket.high <= upToUs ? bucket.count : 0), 0);

/** For docs/measuring.md. */
function rendered(): string[] {
  const ms = (us: number): string => (us / 1000).toFixed(1);
  return [
    '| held each way | client p50 | p90 | p99 | less what was held: p50 | p99 | server within 50 ms | 100 ms |',
    '|---|---|---|---|---|---|---|---|',
    ...measured.map((one) => {
      const { eachWayMs, client } = one;
      const [p50, p90, p99] = [0.5, 0.9, 0.99].map((quantile) => client.corrected.quantile(quantile));
      const held = 2000 * eachWayMs;
      const share = (upToUs: number): string => `${((100 * inServer(one, upToUs)) / count).toFixed(1)} %`;
      return `| ${eachWayMs} ms | ${ms(p50 ?? 0)} ms | ${ms(p90 ?? 0)} ms | ${ms(p99 ?? 0)} ms | ${ms((p50 ?? 0) - held)} ms | ${ms((p99 ?? 0) - held)} ms | ${share(50_000)} | ${share(100_000)} |`;
    }),
  ];
}

describe.each(delaysMs.map((eachWayMs, index) => ({ eachWayMs, index })))(
  'an API server behind $eachWayMs ms each way',
  ({ eachWayMs, index }) => {
    const of = (): Measured => measured[index] as Measured;
    const heldUs = 2000 * eachWayMs;

    it('has counted the same requests as the client', () => {
      const { client, server } = of();
      expect(client.report).toMatchObject({ doneCount: count, failedCount: 0, retryCount: 0 });
      expect(server.reduce((sum, bucket) => sum + bucket.count, 0)).toBe(count);
    });

    it('was quicker than the client says, by what the proxy held at least', () => {
      const { client } = of();
      for (const { high } of of().server) {
        if (!Number.isFinite(high)) continue;
        const boundUs = high + heldUs - bookkeepingUs;
        const inClient = client.latenciesUs.filter((us) => us <= boundUs).length;
        // A request that the client saw within the bound was within it on the server, too.
        expect(inClient, `within ${high} µs`).toBeLessThanOrEqual(inServer(of(), high) + outOfOrderMax);
      }
      expect(Math.min(...client.latenciesUs)).toBeGreaterThanOrEqual(heldUs);
    });

    it('was slower than the client says by no more than that, the way and how late the client was', () => {
      const { client, server, loopDelayUs } = of();
      // The server tells nothing below 50 ms: its median lies in one of its buckets, and the client's must lie there too.
      let below = 0;
      const bucket = server.find(({ count: own }) => (below += own) >= count / 2);
      const upToUs = bucket?.high ?? 0;
      const median = exactQuantile(client.latenciesUs, 0.5) - heldUs;
      expect(median).toBeGreaterThanOrEqual(bucket?.low ?? 0);
      expect(median).toBeLessThanOrEqual(upToUs + 10_000 + loopDelayUs);
    });
  },
);

it('the delay of the proxy is the difference between two runs behind it', () => {
  const medians = measured.map(({ client }) => exactQuantile(client.latenciesUs, 0.5));
  const [none = 0, some = 0, more = 0] = medians;
  // Within 5 % of what was injected, and what a server's median changes by from one run to the next.
  expect(Math.abs(some - none - 40_000)).toBeLessThan(0.05 * 40_000 + 10_000);
  expect(Math.abs(more - none - 200_000)).toBeLessThan(0.05 * 200_000 + 10_000);
});
