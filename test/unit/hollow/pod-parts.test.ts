import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BackOff, formatBackOff, inBackOff, nextBackOff } from '../../../src/hollow/pods/back-off.ts';
import { containerBehaviours } from '../../../src/hollow/pods/container-behaviour.ts';
import { newLife, plannedEnd } from '../../../src/hollow/pods/pod-life.ts';
import { type PodSpec, podAmounts, readPod } from '../../../src/hollow/pods/pod-record.ts';
import { podStatus } from '../../../src/hollow/pods/pod-status.ts';
import { type ProbeSpec, newProbeState, nextTickMs, takeOutcome } from '../../../src/hollow/pods/probes.ts';
import { formatAmount, parseBytes, parseDurationMs, resourceAmount } from '../../../src/hollow/pods/units.ts';

describe('units', () => {
  it.each([
    ['2s', 2000],
    ['150ms', 150],
    ['1h30m', 5_400_000],
    ['2.5s', 2500],
    ['0', 0],
    ['0s', 0],
    ['100us', 0.1],
    ['2', undefined],
    ['-1s', undefined],
    ['s', undefined],
    ['', undefined],
    ['1s ', undefined],
  ])('Go duration %j is %j ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    ['cpu', '500m', 500, '500m'],
    ['cpu', '1.5', 1500, '1500m'],
    ['cpu', '2', 2000, '2'],
    ['memory', '200Mi', 209_715_200, '200Mi'],
    ['memory', '1536Ki', 1_572_864, '1536Ki'],
    ['memory', '0.1', 1, '1'],
    ['memory', '1000001', 1_000_001, '1000001'],
    ['nvidia.com/gpu', '2', 2, '2'],
  ])('%s of %s is %i, written %s', (resource, quantity, amount, written) => {
    expect(resourceAmount(resource, quantity)).toBe(amount);
    expect(formatAmount(resource, amount)).toBe(written);
  });

  it('bytes are read back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseBytes(formatAmount('memory', bytes))).toBe(bytes);
      }),
    );
    expect(parseBytes('many')).toBeUndefined();
  });
});

describe('back-off', () => {
  it('doubles from 10 s to 5 min, and starts over after 10 min without a failure', () => {
    const delays: string[] = [];
    let backOff: BackOff | undefined;
    let nowMs = 0;
    for (let i = 0; i < 8; i++) {
      backOff = nextBackOff(backOff, nowMs, nowMs);
      delays.push(formatBackOff(backOff));
      nowMs += backOff.delayMs;
    }
    expect(delays).toEqual(['10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s', '5m0s']);
    const failedMs = (backOff?.updatedMs ?? 0) + 600_001;
    expect(inBackOff(backOff, failedMs, failedMs)).toBe(false);
    expect(nextBackOff(backOff, failedMs, failedMs).delayMs).toBe(10_000);
  });

  it('holds for its delay from the failure on', () => {
    const backOff = nextBackOff(undefined, 0, 0);
    expect([0, 9_999, 10_000].map((nowMs) => inBackOff(backOff, 0, nowMs))).toEqual([true, true, false]);
    expect(inBackOff(undefined, 0, 0)).toBe(false);
  });
});

describe('probes', () => {
  const spec: ProbeSpec = {
    type: 'readiness',
    action: 'exec',
    initialDelaySeconds: 0,
    periodMs: 1000,
    successThreshold: 2,
    failureThreshold: 3,
  };

  it('turn when as many in a row as their threshold have come out so', () => {
    const state = newProbeState(0);
    const turned = [true, false, true, true, false, false, true, false, false, false].map((outcome) =>
      takeOutcome(state, spec, outcome),
    );
    expect(turned.flatMap((yes, index) => (yes ? [index] : []))).toEqual([3, 9]);
  });

  it('tick strictly after now, a whole number of periods after their beginning', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        fc.integer({ min: 0, max: 1000 }),
        (fromMs, n) => {
          const nowMs = fromMs + n * 1000;
          const tickMs = nextTickMs(newProbeState(fromMs), spec, nowMs);
          expect(tickMs - nowMs).toBeGreaterThan(1);
          expect(tickMs - nowMs).toBeLessThan(1001);
        },
      ),
    );
  });
});

