import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Container, type PodLife, newLife } from '../../../src/hollow/pods/pod-life.ts';
import { type PodSpec, readPod } from '../../../src/hollow/pods/pod-record.ts';
import { type Status, podStatus, resolvedImage } from '../../../src/hollow/pods/pod-status.ts';
import { statusPatch } from '../../../src/hollow/pods/status-patch.ts';
import { applyStatusPatch } from '../../sim/world.ts';

const hostIp = '192.0.2.2';

const life = (spec: PodSpec, overrides: Partial<PodLife>): PodLife => ({
  ...newLife(spec, 1, 0),
  ...overrides,
});

const running = (ready = true, attempt = 0): Container => ({
  run: { is: 'running', attempt, sandbox: 0, startedWallMs: 0 },
  started: true,
  ready,
});

const exited = (exitCode: number, attempt = 0): Container => ({
  run: {
    is: 'exited',
    attempt,
    sandbox: 0,
    startedWallMs: 0,
    finishedWallMs: 1000,
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
  },
  started: false,
  ready: false,
});

const absent = (): Container => ({ started: false, ready: false });

/** The pod of the samples, from a Deployment. */
const plain = readPod({
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
}).spec;

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
    life(plain, {}),
    life(plain, { sandboxReady: true }),
    life(plain, { sandboxReady: true, podIp: '10.88.0.40', containers: [running()] }),
    life(plain, {
      sandboxReady: true,
      podIp: '10.88.0.40',
      containers: [running()],
      generation: 2,
      deleting: true,
      seenRunning: true,
    }),
    life(plain, {
      podIp: '10.88.0.40',
      containers: [exited(0)],
      generation: 2,
      deleting: true,
      seenRunning: true,
      end: 'stopped',
    }),
    life(plain, {
      containers: [exited(0)],
      generation: 2,
      deleting: true,
      seenRunning: true,
      cgroupGone: true,
      end: 'gone',
    }),
  ];

  it('has the same fields and values in each of the six patches from start to deletion', () => {
    const server: Status & { conditions: { type: string }[] } = {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
    };
    expect(samples).toHaveLength(steps.length);
    let wallMs = 0;
    for (const [index, step] of steps.entries()) {
      step.turns = steps[Math.max(0, index - 1)]?.turns ?? step.turns;
      // The samples' conditions turn within their first second, and after a minute at the deletion.
      wallMs = index < 3 ? 0 : 70_000;
      const patch = statusPatch('uid-1', server, podStatus(plain, step, hostIp, wallMs)) as {
        metadata: unknown;
        status: Record<string, unknown>;
      };
      expect(patch.metadata).toEqual({ uid: 'uid-1' });
      expect(neutral(patch.status), `patch ${index}`).toEqual(neutral(samples[index] ?? {}));
      applyStatusPatch(server, patch.status);
    }
    expect(server['phase']).toBe('Succeeded');
  });
});

describe('status patches of kubemark’s profile, against those of kubemark', () => {
  const url = new URL('../../fixtures/kubemark-plain-pod.jsonl', import.meta.url);
  const samples = readFileSync(url, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as Sample).body?.status ?? {});
  const address = '192.168.192.168';
  const up = { address, podIp: address, containers: [running()], sandboxReady: true, sandboxAttempt: 0 };
  const down = { ...up, containers: [exited(0)], sandboxReady: false, generation: 2, deleting: true };
  const steps: PodLife[] = [
    life(plain, {}),
    life(plain, { ...up, containers: [absent()] }),
    life(plain, { ...up, phase: 'Running' }),
    life(plain, { ...up, generation: 2, deleting: true, seenRunning: true }),
    life(plain, { ...down, seenRunning: true, end: 'stopped' }),
    life(plain, { ...down, podIp: '', seenRunning: true, cgroupGone: true, end: 'gone' }),
  ];

  it('have the same fields and values', () => {
    const server: Status & { conditions: { type: string }[] } = {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
    };
    expect(samples).toHaveLength(steps.length);
    for (const [index, step] of steps.entries()) {
      step.turns = steps[Math.max(0, index - 1)]?.turns ?? step.turns;
      const wallMs = index < 3 ? 0 : 70_000;
      const status = podStatus(plain, step, hostIp, wallMs, 'fake');
      const patch = statusPatch('uid-1', server, status) as { status: Record<string, unknown> };
      expect(neutral(patch.status), `patch ${index}`).toEqual(neutral(samples[index] ?? {}));
      applyStatusPatch(server, patch.status);
    }
    expect(server['phase']).toBe('Succeeded');
  });
});

