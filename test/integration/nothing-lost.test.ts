import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Shard } from '../../src/fleet/shard.ts';
import { ApiClient } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import {
  type ApiServerEndpoint,
  type ClientCertificate,
  certificateIdentity,
} from '../../src/kube/identity.ts';
import { probeLease } from '../../src/load/identity.ts';
import { Measurement } from '../../src/measure/measurement.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { StallingProxy } from '../oracle/stalling-proxy.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

/*
 * Pods that come, start and go while the observer's watch is broken, falls behind a compaction of etcd, is told to go away
 * and loses its API server: in the end its books are those of the final list and of the audit log.
 */

const runId = 'nothing-lost';
const runLabel = 'hollowmark.dev/run';
const namespace = 'lost';
const waitMs = 120_000;
const pods = `/api/v1/namespaces/${namespace}/pods`;
const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;

type PodList = {
  metadata: { resourceVersion: string };
  items: { metadata: { name: string; uid: string; deletionTimestamp?: string }; status: { phase: string } }[];
};

let cp: TestControlPlane;
let shard: Shard;
let proxy: StallingProxy;
let observer: ApiClient;
let probe: ApiClient;
let measurement: Measurement;
let reporting: NodeJS.Timeout;
let startedOnNodes = 0;

beforeAll(async () => {
  // Every fiftieth request costs its connection, and watches of pods have etcd's memory and not the API server's.
  const flags = ['--goaway-chance=0.02', '--watch-cache-sizes=pods#0'];
  cp = await TestControlPlane.start({ audit: true, extraFlags: { 'kube-apiserver': flags } });
  await made('/api/v1/namespaces', { metadata: { name: namespace } });
  await eventually('the namespace has its service account', async () => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    return (await cp.admin.call('GET', path)).status === 200;
  });
  shard = cp.shard(testNodes(3, 'keeper'), false);
  await shard.start();
  proxy = await StallingProxy.start(cp.controlPlane.ports['kube-apiserver']);
  const { endpoint, admin } = cp.controlPlane;
  observer = clientOf({ ...endpoint, url: `https://127.0.0.1:${proxy.port}` }, admin);
  probe = clientOf(endpoint, admin);
  measurement = new Measurement({
    clock: systemClock,
    runId,
    observerClient: observer,
    probeClient: probe,
    observerMetrics: new CallMetrics(),
    probeLease: probeLease(runId),
    loadMetrics: new CallMetrics(),
    loadCounters: () => ({ dueCount: 0, sentCount: 0 }),
    components: [],
    harnessPids: () => ({ harness: process.pid }),
    controlPlanePids: () => ({}),
    cpuCount: availableParallelism(),
  });
  await measurement.start();
  reporting = setInterval(() => {
    const { startedUids, startedTimesUs } = shard.report();
    startedOnNodes += startedUids.length;
    measurement.recordNodeSide(startedUids, startedTimesUs);
  }, 200);
});

afterAll(async () => {
  clearInterval(reporting);
  measurement?.stop();
  observer?.close();
  probe?.close();
  shard?.stop();
  await proxy?.stop();
  await cp?.stop();
});

