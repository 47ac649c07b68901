import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { PodIpPool } from '../../../src/hollow/pods/pod-ip-pool.ts';
import { podSpec } from '../../../src/hollow/pods/pod-record.ts';
import { type PodLife, type Status, podStatus, statusPatch } from '../../../src/hollow/pods/pod-status.ts';
import { SharedWork } from '../../../src/hollow/runtime/shared-work.ts';
import { TokenBucket } from '../../../src/hollow/token-bucket.ts';
import { applyStatusPatch } from '../../sim/world.ts';

describe('SharedWork', () => {
  it('one operation takes its own time; more than fit share the speed', () => {
    const work = new SharedWork(2);
    work.begin('a', 100, 0);
    expect(work.nextEndInMs(0)).toBe(100);
    for (const key of ['b', 'c', 'd']) work.begin(key, 100, 0);
    expect(work.nextEndInMs(0)).toBe(200);
    expect(work.finished(199)).toEqual([]);
    expect(work.finished(200).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('does all the work there is, never faster than its capacity, and each not before its own time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ startMs: fc.integer({ min: 0, max: 300 }), workMs: fc.integer({ min: 1, max: 200 }) }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        (operations) => {
          const work = new SharedWork(2.7);
          const sorted = operations.map((operation, index) => ({ ...operation, key: String(index) }));
          const endMs = new Map<string, number>();
          for (let ms = 0; ms <= 20_000 && endMs.size < operations.length; ms++) {
            for (const key of work.finished(ms)) endMs.set(key, ms);
            for (const { startMs, workMs, key } of sorted) if (startMs === ms) work.begin(key, workMs, ms);
          }
          expect(endMs.size).toBe(operations.length);
          for (const { startMs, workMs, key } of sorted) {
            expect((endMs.get(key) ?? 0) - startMs).toBeGreaterThanOrEqual(workMs);
          }
          const firstMs = Math.min(...operations.map(({ startMs }) => startMs));
          const total = operations.reduce((sum, { workMs }) => sum + workMs, 0);
          expect(Math.max(...endMs.values()) - firstMs).toBeGreaterThanOrEqual(total / 2.7 - 1);
        },
      ),
    );
  });
});

describe('TokenBucket', () => {
  it('lets the burst through and then keeps the rate', () => {
    const bucket = new TokenBucket(50, 100, 0);
    const waits = Array.from({ length: 150 }, () => bucket.reserveMs(0));
    expect(waits.slice(0, 100).every((wait) => wait === 0)).toBe(true);
    expect(waits[100]).toBeCloseTo(20);
    expect(waits[149]).toBeCloseTo(1000);
    // 4 s refill 200 tokens, 50 of which had been lent.
    expect(bucket.reserveMs(4000)).toBe(0);
  });

  it('refuses at once where nobody may wait', () => {
    const bucket = new TokenBucket(1 / 300, 25, 0);
    const taken = Array.from({ length: 30 }, () => bucket.tryTake(0)).filter(Boolean);
    expect(taken).toHaveLength(25);
    expect(bucket.tryTake(300_001)).toBe(true);
    expect(bucket.tryTake(300_002)).toBe(false);
  });
});

describe('PodIpPool', () => {
  it('never gives one address to two pods at a time, and all of them in the CIDR', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 1000 }), (pods) => {
        const pool = new PodIpPool();
        pool.assign('10.128.3.0/24');
        const held = new Map<string, string>();
        for (const number of pods) {
          const uid = String(number);
          if (held.has(uid)) {
            pool.release(uid);
            held.delete(uid);
          } else held.set(uid, pool.take(uid));
          expect(new Set(held.values()).size).toBe(held.size);
        }
        for (const ip of held.values()) expect(ip).toMatch(/^10\.128\.3\.(?!0$|1$|255$)\d+$/);
      }),
    );
  });
});

const life = (overrides: Partial<PodLife>): PodLife => ({
  generation: 1,
  startWallMs: 0,
  sandboxReady: false,
  sandboxWallMs: 0,
  initialized: true,
  initializedWallMs: 0,
  ready: false,
  readyWallMs: 0,
  ended: false,
  podIp: '',
  containers: [{ is: 'waiting' }],
  initContainers: [],
  ...overrides,
});