/** Without what no two nodes share: times, ids, names of volumes, and the order of lists that merge by key. */
function neutral(status: Record<string, unknown>): unknown {
  const text = JSON.stringify(status)
    .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"T"')
    .replaceAll(/containerd:\/\/[0-9a-f]{64}/g, 'ID')
    .replaceAll(/sha256:[0-9a-f]{64}/g, 'DIGEST');
  return JSON.parse(text) as unknown;
}

const overTheWire = <T>(object: T): T => JSON.parse(JSON.stringify(object)) as T;

describe('status patches', () => {
  it('turn what the server has into what the kubelet wants, from any state to any other; then nothing is left', () => {
    const states = fc.record({
      generation: fc.integer({ min: 1, max: 3 }),
      sandboxReady: fc.boolean(),
      seenRunning: fc.boolean(),
      deleting: fc.boolean(),
      end: fc.constantFrom('none' as const, 'stopped' as const, 'gone' as const),
      podIp: fc.constantFrom('', '10.0.0.1', '10.0.0.2'),
      containers: fc
        .constantFrom(absent(), running(), running(false), exited(0), exited(1))
        .map((one) => [one]),
      ended: fc.option(fc.constant({ reason: 'Evicted', message: 'low', disruptedWallMs: 0 }), {
        nil: undefined,
      }),
      phase: fc.constantFrom('Pending' as const, 'Running' as const),
    });
    fc.assert(
      fc.property(states, states, fc.integer({ min: 0, max: 9000 }), (from, to, wallMs) => {
        const { ended: a, ...first } = from;
        const { ended: b, ...second } = to;
        const start = life(plain, { ...first, ...(a === undefined ? {} : { ended: a }) });
        const server = overTheWire(podStatus(plain, start, hostIp, 0));
        server.conditions = (server.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
        server.conditions.push({ type: 'PodScheduled', status: 'True' });
        for (const field of ['reason', 'message']) delete server[field];
        const end = life(plain, { ...second, ...(b === undefined ? {} : { ended: b }) });
        const wanted = podStatus(plain, end, hostIp, wallMs);
        const patch = statusPatch('uid-1', server, wanted) as { status: Record<string, unknown> } | undefined;
        // As over the wire: nothing of it is shared with what the kubelet holds.
        if (patch !== undefined) applyStatusPatch(server as never, overTheWire(patch.status));
        expect(statusPatch('uid-1', server, wanted)).toBeUndefined();
        expect(server.conditions.find(({ type }) => type === 'PodScheduled')?.status).toBe('True');
      }),
    );
  });
});

describe('the phase of a pod', () => {
  const pod = (restartPolicy: string, init: number, main: number, sidecars = 0): PodSpec =>
    readPod({
      metadata: { name: 'p', uid: 'u' },
      spec: {
        restartPolicy,
        initContainers: [
          ...Array.from({ length: init }, (_, i) => ({ name: `i${i}` })),
          ...Array.from({ length: sidecars }, (_, i) => ({ name: `s${i}`, restartPolicy: 'Always' })),
        ],
        containers: Array.from({ length: main }, (_, i) => ({ name: `c${i}` })),
      },
    }).spec;

  // As pkg/kubelet/kubelet_pods_test.go has it for getPhase.
  it.each([
    ['waiting', pod('Always', 0, 2), [absent(), absent()], 'Pending'],
    ['one runs, one waits', pod('Always', 0, 2), [running(), absent()], 'Pending'],
    ['all run', pod('Always', 0, 2), [running(), running(false)], 'Running'],
    ['one has ended and is restarted', pod('Always', 0, 2), [running(), exited(0)], 'Running'],
    ['all have ended and are restarted', pod('Always', 0, 2), [exited(0), exited(1)], 'Running'],
    ['Never: all succeeded', pod('Never', 0, 2), [exited(0), exited(0)], 'Succeeded'],
    ['Never: one failed', pod('Never', 0, 2), [exited(0), exited(1)], 'Failed'],
    ['Never: one failed, one runs', pod('Never', 0, 2), [running(), exited(1)], 'Running'],
    ['OnFailure: all succeeded', pod('OnFailure', 0, 2), [exited(0), exited(0)], 'Succeeded'],
    ['OnFailure: one failed', pod('OnFailure', 0, 2), [exited(0), exited(1)], 'Running'],
    ['init runs', pod('Always', 1, 1), [running(false), absent()], 'Pending'],
    ['init failed and is restarted', pod('Always', 1, 1), [exited(1), absent()], 'Pending'],
    ['Never: init failed', pod('Never', 1, 1), [exited(1), absent()], 'Failed'],
    ['init is through, main runs', pod('Never', 1, 1), [exited(0), running()], 'Running'],
    ['a sidecar runs, main waits', pod('Never', 0, 1, 1), [running(), absent()], 'Pending'],
    ['a sidecar and main run', pod('Never', 0, 1, 1), [running(), running()], 'Running'],
    ['Never: a sidecar runs, main has succeeded', pod('Never', 0, 1, 1), [running(), exited(0)], 'Running'],
    ['Never: both have ended', pod('Never', 0, 1, 1), [exited(137), exited(0)], 'Succeeded'],
  ])('%s', (_, spec, containers, phase) => {
    const ended = phase === 'Succeeded' || phase === 'Failed';
    const state = life(spec, { containers, sandboxAttempt: 0, end: ended ? 'stopped' : 'none' });
    // `stopped` alone must not decide it where containers still run or wait.
    const status = podStatus(spec, state, hostIp, 0);
    expect(status['phase']).toBe(phase);
  });

  it('stays Running until nothing can run any more, while the conditions already have the end', () => {
    const spec = pod('Never', 0, 1);
    const state = life(spec, { containers: [exited(0)], phase: 'Running', sandboxReady: true });
    const before = podStatus(spec, state, hostIp, 0);
    expect(before['phase']).toBe('Running');
    expect(before.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['PodReadyToStartContainers', 'True', undefined],
      ['Initialized', 'True', 'PodCompleted'],
      ['Ready', 'False', 'PodCompleted'],
      ['ContainersReady', 'False', 'PodCompleted'],
    ]);
    state.end = 'stopped';
    expect(podStatus(spec, state, hostIp, 0)['phase']).toBe('Succeeded');
  });
});

