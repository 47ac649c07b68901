import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

type Pod = {
  metadata: { name: string; uid: string };
  spec: { nodeName: string };
  status: { phase: string; podIP?: string; conditions: { type: string; status: string }[] };
};
type Node = {
  metadata: { name: string };
  status: { conditions: { type: string; status: string }[] };
};

const nodeCount = 20;
const podCount = 200;

/** Bring-up, 200 pods, an API server that restarts while they start, and deletion: on a real control plane. */
describe('20 hollow nodes on a real control plane', () => {
  let cluster: TestControlPlane;
  let shard: Shard;
  const started = new Set<string>();
  const interruptions: string[] = [];
  let podsDeleted = 0;

  const collect = (): void => {
    const report = shard.report();
    for (const uid of report.startedUids) started.add(uid);
    podsDeleted = report.totals.podsDeleted;
  };
  const pods = async (): Promise<Pod[]> =>
    (await cluster.admin.call<{ items: Pod[] }>('GET', '/api/v1/namespaces/default/pods')).body.items;
  const create = (name: string, replicas: number): Promise<{ status: number }> =>
    cluster.admin.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment(name, replicas));
  const readyNodes = async (): Promise<number> => {
    const { body } = await cluster.admin.call<{ items: Node[] }>('GET', '/api/v1/nodes');
    return body.items.filter((node) =>
      node.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    ).length;
  };

  beforeAll(async () => {
    cluster = await TestControlPlane.start({
      // Every fiftieth request is answered with a GOAWAY: connections drain and are replaced all the time.
      extraFlags: { 'kube-apiserver': ['--goaway-chance=0.02'] },
    });
    shard = cluster.shard(testNodes(nodeCount));
    await shard.start();
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('comes up: every node Ready, every proxy watching', async () => {
    expect(shard.report().totals).toMatchObject({ nodesReady: nodeCount, proxiesReady: nodeCount });
    expect(await readyNodes()).toBe(nodeCount);
  });

  it('runs 200 pods, under GOAWAY', async () => {
    expect((await create('first', podCount)).status).toBe(201);
    await eventually('all pods have started', () => {
      collect();
      return started.size === podCount;
    });
    const list = await pods();
    expect(list).toHaveLength(podCount);
    expect(list.every((pod) => pod.status.phase === 'Running')).toBe(true);
    expect(new Set(list.map((pod) => pod.status.podIP)).size).toBe(podCount);
    expect(new Set(list.map((pod) => pod.spec.nodeName)).size).toBe(nodeCount);
  });

  it('goes on when the API server restarts while pods start', async () => {
    expect((await create('second', podCount)).status).toBe(201);
    await eventually('some of them have started', () => {
      collect();
      return started.size > podCount + 20;
    });
    await cluster.controlPlane.restart('kube-apiserver');
    await eventually(
      'all pods are Running and Ready',
      async () => {
        collect();
        const list = await pods();
        return (
          list.length === 2 * podCount &&
          list.every(
            (pod) =>
              pod.status.phase === 'Running' &&
              pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
          )
        );
      },
      120_000,
    );
    interruptions.push(...shard.drainStatistics(true).interruptions);
    expect(interruptions.length).toBeGreaterThan(0);
    expect(await readyNodes()).toBe(nodeCount);
  });

  it('deletes them all, each by its own kubelet, and nothing is left', async () => {
    for (const name of ['first', 'second']) {
      const { status } = await cluster.admin.call(
        'DELETE',
        `/apis/apps/v1/namespaces/default/deployments/${name}`,
      );
      expect(status).toBe(200);
    }
    await eventually('no pod is left', async () => (await pods()).length === 0, 120_000);
    await eventually('the kubelets know', () => {
      collect();
      return podsDeleted === 2 * podCount;
    });
    const { errors, errorCount } = shard.drainStatistics(true);
    expect(errors).toEqual([]);
    expect(errorCount).toBe(0);
  });
});
