import { describe, expect, test } from 'vitest';
import { grants, loadRules, observerRules } from '../../../src/load/identity.ts';
import {
  type ObjectContext,
  deploymentObject,
  podObject,
  namespaceObject,
  serviceObject,
  tolerationsFor,
} from '../../../src/load/objects.ts';

const context: ObjectContext = {
  runId: 'run-1',
  tolerations: tolerationsFor([
    { key: 'dedicated', value: 'load', effect: 'NoSchedule' },
    { key: 'spot', effect: 'NoExecute' },
  ]),
  confined: false,
};
const shape = { image: 'registry.k8s.io/pause:3.10', requests: { cpu: '5m', memory: '10Mi' } };
const podSpec = {
  containers: [{ name: 'main', image: shape.image, resources: { requests: shape.requests } }],
  terminationGracePeriodSeconds: 1,
  tolerations: [
    { key: 'hollowmark.dev/hollow', operator: 'Exists' },
    { key: 'dedicated', operator: 'Equal', value: 'load', effect: 'NoSchedule' },
    { key: 'spot', operator: 'Exists', effect: 'NoExecute' },
  ],
};

describe('objects', () => {
  test('a namespace', () => {
    expect(namespaceObject('ns-1', context)).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ns-1', labels: { 'hollowmark.dev/run': 'run-1' } },
    });
  });

  test.each([
    [
      { failure: 'failed-pull' as const },
      undefined,
      { name: 'main', image: 'registry.invalid/registry.k8s.io/pause:3.10' },
    ],
    [
      { failure: 'exiting' as const, afterMs: 20_000, exitCode: 3 },
      {
        'hollowmark.dev/container.main.run-duration': '20000ms',
        'hollowmark.dev/container.main.exit-code': '3',
      },
      { name: 'main', image: shape.image },
    ],
    [
      { failure: 'out-of-memory' as const, afterMs: 20_000 },
      // 10Mi in 20 s.
      { 'hollowmark.dev/container.main.memory-growth-per-second': '524288' },
      {
        name: 'main',
        image: shape.image,
        resources: { requests: shape.requests, limits: { memory: '10Mi' } },
      },
    ],
    [
      { failure: 'flapping' as const, everyMs: 1500 },
      { 'hollowmark.dev/container.main.readiness-flaps-every': '1500ms' },
      {
        name: 'main',
        image: shape.image,
        readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 },
      },
    ],
  ])('a Deployment whose pods fail: %j', (failure, annotations, container) => {
    const plan = {
      namespace: 'ns-1',
      name: 'fill-1',
      phase: 'fill',
      replicas: 1,
      shape,
      service: false,
      failure,
    };
    const labels = {
      'hollowmark.dev/run': 'run-1',
      'hollowmark.dev/phase': 'fill',
      'hollowmark.dev/purpose': 'failing',
      app: 'fill-1',
    };
    expect(deploymentObject(plan, context)).toMatchObject({
      spec: {
        template: {
          metadata: annotations === undefined ? { labels } : { labels, annotations },
          spec: { containers: [container] },
        },
      },
    });
  });

  test('a Deployment whose pods carry the labels of the run', () => {
    const labels = {
      'hollowmark.dev/run': 'run-1',
      'hollowmark.dev/phase': 'fill',
      'hollowmark.dev/purpose': 'load',
      app: 'fill-00001',
    };
    expect(
      deploymentObject(
        { namespace: 'ns-1', name: 'fill-00001', phase: 'fill', replicas: 25, shape, service: true },
        context,
      ),
    ).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'fill-00001', namespace: 'ns-1', labels },
      spec: {
        replicas: 25,
        selector: { matchLabels: { app: 'fill-00001' } },
        template: { metadata: { labels }, spec: podSpec },
      },
    });
  });

  test('a Service that leads to the pods of a Deployment', () => {
    expect(
      serviceObject(
        { namespace: 'ns-1', name: 'fill-00001', phase: 'fill', replicas: 25, shape, service: true },
        context,
      ),
    ).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'fill-00001',
        namespace: 'ns-1',
        labels: { 'hollowmark.dev/run': 'run-1', 'hollowmark.dev/phase': 'fill' },
      },
      spec: {
        selector: { app: 'fill-00001' },
        ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      },
    });
  });

  test('a latency pod; confined to the hollow nodes of the run on a cluster with others', () => {
    const plan = { namespace: 'ns-1', name: 'lat-00001', phase: 'lat', shape };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'lat-00001',
        namespace: 'ns-1',
        labels: {
          'hollowmark.dev/run': 'run-1',
          'hollowmark.dev/phase': 'lat',
          'hollowmark.dev/purpose': 'latency',
        },
      },
      spec: podSpec,
    };
    expect(podObject(plan, context)).toEqual(pod);
    expect(podObject(plan, { ...context, confined: true })).toEqual({
      ...pod,
      spec: { ...podSpec, nodeSelector: { 'hollowmark.dev/run': 'run-1' } },
    });
  });

  test('extended resources are limits too, and no requests means no resources', () => {
    const container = (requests: Record<string, string>): unknown =>
      (
        podObject({ namespace: 'a', name: 'b', phase: 'c', shape: { image: 'i', requests } }, context) as {
          spec: { containers: unknown[] };
        }
      ).spec.containers[0];
    expect(container({ cpu: '1', 'nvidia.com/gpu': '2' })).toEqual({
      name: 'main',
      image: 'i',
      resources: { requests: { cpu: '1', 'nvidia.com/gpu': '2' }, limits: { 'nvidia.com/gpu': '2' } },
    });
    expect(container({})).toEqual({ name: 'main', image: 'i' });
  });
});

describe('identities', () => {
  test('have roles of their own for each run, bound to their users, labelled', () => {
    const made = grants('run-1');
    expect(made.map(({ path, object }) => [path.split('/v1/')[1], object.metadata.name])).toEqual([
      ['clusterroles', 'hollowmark:load:run-1'],
      ['clusterrolebindings', 'hollowmark:load:run-1'],
      ['clusterroles', 'hollowmark:observer:run-1'],
      ['clusterrolebindings', 'hollowmark:observer:run-1'],
      ['namespaces/default/roles', 'hollowmark:observer:run-1'],
      ['namespaces/default/rolebindings', 'hollowmark:observer:run-1'],
    ]);
    for (const { object } of made) {
      expect(object.metadata).toHaveProperty('labels', { 'hollowmark.dev/run': 'run-1' });
    }
    expect(made[1]?.object).toMatchObject({
      kind: 'ClusterRoleBinding',
      roleRef: { kind: 'ClusterRole', name: 'hollowmark:load:run-1' },
      subjects: [{ kind: 'User', name: 'hollowmark:load' }],
    });
  });

  test('the observer reads, and nobody has a wildcard or reads secrets', () => {
    expect(new Set(observerRules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']));
    const text = JSON.stringify([...loadRules, ...observerRules]);
    expect(text).not.toMatch(/\*|secrets|masters/);
  });
});
