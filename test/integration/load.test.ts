import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { CertificateIssuer } from '../../src/kube/certificates.ts';
import { ApiClient, type RequestVerb } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { type ClientSubject, certificateIdentity } from '../../src/kube/identity.ts';
import { type CreatedPod, LoadGenerator } from '../../src/load/generator.ts';
import {
  ensureLoadIdentity,
  loadSubject,
  observerSubject,
  probeLease,
  removeLoadIdentity,
} from '../../src/load/identity.ts';
import { loadTransportsMax } from '../../src/load/sender.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { parseScenario } from '../../src/scenario/load-scenario.ts';
import type { PhaseContext, PhaseOutcome, Progress } from '../../src/scenario/phases/context.ts';
import { namespaceNames } from '../../src/scenario/phases/plan.ts';
import { runPhase } from '../../src/scenario/phases/run-phase.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { TestControlPlane, eventually } from './support.ts';

const runId = 'load-test-1';
const selector = `labelSelector=hollowmark.dev%2Frun%3D${runId}`;
const anyCall = callClass('ANY', 'any', '', 'resource');

const { scenario } = parseScenario(
  `name: load
nodes: { count: 1, capacity: { pods: 100 } }
namespaces: { count: 4, prefix: load }
phases:
  - { name: fill, type: create-deployments, podsPerNode: 40, podsPerDeployment: 5, services: true, pacing: { strategy: constant-rate, requestsPerSecond: 40 } }
  - { name: lat, type: latency-pods, count: 10, deleteAfterStart: false, timeout: 100ms, pacing: { strategy: poisson, requestsPerSecond: 50 } }
  - { name: more, type: scale, of: fill, podsPerDeployment: 6 }
  - { name: reads, type: steady, duration: 1s, listsPerSecond: 10 }
  - { name: all, type: delete, pacing: { strategy: burst, size: 10, every: 100ms }, timeout: 60s }
`,
  'load.test.ts',
  { sets: [] },
);

/** One identity with a connection of its own. */
class Client {
  readonly api: ApiClient;
  readonly metrics = new CallMetrics();

  private constructor(api: ApiClient, metrics: CallMetrics) {
    this.api = api;
    this.metrics = metrics;
  }

  static async as(subject: ClientSubject, cp: TestControlPlane): Promise<Client> {
    const { endpoint, clientAuthority } = cp.controlPlane;
    const issuer = await CertificateIssuer.open(clientAuthority, () => systemClock.wallMs());
    const metrics = new CallMetrics();
    const api = new ApiClient({
      endpoint,
      identity: certificateIdentity(endpoint, await issuer.issueClient(subject)),
      codec: jsonCodec,
      userAgent: 'hollowmark-load-test',
      clock: systemClock,
      prng: new Prng(subject.user),
      metrics,
      handshakes: new HandshakeGate(4),
      transportsMax: loadTransportsMax,
    });
    return new Client(api, metrics);
  }

  async status(method: RequestVerb, path: string, body?: unknown): Promise<number> {
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return (await this.api.request({ method, path, kind: anyCall, body: bytes })).status;
  }

  async list<T>(path: string): Promise<T[]> {
    const { status, body } = await this.api.request({ method: 'GET', path, kind: anyCall });
    if (status !== 200) throw new Error(`GET ${path}: HTTP ${status}`);
    return (JSON.parse(body.toString('utf8')) as { items: T[] }).items;
  }
}

type Listed = {
  metadata: { name: string; namespace?: string; uid: string; labels?: Record<string, string> };
  spec: { replicas?: number; tolerations?: unknown[]; volumes?: { name: string; projected?: unknown }[] };
};

let cp: TestControlPlane;
let load: Client;
let observer: Client;
let podsPresent = 0;
const created: CreatedPod[] = [];

/** Without nodes no pod starts; only presence is looked at. */
const progress: Progress = {
  nodesReady: () => 0,
  podsPresent: () => podsPresent,
  podsStarted: () => 0,
  endedPodsGone: () => 0,
  workloadsDone: () => 0,
  hasStarted: () => false,
  node: () => undefined,
};

let generator: LoadGenerator;
const run = (name: string): Promise<PhaseOutcome> => {
  const phase = scenario.phases.find((candidate) => candidate.name === name);
  if (phase === undefined) throw new Error(`no phase ${name}`);
  const context: PhaseContext = {
    scenario,
    runId,
    load: generator,
    progress,
    nodes: {
      names: [],
      fail: () => {},
      heal: () => {},
      podsOn: () => Promise.resolve([]),
      leaseRenewedWallMs: () => Promise.resolve(undefined),
    },
    clock: systemClock,
    signal: new AbortController().signal,
    reporter: silentReporter,
  };
  return runPhase(phase, context);
};