describe('container statuses', () => {
  const spec = readPod({
    metadata: { name: 'crash', namespace: 'default', uid: 'u' },
    spec: { containers: [{ name: 'c', image: 'busybox' }] },
  }).spec;
  const message = 'back-off 10s restarting failed container=c pod=crash_default(u)';

  it('of a crash loop: the last run is the last state while it waits', () => {
    const container: Container = { ...exited(1, 1), failure: { reason: 'CrashLoopBackOff', message } };
    const state = life(spec, { containers: [container], sandboxReady: true });
    const [status] = podStatus(spec, state, hostIp, 0)['containerStatuses'] as Record<string, unknown>[];
    expect(status).toMatchObject({
      image: 'docker.io/library/busybox:latest',
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      ready: false,
      resources: {},
      restartCount: 1,
      started: false,
      state: { waiting: { reason: 'CrashLoopBackOff', message } },
    });
  });

  it('of kubemark’s profile: an exit has the id of its own run, in the sandbox that this was in', () => {
    const idsOf = (container: Container): unknown => {
      const state = life(spec, { containers: [container], sandboxReady: true, sandboxAttempt: 1 });
      const [status] = podStatus(spec, state, hostIp, 0, 'fake')['containerStatuses'] as {
        containerID: string;
        state: { terminated?: { containerID: string } };
        lastState: { terminated?: { containerID: string } };
      }[];
      const { terminated } = status?.state ?? {};
      return [status?.containerID, terminated?.containerID, status?.lastState.terminated?.containerID];
    };
    const id = (sandbox: number, attempt: number): string =>
      `fakeRuntime://crash_default_u_${sandbox}_c_${attempt}`;
    const { is: _, ...exit } = exited(1, 0).run as Exclude<Container['run'], undefined> & { is: 'exited' };
    const failure = { reason: 'CrashLoopBackOff', message };
    expect(idsOf(exited(1))).toEqual([id(0, 0), id(0, 0), undefined]);
    expect(idsOf({ ...exited(1), failure })).toEqual([id(0, 0), undefined, id(0, 0)]);
    const second: Container = {
      ...running(true, 1),
      run: { is: 'running', attempt: 1, sandbox: 1, startedWallMs: 20_000 },
      previous: exit,
    };
    expect(idsOf(second)).toEqual([id(1, 1), undefined, id(0, 0)]);
    const secondExit: Container = { ...exited(1, 1), previous: exit };
    expect(idsOf(secondExit)).toEqual([id(0, 1), id(0, 1), id(0, 0)]);
    expect(idsOf({ ...secondExit, failure })).toEqual([id(0, 1), undefined, id(0, 1)]);
  });

  it('of a container that never ran when its pod was deleted', () => {
    const container: Container = { ...absent(), failure: { reason: 'ErrImagePull', message: 'no' } };
    const state = life(spec, { containers: [container], deleting: true });
    const of = (): unknown =>
      (podStatus(spec, state, hostIp, 0)['containerStatuses'] as Record<string, unknown>[])[0]?.['state'];
    expect(of()).toEqual({ waiting: { reason: 'ContainerCreating' } });
    state.end = 'gone';
    expect(of()).toEqual({
      terminated: {
        exitCode: 137,
        finishedAt: null,
        message: 'The container could not be located when the pod was terminated',
        reason: 'ContainerStatusUnknown',
        startedAt: null,
      },
    });
    expect(podStatus(spec, state, hostIp, 0)['phase']).toBe('Failed');
  });

  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['me/app', 'docker.io/me/app:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost/app', 'localhost/app:latest'],
    ['127.0.0.1:9/none', '127.0.0.1:9/none:latest'],
    ['x.example/a@sha256:00', 'x.example/a@sha256:00'],
  ])('resolve %s as containerd does', (image, resolved) => {
    expect(resolvedImage(image)).toBe(resolved);
  });
});

