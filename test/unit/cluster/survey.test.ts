import { beforeEach, describe, expect, test } from 'vitest';
import { type DaemonSet, type PlannedNode, landsOn } from '../../../src/cluster/daemon-sets.ts';
import { type RunPlan, renderSurvey } from '../../../src/cluster/render-survey.ts';
import { type Intent, type Survey, podRangesFor, refuseTaken, survey } from '../../../src/cluster/survey.ts';
import { countsText, durationText, someOf } from '../../../src/cluster/words.ts';
import { FakeCluster } from './fake-cluster.ts';

const node = (name: string, labels: Record<string, string> = {}): PlannedNode => ({
  name,
  labels,
  taints: [],
});

const plan: RunPlan = {
  runId: '20261121-120000-density-3f9c',
  nodes: Array.from({ length: 1200 }, (_, i) => node(`hollow-${i + 1}`)),
  namespaces: ['load-1', 'load-2'],
  runtimeClasses: [],
  podsMax: 36_000,
  volumes: 0,
  rbacObjectCount: 6,
  identity: 'impersonation',
};

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});

const look = (intent: Intent = plan): Promise<Survey> =>
  cluster.clock.finish(
    survey(
      {
        client: cluster,
        server: 'https://prod.example:6443',
        context: 'prod',
        insecure: false,
        proxy: undefined,
      },
      intent,
      new AbortController().signal,
    ),
  );

type PodSpec = DaemonSet['spec']['template']['spec'];

function addDaemonSet(name: string, podSpec: PodSpec): void {
  cluster.add('daemonsets.apps', `kube-system/${name}`)['spec'] = { template: { spec: podSpec } };
}

/** Says where the node that was added at this place comes from. */
function provide(index: number, providerID: string): void {
  Object.assign(cluster.objects[index] ?? {}, { spec: { providerID } });
}

const everywhere: PodSpec = { tolerations: [{ operator: 'Exists' }] };

describe('a survey', () => {
  test('says what is on a cluster, and writes nothing', async () => {
    for (const name of ['real-1', 'real-2', 'hollow-7', 'hollow-1200']) cluster.add('nodes', name);
    provide(0, 'aws:///eu-1/i-1');
    provide(1, 'kind://docker/a');
    for (const name of ['shop', 'load-2']) cluster.add('namespaces', name);
    for (let i = 0; i < 1234; i++) cluster.add('pods', `shop/cart-${i}`);
    cluster.add('nodes', 'left-1', 'old-run');
    addDaemonSet('kube-proxy', everywhere);
    addDaemonSet('logs', {
      tolerations: [{ key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' }],
    });
    expect(await look()).toMatchObject({
      server: 'https://prod.example:6443',
      context: 'prod',
      insecure: false,
      proxy: undefined,
      user: 'jane',
      version: 'v1.36.3',
      nodeCount: 5,
      podCount: 1234,
      runs: [{ runId: 'old-run', living: false }],
      takenNodes: ['hollow-7', 'hollow-1200'],
      takenNamespaces: ['load-2'],
      daemonSets: ['kube-system/kube-proxy'],
      cloudProviders: ['aws'],
    });
    expect(cluster.writes).toEqual([]);
    // Counting 1,234 pods takes one of them.
    const pods = cluster.asked.filter(
      ({ path, query }) => path === '/api/v1/pods' && !query.has('labelSelector'),
    );
    expect(pods.map(({ query }) => query.get('limit'))).toEqual(['1']);
  });

  test('counts pods by pages where the server does not say how many remain', async () => {
    for (let i = 0; i < 1234; i++) cluster.add('pods', `shop/cart-${i}`);
    cluster.intercept = ({ path, query }) =>
      path === '/api/v1/pods' && query.get('limit') === '1'
        ? { status: 200, object: { items: [{}], metadata: { continue: '1' } } }
        : undefined;
    expect((await look()).podCount).toBe(1234);
  });

  test('leaves out what may not be read', async () => {
    cluster.add('nodes', 'hollow-7', 'a');
    cluster.intercept = ({ path }) => (path.includes('selfsubjectreviews') ? undefined : { status: 403 });
    expect(await look()).toEqual({
      server: 'https://prod.example:6443',
      context: 'prod',
      insecure: false,
      proxy: undefined,
      user: 'jane',
      version: undefined,
      nodeCount: undefined,
      podCount: undefined,
      runs: undefined,
      takenNodes: undefined,
      takenNamespaces: undefined,
      daemonSets: undefined,
      cloudProviders: undefined,
      podCidrs: undefined,
      ipFamily: undefined,
    });
  });

  test.each([
    ['where nodes are given ranges', '10.1.0.0/24', 'IPv4', { family: 4, afterMs: 60_000 }],
    ['where they are not', undefined, 'IPv4', { family: 4, afterMs: 0 }],
    ['where they are not, and addresses are IPv6', undefined, 'IPv6', { family: 6, afterMs: 0 }],
  ])('says what hollow pods have for addresses %s', async (_, podCIDR, family, expected) => {
    cluster.add('nodes', 'real-1')['spec'] = {};
    cluster.add('nodes', 'real-2')['spec'] = { podCIDR };
    cluster.add('services', 'default/kubernetes')['spec'] = { ipFamilies: [family] };
    expect(podRangesFor(await look())).toEqual(expected);
  });

  test('of a cluster without nodes leaves its controllers time to give them ranges', async () => {
    expect(podRangesFor(await look())).toEqual({ family: 4, afterMs: 60_000 });
  });

  test('counts pods that have ended where the run adds some', async () => {
    cluster.intercept = ({ path, query }) =>
      path === '/api/v1/pods' && query.get('fieldSelector')?.startsWith('status.phase!=') === true
        ? { status: 200, object: { items: Array.from({ length: 300 }, () => ({ metadata: {} })) } }
        : undefined;
    expect((await look()).endedPodCount).toBeUndefined();
    expect((await look({ ...plan, endedPods: 1 })).endedPodCount).toBe(300);
  });

  test('with names that are taken is a refusal', async () => {
    refuseTaken(await look());
    cluster.add('nodes', 'hollow-7');
    cluster.add('namespaces', 'load-1');
    const found = await look();
    expect(() => refuseTaken(found)).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: 'names that the run would use are taken: nodes hollow-7; namespaces load-1',
      }) as Error,
    );
  });
});

