import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { CertificateIssuer } from '../../src/kube/certificates.ts';
import { ApiClient } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import {
  type ApiServerEndpoint,
  type ClientCertificate,
  certificateIdentity,
} from '../../src/kube/identity.ts';
import { grants, observerSubject, probeLease } from '../../src/load/identity.ts';
import { type Measured, Measurement } from '../../src/measure/measurement.ts';
import { parsePrometheus, scrape } from '../../src/measure/prometheus.ts';
import { judgeRun } from '../../src/measure/verdict.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { Histogram } from '../../src/metrics/histogram.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { TestControlPlane } from './support.ts';

const runId = 'measure-test';
const runLabels = { 'hollowmark.dev/run': runId };
const namespace = 'measured';
const waitMs = 30_000;

type Object = { metadata: { uid: string; name: string; creationTimestamp: string } };

let cp: TestControlPlane;
let measurement: Measurement;
let clients: ApiClient[];
const observerMetrics = new CallMetrics();
const loadMetrics = new CallMetrics();

beforeAll(async () => {
  cp = await TestControlPlane.start();
  await setUpCluster();
  // The identity that a run gives its observer: what it needs and no more.
  const issuer = await CertificateIssuer.open(cp.controlPlane.clientAuthority, () => systemClock.wallMs());
  const certificate = await issuer.issueClient(observerSubject);
  clients = [1, 2].map(() => clientOf(cp.controlPlane.endpoint, certificate, observerMetrics));
  measurement = newMeasurement();
  await measurement.start();
});

afterAll(async () => {
  measurement?.stop();
  for (const client of clients ?? []) client.close();
  await cp?.stop();
});

function clientOf(
  endpoint: ApiServerEndpoint,
  certificate: ClientCertificate,
  metrics = new CallMetrics(),
): ApiClient {
  return new ApiClient({
    endpoint,
    identity: certificateIdentity(endpoint, certificate),
    codec: jsonCodec,
    userAgent: 'hollowmark-test',
    clock: systemClock,
    prng: new Prng('test'),
    metrics,
    handshakes: new HandshakeGate(4),
  });
}

function newMeasurement(): Measurement {
  const { controlPlane } = cp;
  return new Measurement({
    clock: systemClock,
    runId,
    observerClient: clients[0] as ApiClient,
    probeClient: clients[1] as ApiClient,
    observerMetrics,
    probeLease: probeLease(runId),
    loadMetrics,
    loadCounters: () => ({ dueCount: measurement.pods.created, sentCount: measurement.pods.created }),
    scrapeTargets: [{ component: 'kube-apiserver', client: cp.admin.client }],
    harnessPids: () => ({ harness: process.pid }),
    controlPlanePids: () => controlPlane.pids(),
    cpuCount: availableParallelism(),
  });
}

async function post(path: string, body: unknown): Promise<Object> {
  const answer = await cp.admin.call<Object>('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function setUpCluster(): Promise<void> {
  await post('/api/v1/namespaces', { metadata: { name: namespace } });
  for (const { path, object } of grants(runId)) await post(path, object);
  // Pods are refused until the controller manager has made the namespace's service account.
  for (;;) {
    const { status } = await cp.admin.call('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`);
    if (status === 200) return;
    await sleep(systemClock, 50);
  }
}

/** Creates a pod as the load generator would: nobody schedules it. */
async function createPod(name: string, labels: Record<string, string> = {}): Promise<string> {
  const intendedUs = systemClock.nowUs();
  const created = await post(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, labels: { ...runLabels, 'hollowmark.dev/purpose': 'latency', ...labels } },
    spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'pause' }] },
  });
  const acceptedUs = systemClock.nowUs();
  if (labels['hollowmark.dev/run'] !== undefined) return created.metadata.uid;
  loadMetrics.record(callClass('POST', 'pods', '', 'resource'), 201, acceptedUs - intendedUs);
  measurement.onCreated({ uid: created.metadata.uid, intendedUs, sentUs: intendedUs + 50, acceptedUs });
  return created.metadata.uid;
}