function clientOf(endpoint: ApiServerEndpoint, certificate: ClientCertificate): ApiClient {
  return new ApiClient({
    endpoint,
    identity: certificateIdentity(endpoint, certificate),
    codec: jsonCodec,
    userAgent: 'hollowmark-test',
    clock: systemClock,
    prng: new Prng('nothing-lost'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(4),
  });
}

async function made(path: string, body: unknown): Promise<void> {
  const { status, body: answer } = await cp.admin.call('POST', path, body);
  if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(answer)}`);
}

/** A Deployment whose pods are the run's. */
async function deploy(name: string, replicas: number): Promise<void> {
  const object = deployment(name, replicas) as {
    spec: { template: { metadata: { labels: Record<string, string> } } };
  };
  object.spec.template.metadata.labels[runLabel] = runId;
  await made(deployments, object);
}

async function scale(name: string, replicas: number): Promise<void> {
  const merge = 'application/merge-patch+json';
  const { status } = await cp.admin.call('PATCH', `${deployments}/${name}`, { spec: { replicas } }, merge);
  expect(status).toBe(200);
}

const list = async (): Promise<PodList> => (await cp.admin.call<PodList>('GET', pods)).body;

/** As the API server has it, whatever the observer sees. */
function untilServerHas(running: number): Promise<void> {
  const isSo = async (): Promise<boolean> => {
    const { items } = await list();
    return items.length === running && items.every(({ status }) => status.phase === 'Running');
  };
  return eventually(`${running} pods run`, isSo, waitMs);
}

function untilObserverHas(counts: { created: number; started: number; deleted: number }): Promise<void> {
  const isSo = (): boolean => {
    const { created, started, deleted } = measurement.pods;
    return created === counts.created && started === counts.started && deleted === counts.deleted;
  };
  return eventually(`the observer has ${JSON.stringify(counts)}`, isSo, waitMs);
}

/** Forgets the past of etcd, up to now. */
async function compact(): Promise<void> {
  const { endpoint, client: certificate } = cp.controlPlane.etcd;
  const client = clientOf(endpoint, certificate);
  try {
    const { metadata } = await list();
    const body = Buffer.from(JSON.stringify({ revision: metadata.resourceVersion, physical: true }));
    const kind = callClass('POST', 'compaction', '', 'cluster');
    const answer = await client.request({ method: 'POST', path: '/v3/kv/compaction', kind, body });
    expect(answer.status, answer.body.toString()).toBe(200);
  } finally {
    client.close();
  }
}

describe('nothing is lost', { timeout: 400_000 }, () => {
  it('while all is well', async () => {
    await deploy('calm', 20);
    await untilServerHas(20);
    await untilObserverHas({ created: 20, started: 20, deleted: 0 });
    expect(measurement.pods.interruptions).toBe(0);
  });

  it('when connections break again and again', async () => {
    await deploy('broken', 30);
    for (let turn = 0; turn < 8; turn++) {
      await sleep(systemClock, 250);
      proxy.breakAll();
    }
    await scale('calm', 15);
    proxy.breakAll();
    await untilServerHas(45);
    await untilObserverHas({ created: 50, started: 50, deleted: 5 });
    expect(measurement.pods.interruptions).toBeGreaterThan(0);
  });

  it('when what was missed is compacted away, and the watch is answered with 410', async () => {
    const before = measurement.pods.interruptions;
    proxy.hold();
    // Those that are cut off now come back to a proxy that stands still.
    proxy.breakAll();
    await deploy('unseen', 20);
    await scale('broken', 20);
    await untilServerHas(55);
    await compact();
    proxy.release();
    await untilObserverHas({ created: 70, started: 70, deleted: 15 });
    expect(measurement.pods.interruptions).toBeGreaterThan(before);
    expect(measurement.pods.lastInterruption).toMatch(/410|Expired|compacted/);
  });

  it('when the API server is restarted in the middle', async () => {
    await deploy('restarted', 25);
    await sleep(systemClock, 500);
    await cp.controlPlane.restart('kube-apiserver');
    await scale('unseen', 10);
    await untilServerHas(70);
    await untilObserverHas({ created: 95, started: 95, deleted: 25 });
    const { items } = await list();
    expect(items).toHaveLength(70);
    expect(items.filter(({ metadata }) => !measurement.pods.hasStarted(metadata.uid))).toEqual([]);
  });

  it('as final list, nodes and audit log say', async () => {
    const { items } = await list();
    const measured = await measurement.finish({ achieved: [] });
    expect(measured.pods).toEqual({ created: 95, started: 95, deleted: 25, failed: 0 });
    expect(startedOnNodes).toBe(95);
    expect(measurement.pods.present).toBe(items.length);
    expect(items.filter(({ metadata }) => !measurement.pods.has(metadata.uid))).toEqual([]);
    const check = measured.validity.checks.find(({ id }) => id === 'counts-agree');
    expect(check).toMatchObject({ verdict: 'pass', value: 0 });
    const ours = cp
      .auditLines()
      .filter(({ stage, objectRef }) => stage === 'ResponseComplete' && objectRef?.resource === 'pods')
      .filter(
        ({ requestURI, objectRef }) => requestURI.startsWith(pods) && objectRef?.subresource === undefined,
      );
    const created = ours.filter(
      ({ verb, responseStatus }) => verb === 'create' && responseStatus?.code === 201,
    );
    expect(created).toHaveLength(measured.pods.created);
    // Asked for by the ReplicaSet controller, and again by the kubelet once the containers have stopped.
    const deleted = ours
      .filter(({ verb, responseStatus }) => verb === 'delete' && responseStatus?.code === 200)
      .map(({ objectRef }) => objectRef?.name);
    expect(new Set(deleted).size).toBe(measured.pods.deleted);
    expect(created.length - new Set(deleted).size).toBe(items.length);
  });
});
