import { webcrypto } from 'node:crypto';
// tsyringe, below @peculiar/x509, refuses to load before a Reflect polyfill is there.
import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { collectionPath, runKinds } from '../../src/cluster/kinds.ts';
import { chooseIdentity, missingRules, roleYaml } from '../../src/cluster/permissions.ts';
import { removeRun } from '../../src/cluster/remove-run.ts';
import {
  accessKey,
  accessesOf,
  distinct,
  identityRules,
  neededForRun,
  surveyRules,
} from '../../src/cluster/rules.ts';
import { countByKind, findRuns } from '../../src/cluster/runs.ts';
import { survey } from '../../src/cluster/survey.ts';
import { whoAmI } from '../../src/cluster/who-am-i.ts';
import { ApiClient } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { certificateIdentity, impersonated } from '../../src/kube/identity.ts';
import { type Rule, ensureLoadIdentity } from '../../src/load/identity.ts';
import { CallMetrics } from '../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { runCli } from '../docs/cli-reference.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

const signal = new AbortController().signal;
const rbac = 'rbac.authorization.k8s.io/v1';
const runLabel = 'hollowmark.dev/run';

/** Nodes whose leases this test renews, as their kubelets would: real ones, and those of a run that lives. */
const beating = ['real-1', 'live-node-1', 'live-node-2'];

let cp: TestControlPlane;
let heart: NodeJS.Timeout;

type Named = { metadata: { name: string; namespace?: string; uid: string; labels?: Record<string, string> } };

async function create(path: string, object: object): Promise<Named> {
  const { status, body } = await cp.admin.call<Named & { message?: string }>('POST', path, object);
  expect(status, body.message).toBe(201);
  return body;
}

async function list(path: string): Promise<Named[]> {
  return (await cp.admin.call<{ items: Named[] }>('GET', path)).body.items;
}

const leasePath = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

async function beat(name: string): Promise<void> {
  const renewTime = new Date(systemClock.wallMs()).toISOString().replace('Z', '000Z');
  await cp.admin.call(
    'PATCH',
    `${leasePath}/${name}`,
    { spec: { renewTime } },
    'application/merge-patch+json',
  );
}

/** A Ready node with a CSINode and, for the rest of this test or for a while, a lease. */
async function createNode(name: string, labels: Record<string, string>): Promise<void> {
  const resources = { cpu: '8', memory: '32Gi', pods: '110' };
  const node = await create('/api/v1/nodes', {
    metadata: { name, labels },
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'made by a test' }],
    },
  });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }];
  await create('/apis/storage.k8s.io/v1/csinodes', {
    metadata: { name, labels, ownerReferences },
    spec: { drivers: [] },
  });
  await create(leasePath, {
    metadata: { name, labels, ownerReferences },
    spec: { holderIdentity: name, leaseDurationSeconds: 40 },
  });
  await beat(name);
}

