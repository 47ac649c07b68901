import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import { runKinds } from '../../../src/cluster/kinds.ts';
import { type RemoveOptions, removeRun } from '../../../src/cluster/remove-run.ts';
import { FakeCluster, type Stored, serverTime } from './fake-cluster.ts';

const leases = 'leases.coordination.k8s.io';
const rbac = 'rbac.authorization.k8s.io';

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});

const remove = (options: Partial<RemoveOptions> = {}): Promise<Record<string, number>> =>
  cluster.clock.finish(
    removeRun({
      client: cluster,
      runId: 'a',
      scope: 'everything',
      forcePods: false,
      timeoutMs: 60_000,
      reporter: silentReporter,
      signal: new AbortController().signal,
      ...options,
    }),
  );

const names = (): string[] => cluster.objects.map(({ resource, metadata }) => `${resource} ${metadata.name}`);
const deleted = (): string[] => cluster.writes.map(({ path }) => path.split('/').at(-1) ?? '');

/** A run as it is in the middle of its work. */
function addRun(runId: string): void {
  cluster.add('namespaces', `${runId}-ns`, runId);
  cluster.add('deployments.apps', `${runId}-ns/${runId}-web`, runId);
  cluster.add('replicasets.apps', `${runId}-ns/${runId}-web-1`, runId);
  for (const i of [1, 2, 3]) cluster.add('pods', `${runId}-ns/${runId}-pod-${i}`, runId);
  cluster.add('events', `${runId}-ns/${runId}-event`, runId);
  for (const i of [1, 2]) {
    cluster.add('nodes', `${runId}-node-${i}`, runId);
    cluster.add(leases, `kube-node-lease/${runId}-node-${i}`, runId);
    cluster.add('csinodes.storage.k8s.io', `${runId}-node-${i}`, runId);
  }
  cluster.add('events', `default/${runId}-node-event`, runId);
  cluster.add('certificatesigningrequests.certificates.k8s.io', `${runId}-csr`, runId);
  for (const kind of ['clusterroles', 'clusterrolebindings'])
    cluster.add(`${kind}.${rbac}`, `x:${runId}`, runId);
  for (const kind of ['roles', 'rolebindings']) cluster.add(`${kind}.${rbac}`, `default/x:${runId}`, runId);
}

function addForeign(): void {
  cluster.add('namespaces', 'shop');
  cluster.add('pods', 'shop/cart');
  cluster.add('nodes', 'real-1');
  cluster.add(leases, 'kube-node-lease/real-1');
  cluster.add(`clusterroles.${rbac}`, 'admin');
}

