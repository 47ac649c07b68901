import { describe, expect, test } from 'vitest';
import { grants } from '../../../src/load/identity.ts';
import { podObject } from '../../../src/load/objects.ts';
import {
  type ClaimPlan,
  type JobPlan,
  type StatefulSetPlan,
  jobMs,
  podsOf,
  volumeObject,
  workloadObject,
} from '../../../src/load/workloads.ts';

const context = { runId: 'run-1', tolerations: [], confined: false };
const labels = { 'hollowmark.dev/run': 'run-1', 'hollowmark.dev/phase': 'work' };
const shape = { image: 'pause', requests: { cpu: '5m' } };
const own = { namespace: 'ns-1', name: 'work-00001', phase: 'work' };
const job: JobPlan = { kind: 'job', ...own, completions: 5, parallelism: 2, durationMs: 1500, shape };
const set: StatefulSetPlan = {
  kind: 'statefulset',
  ...own,
  replicas: 3,
  podManagementPolicy: 'OrderedReady',
  shape,
};
const claim: ClaimPlan = { kind: 'claim', ...own, size: '2Gi', pod: shape };

describe('objects', () => {
  test('a Job has pods that end by themselves and are not started again', () => {
    expect(workloadObject(job, context)).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'work-00001', namespace: 'ns-1', labels },
      spec: {
        completions: 5,
        parallelism: 2,
        template: {
          metadata: {
            labels,
            annotations: { 'hollowmark.dev/container.main.run-duration': '1500ms' },
          },
          spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'pause' }] },
        },
      },
    });
  });

  test('a Job that is made so as to fail has no more pods than others, whose ends say why', () => {
    const object = workloadObject({ ...job, exitCode: 42 }, context);
    const failing = { ...labels, 'hollowmark.dev/purpose': 'failing' };
    const annotations = {
      'hollowmark.dev/container.main.run-duration': '1500ms',
      'hollowmark.dev/container.main.exit-code': '42',
    };
    expect(object).toMatchObject({
      metadata: { labels: failing },
      spec: {
        completions: 5,
        completionMode: 'Indexed',
        backoffLimitPerIndex: 0,
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        template: { metadata: { labels: failing, annotations }, spec: { restartPolicy: 'Never' } },
      },
    });
  });

  test('a StatefulSet selects its own pods', () => {
    const object = workloadObject(set, context) as {
      spec: { selector: { matchLabels: object }; template: { metadata: { labels: object } } };
    };
    expect(object).toMatchObject({ spec: { replicas: 3, podManagementPolicy: 'OrderedReady' } });
    expect(object.spec.template.metadata.labels).toMatchObject(object.spec.selector.matchLabels);
  });

  test('a claim and its volume find each other and nobody else, and the volume is kept by all but us', () => {
    const wanted = workloadObject(claim, context) as { spec: { storageClassName: string } };
    const volume = volumeObject(claim, context) as { metadata: { name: string }; spec: object };
    expect(wanted).toMatchObject({
      metadata: { name: 'work-00001', labels },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } },
    });
    expect(volume).toMatchObject({
      metadata: { name: 'work-00001-run-1', labels },
      spec: {
        capacity: { storage: '2Gi' },
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: wanted.spec.storageClassName,
      },
    });
    expect(wanted.spec.storageClassName).toBe('hollowmark-work-run-1');
  });

  test('the pod of a claim mounts it, and is load', () => {
    expect(podObject({ ...own, shape, claim: 'work-00001' }, context)).toMatchObject({
      metadata: { labels: { ...labels, 'hollowmark.dev/purpose': 'load' } },
      spec: {
        containers: [{ volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'work-00001' } }],
      },
    });
  });

  test('are so many pods, and a Job takes its pods one round after the other', () => {
    expect([job, set, claim].map(podsOf)).toEqual([5, 3, 0]);
    expect(jobMs(job)).toBe(4500);
    expect(jobMs({ completions: 4, parallelism: 4, durationMs: 10 })).toBe(10);
  });
});

describe('rights', () => {
  const rulesOf = (...kinds: Parameters<typeof grants>[1] & object): string =>
    JSON.stringify(grants('r', kinds).flatMap(({ object }) => object.rules ?? []));

  test('on volumes has only a run that makes some', () => {
    expect(rulesOf()).not.toMatch(/persistentvolume|jobs|statefulsets/);
    expect(rulesOf('job')).toMatch(/jobs/);
    expect(rulesOf('job')).not.toMatch(/persistentvolume|statefulsets/);
    expect(rulesOf('claim', 'statefulset')).toMatch(/persistentvolumes.*statefulsets/s);
  });

  test('of the observer: it writes its Lease and its Service, each by its name', () => {
    const role = grants('density-20261121-120000-3f9c').find(({ path }) => path.endsWith('default/roles'));
    const named = role?.object.rules?.flatMap(({ resourceNames = [], verbs }) =>
      resourceNames.map((name) => [name, verbs]),
    );
    expect(named).toEqual([
      ['hollowmark-observer-density-20261121-120000-3f9c', ['delete', 'patch']],
      ['hollowmark-density-20261121-120000-3f9c', ['patch']],
    ]);
  });

  test("the Service's name is no longer than a name of a Service may be", () => {
    const runId = `${'s'.repeat(40)}-20261121-120000-3f9c`;
    const role = grants(runId).find(({ path }) => path.endsWith('default/roles'));
    const names = role?.object.rules?.flatMap(({ resources, resourceNames = [] }) =>
      resources?.includes('services') === true ? resourceNames : [],
    );
    expect(names?.[0]).toHaveLength(63);
    expect(names?.[0]).toMatch(/^hollowmark-s.*-20261121-120000-3f9c$/);
  });
});