/** Roles and bindings, an event, a certificate request, a Deployment, a pod: with these labels, or without any. */
async function createAround(name: string, namespace: string, labels: Record<string, string>): Promise<void> {
  const metadata = { name, labels };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
  for (const [base, kind] of [
    [`/apis/${rbac}`, 'ClusterRole'],
    [`/apis/${rbac}/namespaces/default`, 'Role'],
  ] as const) {
    await create(`${base}/${kind.toLowerCase()}s`, {
      metadata,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
    });
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name };
    await create(`${base}/${kind.toLowerCase()}bindings`, { metadata, subjects, roleRef });
  }
  await create('/api/v1/namespaces/default/events', {
    metadata,
    involvedObject: { kind: 'Node', name, namespace: '' },
    reason: 'Starting',
    message: 'x',
    type: 'Normal',
  });
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ]);
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${name}`,
    keys,
    signingAlgorithm,
  });
  await create('/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    metadata,
    spec: {
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      request: Buffer.from(request.toString('pem')).toString('base64'),
    },
  });
  await create('/apis/coordination.k8s.io/v1/namespaces/default/leases', {
    metadata,
    spec: { holderIdentity: name },
  });
  await create(`/api/v1/namespaces/${namespace}/configmaps`, { metadata, data: { a: 'b' } });
  const workload = deployment(name, 3) as {
    metadata: object;
    spec: { template: { metadata: { labels: object } } };
  };
  Object.assign(workload.metadata, { labels });
  Object.assign(workload.spec.template.metadata.labels, labels);
  await create(`/apis/apps/v1/namespaces/${namespace}/deployments`, workload);
}

async function createRun(runId: string): Promise<void> {
  const labels = { [runLabel]: runId };
  await create('/api/v1/namespaces', { metadata: { name: `${runId}-ns`, labels } });
  for (const i of [1, 2]) await createNode(`${runId}-node-${i}`, labels);
  await createAround(`${runId}-things`, `${runId}-ns`, labels);
}

const watched = [
  ...runKinds,
  ...['configmaps', 'secrets', 'serviceaccounts'].map((resource) => ({ group: '', resource })),
];

/**
 * Everything on the cluster that is not of `runId`, by kind and uid, in full: resourceVersion too, so that not even a
 * write that changed nothing goes unseen. Left out is only what others write all the time: when and by whom leases of
 * nodes and components were renewed.
 */
async function everythingBut(runId: string): Promise<Map<string, Named>> {
  const found = new Map<string, Named>();
  for (const kind of watched) {
    for (const object of await list(collectionPath(kind))) {
      const { metadata } = object;
      if (metadata.labels?.[runLabel] === runId || metadata.namespace === `${runId}-ns`) continue;
      if (kind.resource === 'leases' && metadata.namespace !== 'default') {
        Object.assign(metadata, { resourceVersion: '', managedFields: [] });
        Object.assign(object, { spec: {} });
      }
      found.set(`${kind.resource}/${metadata.namespace ?? ''}/${metadata.name}/${metadata.uid}`, object);
    }
  }
  return found;
}

/** Once controllers have done what they do to new objects: two looks, 3 s apart, see the same. */
async function settled(runId: string): Promise<Map<string, Named>> {
  let last = await everythingBut(runId);
  await eventually('controllers have settled', async () => {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const now = await everythingBut(runId);
    const same = JSON.stringify([...now]) === JSON.stringify([...last]);
    last = now;
    return same;
  });
  return last;
}

const find = async (): ReturnType<typeof findRuns> =>
  findRuns(cp.admin.client, (await whoAmI(cp.admin.client))?.serverWallMs, signal);

const living = async (): Promise<Record<string, boolean | undefined>> =>
  Object.fromEntries((await find()).runs.map((run) => [run.runId, run.living]));

const clean = (...args: string[]): ReturnType<typeof runCli> =>
  runCli(['clean', '--kubeconfig', cp.controlPlane.kubeconfigPath, ...args]);

beforeAll(async () => {
  cp = await TestControlPlane.start({ audit: true });
  await create('/api/v1/namespaces', {
    metadata: { name: 'shop', labels: { 'hollowmark.dev/phase': 'fill' } },
  });
  await createNode('real-1', { [`${runLabel}-er`]: 'dead' });
  await createAround('foreign', 'shop', { 'example.com/run': 'dead' });
  await createRun('live');
  await createRun('dead');
  heart = setInterval(() => {
    for (const name of beating) beat(name).catch(() => {});
  }, 5_000);
});

afterAll(async () => {
  clearInterval(heart);
  await cp?.stop();
});

describe('two runs and the things of others', () => {
  test('are seen as they are; what has just begun lives', async () => {
    const { runs } = await find();
    expect(await living()).toEqual({ dead: true, live: true });
    expect(countByKind(runs[0]?.objects ?? [])).toMatchObject({
      namespaces: 1,
      nodes: 2,
      csinodes: 2,
      leases: 3,
      roles: 1,
    });
    const { exitCode, stdout, stderr } = await clean('--run', 'dead', '--quiet');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('run dead lives: 1 namespace, ');
  });

  test('make a survey', async () => {
    const node = (name: string) => ({ name, labels: {}, taints: [] });
    const target = {
      client: cp.admin.client,
      server: cp.controlPlane.endpoint.url,
      context: 'test',
      insecure: false,
      proxy: undefined,
    };
    await eventually('9 pods', async () => (await list('/api/v1/pods')).length === 9);
    expect(
      await survey(target, { nodes: [node('real-1'), node('new-1')], namespaces: ['new', 'shop'] }, signal),
    ).toMatchObject({
      user: 'hollowmark-admin',
      version: cp.controlPlane.version,
      nodeCount: 5,
      podCount: 9,
      takenNodes: ['real-1'],
      takenNamespaces: ['shop'],
      daemonSets: [],
      cloudProviders: [],
    });
  });

  test('a run that does not live any more is removed, and nothing else is touched to the last field', async () => {
    await eventually('the dead one is silent', async () => (await living())['dead'] === false, 90_000);
    const before = await settled('dead');

    const unknown = await clean('--run', 'deaf');
    expect(unknown).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unknown.stderr).toMatch(
      /label of run deaf\n {2}there is:\n {2}run dead no longer lives[^]*run live lives/,
    );
    const listed = await clean('--dry-run', '--quiet');
    expect(listed.exitCode, listed.stderr).toBe(0);
    expect(listed.stdout).toContain('  2 nodes: dead-node-1, dead-node-2\n');
    expect(await everythingBut('dead')).toEqual(before);
    expect(countByKind((await find()).runs[0]?.objects ?? [])).toMatchObject({ nodes: 2, pods: 3 });

    const { exitCode, stdout, stderr } = await clean('--json');
    expect(exitCode, stderr).toBe(0);
    const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown;
    expect(outcome).toMatchObject({
      type: 'cleaned',
      runs: [
        {
          run: 'dead',
          objects: { namespaces: 1, deployments: 1, pods: 3, nodes: 2, roles: 1, clusterroles: 1 },
        },
      ],
      spared: [{ run: 'live' }],
    });

    for (const kind of watched) {
      const left = (await list(collectionPath(kind))).filter(
        ({ metadata }) => metadata.labels?.[runLabel] === 'dead' || metadata.namespace === 'dead-ns',
      );
      expect(left, kind.resource).toEqual([]);
    }
    // Controllers may have made something new meanwhile, such as the event that a node was removed.
    const after = await everythingBut('dead');
    for (const [key, object] of before) expect(after.get(key), key).toEqual(object);
    expect(await living()).toEqual({ live: true });

    const again = await clean();
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain('nothing to remove');
    expect(again.stderr).toContain('run live lives');
  });

  test('a run that lives goes by force only', async () => {
    expect(await clean('--force')).toMatchObject({ exitCode: 2 });
    expect(await clean('--run', 'live')).toMatchObject({ exitCode: 2 });
    expect(await living()).toEqual({ live: true });
    const { exitCode, stdout } = await clean('--run', 'live', '--force', '--quiet');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^run live: removed 1 namespace, 1 deployment, 1 replicaset, 3 pods, 2 nodes, /);
    expect(await living()).toEqual({});
  });
});

test('the orderly end: hollow kubelets end their pods, and what they made goes with their nodes', async () => {
  const runId = 'orderly';
  const labels = { [runLabel]: runId };
  const nodes = testNodes(2, 'orderly').map((node) => ({ ...node, labels }));
  const shard = cp.shard(nodes);
  await shard.start();
  await create('/api/v1/namespaces', { metadata: { name: 'orderly-ns', labels } });
  const workload = deployment('web', 10) as {
    spec: { template: { metadata: { labels: object }; spec: { nodeSelector?: object } } };
  };
  Object.assign(workload.spec.template.metadata.labels, labels);
  workload.spec.template.spec.nodeSelector = labels;
  await create('/apis/apps/v1/namespaces/orderly-ns/deployments', workload);
  type Pod = Named & { status: { phase: string } };
  await eventually('10 pods run', async () => {
    const pods = (await list('/api/v1/namespaces/orderly-ns/pods')) as Pod[];
    return pods.filter(({ status }) => status.phase === 'Running').length === 10;
  });
  const leases = async (): Promise<string[]> =>
    (await list(leasePath)).map(({ metadata }) => metadata.name).filter((name) => name.startsWith('orderly'));
  await eventually('leases', async () => (await leases()).length === 2);
  const options = {
    client: cp.admin.client,
    runId,
    forcePods: false,
    timeoutMs: 120_000,
    reporter: silentReporter,
    signal,
  };
  expect(await removeRun({ ...options, scope: 'load' })).toMatchObject({ namespaces: 1, pods: 10 });
  expect(
    (await list('/api/v1/nodes')).filter(({ metadata }) => metadata.name.startsWith('orderly')),
  ).toHaveLength(2);
  shard.stop();
  expect(await removeRun({ ...options, scope: 'everything' })).toMatchObject({ nodes: 2 });
  expect(await removeRun({ ...options, scope: 'everything' })).toEqual({});
  // Without labels of their own they go by the garbage collector's hand, with the nodes that own them.
  await eventually('no leases', async () => (await leases()).length === 0);
});

test('the rules of pooled nodes are all that kubelets and proxies were seen to send', async () => {
  const allowed = new Set(distinct(identityRules.pooled.flatMap(accessesOf)).map(accessKey));
  type Line = ReturnType<TestControlPlane['auditLines']>[number] & { objectRef?: { apiGroup?: string } };
  const sent = (cp.auditLines() as Line[]).filter(({ user }) =>
    /^system:(?:node:orderly|kube-proxy)/.test(user.username),
  );
  const seen = sent.flatMap(({ verb, objectRef }) =>
    objectRef === undefined
      ? []
      : accessKey({
          verb,
          group: objectRef.apiGroup ?? '',
          resource: objectRef.resource,
          subresource: objectRef.subresource ?? '',
          name: '',
          url: '',
        }),
  );
  expect(new Set(seen).size).toBeGreaterThan(20);
  expect([...new Set(seen)].filter((key) => !allowed.has(key))).toEqual([]);
});

describe('a user who may do little', () => {
  let carol: ApiClient;

  beforeAll(() => {
    const { endpoint, admin } = cp.controlPlane;
    carol = new ApiClient({
      endpoint,
      identity: impersonated(certificateIdentity(endpoint, admin), { user: 'carol', groups: [] }),
      codec: jsonCodec,
      userAgent: 'hollowmark-test',
      clock: systemClock,
      prng: new Prng('carol'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
  });

  afterAll(() => carol.close());

  /** As `kubectl apply -f -` does with objects that are not there yet. */
  const apply = async (yaml: string): Promise<void> => {
    for (const document of parseAllDocuments(yaml)) {
      const object = document.toJS() as { kind: string };
      await create(`/apis/${rbac}/${object.kind.toLowerCase()}s`, object);
    }
  };

  const keys = (rules: readonly Rule[]): string[] =>
    [...new Set(rules.flatMap(accessesOf).map(accessKey))].toSorted();

  test('is told what is missing, exactly; with the role that is printed nothing is', async () => {
    expect(await whoAmI(carol)).toMatchObject({ user: 'carol', groups: ['system:authenticated'] });
    await expect(chooseIdentity(carol, signal)).rejects.toMatchObject({ code: 'bad-input' });

    const needs = [...neededForRun('impersonation'), { rules: surveyRules }];
    const all = await missingRules(carol, needs, signal);
    // What everybody may do is not missing: /version.
    expect(keys(all)).not.toContain(
      accessKey({ verb: 'get', url: '/version', group: '', resource: '', subresource: '', name: '' }),
    );
    const [some, others] = [all.slice(0, 3), all.slice(3)];
    await apply(roleYaml(some, 'carol'));
    await eventually('some is allowed', async () => {
      const missing = await missingRules(carol, needs, signal);
      return JSON.stringify(keys(missing)) === JSON.stringify(keys(others));
    });
    await apply(roleYaml(await missingRules(carol, needs, signal), 'carol'));
    await eventually('all is allowed', async () => (await missingRules(carol, needs, signal)).length === 0);
    expect(await chooseIdentity(carol, signal)).toBe('impersonation');
    // Certificates and pooled nodes need more than that.
    expect(keys(await missingRules(carol, neededForRun('certificate'), signal))).not.toEqual([]);
    expect(keys(await missingRules(carol, neededForRun('pooled'), signal))).not.toEqual([]);
  });

  test('can then give load and observer their rights, and remove a run', async () => {
    await ensureLoadIdentity(carol, 'by-carol');
    await create('/api/v1/namespaces', {
      metadata: { name: 'by-carol', labels: { [runLabel]: 'by-carol' } },
    });
    expect(
      await removeRun({
        client: carol,
        runId: 'by-carol',
        scope: 'everything',
        forcePods: true,
        timeoutMs: 60_000,
        reporter: silentReporter,
        signal,
      }),
    ).toEqual({ namespaces: 1, rolebindings: 1, roles: 1, clusterrolebindings: 2, clusterroles: 2 });
  });

  test('who may use certificates only, uses those', async () => {
    const dave = new ApiClient({
      endpoint: cp.controlPlane.endpoint,
      identity: impersonated(certificateIdentity(cp.controlPlane.endpoint, cp.controlPlane.admin), {
        user: 'system:serviceaccount:shop:default',
        groups: ['system:serviceaccounts'],
      }),
      codec: jsonCodec,
      userAgent: 'hollowmark-test',
      clock: systemClock,
      prng: new Prng('dave'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
    try {
      await apply(roleYaml(identityRules.certificate, 'system:serviceaccount:shop:default'));
      const missing = (): Promise<Rule[]> =>
        missingRules(dave, [{ rules: identityRules.certificate }], signal);
      await eventually('certificates are allowed', async () => (await missing()).length === 0);
      expect(await chooseIdentity(dave, signal)).toBe('certificate');
    } finally {
      dave.close();
    }
  });
});

test('DaemonSets that tolerate everything are named in a survey', async () => {
  const daemonSet = (name: string, tolerations: object[]): object => ({
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { tolerations, containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
      },
    },
  });
  await create('/apis/apps/v1/namespaces/shop/daemonsets', daemonSet('agent', [{ operator: 'Exists' }]));
  await create('/apis/apps/v1/namespaces/shop/daemonsets', daemonSet('logs', []));
  const target = {
    client: cp.admin.client,
    server: cp.controlPlane.endpoint.url,
    context: 'test',
    insecure: false,
    proxy: undefined,
  };
  const found = await survey(
    target,
    { nodes: [{ name: 'h', labels: {}, taints: [] }], namespaces: [] },
    signal,
  );
  expect(found.daemonSets).toEqual(['shop/agent']);
});