describe('resources of a pod', () => {
  const reported = (containers: object[], init: object[] = [], overrides: Partial<PodLife> = {}): unknown => {
    const { spec } = readPod({
      metadata: { name: 'p', uid: 'u' },
      spec: {
        containers: containers.map((amounts, i) => ({ name: `c${i}`, resources: amounts })),
        initContainers: init.map((amounts, i) => ({ name: `i${i}`, resources: amounts })),
      },
    });
    const { allocatedResources, resources: pod } = podStatus(spec, life(spec, overrides), hostIp, 0);
    return { allocatedResources, resources: pod };
  };
  const gpu = { requests: { cpu: '1500m', 'nvidia.com/gpu': '2' }, limits: { 'nvidia.com/gpu': '2' } };

  it('add up over containers, extended ones too; an init container counts where it needs more', () => {
    expect(
      reported([gpu, { requests: { cpu: '500m', memory: '1Gi' } }], [{ requests: { memory: '3Gi' } }]),
    ).toEqual({
      allocatedResources: { cpu: '2', 'nvidia.com/gpu': '2', memory: '3Gi' },
      resources: {
        requests: { cpu: '2', 'nvidia.com/gpu': '2', memory: '3Gi' },
        limits: { 'nvidia.com/gpu': '2' },
      },
    });
  });

  it('are those of the cgroup once the pod is seen to run', () => {
    const limited = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } };
    expect(reported([limited, limited], [], { seenRunning: true, podIp: '10.0.0.1' })).toEqual({
      allocatedResources: { cpu: '2', memory: '2Gi' },
      resources: { requests: { cpu: '2', memory: '2Gi' }, limits: { cpu: '4', memory: '4Gi' } },
    });
    expect(reported([{}], [], { seenRunning: true, podIp: '10.0.0.1' })).toEqual({
      allocatedResources: undefined,
      resources: { limits: { memory: '9007199254740988Ki' } },
    });
  });
});