describe('removing a run', () => {
  test.each([false, true])('takes all of it and nothing else (pods forced: %s)', async (forcePods) => {
    addForeign();
    addRun('b');
    const others = structuredClone(cluster.objects);
    addRun('a');
    cluster.kubelets = !forcePods;
    expect(await remove({ forcePods })).toEqual({
      namespaces: 1,
      deployments: 1,
      replicasets: 1,
      pods: 3,
      nodes: 2,
      csinodes: 2,
      leases: 2,
      events: forcePods ? 2 : 1,
      certificatesigningrequests: 1,
      rolebindings: 1,
      roles: 1,
      clusterrolebindings: 1,
      clusterroles: 1,
    });
    expect(cluster.objects).toEqual(others);
  });

  test('deletes by name and uid, forces pods only when told to, and leaves the rest to the namespace', async () => {
    addRun('a');
    const uids = new Map(cluster.objects.map(({ metadata }) => [metadata.name, metadata.uid]));
    await remove();
    for (const { method, path, body } of cluster.writes) {
      expect(method).toBe('DELETE');
      expect(body).toMatchObject({ propagationPolicy: 'Background' });
      expect(body).not.toHaveProperty('gracePeriodSeconds');
      const name = decodeURIComponent(path.split('/').at(-1) ?? '');
      expect([...uids.keys()]).toContain(name);
      expect((body as { preconditions: { uid: string } }).preconditions.uid).toMatch(/^uid-\d+$/);
    }
    expect(deleted().filter((name) => name.includes('pod') || name.includes('web'))).toEqual([]);
    addRun('a');
    cluster.asked.length = 0;
    cluster.kubelets = false;
    await remove({ forcePods: true });
    const pods = cluster.writes.filter(({ path }) => path.includes('/pods/'));
    expect(pods).toHaveLength(3);
    for (const { body } of pods) expect(body).toMatchObject({ gracePeriodSeconds: 0 });
  });

  test('keeps nodes until the namespaces are gone, so that kubelets can end their pods', async () => {
    addRun('a');
    await remove();
    const firstNode = cluster.asked.findIndex(
      ({ method, path }) => method === 'DELETE' && path.includes('/nodes/'),
    );
    const lastLook = cluster.asked.findLastIndex(({ path }) => path === '/api/v1/namespaces');
    expect(firstNode).toBeGreaterThan(lastLook);
  });

  test('takes only the load when told so', async () => {
    addRun('a');
    expect(await remove({ scope: 'load' })).toEqual({
      namespaces: 1,
      deployments: 1,
      replicasets: 1,
      pods: 3,
    });
    expect(names()).toContain('nodes a-node-1');
    expect(names()).not.toContain('namespaces a-ns');
  });

  test('takes pods and deployments that are in a namespace of somebody else', async () => {
    cluster.add('namespaces', 'shop');
    cluster.add('pods', 'shop/cart');
    cluster.add('pods', 'shop/ours', 'a');
    cluster.add('deployments.apps', 'shop/ours', 'a');
    expect(await remove()).toEqual({ deployments: 1, pods: 1 });
    expect(names()).toEqual(['namespaces shop', 'pods cart']);
  });

  test('takes workloads, and volumes, which are in no namespace', async () => {
    cluster.add('namespaces', 'a-ns', 'a');
    for (const kind of ['jobs.batch', 'statefulsets.apps', 'persistentvolumeclaims']) {
      cluster.add(kind, 'a-ns/a-work', 'a');
    }
    cluster.add('persistentvolumes', 'a-volume', 'a');
    cluster.add('persistentvolumes', 'somebodys');
    await remove({ scope: 'load' });
    expect(names()).toEqual(['persistentvolumes somebodys']);
  });

  test('is done at once when there is nothing', async () => {
    expect(await remove()).toEqual({});
    expect(cluster.writes).toEqual([]);
  });

  test('does not trust a selector that the server ignores', async () => {
    addForeign();
    addRun('b');
    const others = structuredClone(cluster.objects);
    addRun('a');
    const all = (resource: string): Stored[] =>
      cluster.objects.filter((object) => object.resource === resource);
    cluster.intercept = ({ method, path, query }) =>
      method === 'GET' && query.has('labelSelector')
        ? { status: 200, object: { items: all(path.split('/').at(-1) ?? '') } }
        : undefined;
    await remove();
    expect(cluster.objects).toEqual(others);
  });

  test('spares an object of the same name that came in between', async () => {
    cluster.add('nodes', 'n', 'a');
    let swapped = false;
    cluster.intercept = ({ method }) => {
      if (method === 'DELETE' && !swapped) {
        swapped = true;
        cluster.objects = [];
        cluster.add('nodes', 'n');
      }
      return undefined;
    };
    expect(await remove()).toEqual({ nodes: 1 });
    expect(names()).toEqual(['nodes n']);
    expect(cluster.writes).toHaveLength(1);
  });

  test('removes what still appears while it is at it', async () => {
    cluster.add('nodes', 'n-1', 'a');
    let count = 1;
    cluster.intercept = ({ method }) => {
      if (method === 'DELETE' && count < 4) cluster.add('nodes', `n-${++count}`, 'a');
      return undefined;
    };
    expect(await remove()).toEqual({ nodes: 4 });
    expect(names()).toEqual([]);
  });
});

