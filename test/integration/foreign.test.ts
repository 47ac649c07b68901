import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Shard } from '../../src/fleet/shard.ts';
import { runLabel } from '../../src/load/labels.ts';
import { readResult } from '../../src/result/read.ts';
import { CliRun, type Started } from './cli-run.ts';
import { type AuditLine, TestControlPlane, deployment, eventually, testNodes } from './support.ts';

/** Long enough to look at it while it goes on. */
const scenario = `name: guest
nodes: {count: 4, namePrefix: guest, groups: [{name: vm, count: 1, runtime: hyper}]}
namespaces: {count: 2, prefix: guest}
phases:
  - {type: create-deployments, name: fill, podsPerNode: 4, podsPerDeployment: 8}
  - {type: wait, name: filled, for: pods-started}
  - {type: latency-pods, name: latency, count: 60, runtimeClass: hyper, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
`;

type Obj = {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion?: string;
    managedFields?: unknown;
    labels?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
  status?: { conditions?: { lastHeartbeatTime?: string }[] };
};

let cp: TestControlPlane;
let residents: Shard;
let cli: CliRun;

/** A cluster with nodes and pods of others: two nodes that somebody's (hollow) kubelets keep alive, and their pods. */
beforeAll(async () => {
  cp = await TestControlPlane.start({ audit: true });
  residents = cp.shard(testNodes(2, 'resident'), false);
  await residents.start();
  const tolerant = { tolerations: [{ key: 'node-role.example.com/x', operator: 'Exists' }] };
  for (const [path, object] of [
    ['/api/v1/namespaces', { metadata: { name: 'residents' } }],
    ['/apis/apps/v1/namespaces/residents/deployments', deployment('shop', 6)],
    ['/apis/apps/v1/namespaces/residents/daemonsets', daemonSet('agent', tolerant)],
    ['/api/v1/namespaces/residents/configmaps', { metadata: { name: 'settings' }, data: { a: '1' } }],
    ['/apis/coordination.k8s.io/v1/namespaces/residents/leases', { metadata: { name: 'leader' } }],
  ] as const) {
    const { status, body } = await cp.admin.call('POST', path, object);
    if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body)}`);
  }
  await eventually('the residents have leases', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    return (await cp.admin.call<{ items: unknown[] }>('GET', leases)).body.items.length === 2;
  });
  // A minute after a pod's start its kubelet adds what it read from the cgroups. After that it writes no more.
  await eventually(
    'the residents run, and their kubelets have said all there is',
    async () => {
      const { body } = await cp.admin.call<{
        items: { status: { phase: string; resources?: { limits?: unknown } } }[];
      }>('GET', '/api/v1/namespaces/residents/pods');
      const resting = body.items.filter(
        ({ status }) => status.phase === 'Running' && status.resources?.limits !== undefined,
      );
      return resting.length === 8;
    },
    150_000,
  );
});

afterAll(async () => {
  residents?.stop();
  await cp?.stop();
});

beforeEach(() => {
  cli = new CliRun({ 'guest.yaml': scenario });
});

afterEach(async () => {
  await cli.processesGone();
  cli.remove();
});

function daemonSet(name: string, podSpec: object): unknown {
  const { spec } = deployment(name, 1) as { spec: { selector: object; template: { spec: object } } };
  return {
    metadata: { name },
    spec: {
      selector: spec.selector,
      template: { ...spec.template, spec: { ...spec.template.spec, ...podSpec } },
    },
  };
}

/** Everything that the API server has, of every resource that can be listed, by uid. */
async function everything(): Promise<Map<string, Obj>> {
  type Resources = { resources: { name: string; kind: string; verbs: string[] }[] };
  const get = async <T>(path: string): Promise<T> => (await cp.admin.call<T>('GET', path)).body;
  const groups = await get<{ groups: { preferredVersion: { groupVersion: string } }[] }>('/apis');
  const roots = ['/api/v1', ...groups.groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)];
  const found = new Map<string, Obj>();
  for (const root of roots) {
    const { resources } = await get<Resources>(root);
    for (const { name, kind, verbs } of resources) {
      if (!verbs.includes('list') || name.includes('/')) continue;
      const { items = [] } = await get<{ items?: Obj[] }>(`${root}/${name}`);
      for (const item of items) {
        // Component statuses are made up when they are asked for.
        if (item.metadata.uid !== undefined)
          found.set(`${root}/${name} ${item.metadata.uid}`, { ...item, kind });
      }
    }
  }
  return found;
}

/** What changes by itself: leases are renewed, and event counts go up. All else must stay as it is, to the last field. */
function isBusy({ kind, metadata }: Obj): boolean {
  return (kind === 'Lease' && metadata.name !== 'leader') || kind === 'Event';
}

/** The objects as they were, without those that change by themselves; nodes but for what their kubelets report. */
function settled(objects: ReadonlyMap<string, Obj>): Record<string, unknown> {
  return Object.fromEntries(
    [...objects]
      .filter(([, object]) => !isBusy(object))
      .map(([key, object]) => [key, object.kind === 'Node' ? withoutHeartbeat(object) : object]),
  );
}

/** A kubelet writes its node's heartbeat every five minutes. */
function withoutHeartbeat({ metadata, status, ...node }: Obj): unknown {
  const { resourceVersion: _version, managedFields: _fields, ...kept } = metadata;
  const conditions = status?.conditions?.map(({ lastHeartbeatTime: _time, ...condition }) => condition);
  return { ...node, metadata: kept, status: { ...status, conditions } };
}

const describeObject = ({ kind, metadata }: Obj): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

/** Objects that were not there before, by what they are. @param ignored made by controllers of the cluster itself. */
function added(before: ReadonlyMap<string, Obj>, after: ReadonlyMap<string, Obj>): Obj[] {
  return [...after].filter(([key]) => !before.has(key)).map(([, object]) => object);
}

/** Controllers write events about nodes that come and go; they expire after an hour, and carry nobody's label. */
const byControllers = (object: Obj): boolean =>
  object.kind === 'Event' && object.metadata.labels?.[runLabel] === undefined;

/** Nothing has come, nothing has gone, and what is there is as it was. */
function expectSame(before: ReadonlyMap<string, Obj>, after: ReadonlyMap<string, Obj>): void {
  expectNothingMore(before, after);
  expect(settled(after)).toEqual(settled(before));
}

function expectNothingMore(before: ReadonlyMap<string, Obj>, after: ReadonlyMap<string, Obj>): void {
  const gone = [...before].filter(([key]) => !after.has(key)).map(([, object]) => object);
  expect(gone.map(describeObject)).toEqual([]);
  const come = added(before, after).filter((object) => !byControllers(object));
  expect(come.map(describeObject)).toEqual([]);
}

function kubeconfig(user: object, name = 'cluster.kubeconfig'): string {
  const { url, caPem } = cp.controlPlane.endpoint;
  const path = join(cli.dir, name);
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'c',
        cluster: { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'theirs', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'theirs',
  };
  writeFileSync(path, JSON.stringify(document));
  return path;
}

function adminKubeconfig(): string {
  const { certPem, keyPem } = cp.controlPlane.admin;
  return kubeconfig({
    'client-certificate-data': Buffer.from(certPem).toString('base64'),
    'client-key-data': Buffer.from(keyPem).toString('base64'),
  });
}

/** A service account's token, for a user with no rights but those that are given to it. */
async function serviceAccountKubeconfig(): Promise<string> {
  const accounts = '/api/v1/namespaces/residents/serviceaccounts';
  await cp.admin.call('POST', accounts, { metadata: { name: 'tester' } });
  const { body } = await cp.admin.call<{ status: { token: string } }>('POST', `${accounts}/tester/token`, {
    spec: { expirationSeconds: 3600 },
  });
  return kubeconfig({ token: body.status.token });
}

async function finished(run: Started): Promise<number | null> {
  return (await run.exit).code;
}

const inLatencyPhase = (run: Started): Promise<void> =>
  eventually('latency pods are being started', () => {
    if (run.child.exitCode !== null) throw new Error(`ended before: ${run.output()}`);
    return /\[3\/3 latency\]/.test(run.output());
  });

function runIdOf(output: string): string {
  const id = /run +(\S+) \(the label of all that is made\)/.exec(output)?.[1];
  if (id === undefined) throw new Error(`no run id in ${output}`);
  return id;
}

describe('a cluster of others', () => {
  it('is shown and asked for, and nothing is made without a yes', async () => {
    const before = await everything();
    const run = cli.start('run', 'guest.yaml', '--kubeconfig', adminKubeconfig(), '--out', 'out');
    expect(await finished(run)).toBe(2);
    const output = run.output();
    expect(output).toContain(cp.controlPlane.endpoint.url);
    expect(output).toMatch(/version +v1\.36\.3\n +nodes +2\n +pods +8\n/);
    expect(output).toMatch(/4 nodes guest-[0-9a-f]{4}-00001 … guest-[0-9a-f]{4}-00004/);
    expect(output).toMatch(/2 namespaces guest-1 … guest-2/);
    expect(output).toMatch(/1 RuntimeClass hyper-[0-9a-f]{4}\n/);
    expect(output).toContain('--yes');
    expectSame(before, await everything());
  });

  it.each(['impersonation', 'certificate', 'pooled'])(
    'is left as it was, with %s identities; all that is made carries the label',
    async (identity) => {
      const before = await everything();
      const run = cli.start(
        ...['run', 'guest.yaml', '--kubeconfig', adminKubeconfig(), '--yes', '--out', 'out'],
        ...['--identity', identity],
      );
      await inLatencyPhase(run);
      const during = await everything();
      const runId = runIdOf(run.output());
      const own = added(before, during).filter((object) => !byControllers(object));
      const namespaces = own.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
      expect(namespaces.toSorted()).toEqual(['guest-1', 'guest-2']);
      // Controllers give each namespace its service account and CA; they go with it.
      const unlabelled = own.filter(
        ({ metadata }) =>
          metadata.labels?.[runLabel] !== runId && !namespaces.includes(metadata.namespace ?? ''),
      );
      expect(unlabelled.map(describeObject)).toEqual([]);
      const nodes = own.filter(({ kind }) => kind === 'Node');
      expect(nodes).toHaveLength(4);
      for (const { metadata, spec } of nodes) {
        expect(metadata.labels).toHaveProperty(['node.kubernetes.io/exclude-from-external-load-balancers']);
        expect(spec?.['taints']).toContainEqual({ key: 'hollowmark.dev/hollow', effect: 'NoSchedule' });
      }
      const classes = own.filter(({ kind }) => kind === 'RuntimeClass').map(({ metadata }) => metadata.name);
      expect(classes).toEqual([`hyper-${runId.slice(-4)}`]);
      const pods = own.filter(({ kind }) => kind === 'Pod');
      const virtual = pods.filter(({ spec }) => spec?.['runtimeClassName'] === classes[0]);
      expect(virtual.length).toBeGreaterThan(0);
      for (const { spec } of virtual) {
        expect(spec?.['overhead']).toEqual({ cpu: '250m', memory: '160Mi' });
        expect(spec?.['nodeName'] ?? '-00004').toMatch(/-00004$/);
      }
      expect(pods.length).toBeGreaterThanOrEqual(16);
      for (const { metadata, spec } of pods) {
        expect(metadata.labels?.[runLabel]).toBe(runId);
        expect(spec?.['nodeName'] ?? 'guest-').toMatch(/^guest-/);
      }
      expect(await finished(run), run.output()).toBeOneOf([0, 3, 5]);
      const result = readResult(join(cli.dir, 'out/result.json'));
      expect(result.failures).toEqual([]);
      expect(result.wire.identity).toBe(identity);
      expect(result.run.invocation).toMatchObject({
        context: 'theirs',
        server: cp.controlPlane.endpoint.url,
      });
      expect(result.notes.join('\n')).toContain('others may have used it');
      expect(result.notes.some((note) => note.includes('--identity pooled'))).toBe(identity === 'pooled');
      expect(result.pods).toMatchObject({ created: 76, started: 76, failed: 0 });
      expect(result.nodes).toMatchObject({ ready: 4, notReadyEvents: 0 });
      expectSame(before, await everything());
      expectIdentities(cp.auditLines(), identity);
    },
  );

  it('is left as it was by a Ctrl-C, with a partial report', async () => {
    const before = await everything();
    const run = cli.start('run', 'guest.yaml', '--kubeconfig', adminKubeconfig(), '--yes', '--out', 'out');
    await inLatencyPhase(run);
    run.child.kill('SIGINT');
    expect(await finished(run), run.output()).toBe(130);
    expect(readResult(join(cli.dir, 'out/result.json')).verdict).toBe('interrupted');
    expectSame(before, await everything());
    expect(cli.temporaryFiles()).toEqual([]);
  });

  // Most of them while the run is being set up, which is when objects are made in the dark.
  it('is left as it was by an interruption at any moment', { timeout: 300_000 }, async () => {
    const before = await everything();
    const path = adminKubeconfig();
    const prng = new Prng('moments/1');
    for (const signal of [
      'SIGINT',
      'SIGKILL',
      'SIGTERM',
      'SIGKILL',
      'SIGINT',
      'SIGKILL',
      'SIGHUP',
    ] as const) {
      const delayMs = prng.between(300, 5_000);
      const run = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--yes', '--out', 'out');
      await sleep(systemClock, delayMs);
      run.child.kill(signal);
      await run.exit;
      await cli.processesGone();
      if (signal === 'SIGKILL') {
        const cleaning = cli.start('clean', '--kubeconfig', path);
        expect(await finished(cleaning), cleaning.output()).toBe(0);
      }
      try {
        expectSame(before, await everything());
        expect(cli.temporaryFiles()).toEqual([]);
      } catch (cause) {
        throw new Error(`after ${signal} at ${delayMs} ms: ${run.output()}`, { cause });
      }
    }
  });

  it('is cleaned after kill -9: by clean, or by the next start', async () => {
    const before = await everything();
    const path = adminKubeconfig();
    const killed = async (): Promise<string> => {
      const run = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--yes', '--out', 'out');
      await inLatencyPhase(run);
      run.child.kill('SIGKILL');
      await run.exit;
      await cli.processesGone();
      return runIdOf(run.output());
    };
    await killed();
    // It was alive a moment ago, but not on this machine any more.
    const cleaning = cli.start('clean', '--kubeconfig', path);
    expect(await finished(cleaning), cleaning.output()).toBe(0);
    expectSame(before, await everything());

    const second = await killed();
    const here = cli.start('clean');
    expect(await finished(here), here.output()).toBe(0);
    expect(here.output()).toContain(`hollowmark clean --kubeconfig ${path} --context theirs --run ${second}`);
    // Without a yes nothing is removed either.
    const asking = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--out', 'next');
    expect(await finished(asking), asking.output()).toBe(2);
    expect(asking.output()).toContain(`first removed: what the run ${second} left there`);
    const next = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--out', 'next', '--yes');
    expect(await finished(next), next.output()).toBeOneOf([0, 3, 5]);
    expect(next.output()).toContain(`Removing what the killed run ${second} left`);
    expectSame(before, await everything());
    expect(cli.temporaryFiles()).toEqual([]);
  });

  it('tells a user without rights which are missing, and runs when they are given', async () => {
    const path = await serviceAccountKubeconfig();
    const refused = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--yes', '--out', 'out');
    expect(await finished(refused)).toBe(2);
    expect(refused.output()).toContain('system:serviceaccount:residents:tester');
    const yaml = refused.output().slice(refused.output().indexOf('apiVersion:'));
    for (const document of parseAllDocuments(yaml)) {
      const object = document.toJS() as { kind: string };
      const resource = `${object.kind.toLowerCase()}s`;
      const answer = await cp.admin.call('POST', `/apis/rbac.authorization.k8s.io/v1/${resource}`, object);
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    }
    const before = await everything();
    const run = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--yes', '--out', 'out');
    expect(await finished(run), run.output()).toBeOneOf([0, 3, 5]);
    expect(readResult(join(cli.dir, 'out/result.json'))).toMatchObject({
      failures: [],
      pods: { created: 76, started: 76, failed: 0 },
    });
    expectSame(before, await everything());
  });

  it('carries hollow nodes for other tools with up, also when a DaemonSet tolerates them', async () => {
    const before = await everything();
    const daemonSets = '/apis/apps/v1/namespaces/residents/daemonsets';
    const everywhere = daemonSet('everywhere', { tolerations: [{ operator: 'Exists' }] });
    expect((await cp.admin.call('POST', daemonSets, everywhere)).status).toBe(201);
    const up = cli.start('up', '--nodes', '2', '--kubeconfig', adminKubeconfig(), '--yes');
    await eventually('the nodes are Ready', () => up.output().includes('\nready\n'));
    expect(up.output()).toMatch(/warning: 1 DaemonSet tolerates the taint .*: residents\/everywhere/);
    expect(up.output()).toContain('cluster.kubeconfig --context theirs get nodes');
    const nodes = added(before, await everything()).filter(({ kind }) => kind === 'Node');
    const names = nodes.map(({ metadata }) => metadata.name.replace(/-[0-9a-f]{4}-/, '-…-'));
    expect(names.toSorted()).toEqual(['hollow-…-00001', 'hollow-…-00002']);
    await eventually('the DaemonSet is on all four nodes', async () => {
      const { body } = await cp.admin.call<{ status: { numberReady?: number } }>(
        'GET',
        `${daemonSets}/everywhere`,
      );
      return body.status.numberReady === 4;
    });
    up.child.kill('SIGTERM');
    expect(await finished(up), up.output()).toBe(143);
    const left = added(before, await everything()).filter((object) => !byControllers(object));
    expect(
      left.filter(({ metadata }) => !metadata.name.startsWith('everywhere')).map(describeObject),
    ).toEqual([]);
    await cp.admin.call('DELETE', `${daemonSets}/everywhere`);
    // Pods of nodes that are gone are the pod garbage collector's, which looks every 20 s and waits for 40.
    await eventually(
      'the DaemonSet and its pods are gone',
      async () => added(before, await everything()).every(byControllers),
      120_000,
    );
    expectSame(before, await everything());
  });

  it('is not touched when names are taken', async () => {
    const { status } = await cp.admin.call('POST', '/api/v1/namespaces', { metadata: { name: 'guest-2' } });
    expect(status).toBe(201);
    await eventually('its service account is there', async () => {
      const path = '/api/v1/namespaces/guest-2/serviceaccounts/default';
      return (await cp.admin.call('GET', path)).status === 200;
    });
    await eventually('its CA is there', async () => {
      const path = '/api/v1/namespaces/guest-2/configmaps/kube-root-ca.crt';
      return (await cp.admin.call('GET', path)).status === 200;
    });
    const before = await everything();
    const run = cli.start('run', 'guest.yaml', '--kubeconfig', adminKubeconfig(), '--yes', '--out', 'out');
    expect(await finished(run)).toBe(2);
    expect(run.output()).toContain('namespaces guest-2');
    expectSame(before, await everything());
    await cp.admin.call('DELETE', '/api/v1/namespaces/guest-2');
    await eventually('the name is free again', async () => {
      return (await cp.admin.call('GET', '/api/v1/namespaces/guest-2')).status === 404;
    });
  });

  it('is named with what removes the run, when it hangs and nothing can be removed', async () => {
    const before = await everything();
    const path = adminKubeconfig();
    const run = cli.start('run', 'guest.yaml', '--kubeconfig', path, '--yes', '--out', 'out');
    await inLatencyPhase(run);
    const server = cp.controlPlane.pids()['kube-apiserver'];
    process.kill(server, 'SIGSTOP');
    try {
      expect(await finished(run), run.output()).toBe(6);
    } finally {
      process.kill(server, 'SIGCONT');
    }
    const runId = runIdOf(run.output());
    expect(run.output()).toContain('the API server has not answered for 30 s');
    expect(run.output()).toContain(
      `remove it with \`hollowmark clean --kubeconfig ${path} --context theirs --run ${runId}\``,
    );
    const result = readResult(join(cli.dir, 'out/result.json'));
    expect(result.failures.map(({ where }) => where)).toContain('cleaning up');
    const cleaning = cli.start('clean', '--kubeconfig', path, '--context', 'theirs', '--run', runId);
    expect(await finished(cleaning), cleaning.output()).toBe(0);
    // The residents' nodes were silent for as long: what the node controller has written of them is its own.
    expectNothingMore(before, await everything());
    expect(cli.temporaryFiles()).toEqual([]);
  });
});

/** Hollow nodes are nodes to the API server, unless they are pooled. */
function expectIdentities(lines: readonly AuditLine[], identity: string): void {
  const guests = lines.filter(
    ({ objectRef, verb }) =>
      verb === 'create' && objectRef?.resource === 'nodes' && (objectRef.name ?? '').startsWith('guest-'),
  );
  const last = guests.slice(-4);
  expect(last).toHaveLength(4);
  for (const { user, impersonatedUser, objectRef } of last) {
    const node = `system:node:${objectRef?.name ?? ''}`;
    if (identity === 'impersonation') expect(impersonatedUser?.username).toBe(node);
    else expect(user.username).toBe(identity === 'certificate' ? node : 'hollowmark-admin');
  }
}