describe('what annotations say of containers', () => {
  it('is read by container, and what cannot be read is named', () => {
    const { byContainer, faults } = containerBehaviours({
      'hollowmark.dev/container.a.run-duration': '2s',
      'hollowmark.dev/container.a.exit-code': '3',
      'hollowmark.dev/container.b.memory-usage': '200Mi',
      'hollowmark.dev/container.b.readiness-flaps-every': '0s',
      'hollowmark.dev/container.b.exit-code': '256',
      'hollowmark.dev/container.b.colour': 'red',
      'example.com/other': 'x',
    });
    expect(byContainer.get('a')).toEqual({ runDurationMs: 2000, exitCode: 3 });
    expect(byContainer.get('b')).toEqual({ memoryBytes: 209_715_200 });
    expect(faults).toHaveLength(3);
    expect(faults[2]).toContain('colour is not known; there are run-duration, exit-code');
  });

  it('decides how a container ends: by its duration, or by its memory if that is sooner', () => {
    const end = (behaviour: object, limits?: Record<string, string>): unknown => {
      const { spec } = readPod({ spec: { containers: [{ name: 'c', resources: { limits } }] } });
      const [container] = spec.containers;
      return container === undefined ? undefined : plannedEnd({ ...container, behaviour }, undefined, true);
    };
    expect(end({})).toBeUndefined();
    expect(end({ runDurationMs: 5000, exitCode: 2 })).toEqual({
      afterMs: 5000,
      exitCode: 2,
      reason: 'Error',
    });
    expect(end({ runDurationMs: 5000, memoryGrowthBytesPerSecond: 1024 }, { memory: '2Ki' })).toEqual({
      afterMs: 2100,
      exitCode: 137,
      reason: 'OOMKilled',
    });
    expect(end({ runDurationMs: 1000, memoryGrowthBytesPerSecond: 1024 }, { memory: '2Ki' })).toMatchObject({
      reason: 'Completed',
    });
    expect(end({ memoryGrowthBytesPerSecond: 1024 })).toBeUndefined();
  });
});

it('what a pod requests: main containers and sidecars, or an init container beside the sidecars before it', () => {
  const container = (memory: string, restartPolicy?: string): object => ({
    resources: { requests: { memory } },
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const { spec } = readPod({
    spec: {
      initContainers: [container('1Ki', 'Always'), container('7Ki'), container('2Ki', 'Always')],
      containers: [container('1Ki'), container('3Ki')],
      overhead: { memory: '1Ki', cpu: '250m' },
    },
  });
  // 1 + 7 while the init container runs is more than 1 + 2 + 1 + 3; the overhead comes on top.
  expect(podAmounts(spec, 'requests')).toEqual({ memory: 9 * 1024, cpu: 250 });
  expect(podAmounts(spec, 'limits')).toEqual({});
});

it('pods of one template share what they have in common, and mount volumes of their own', () => {
  const read = (suffix: string, image = 'busybox') =>
    readPod({
      metadata: { name: `p-${suffix}`, namespace: 'default', uid: suffix, resourceVersion: suffix },
      spec: {
        containers: [
          {
            name: 'c',
            image,
            volumeMounts: [
              { name: 'data', mountPath: '/data' },
              { name: `kube-api-access-${suffix}`, mountPath: '/token', readOnly: true },
            ],
          },
        ],
      },
    }).spec;
  const [one, other] = [read('1'), read('2')];
  expect(other.containers).toBe(one.containers);
  expect(other.references).toBe(one.references);
  expect(read('3', 'nginx').containers).not.toBe(one.containers);
  const mounts = (spec: PodSpec): unknown => {
    const status = podStatus(spec, newLife(spec, 1, 0), '10.0.0.1', 0);
    const [container] = status['containerStatuses'] as { volumeMounts: { name: string }[] }[];
    return container?.volumeMounts.map(({ name }) => name);
  };
  expect(mounts(one)).toEqual(['data', 'kube-api-access-1']);
  expect(mounts(other)).toEqual(['data', 'kube-api-access-2']);
  expect(other.firstSeenAs('7')).toMatchObject({
    uid: '2',
    name: 'p-2',
    resourceVersion: '7',
    volumes: other.volumes,
  });
});

it('a pod record holds what a kubelet needs: references, token, probes', () => {
  const { spec } = readPod({
    metadata: { name: 'two', namespace: 'default', uid: 'u' },
    spec: {
      volumes: [
        { name: 's', secret: { secretName: 'sec' } },
        { name: 'c', configMap: { name: 'cfg' } },
        {
          name: 'token',
          projected: { sources: [{ serviceAccountToken: {} }, { configMap: { name: 'kube-root-ca.crt' } }] },
        },
      ],
      initContainers: [{ name: 'i', image: 'busybox' }],
      containers: [
        {
          name: 'a',
          readinessProbe: { initialDelaySeconds: 3, httpGet: {} },
          envFrom: [{ secretRef: { name: 'env' } }],
        },
        { name: 'b', env: [{ valueFrom: { configMapKeyRef: { name: 'key' } } }] },
      ],
    },
  });
  expect(spec.needsToken).toBe(true);
  expect(spec.references.toSorted()).toEqual(
    [
      'secrets/sec',
      'configmaps/cfg',
      'configmaps/kube-root-ca.crt',
      'secrets/env',
      'configmaps/key',
    ].toSorted(),
  );
  expect(spec.containers.map(({ kind, probes }) => [kind, probes.length])).toEqual([
    ['init', 0],
    ['main', 1],
    ['main', 0],
  ]);
  expect(spec.containers[1]?.probes[0]).toEqual({
    type: 'readiness',
    action: 'httpGet',
    initialDelaySeconds: 3,
    periodMs: 10_000,
    successThreshold: 1,
    failureThreshold: 3,
  });
});
