import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import { createRuntimeClasses } from '../../src/load/runtime-class.ts';
import { parseScenario } from '../../src/scenario/load-scenario.ts';
import { nodeConfigs } from '../../src/scenario/nodes.ts';
import { runtimeClasses } from '../../src/scenario/runtimes.ts';
import { TestControlPlane, eventually } from './support.ts';

type Node = {
  metadata: { name: string; labels: Record<string, string> };
  spec: { taints?: { key: string; value?: string }[] };
  status: {
    nodeInfo: { operatingSystem: string; containerRuntimeVersion: string };
    images: { names: string[]; sizeBytes: number }[];
  };
};
type Pod = {
  spec: { nodeName?: string; overhead?: Record<string, string> };
  status: { phase: string; containerStatuses?: { state: { waiting?: { reason: string } } }[] };
};
type Event = { reason: string; message: string; count: number; involvedObject: { name: string } };

const pods = '/api/v1/namespaces/default/pods';

/** What a real API server, its scheduler and its admission make of nodes and pods of several runtimes. */
describe('nodes of several runtimes on a real control plane', () => {
  const { scenario } = parseScenario(
    `name: runtimes
nodes: { count: 3, groups: [{ name: win, count: 1, runtime: windows }, { name: vm, count: 1, runtime: hyper }] }
phases: [{ type: wait, for: nodes-ready }]`,
    'runtimes.yaml',
    { sets: [] },
  );
  let cluster: TestControlPlane;
  let shard: Shard;

  const node = async (name: string): Promise<Node> =>
    (await cluster.admin.call<Node>('GET', `/api/v1/nodes/${name}`)).body;
  const pod = async (name: string): Promise<Pod> =>
    (await cluster.admin.call<Pod>('GET', `${pods}/${name}`)).body;
  const create = async (name: string, spec: Record<string, unknown>, image: string): Promise<void> => {
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { ...spec, containers: [{ name: 'c', image }] },
    };
    expect((await cluster.admin.call('POST', pods, object)).status).toBe(201);
  };
  const events = async (name: string, reason: string): Promise<Event[]> => {
    const { body } = await cluster.admin.call<{ items: Event[] }>('GET', '/api/v1/namespaces/default/events');
    return body.items.filter((event) => event.involvedObject.name === name && event.reason === reason);
  };
  const running = (name: string): Promise<void> =>
    eventually(`${name} runs`, async () => (await pod(name)).status.phase === 'Running');

  beforeAll(async () => {
    cluster = await TestControlPlane.start();
    await createRuntimeClasses(cluster.admin.client, runtimeClasses(scenario), {
      runId: 'run-1',
      confined: false,
    });
    // One of somebody else's, whose handler no node has.
    const strange = {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'strange' },
      handler: 'strange',
    };
    await cluster.admin.call('POST', '/apis/node.k8s.io/v1/runtimeclasses', strange);
    shard = cluster.shard(nodeConfigs(scenario, 'v1.36.3', 'run-1'), false);
    await shard.start();
    await eventually('the nodes are Ready', () => shard.report().totals.nodesReady === 3);
    await eventually(
      'pods can be made',
      async () =>
        (await cluster.admin.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status ===
        200,
    );
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('has a Windows node with its label, its taint and its system', async () => {
    const { metadata, spec, status } = await node('hollow-00002');
    expect(metadata.labels).toMatchObject({
      'kubernetes.io/os': 'windows',
      'node.kubernetes.io/windows-build': '10.0.20348',
    });
    expect(spec.taints).toContainEqual({ key: 'os', value: 'windows', effect: 'NoSchedule' });
    expect(status.nodeInfo).toMatchObject({
      operatingSystem: 'windows',
      containerRuntimeVersion: 'containerd://2.1.4',
    });
  });

  it('runs pods of the RuntimeClass on its nodes, with its overhead', async () => {
    await create('virtual', { runtimeClassName: 'hyper' }, 'registry.k8s.io/pause:3.10');
    await running('virtual');
    expect((await pod('virtual')).spec).toMatchObject({
      nodeName: 'hollow-00003',
      overhead: { cpu: '250m', memory: '160Mi' },
    });
  });

  it('gives no sandbox to a pod whose handler the node does not have', async () => {
    await create(
      'strange',
      { runtimeClassName: 'strange', nodeName: 'hollow-00001' },
      'registry.k8s.io/pause:3.10',
    );
    await eventually(
      'it is said why',
      async () => (await events('strange', 'FailedCreatePodSandBox')).length === 1,
    );
    const [event] = await events('strange', 'FailedCreatePodSandBox');
    expect(event?.message).toContain('no runtime for "strange" is configured');
    expect((await pod('strange')).status.phase).toBe('Pending');
  });

  it('pulls images, and tells in the node’s status that they are there', async () => {
    await create('pulled', { nodeName: 'hollow-00001' }, 'registry.example/app:1');
    await running('pulled');
    expect(await events('pulled', 'Pulling')).toHaveLength(1);
    await eventually('the image is reported', async () =>
      (await node('hollow-00001')).status.images.some(({ names }) =>
        names.includes('registry.example/app:1'),
      ),
    );
  });

  it('says what keeps an image from being pulled', async () => {
    await create('unpulled', { nodeName: 'hollow-00001' }, 'registry.invalid/app:1');
    await eventually('it waits', async () => {
      const reason = (await pod('unpulled')).status.containerStatuses?.[0]?.state.waiting?.reason;
      return reason === 'ErrImagePull' || reason === 'ImagePullBackOff';
    });
    const [first] = await events('unpulled', 'Failed');
    expect(first?.message).toContain('lookup registry.invalid: no such host');
  });
});
