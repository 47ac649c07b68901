import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import { TestControlPlane, eventually, testNodes } from './support.ts';

type Json = { [key: string]: unknown };
type Pod = {
  metadata: { name: string };
  status: Json & { phase: string; conditions: Json[]; containerStatuses?: Json[] };
};
type Event = { reason: string; message: string; count: number; involvedObject: { name: string } };

/** The life of containers on one hollow node, as the API server, its admission and its controllers take it. */
describe('containers of a hollow node', () => {
  let cluster: TestControlPlane;
  let shard: Shard;

  const create = (path: string, body: unknown): Promise<unknown> => cluster.admin.call('POST', path, body);
  const pods = async (): Promise<Pod[]> =>
    (await cluster.admin.call<{ items: Pod[] }>('GET', '/api/v1/namespaces/default/pods')).body.items;
  const pod = async (name: string): Promise<Pod> => {
    const found = (await pods()).find(({ metadata }) => metadata.name.startsWith(name));
    if (found === undefined) throw new Error(`no pod ${name}`);
    return found;
  };
  const events = async (name: string): Promise<Event[]> =>
    (
      await cluster.admin.call<{ items: Event[] }>('GET', '/api/v1/namespaces/default/events')
    ).body.items.filter(({ involvedObject }) => involvedObject.name.startsWith(name));
  const of = (key: string, value: string): Json => ({ [`hollowmark.dev/container.c.${key}`]: value });
  const createPod = (
    name: string,
    annotations: Json,
    container: Json = {},
    spec: Json = {},
  ): Promise<unknown> =>
    create('/api/v1/namespaces/default/pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations },
      spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', ...container }], ...spec },
    });

  beforeAll(async () => {
    cluster = await TestControlPlane.start();
    shard = cluster.shard(
      testNodes(1).map((node) => ({
        ...node,
        capacity: { ...node.capacity, memory: '2Gi', 'nvidia.com/gpu': '1' },
      })),
      false,
    );
    await shard.start();
    await eventually('the node is Ready', () => shard.report().totals.nodesReady === 1);
    await eventually(
      'the default service account is there',
      async () =>
        (await cluster.admin.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status ===
        200,
    );
    // All at once: what each comes to is asked for below.
    await create('/apis/batch/v1/namespaces/default/jobs', {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'job' },
      spec: {
        completions: 2,
        template: {
          metadata: { annotations: of('run-duration', '1s') },
          spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] },
        },
      },
    });
    await createPod('crash', { ...of('run-duration', '10ms'), ...of('exit-code', '1') });
    await createPod('oom', of('memory-usage', '200Mi'), { resources: { limits: { memory: '100Mi' } } });
    await createPod('late', of('ready-after', '3s'), {
      readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 },
    });
    await createPod(
      'sidecar',
      of('run-duration', '2s'),
      {},
      {
        restartPolicy: 'Never',
        initContainers: [{ name: 's', image: 'busybox', restartPolicy: 'Always' }],
      },
    );
    await createPod(
      'rejected',
      {},
      { resources: { limits: { 'nvidia.com/gpu': '2' } } },
      { nodeName: 'hollow-1' },
    );
    await createPod('stubborn', of('term-duration', '1h'), {}, { terminationGracePeriodSeconds: 60 });
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('end a Job, which the Job controller sees as complete', async () => {
    await eventually('the Job is complete', async () => {
      const { body } = await cluster.admin.call<{ status: { succeeded?: number; conditions?: Json[] } }>(
        'GET',
        '/apis/batch/v1/namespaces/default/jobs/job',
      );
      return (
        body.status.succeeded === 2 && (body.status.conditions ?? []).some(({ type }) => type === 'Complete')
      );
    });
    expect((await pod('job')).status.containerStatuses?.[0]).toMatchObject({
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    });
  });

  it('crash in a loop, with counted events', async () => {
    await eventually('it waits for its second restart', async () => {
      const [status] = (await pod('crash')).status.containerStatuses ?? [];
      return status?.['restartCount'] === 2;
    });
    expect((await pod('crash')).status.phase).toBe('Running');
    await eventually('the events have come', async () =>
      (await events('crash')).some(({ reason, count }) => reason === 'Started' && count === 3),
    );
    const backOff = (await events('crash')).find(({ reason }) => reason === 'BackOff');
    expect(backOff?.message).toMatch(/^Back-off restarting failed container c in pod crash_default\(/);
  });

  it('are killed for the memory that they use', async () => {
    const [status] = (await pod('oom')).status.containerStatuses ?? [];
    expect(JSON.stringify(status)).toContain('OOMKilled');
  });

  it('become ready when their probe succeeds', async () => {
    const ready = async (): Promise<unknown> =>
      (await pod('late')).status.conditions.find(({ type }) => type === 'Ready')?.['status'];
    await eventually('it is ready', async () => (await ready()) === 'True');
    expect((await events('late')).some(({ reason }) => reason === 'Unhealthy')).toBe(true);
  });

  it('take their sidecars with them', async () => {
    await eventually(
      'the pod has succeeded',
      async () => (await pod('sidecar')).status.phase === 'Succeeded',
    );
    expect(JSON.stringify((await pod('sidecar')).status['initContainerStatuses'])).toContain('terminated');
  });

  it('are not taken where they do not fit', async () => {
    await eventually('the pod has failed', async () => (await pod('rejected')).status.phase === 'Failed');
    expect((await pod('rejected')).status).toMatchObject({
      reason: 'OutOfnvidia.com/gpu',
      message:
        "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 2, used: 0, capacity: 1",
    });
  });

  it('have as long to stop as their deletion says', async () => {
    await eventually('it runs', async () => (await pod('stubborn')).status.phase === 'Running');
    await cluster.admin.call('DELETE', '/api/v1/namespaces/default/pods/stubborn', { gracePeriodSeconds: 2 });
    const there = async (): Promise<boolean> =>
      (await pods()).some(({ metadata }) => metadata.name === 'stubborn');
    expect(await there()).toBe(true);
    await eventually('it is gone', async () => !(await there()), 20_000);
  });

  it('are made ready again when somebody took that away', async () => {
    const path = '/api/v1/namespaces/default/pods/late/status';
    await cluster.admin.call(
      'PATCH',
      path,
      { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      'application/strategic-merge-patch+json',
    );
    const ready = async (): Promise<unknown> =>
      (await pod('late')).status.conditions.find(({ type }) => type === 'Ready')?.['status'];
    expect(await ready()).toBe('False');
    await eventually('it is written again', async () => (await ready()) === 'True', 30_000);
  });

  it('go when the node’s memory runs short', async () => {
    await createPod('hungry', of('memory-usage', '1950Mi'));
    await eventually('it is evicted', async () => (await pod('hungry')).status['reason'] === 'Evicted');
    const { status } = await pod('hungry');
    expect(status.phase).toBe('Failed');
    expect(status.conditions.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
    });
    await eventually('the node says so', async () => {
      const { body } = await cluster.admin.call<{ status: { conditions: Json[] } }>(
        'GET',
        '/api/v1/nodes/hollow-1',
      );
      return body.status.conditions.find(({ type }) => type === 'MemoryPressure')?.['status'] === 'True';
    });
  });
});