describe('a server that has troubles', () => {
  test.each([429, 500, 503, 'lost'] as const)('%s: tries again', async (trouble) => {
    addRun('a');
    let count = 0;
    cluster.intercept = () => {
      if (++count % 3 !== 0) return undefined;
      return trouble === 'lost' ? 'lost' : { status: trouble };
    };
    await remove();
    expect(names()).toEqual([]);
  });

  test('that lacks a kind has nothing of it', async () => {
    addRun('a');
    cluster.intercept = ({ path }) => (path.startsWith('/apis/storage.k8s.io') ? { status: 404 } : undefined);
    expect(await remove()).not.toHaveProperty('csinodes');
  });

  test('that never deletes: the error names what is left, and why', async () => {
    const stuck = cluster.add('namespaces', 'stuck', 'a', { finalizers: ['example.com/wait'] });
    stuck['status'] = {
      conditions: [
        { status: 'True', message: 'some content has finalizers: example.com/wait' },
        { status: 'False', message: 'all is well' },
      ],
    };
    for (let i = 1; i < 8; i++) cluster.add('pods', `shop/p-${i}`, 'a', { finalizers: ['example.com/wait'] });
    await expect(remove({ timeoutMs: 5_000 })).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message:
        'not all of run a is gone after 5 s, still there: namespaces stuck; pods shop/p-1, shop/p-2, shop/p-3, ' +
        'shop/p-4, shop/p-5 and 2 more. stuck: some content has finalizers: example.com/wait',
      hint: expect.stringContaining('hollowmark clean --kubeconfig FILE --run a') as unknown,
    });
  });

  test('that takes its time is not asked twice, nor about what is going already', async () => {
    cluster.add('nodes', 'slow', 'a', { finalizers: ['example.com/wait'] });
    cluster.add('nodes', 'going', 'a', { finalizers: ['example.com/wait'], deletionTimestamp: serverTime });
    cluster.clock.timer(4_000, () => {
      cluster.objects = [];
    });
    expect(await remove()).toEqual({ nodes: 2 });
    expect(deleted()).toEqual(['slow']);
  });

  test('that does not mark what it deletes is not asked twice either', async () => {
    cluster.add('nodes', 'slow', 'a');
    cluster.intercept = ({ method }) => (method === 'DELETE' ? { status: 202 } : undefined);
    cluster.clock.timer(4_000, () => {
      cluster.objects = [];
    });
    await remove();
    expect(deleted()).toEqual(['slow']);
  });

  test('that fails every deletion: the time limit holds, with the last failure', async () => {
    cluster.add('nodes', 'n', 'a');
    cluster.intercept = ({ method }) =>
      method === 'DELETE'
        ? { status: 500, object: { reason: 'InternalError', message: 'etcd is full' } }
        : undefined;
    const startUs = cluster.clock.nowUs();
    await expect(remove({ timeoutMs: 100_000 })).rejects.toThrow('etcd is full');
    expect((cluster.clock.nowUs() - startUs) / 1000).toBeLessThan(101_000);
  });

  test('that forbids: all else is removed, and the error has the missing rules', async () => {
    addRun('a');
    cluster.intercept = ({ method, path }) =>
      (method === 'DELETE' && path.startsWith('/api/v1/nodes/')) || path.includes('/csinodes')
        ? { status: 403, object: { reason: 'Forbidden' } }
        : undefined;
    await expect(remove()).rejects.toMatchObject({
      code: 'bad-input',
      message: "the kubeconfig's user jane may not: list csinodes.storage.k8s.io; delete nodes",
      hint: expect.stringContaining('kind: ClusterRole') as unknown,
    });
    expect(names()).toEqual(['nodes a-node-1', 'csinodes a-node-1', 'nodes a-node-2', 'csinodes a-node-2']);
  });

  test('that does not let us see volumes has none of ours', async () => {
    addRun('a');
    cluster.intercept = ({ path }) =>
      /persistentvolumes$|\/jobs$/.test(path) ? { status: 403, object: { reason: 'Forbidden' } } : undefined;
    expect(await remove()).toMatchObject({ namespaces: 1, nodes: 2 });
    expect(names()).toEqual([]);
  });

  test('that forbids the deletion of namespaces: what is in them goes one by one', async () => {
    addRun('a');
    cluster.intercept = ({ method, path }) =>
      method === 'DELETE' && /^\/api\/v1\/namespaces\/[^/]+$/.test(path) ? { status: 403 } : undefined;
    await expect(remove()).rejects.toThrow('may not: delete namespaces');
    expect(names()).toEqual(['namespaces a-ns']);
  });

  test('that does not know us any more', async () => {
    cluster.intercept = () => ({ status: 401 });
    await expect(remove()).rejects.toMatchObject({ code: 'bad-input' });
  });
});

test('an interrupt stops it in the middle', async () => {
  addRun('a');
  cluster.kubelets = false;
  const stop = new AbortController();
  const removal = remove({ signal: stop.signal });
  removal.catch(() => {});
  await cluster.clock.advance(3_000);
  stop.abort();
  await expect(removal).rejects.toMatchObject({ code: 'interrupted' });
  expect(names()).toContain('nodes a-node-1');
});

test('of any objects, those with the label go and no others, whatever the server does in between', async () => {
  const kind = fc.constantFrom(...runKinds);
  const label = fc.constantFrom('a', 'b', 'aa', '', undefined);
  const object = fc.tuple(kind, label, fc.constantFrom('ours', 'theirs'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(object, { maxLength: 40 }),
      fc.array(fc.constantFrom(0, 429, 500), { maxLength: 5 }),
      fc.boolean(),
      async (objects, troubles, forcePods) => {
        cluster = new FakeCluster();
        cluster.add('namespaces', 'ours', 'a');
        cluster.add('namespaces', 'theirs');
        for (const [i, [{ group, resource, namespaced }, runId, namespace]] of objects.entries()) {
          const name = resource === 'namespaces' ? `ns-${i}` : namespaced ? `${namespace}/o-${i}` : `o-${i}`;
          cluster.add(`${resource}.${group}`.replace(/\.$/, ''), name, runId);
        }
        const spared = cluster.objects.filter(
          ({ metadata }) => metadata.labels?.['hollowmark.dev/run'] !== 'a' && metadata.namespace !== 'ours',
        );
        const expected = structuredClone(spared);
        cluster.kubelets = !forcePods;
        // What has no label in our namespace goes with it, pods in the end with their nodes: not modelled here.
        cluster.objects = cluster.objects.filter(
          ({ metadata, resource }) =>
            !(
              resource === 'pods' &&
              metadata.namespace === 'ours' &&
              metadata.labels?.['hollowmark.dev/run'] !== 'a'
            ),
        );
        const left = [...troubles];
        cluster.intercept = () => {
          const status = left.shift() ?? 0;
          return status === 0 ? undefined : { status };
        };
        await remove({ forcePods });
        expect(cluster.objects).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