/** Binds a pod and reports it as started, as scheduler and kubelet would. */
async function startPod(name: string, uid: string): Promise<void> {
  await post(`/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
    metadata: { name, uid },
    target: { kind: 'Node', name: 'hollow-1' },
  });
  const seenUs = systemClock.nowUs();
  await sleep(systemClock, 20);
  const sentUs = systemClock.nowUs();
  const { status } = await cp.admin.call(
    'PATCH',
    `/api/v1/namespaces/${namespace}/pods/${name}/status`,
    {
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'c',
            image: 'pause',
            imageID: 'pause',
            ready: true,
            restartCount: 0,
            started: true,
            state: { running: { startedAt: new Date(systemClock.wallMs()).toISOString() } },
          },
        ],
      },
    },
    'application/merge-patch+json',
  );
  expect(status).toBe(200);
  measurement.recordNodeSide([uid], Float64Array.of(seenUs, sentUs, systemClock.nowUs()));
}

async function deletePod(name: string): Promise<void> {
  const { status } = await cp.admin.call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: 0,
  });
  expect(status).toBe(200);
}

async function setReady(ready: boolean): Promise<void> {
  const at = new Date(systemClock.wallMs()).toISOString();
  const condition = {
    type: 'Ready',
    status: ready ? 'True' : 'False',
    reason: 'Test',
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
  const { status } = await cp.admin.call(
    'PATCH',
    '/api/v1/nodes/hollow-1/status',
    { status: { conditions: [condition] } },
    'application/merge-patch+json',
  );
  expect(status).toBe(200);
}

const until = (condition: () => boolean): Promise<boolean> =>
  measurement.waitUntil(condition, { timeoutMs: waitMs });

describe('Measurement against a real API server', () => {
  let measured: Measured;

  it('counts Ready nodes and the falls from Ready', async () => {
    await post('/api/v1/nodes', { metadata: { name: 'hollow-1', labels: runLabels } });
    await setReady(true);
    expect(await until(() => measurement.nodes.ready === 1)).toBe(true);
    await setReady(false);
    expect(await until(() => measurement.nodes.ready === 0)).toBe(true);
    await setReady(true);
    expect(await until(() => measurement.nodes.ready === 1)).toBe(true);
    expect(measurement.nodes.notReadyEvents).toBe(1);
  });

  it('follows pods from their creation to their start, and to their end', async () => {
    measurement.phase('pods');
    for (let i = 0; i < 12; i++) await startPod(`pod-${i}`, await createPod(`pod-${i}`));
    // Not of this run.
    await createPod('other', { 'hollowmark.dev/run': 'another' }).then((uid) => startPod('other', uid));
    expect(await until(() => measurement.pods.started === 12)).toBe(true);
    await deletePod('pod-0');
    expect(await until(() => measurement.pods.deleted === 1)).toBe(true);
    expect(measurement.pods).toMatchObject({ created: 12, present: 11, running: 11, failed: 0 });
    expect(measurement.podStartupP99Us()).toBeGreaterThan(20_000);
    expect(measurement.startup.incomplete).toBe(0);
  });

  it('loses and doubles nothing when its connection breaks', async () => {
    clients[0]?.dropConnections();
    const [uid] = await Promise.all([createPod('pod-12'), deletePod('pod-1')]);
    await startPod('pod-12', uid);
    expect(await until(() => measurement.pods.deleted === 2 && measurement.pods.started === 13)).toBe(true);
    expect(measurement.pods.created).toBe(13);
    expect(measurement.pods.present).toBe(11);
  });

  it('loses and doubles nothing when the API server is restarted', async () => {
    const uid = await createPod('pod-13');
    await cp.controlPlane.restart('kube-apiserver');
    await deletePod('pod-2');
    await startPod('pod-13', uid);
    // The watch is up again: a pod that lives and dies before that is seen by nobody, since a restarted server answers
    // an old resourceVersion with 410 and a list shows only what is there.
    expect(await until(() => measurement.pods.deleted === 3)).toBe(true);
    await startPod('pod-14', await createPod('pod-14'));
    await deletePod('pod-14');
    expect(await until(() => measurement.pods.deleted === 4)).toBe(true);
    expect(await until(() => measurement.pods.started === 15)).toBe(true);
    expect(measurement.pods).toMatchObject({
      created: 15,
      present: 11,
      running: 11,
      started: 15,
      deleted: 4,
    });
    expect(measurement.pods.interruptions).toBeGreaterThan(0);
  });

  it('gives SLIs whose phases add up, and sees that its counts agree with the server', async () => {
    // Seconds with nothing to do: for the timeline, and for the lag's probes.
    await sleep(systemClock, 2500);
    measured = await measurement.finish({ achieved: [{ phase: 'pods', ratio: 1 }] });
    const find = (id: string): Measured['slis'] => measured.slis.filter((sli) => sli.id === id);
    expect(find('pod-startup').map((sli) => [sli.labels['kind'], sli.count])).toEqual([['latency', 15]]);
    expect(find('pod-startup-precise')[0]?.count).toBe(15);
    expect(find('pod-startup-phase').map((sli) => sli.labels['phase'])).toEqual([
      'intended to sent',
      'sent to accepted',
      'accepted to scheduled',
      'scheduled to seen by node',
      'seen by node to status sent',
      'status sent to seen by watcher',
    ]);
    expect(measured.slowestPods).toHaveLength(15);
    for (const slow of measured.slowestPods) {
      expect(Object.values(slow.phasesUs).reduce((sum, us) => sum + us, 0)).toBe(slow.totalUs);
      expect(slow.node).toBe('hollow-1');
    }
    // pod-13 waited for the restarted server.
    expect(measured.slowestPods[0]?.name).toBe('pod-13');
    // Whole seconds make the official figure at most a second longer, and never shorter by more than rounding.
    const official = find('pod-startup')[0]?.p50 ?? 0;
    const precise = find('pod-startup-precise')[0]?.p50 ?? 0;
    expect(official - precise).toBeLessThan(1_050_000);
    expect(official - precise).toBeGreaterThan(-50_000);
    expect(measured.pods).toEqual({ created: 15, started: 15, deleted: 4, failed: 0 });
    expect(measured.nodes).toEqual({ ready: 1, notReadyEvents: 1 });
    const counts = measured.validity.checks.find(({ id }) => id === 'counts-agree');
    expect(counts).toMatchObject({ verdict: 'pass', value: 0 });
    expect(counts?.message).toContain('(11)');
  });

  it('has the calls of both sides, and knows that the server was restarted', () => {
    const servers = measured.slis.filter((sli) => sli.id === 'api-call-server');
    const bindings = servers.find((sli) => sli.labels['subresource'] === 'binding');
    // Two bindings since the restart.
    expect(bindings).toMatchObject({
      count: 2,
      labels: { verb: 'POST', resource: 'pods', scope: 'resource' },
    });
    expect(bindings?.slo?.threshold).toBe(1_000_000);
    expect(measured.notes.some((note) => note.includes('API server was restarted'))).toBe(true);
    expect(measured.notes.some((note) => note.includes('shorter than an SLO window'))).toBe(true);
    const load = measured.slis.find((sli) => sli.id === 'api-call' && sli.labels['source'] === 'load');
    expect(load).toMatchObject({ count: 15, labels: { verb: 'POST', resource: 'pods' } });
    expect(load?.slo).toBeUndefined();
  });

  it('knows its own lag, delay and cost', () => {
    const find = (id: string): number => measured.validity.checks.find((one) => one.id === id)?.value ?? -1;
    expect(find('watch-lag-observer')).toBeGreaterThanOrEqual(0);
    const lease = measured.slis.find(
      (sli) => sli.labels['verb'] === 'PATCH' && sli.labels['source'] === 'observer',
    );
    expect(lease?.count).toBeGreaterThan(5);
    expect(measured.timeline.length).toBeGreaterThan(4);
    expect(measured.timeline.at(-1)).toMatchObject({ phase: 'pods', podsCreated: 15, nodesReady: 1 });
    if (process.platform !== 'linux') return;
    const names = measured.resources.controlPlane.map(({ name }) => name);
    expect(names.toSorted()).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);
    const server = measured.resources.controlPlane.find(({ name }) => name === 'kube-apiserver');
    // The restarted process too: starting alone takes more than a second of CPU.
    expect(server?.cpuSeconds).toBeGreaterThan(1);
    expect(server?.rssBytesMax).toBeGreaterThan(100e6);
    expect(find('harness-cpu')).toBeGreaterThan(0);
  });

  it('is judged: far too few pods', () => {
    const { verdict } = judgeRun({
      slis: measured.slis,
      validity: { verdict: 'valid', checks: [] },
      phases: [],
      interrupted: false,
      podsCreated: measured.pods.created,
    });
    expect(verdict).toBe('inconclusive');
    for (const sli of measured.slis) expect(Histogram.fromBase64(sli.histogram).count).toBe(sli.count);
  });
});

describe('scrape', () => {
  it('reads the metrics of every component', async () => {
    const { endpoint, admin, ports, etcd } = cp.controlPlane;
    const components = (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map(
      (component) => ({
        component,
        endpoint: { ...endpoint, url: `https://127.0.0.1:${ports[component]}` },
        certificate: admin,
      }),
    );
    const all = [...components, { component: 'etcd', endpoint: etcd.endpoint, certificate: etcd.client }];
    for (const { component, endpoint: server, certificate } of all) {
      const client = clientOf(server, certificate);
      try {
        const text = await scrape({ component, client });
        const samples = parsePrometheus(text, ['process_cpu_seconds_total', 'process_start_time_seconds']);
        expect(samples.map(({ name }) => name).toSorted(), component).toEqual([
          'process_cpu_seconds_total',
          'process_start_time_seconds',
        ]);
      } finally {
        client.close();
      }
    }
  });

  it('says what it could not read, and what it takes', async () => {
    const { endpoint, admin } = cp.controlPlane;
    const issuer = await CertificateIssuer.open(cp.controlPlane.clientAuthority, () => systemClock.wallMs());
    const nobody = clientOf(endpoint, await issuer.issueClient({ user: 'nobody', groups: [] }));
    const dead = clientOf({ ...endpoint, url: 'https://127.0.0.1:1' }, admin);
    try {
      const component = 'kube-apiserver';
      await expect(scrape({ component, client: nobody })).rejects.toThrow(
        /metrics of kube-apiserver: HTTP 403/,
      );
      await expect(scrape({ component, client: dead })).rejects.toThrow('cannot connect');
    } finally {
      nobody.close();
      dead.close();
    }
  });
});