describe('what people read', () => {
  test('on a cluster with everything', async () => {
    for (let i = 1; i <= 8; i++) cluster.add('nodes', `hollow-${i}`, 'old-run');
    provide(0, 'gce://p/z/n');
    addDaemonSet('kube-proxy', everywhere);
    cluster.add('namespaces', 'load-2');
    expect(renderSurvey(await look(), plan)).toEqual([
      'server      https://prod.example:6443',
      'context     prod (user jane)',
      'version     v1.36.3',
      'nodes       8',
      'pods        0',
      'will make   1,200 nodes hollow-1 … hollow-1200, tainted hollowmark.dev/hollow:NoSchedule',
      '            2 namespaces load-1 … load-2',
      '            36,000 pods at most, on these nodes only',
      '            6 RBAC objects',
      'identities  of their own, by impersonation',
      'run         20261121-120000-density-3f9c (the label of all that is made)',
      'warning: run old-run no longer lives, last sign of life 2 h ago, and has left: 8 nodes',
      'warning: there are nodes of these names already: hollow-1, hollow-2, hollow-3, hollow-4, hollow-5 and 3 more',
      'warning: there are namespaces of these names already: load-2',
      'warning: 1 DaemonSet tolerates the taint and will put a pod on each hollow node, where it only seems to run: kube-system/kube-proxy',
      'warning: its nodes are of a cloud (gce), whose controller may delete hollow nodes that are not Ready: the cloud does not know them',
    ]);
  });

  test('where ended pods of others would have to go', async () => {
    const found = { ...(await look()), endedPodCount: 12_000 };
    const warned = (endedPods: number): string[] =>
      renderSurvey(found, { ...plan, endedPods }).filter((line) => line.includes('ended'));
    expect(warned(0)).toEqual([]);
    expect(warned(500)).toEqual([]);
    expect(warned(501)).toEqual([
      "warning: 12,501 pods will have ended, those of Jobs of this run included: above 12,500 (by default) the cluster deletes the oldest, whoever's they are",
    ]);
  });

  test('where nothing may be read', async () => {
    cluster.intercept = ({ path }) => (path.includes('selfsubjectreviews') ? undefined : { status: 403 });
    const lines = renderSurvey(await look(), {
      ...plan,
      runtimeClasses: ['hyper-3f9c'],
      namespaces: [],
      nodes: [node('one')],
      identity: 'pooled',
    });
    expect(lines).toContain('nodes       not known (may not be read)');
    expect(lines).toContain('will make   1 node one, tainted hollowmark.dev/hollow:NoSchedule');
    expect(lines).toContain('            1 RuntimeClass hyper-3f9c');
    expect(lines.join('\n')).not.toContain('namespace');
    expect(lines.at(-1)).toBe('warning: whether other runs are on it is not known (may not be listed)');
  });

  test('counts and times in words', () => {
    expect(countsText({ nodes: 1, pods: 1100 })).toBe('1 node, 1,100 pods');
    expect(countsText({ runtimeclasses: 2, csinodes: 2 })).toBe('2 runtimeclasses, 2 csinodes');
    expect(countsText({ runtimeclasses: 1 })).toBe('1 runtimeclass');
    expect([35_000, 600_000, 18_000_000, 259_200_000].map(durationText)).toEqual([
      '35 s',
      '10 min',
      '5 h',
      '3 d',
    ]);
  });

  test('names, a few of many', () => {
    expect(someOf(['a', 'b'])).toBe('a, b');
    expect(
      someOf(
        Array.from({ length: 2000 }, (_, i) => `n${i}`),
        2,
      ),
    ).toBe('n0, n1 and 1,998 more');
  });
});

