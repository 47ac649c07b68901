import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import type { Shard } from '../../src/fleet/shard.ts';
import { Histogram } from '../../src/metrics/histogram.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

const nodeCount = 4;
const serviceCount = 3;
const replicas = 8;

type Service = {
  metadata: { name: string; namespace: string };
  spec: { clusterIP: string; ports: { name?: string; protocol: string; port: number }[] };
};
type EndpointSlice = {
  metadata: { namespace: string; labels?: Record<string, string> };
  addressType: string;
  ports: { name?: string; protocol: string; port: number }[] | null;
  endpoints: { addresses: string[]; conditions: { ready?: boolean } }[] | null;
};

/** Services with pods behind them, on a real control plane: what each proxy has programmed, and how late. */
describe('4 hollow proxies on a real control plane', () => {
  let cluster: TestControlPlane;
  let shard: Shard;
  const latencies = new Histogram();
  const proxyP99s = new Histogram();

  const collect = (complete = false): void => {
    const { networkProgramming } = shard.drainStatistics(complete);
    latencies.merge(Histogram.fromBase64(networkProgramming.changes));
    proxyP99s.merge(Histogram.fromBase64(networkProgramming.proxyP99s));
  };

  /** What the API has, by `<namespace>/<name>:<port name>/<protocol>`, put together apart from the proxy's own code. */
  const wanted = async (): Promise<Record<string, unknown>> => {
    const list = async <T>(path: string): Promise<T[]> =>
      (await cluster.admin.call<{ items: T[] }>('GET', path)).body.items;
    const services = await list<Service>('/api/v1/services');
    const slices = await list<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices');
    const rules: Record<string, unknown> = {};
    for (const { metadata, spec } of services) {
      for (const { name = '', protocol, port } of spec.ports) {
        const own = slices.filter(
          (slice) =>
            slice.addressType === 'IPv4' &&
            slice.metadata.namespace === metadata.namespace &&
            slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name,
        );
        const endpoints = own.flatMap((slice) =>
          (slice.ports ?? [])
            .filter((target) => (target.name ?? '') === name && target.protocol === protocol)
            .flatMap((target) =>
              (slice.endpoints ?? [])
                .filter(({ conditions }) => conditions.ready === true)
                .map(({ addresses }) => `${addresses[0]}:${target.port}`),
            ),
        );
        rules[`${metadata.namespace}/${metadata.name}:${name}/${protocol}`] = {
          clusterIp: spec.clusterIP,
          port,
          endpoints: endpoints.toSorted(),
        };
      }
    }
    return rules;
  };
  const programmed = (): Record<string, unknown>[] =>
    [...shard.nodes.values()].map(({ proxy }) => Object.fromEntries(proxy?.rules() ?? []));
  const endpointCount = (rules: Record<string, unknown>, name: string): number =>
    (rules[`default/${name}:http/TCP`] as { endpoints: string[] } | undefined)?.endpoints.length ?? -1;
  const everyProxyHas = (count: number, name = 'web-1'): boolean =>
    programmed().every((rules) => endpointCount(rules, name) === count);

  beforeAll(async () => {
    cluster = await TestControlPlane.start();
    shard = cluster.shard(testNodes(nodeCount));
    await shard.start();
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('programs what there is at the start: the API server itself', async () => {
    await eventually('the first sync', () =>
      [...shard.nodes.values()].every(({ proxy }) => proxy?.rules() !== undefined),
    );
    const rules = await wanted();
    expect(Object.keys(rules)).toContain('default/kubernetes:https/TCP');
    expect(programmed()).toEqual(Array.from({ length: nodeCount }, () => rules));
  });

  it('programs Services and their endpoints as pods get Ready, on every node', async () => {
    // Pods tell whole seconds of when they became Ready: in that of a proxy's start, it takes them for older than itself.
    await sleep(systemClock, 1_000);
    for (let i = 1; i <= serviceCount; i++) {
      const made = await cluster.admin.call('POST', '/api/v1/namespaces/default/services', {
        metadata: { name: `web-${i}` },
        spec: { selector: { app: `web-${i}` }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
      });
      expect(made.status).toBe(201);
      await cluster.admin.call(
        'POST',
        '/apis/apps/v1/namespaces/default/deployments',
        deployment(`web-${i}`, replicas),
      );
    }
    await eventually('every proxy has all endpoints', () =>
      [1, 2, 3].every((i) => everyProxyHas(replicas, `web-${i}`)),
    );
    expect(programmed()).toEqual(await Promise.all(Array.from({ length: nodeCount }, () => wanted())));
    const tables = new Set([...shard.nodes.values()].map(({ proxy }) => JSON.stringify(proxy?.rules())));
    expect(tables.size).toBe(1);
  });

  it('measures how long that took', async () => {
    // One trigger at least for each Service on each node; the rules are there a moment before it is told how long they took.
    await eventually('all latencies are told', () => {
      collect();
      return latencies.count >= nodeCount * serviceCount;
    });
    collect(true);
    // A sync takes 30 ms, and whole seconds are added to no sample for longer than the test has run.
    expect(latencies.quantile(0)).toBeGreaterThan(30_000);
    expect(latencies.max).toBeLessThan(60_000_000);
    expect(proxyP99s.count).toBe(nodeCount);
  });

  it('follows when pods go and others come', async () => {
    const before = latencies.count;
    const scale = (count: number): Promise<{ status: number }> =>
      cluster.admin.call(
        'PATCH',
        '/apis/apps/v1/namespaces/default/deployments/web-1/scale',
        { spec: { replicas: count } },
        'application/merge-patch+json',
      );
    expect((await scale(2)).status).toBe(200);
    await eventually('two endpoints on every node', () => everyProxyHas(2));
    expect(programmed()).toEqual(await Promise.all(Array.from({ length: nodeCount }, () => wanted())));
    expect((await scale(5)).status).toBe(200);
    await eventually('five endpoints on every node', () => everyProxyHas(5));
    collect();
    expect(latencies.count).toBeGreaterThan(before);
  });

  it('takes a Service away when it is deleted', async () => {
    await cluster.admin.call('DELETE', '/api/v1/namespaces/default/services/web-2');
    await eventually('no proxy has it', () => everyProxyHas(-1, 'web-2'));
    await eventually('the controllers have done their part', async () => {
      const rules = JSON.stringify(await wanted());
      return !rules.includes('web-2') && JSON.stringify(programmed()[0]).length === rules.length;
    });
    expect(everyProxyHas(replicas, 'web-3')).toBe(true);
  });

  it('knows of no error', () => {
    const { errors, errorCount } = shard.drainStatistics(true);
    expect(errors).toEqual([]);
    expect(errorCount).toBe(0);
  });
});