beforeAll(async () => {
  cp = await TestControlPlane.start();
  await ensureLoadIdentity(cp.admin.client, runId);
  // Twice, as after an interruption.
  await ensureLoadIdentity(cp.admin.client, runId);
  load = await Client.as(loadSubject, cp);
  observer = await Client.as(observerSubject, cp);
  generator = new LoadGenerator({
    client: load.api,
    clock: systemClock,
    context: { runId, tolerations: [], confined: false },
    namespaces: namespaceNames(scenario),
    onPodCreated: (pod) => created.push(pod),
  });
});

afterAll(async () => {
  load?.api.close();
  observer?.api.close();
  await cp?.stop();
});

describe('a load on a real control plane without nodes', () => {
  test('creates namespaces, Services and Deployments that the observer sees', async () => {
    const outcome = await run('fill');
    expect(outcome).toMatchObject({ outcome: 'completed' });
    expect(outcome.sent).toMatchObject({
      plannedCount: 16,
      doneCount: 16,
      failedCount: 0,
      requestedPerSecond: 40,
    });
    expect(outcome.sent?.achievedRatio).toBeGreaterThanOrEqual(0.98);
    const namespaces = await observer.list<Listed>(`/api/v1/namespaces?${selector}`);
    expect(namespaces.map(({ metadata }) => metadata.name)).toEqual(['load-1', 'load-2', 'load-3', 'load-4']);
    const deployments = await observer.list<Listed>(`/apis/apps/v1/deployments?${selector}`);
    expect(
      deployments.map(({ metadata, spec }) => [metadata.namespace, metadata.name, spec.replicas]),
    ).toEqual([1, 5, 2, 6, 3, 7, 4, 8].map((n) => [`load-${((n - 1) % 4) + 1}`, `fill-0000${n}`, 5]));
    const { body } = await cp.admin.call<{ items: Listed[] }>('GET', `/api/v1/services?${selector}`);
    expect(body.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual(
      deployments.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    );
    const pods = (): Promise<Listed[]> => observer.list<Listed>(`/api/v1/pods?${selector}`);
    await eventually('40 pods', async () => (await pods()).length === 40);
    for (const pod of await pods()) {
      expect(pod.metadata.labels).toMatchObject({
        'hollowmark.dev/run': runId,
        'hollowmark.dev/phase': 'fill',
        'hollowmark.dev/purpose': 'load',
      });
      // The token and the CA that a real kubelet has to fetch.
      expect(pod.spec.volumes?.map(({ projected }) => projected !== undefined)).toEqual([true]);
    }
  });

  test('creates latency pods and reports each with the uid that the server gave it', async () => {
    const outcome = await run('lat');
    expect(outcome).toMatchObject({
      outcome: 'timed-out',
      message: '0 of 10 latency pods started after 100ms',
    });
    expect(outcome.sent).toMatchObject({ doneCount: 10, failedCount: 0 });
    const pods = await observer.list<Listed>(`/api/v1/pods?${selector},hollowmark.dev%2Fpurpose%3Dlatency`);
    expect(new Set(created.map(({ uid }) => uid))).toEqual(new Set(pods.map(({ metadata }) => metadata.uid)));
    for (const { intendedUs, sentUs, acceptedUs } of created) {
      expect(sentUs).toBeGreaterThanOrEqual(intendedUs);
      expect(acceptedUs).toBeGreaterThan(sentUs);
    }
  });

  test('scales, lists, and keeps intended and raw latencies apart', async () => {
    expect(await run('more')).toMatchObject({ outcome: 'completed' });
    expect(generator.podsExpected).toBe(58);
    await eventually('58 pods', async () => (await observer.list(`/api/v1/pods?${selector}`)).length === 58);
    expect(await run('reads')).toMatchObject({ outcome: 'completed', sent: { doneCount: 10 } });
    const keys = (metrics: CallMetrics): string[] =>
      [...metrics.entries()].map(({ kind }) => kind.key).toSorted();
    expect(keys(generator.rawCalls)).toEqual(keys(load.metrics));
    expect(keys(load.metrics)).toContain('PATCH|deployments|scale|resource');
    expect(keys(load.metrics)).toContain('LIST|pods||namespace');
    for (const { kind, histogram } of load.metrics.entries()) {
      const raw = [...generator.rawCalls.entries()].find((other) => other.kind === kind);
      expect(raw?.histogram.count).toBe(histogram.count);
      // Taken a few µs later than the client's own, and never from before the intended time.
      expect(raw?.histogram.quantile(0.5)).toBeLessThan(histogram.quantile(0.5) + 1000);
    }
  });
});

describe('the identities may do what they need and nothing else', () => {
  test.each<[RequestVerb, string]>([
    ['GET', '/api/v1/nodes'],
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces/load-1/secrets'],
    ['GET', '/api/v1/namespaces/load-1/configmaps'],
    ['GET', '/api/v1/namespaces/load-1/serviceaccounts'],
    ['GET', '/apis/apps/v1/deployments'],
    ['DELETE', '/api/v1/nodes/hollow-00001'],
    ['DELETE', '/api/v1/namespaces/load-1/pods'],
    ['DELETE', '/apis/rbac.authorization.k8s.io/v1/clusterroles/hollowmark:load:load-test-1'],
    ['GET', '/metrics'],
  ])('load: %s %s is forbidden', async (method, path) => {
    expect(await load.status(method, path)).toBe(403);
  });

  test.each<[RequestVerb, string]>([
    ['DELETE', '/api/v1/namespaces/load-1'],
    ['DELETE', '/api/v1/namespaces/load-1/pods/lat-00001'],
    ['DELETE', '/apis/apps/v1/namespaces/load-1/deployments/fill-00001'],
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/configmaps'],
    ['GET', '/debug/pprof/'],
  ])('observer: %s %s is forbidden', async (method, path) => {
    expect(await observer.status(method, path)).toBe(403);
  });

  test('the observer creates no pods and no leases but its own probe', async () => {
    const lease = (name: string): unknown => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
    });
    const leases = (namespace: string): string =>
      `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const probe = probeLease(runId).name;
    expect(await observer.status('POST', leases('kube-system'), lease('x'))).toBe(403);
    expect(await observer.status('POST', leases('default'), lease(probe))).toBe(201);
    expect(await observer.status('DELETE', `${leases('default')}/${probe}`)).toBe(200);
    expect(await observer.status('POST', '/api/v1/namespaces/load-1/pods', {})).toBe(403);
  });

  test.each([
    '/metrics',
    '/readyz',
    '/version',
    '/api/v1/nodes',
    '/api/v1/events',
    '/api/v1/pods',
    '/apis/apps/v1/replicasets',
    '/apis/coordination.k8s.io/v1/leases',
  ])('observer: GET %s is allowed', async (path) => {
    expect(await observer.status('GET', path)).toBe(200);
  });
});

describe('afterwards', () => {
  test('a namespace of somebody else is refused, and stays', async () => {
    const other = new LoadGenerator({
      client: load.api,
      clock: systemClock,
      context: { runId: 'another-run', tolerations: [], confined: false },
      namespaces: ['load-1'],
    });
    await expect(other.ensureNamespaces(new AbortController().signal)).rejects.toMatchObject({
      code: 'bad-input',
      message: 'the namespace load-1 exists already and is not of this run',
    });
    expect(await load.status('GET', '/api/v1/namespaces/load-1')).toBe(200);
  });

  test('deletes everything, and nothing with its label is left', async () => {
    podsPresent = 58;
    const counting = eventually('pods gone', async () => {
      podsPresent = (await observer.list(`/api/v1/pods?${selector}`)).length;
      return podsPresent === 0;
    });
    expect(await run('all')).toMatchObject({ outcome: 'completed', sent: { doneCount: 26, failedCount: 0 } });
    await counting;
    await removeLoadIdentity(cp.admin.client, runId);
    await removeLoadIdentity(cp.admin.client, runId);
    expect(await load.status('GET', '/api/v1/namespaces/load-1')).toBe(403);
    for (const path of [
      '/api/v1/namespaces',
      '/api/v1/pods',
      '/apis/apps/v1/deployments',
      '/apis/apps/v1/replicasets',
      '/api/v1/services',
      '/api/v1/endpoints',
      '/apis/discovery.k8s.io/v1/endpointslices',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      '/apis/rbac.authorization.k8s.io/v1/roles',
      '/apis/rbac.authorization.k8s.io/v1/rolebindings',
    ]) {
      const { body } = await cp.admin.call<{ items: unknown[] }>('GET', `${path}?${selector}`);
      expect([path, body.items]).toEqual([path, []]);
    }
  });
});