describe('a DaemonSet lands on a node', () => {
  const hollow: PlannedNode = {
    name: 'hollow-1',
    labels: { zone: 'a', size: '8' },
    taints: [{ key: 'hollowmark.dev/hollow', effect: 'NoSchedule' }],
  };
  const lands = (podSpec: PodSpec, on = hollow): boolean =>
    landsOn({ metadata: { name: 'ds' }, spec: { template: { spec: podSpec } } }, on);
  const required = (...nodeSelectorTerms: object[]): PodSpec => ({
    ...everywhere,
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  });
  const expression = (key: string, operator: string, ...values: string[]): PodSpec =>
    required({ matchExpressions: [{ key, operator, values }] });

  test.each<[string, PodSpec, boolean]>([
    ['without tolerations', {}, false],
    ['that tolerates everything', everywhere, true],
    [
      'that tolerates every NoSchedule',
      { tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] },
      true,
    ],
    ['that tolerates every NoExecute', { tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }, false],
    ['that tolerates the key', { tolerations: [{ key: 'hollowmark.dev/hollow', operator: 'Exists' }] }, true],
    ['that tolerates the key with no value', { tolerations: [{ key: 'hollowmark.dev/hollow' }] }, true],
    [
      'that tolerates the key with a value',
      { tolerations: [{ key: 'hollowmark.dev/hollow', value: 'x' }] },
      false,
    ],
    ['that tolerates another key', { tolerations: [{ key: 'other', operator: 'Exists' }] }, false],
    ['that selects linux', { ...everywhere, nodeSelector: { 'kubernetes.io/os': 'linux' } }, true],
    ['that selects windows', { ...everywhere, nodeSelector: { 'kubernetes.io/os': 'windows' } }, false],
    ['that selects its zone', { ...everywhere, nodeSelector: { zone: 'a' } }, true],
    ['with no term', required(), false],
    ['with an empty term', required({}), false],
    ['with one term of two', required({}, { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }), true],
    ['in', expression('zone', 'In', 'b', 'a'), true],
    ['not in', expression('zone', 'NotIn', 'a'), false],
    ['not in, without the label', expression('fargate', 'NotIn', 'true'), true],
    ['that wants a label not to be', expression('zone', 'DoesNotExist'), false],
    ['greater', expression('size', 'Gt', '7'), true],
    ['less', expression('size', 'Lt', '8'), false],
    ['greater, of what is no number', expression('zone', 'Gt', '7'), false],
    ['with an operator of the future', expression('zone', 'Like', 'a'), false],
    [
      'by name',
      required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['hollow-1'] }] }),
      true,
    ],
    [
      'by the name of another',
      required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['hollow-2'] }] }),
      false,
    ],
  ])('%s', (_, podSpec, expected) => {
    expect(lands(podSpec)).toBe(expected);
  });

  test('only if it tolerates all the taints; preferences do not count', () => {
    const tolerations = [{ key: 'hollowmark.dev/hollow', operator: 'Exists' }];
    const taints = (effect: string): PlannedNode => ({
      ...hollow,
      taints: [...hollow.taints, { key: 'gpu', value: 'yes', effect }],
    });
    expect(lands({ tolerations }, taints('NoExecute'))).toBe(false);
    expect(lands({ tolerations: [...tolerations, { key: 'gpu', value: 'yes' }] }, taints('NoExecute'))).toBe(
      true,
    );
    expect(lands({ tolerations }, taints('PreferNoSchedule'))).toBe(true);
  });
});
