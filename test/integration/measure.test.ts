import { availableParallelism, cpus } from 'node:os';
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
import { componentsOf } from '../../src/cluster/local-cluster.ts';
import { grants, observerSubject, probeLease } from '../../src/load/identity.ts';
import { type Measured, Measurement } from '../../src/measure/measurement.ts';
import { parsePrometheus, scrape } from '../../src/measure/prometheus.ts';
import { judgeRun } from '../../src/measure/verdict.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { Histogram } from '../../src/metrics/histogram.ts';
import { addStartTimes } from '../../src/metrics/pod-start-times.ts';
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
let observerCertificate: ClientCertificate;
const observerMetrics = new CallMetrics();
const loadMetrics = new CallMetrics();
const rawCalls = new CallMetrics();

beforeAll(async () => {
  cp = await TestControlPlane.start();
  await setUpCluster();
  // The identity that a run gives its observer: what it needs and no more.
  const issuer = await CertificateIssuer.open(cp.controlPlane.clientAuthority, () => systemClock.wallMs());
  observerCertificate = await issuer.issueClient(observerSubject);
  clients = [1, 2].map(() => clientOf(cp.controlPlane.endpoint, observerCertificate, observerMetrics));
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
    availabilityClient: () => clientOf(controlPlane.endpoint, observerCertificate),
    loadMetrics,
    sends: { rawCalls, lateness: new Histogram() },
    loadCounters: () => ({ dueCount: measurement.pods.created, sentCount: measurement.pods.created }),
    components: componentsOf(controlPlane),
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
  const createPods = callClass('POST', 'pods', '', 'resource');
  loadMetrics.record(createPods, 201, acceptedUs - intendedUs);
  rawCalls.record(createPods, 201, acceptedUs - intendedUs - 50);
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
  const times: number[] = [];
  addStartTimes(times, {
    seenUs,
    sandboxUs: seenUs + 5000,
    pulledUs: seenUs + 6000,
    containersUs: sentUs,
    statusSentUs: sentUs,
    acknowledgedUs: systemClock.nowUs(),
    pullUs: 1000,
  });
  measurement.recordNodeSide([uid], new Float64Array(times));
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
  measurement.changes.waitUntil(condition, { timeoutMs: waitMs });

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
      'seen by node to sandbox ready',
      'sandbox ready to images pulled',
      'images pulled to containers started',
      'containers started to status sent',
      'status sent to acknowledged',
      'acknowledged to seen by watcher',
    ]);
    const spans = find('pod-startup-span');
    expect(spans.map((sli) => sli.labels['span'])).toEqual([
      'scheduled to containers started',
      'containers started to seen by watcher',
      'scheduled to seen by watcher',
    ]);
    expect(spans.map((sli) => sli.count)).toEqual(
      find('pod-startup-phase')
        .slice(0, 3)
        .map((sli) => sli.count),
    );
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

  it('has every pod under its node and its workload, and every startup in its grid', () => {
    const { inventory, latencyGrids } = measured;
    expect(inventory.nodes).toHaveLength(1);
    const [node] = inventory.nodes;
    expect(node).toMatchObject({ name: 'hollow-1', state: 'ready', lapses: 1 });
    expect(node?.pods).toMatchObject({ total: 15, started: 15, failed: 0, deleted: 4 });
    expect(node?.kept.names[0]).toBe('pod-13');
    // The SLI is without image pulls, of which each pod has 1 ms.
    expect(node?.pods.startupMaxUs).toBe((measured.slowestPods[0]?.totalUs ?? Number.NaN) - 1000);
    expect(node?.kept.states.filter((state) => state === 'deleted')).toHaveLength(4);
    expect(inventory.workloads.map(({ kind, pods }) => [kind, pods.total])).toEqual([['latency', 15]]);
    const total = (grid: (typeof latencyGrids)[number] | undefined): number =>
      grid?.columns.flat().reduce((sum, count) => sum + count, 0) ?? 0;
    expect(total(latencyGrids.find(({ id }) => id === 'pod-startup-precise'))).toBe(15);
    expect(total(latencyGrids.find(({ id }) => id === 'api-call'))).toBeGreaterThan(15);
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
    const raw = measured.slis.filter((sli) => sli.id === 'api-call-raw');
    expect(raw.map((sli) => [sli.labels['verb'], sli.count])).toEqual([['POST', 15]]);
    expect(raw[0]?.p50).toBeLessThan(load?.p50 ?? 0);
  });

  it('saw for how long the API server could not be used', () => {
    const figure = (id: string): number => measured.figures.find((one) => one.id === id)?.value ?? -1;
    expect(figure('api-availability')).toBeGreaterThan(0);
    expect(figure('api-availability')).toBeLessThan(1);
    expect(figure('api-unavailable-longest')).toBeGreaterThanOrEqual(1_000_000);
    expect(measured.notes.some((note) => note.includes('was not available for up to'))).toBe(true);
    const probe = measured.slis.find(({ id }) => id === 'api-probe');
    expect(probe?.count).toBeGreaterThan(3);
    // They are counted nowhere else.
    expect(measured.calls.some(({ resource }) => resource === 'readyz')).toBe(false);
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
    const others = measured.validity.checks.find(({ id }) => id === 'cpu-others');
    if (cpus().length === availableParallelism()) expect(others?.verdict).not.toBe('skipped');
    const told = measured.slis.filter((sli) => sli.labels['threads'] === 'observer');
    expect(told[0]).toMatchObject({ id: 'harness-loop-delay' });
    for (const { id, count, p99, lowerBound } of measured.slis) {
      if (!['pod-startup-precise', 'watch-latency'].includes(id)) continue;
      expect(count).toBeGreaterThan(0);
      expect(lowerBound?.p99).toBeLessThanOrEqual(p99);
    }
  });

  it('is judged: far too few pods', () => {
    const { verdict } = judgeRun({
      slis: measured.slis,
      validity: { verdict: 'valid', checks: [] },
      phases: [],
      interrupted: false,
      statelessPods: measured.pods.created,
      thresholds: [],
      windows: measured.windows,
      goodMinutesMin: undefined,
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