/** The pod of the samples, from a Deployment. */
const plain = podSpec({
  metadata: { name: 'plain', namespace: 'default', uid: 'uid-1', resourceVersion: '604' },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'registry.k8s.io/pause:3.10',
        resources: { requests: { cpu: '5m', memory: '10Mi' } },
        volumeMounts: [
          {
            name: 'kube-api-access-2pcwj',
            mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
            readOnly: true,
          },
        ],
      },
    ],
  },
});

/** What a real kubelet PATCHed to one pod of a Deployment, from its start to its deletion. */
type Sample = { body?: { status?: Record<string, unknown> } };

describe('status patches, against those of a real node', () => {
  const url = new URL('../../fixtures/kubelet-plain-pod.jsonl', import.meta.url);
  const samples = readFileSync(url, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sample)
    .map(({ body }) => body?.status ?? {});

  const steps: PodLife[] = [
    life({}),
    life({ sandboxReady: true }),
    life({
      sandboxReady: true,
      ready: true,
      podIp: '10.88.0.40',
      containers: [{ is: 'running', id: 'containerd://1', startedWallMs: 0, ready: true }],
    }),
  ];

  it('has the same fields in each of the three patches of a start', () => {
    const server: Status & { conditions: { type: string }[] } = {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
    };
    steps.forEach((step, index) => {
      const patch = statusPatch('uid-1', server, podStatus(plain, step, '192.0.2.2')) as {
        metadata: unknown;
        status: Record<string, unknown>;
      };
      expect(patch.metadata).toEqual({ uid: 'uid-1' });
      const real = samples[index] ?? {};
      expect(Object.keys(patch.status).toSorted()).toEqual(Object.keys(real).toSorted());
      expect(patch.status['$setElementOrder/conditions']).toEqual(real['$setElementOrder/conditions']);
      const shape = (conditions: unknown): unknown =>
        (conditions as Record<string, unknown>[]).map((condition) =>
          Object.fromEntries(
            Object.entries(condition).map(([key, value]) => [
              key,
              key === 'lastTransitionTime' ? 'T' : value,
            ]),
          ),
        );
      expect(shape(patch.status['conditions'])).toEqual(shape(real['conditions']));
      const fields = (statuses: unknown): string[] =>
        Object.keys((statuses as Record<string, unknown>[])[0] ?? {}).toSorted();
      if (real['containerStatuses'] !== undefined) {
        expect(fields(patch.status['containerStatuses'])).toEqual(fields(real['containerStatuses']));
      }
      applyStatusPatch(server, patch.status);
    });
    expect(server['phase']).toBe('Running');
  });

  it('turns what the server has into what the kubelet wants, from any state to any other; then nothing is left', () => {
    const states = fc.record({
      generation: fc.integer({ min: 1, max: 3 }),
      sandboxReady: fc.boolean(),
      initialized: fc.boolean(),
      ready: fc.boolean(),
      ended: fc.boolean(),
      podIp: fc.constantFrom('', '10.0.0.1', '10.0.0.2'),
      readyWallMs: fc.constantFrom(0, 5000),
      running: fc.boolean(),
    });
    fc.assert(
      fc.property(states, states, (from, to) => {
        const lifeOf = ({ running, ...rest }: typeof from): PodLife =>
          life({
            ...rest,
            containers: [
              running
                ? { is: 'running', id: 'containerd://1', startedWallMs: 0, ready: rest.ready }
                : { is: 'waiting' },
            ],
          });
        const server = structuredClone(podStatus(plain, lifeOf(from), '192.0.2.2'));
        server.conditions?.push({ type: 'PodScheduled', status: 'True' });
        const wanted = podStatus(plain, lifeOf(to), '192.0.2.2');
        const patch = statusPatch('uid-1', server, wanted) as { status: Record<string, unknown> } | undefined;
        if (patch !== undefined) applyStatusPatch(server as never, patch.status);
        expect(statusPatch('uid-1', server, wanted)).toBeUndefined();
        expect(server.conditions?.find(({ type }) => type === 'PodScheduled')?.status).toBe('True');
      }),
    );
  });
});

it('a pod record holds what a kubelet needs: references, token, probes', () => {
  const spec = podSpec({
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
        { name: 'a', readinessProbe: { initialDelaySeconds: 3 }, envFrom: [{ secretRef: { name: 'env' } }] },
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
  expect(spec.containers.map(({ readyAfterSeconds }) => readyAfterSeconds)).toEqual([3, undefined]);
  expect(spec.initContainers).toHaveLength(1);
});
