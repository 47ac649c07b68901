import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import type { Shard } from '../../src/fleet/shard.ts';
import { LoadGenerator } from '../../src/load/generator.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import { parseScenario } from '../../src/scenario/load-scenario.ts';
import { namespaceNames, planDeployments } from '../../src/scenario/phases/plan.ts';
import { runPhase } from '../../src/scenario/phases/run-phase.ts';
import type { CreateDeploymentsPhase, Scenario } from '../../src/scenario/scenario.ts';
import { TestControlPlane, eventually, testNodes } from './support.ts';

const nodeCount = 4;

const scenarioOf = (seed: string): Scenario =>
  parseScenario(
    `name: failing
seed: ${seed}
nodes: { count: ${nodeCount}, capacity: { pods: 100 } }
namespaces: { count: 2, prefix: failing }
phases:
  - name: fill
    type: create-deployments
    podsPerNode: 10
    podsPerDeployment: 2
    services: true
    failures:
      - { failure: failed-pull, share: 10% }
      - { failure: exiting, share: 15%, after: 1s, exitCode: 3 }
      - { failure: flapping, share: 15%, every: 3s }
      - { failure: out-of-memory, share: 10%, after: 2s }
`,
    'failing-pods.test.ts',
    { sets: [] },
  ).scenario;

type Terminated = { exitCode: number; reason: string; startedAt: string; finishedAt: string };
type State = {
  running?: { startedAt: string };
  waiting?: { reason: string; message?: string };
  terminated?: Terminated;
};
type Pod = {
  metadata: { name: string; uid: string; labels: { app: string } };
  status: {
    phase: string;
    podIP?: string;
    conditions: { type: string; status: string }[];
    containerStatuses?: { restartCount: number; ready: boolean; state: State; lastState: State }[];
  };
};
type Slice = { endpoints?: { conditions: { ready: boolean }; targetRef: { uid: string } }[] };
type Event = { reason: string; message: string; count?: number; involvedObject: { name: string } };

/** What a pod does, as the API server is told: the most telling thing that was seen of it. */
type Seen = {
  reasons: Set<string>;
  messages: string[];
  /** When each of its runs began, by the number of restarts before it. */
  startedAtMs: Map<number, number>;
  restarts: number;
  /** Each time that its endpoint became ready or ceased to be. */
  readiness: boolean[];
};

describe('pods of a scenario that are to fail', () => {
  let cluster: TestControlPlane;
  let shard: Shard;
  let watch: Reflector;
  const scenario = scenarioOf('one');
  const seen = new Map<string, Seen>();
  let pods: Pod[] = [];

  const list = async <T>(path: string): Promise<T[]> =>
    (await cluster.admin.call<{ items: T[] }>('GET', path)).body.items;
  const failuresOf = (planned: Scenario): Map<string, string> => {
    const { plans } = planDeployments(planned, planned.phases[0] as CreateDeploymentsPhase);
    return new Map(plans.map(({ name, failure }) => [name, failure?.failure ?? 'none']));
  };
  const planned = failuresOf(scenario);
  /** Pods of the Deployments that are planned to fail in this way. */
  const podsThat = (failure: string): Pod[] =>
    pods.filter(({ metadata }) => planned.get(metadata.labels.app) === failure);
  const seenOf = ({ metadata: { uid } }: Pod): Seen => {
    const found = seen.get(uid) ?? {
      reasons: new Set(),
      messages: [],
      startedAtMs: new Map(),
      restarts: 0,
      readiness: [],
    };
    seen.set(uid, found);
    return found;
  };

  /** Takes down what the API server was told of a pod. */
  const note = (pod: Pod): void => {
    const noted = seenOf(pod);
    for (const { restartCount, state, lastState } of pod.status.containerStatuses ?? []) {
      noted.restarts = restartCount;
      const startedAt = state.running?.startedAt ?? state.terminated?.startedAt;
      if (startedAt !== undefined) noted.startedAtMs.set(restartCount, Date.parse(startedAt));
      for (const { waiting, terminated } of [state, lastState]) {
        if (waiting !== undefined) noted.reasons.add(waiting.reason);
        if (waiting?.message !== undefined) noted.messages.push(waiting.message);
        if (terminated !== undefined) noted.reasons.add(`${terminated.reason} ${terminated.exitCode}`);
      }
    }
  };

  /** Takes down how the API server has all pods and endpoints now. */
  const look = async (): Promise<void> => {
    pods = (await list<Pod>('/api/v1/pods')).filter(({ metadata }) => metadata.labels?.app !== undefined);
    for (const { endpoints } of await list<Slice>('/apis/discovery.k8s.io/v1/endpointslices')) {
      for (const { conditions, targetRef } of endpoints ?? []) {
        const readiness = seen.get(targetRef?.uid)?.readiness;
        if (readiness !== undefined && readiness.at(-1) !== conditions.ready)
          readiness.push(conditions.ready);
      }
    }
  };

  beforeAll(async () => {
    cluster = await TestControlPlane.start();
    shard = cluster.shard(testNodes(nodeCount), false);
    await shard.start();
    // What holds for a moment only, such as the wait at the end of a back-off, is seen by a watch.
    watch = new Reflector(
      cluster.admin.client,
      { path: '/api/v1/pods', selector: '', timeoutSecondsMin: 300, sendsTimeout: true },
      {
        onListing: () => {},
        onEvent: (event) => note(event.object() as Pod),
        onSynced: () => {},
        onFault: (error) => expect(error).toBeUndefined(),
      },
    );
    const nowhere = { names: [], fail: () => {}, heal: () => {} };
    const outcome = await runPhase(scenario.phases[0] as CreateDeploymentsPhase, {
      scenario,
      runId: 'run-1',
      load: new LoadGenerator({
        client: cluster.admin.client,
        clock: systemClock,
        context: { runId: 'run-1', tolerations: [], confined: false },
        namespaces: namespaceNames(scenario),
      }),
      progress: {
        nodesReady: () => nodeCount,
        podsPresent: () => 0,
        podsStarted: () => 0,
        endedPodsGone: () => 0,
        workloadsDone: () => 0,
        hasStarted: () => false,
        node: () => undefined,
      },
      nodes: {
        ...nowhere,
        podsOn: () => Promise.resolve([]),
        leaseRenewedWallMs: () => Promise.resolve(undefined),
      },
      clock: systemClock,
      signal: new AbortController().signal,
      reporter: silentReporter,
    });
    expect(outcome.outcome).toBe('completed');
    await eventually(
      'every pod has shown what it does',
      async () => {
        await look();
        return (
          pods.length === 40 &&
          podsThat('none').every((pod) => seenOf(pod).readiness.at(-1) === true) &&
          podsThat('failed-pull').every((pod) => seenOf(pod).reasons.has('ImagePullBackOff')) &&
          podsThat('exiting').every((pod) => seenOf(pod).startedAtMs.has(3)) &&
          podsThat('out-of-memory').every((pod) => seenOf(pod).startedAtMs.has(1)) &&
          podsThat('flapping').every((pod) => seenOf(pod).readiness.length >= 5)
        );
      },
      120_000,
    );
  });

  afterAll(async () => {
    watch?.stop();
    shard?.stop();
    await cluster?.stop();
  });

  it('are those that the seed says, and no others', () => {
    expect([...planned.values()].toSorted().join(' ')).toBe(
      [
        ...Array.from({ length: 3 }, () => 'exiting'),
        ...Array.from({ length: 2 }, () => 'failed-pull'),
        ...Array.from({ length: 3 }, () => 'flapping'),
        ...Array.from({ length: 10 }, () => 'none'),
        ...Array.from({ length: 2 }, () => 'out-of-memory'),
      ].join(' '),
    );
    expect(failuresOf(scenarioOf('one'))).toEqual(planned);
    expect(failuresOf(scenarioOf('two'))).not.toEqual(planned);
    /** By what the API server was told alone. */
    const did = (pod: Pod): string => {
      const { reasons, restarts, readiness } = seenOf(pod);
      if (reasons.has('OOMKilled 137')) return 'out-of-memory';
      if (restarts > 0) return 'exiting';
      if (reasons.has('ImagePullBackOff')) return 'failed-pull';
      return readiness.includes(false) && readiness.lastIndexOf(false) > readiness.indexOf(true)
        ? 'flapping'
        : 'none';
    };
    expect(pods.map((pod) => [pod.metadata.labels.app, did(pod)])).toEqual(
      pods.map(({ metadata: { labels } }) => [labels.app, planned.get(labels.app)]),
    );
  });

  it('that exit are restarted at once, then after 10 s, then after 20 s, and say why they wait', async () => {
    const exiting = podsThat('exiting');
    expect(exiting).toHaveLength(6);
    for (const pod of exiting) {
      const { reasons, startedAtMs } = seenOf(pod);
      expect([...reasons]).toEqual(expect.arrayContaining(['Error 3', 'CrashLoopBackOff']));
      const [first = 0, second = 0, third = 0, fourth = 0] = [0, 1, 2, 3].map((run) => startedAtMs.get(run));
      // A run of a second, the back-off, and timestamps of whole seconds.
      expect(second - first).toBeLessThan(10_000);
      expect(third - second).toBeGreaterThanOrEqual(10_000);
      expect(fourth - third).toBeGreaterThanOrEqual(20_000);
      expect(pod.status.phase).toBe('Running');
    }
    // A kubelet looks at the pod again at the end of the back-off, and only then says that there was one.
    for (const pod of podsThat('exiting')) {
      const messages = seenOf(pod).messages.join('\n');
      for (const backOff of ['10s', '20s']) {
        expect(messages).toContain(
          `back-off ${backOff} restarting failed container=main pod=${pod.metadata.name}`,
        );
      }
    }
    const [pod] = podsThat('exiting');
    const events = (await list<Event>('/api/v1/events')).filter(
      ({ involvedObject, reason }) => involvedObject.name === pod?.metadata.name && reason === 'BackOff',
    );
    expect(events[0]?.message).toMatch(/^Back-off restarting failed container main in pod fill-/);
  });

  it('that flap are taken out of their Service and put back, and are never restarted', () => {
    const flapping = podsThat('flapping');
    expect(flapping).toHaveLength(6);
    for (const pod of flapping) {
      const { readiness, restarts, reasons } = seenOf(pod);
      const since = readiness.slice(readiness.indexOf(true), readiness.indexOf(true) + 4);
      expect(since).toEqual([true, false, true, false]);
      expect([restarts, [...reasons].filter((reason) => reason !== 'ContainerCreating')]).toEqual([0, []]);
    }
  });

  it('whose image is nowhere to be had stay Pending, and say so', async () => {
    const failed = podsThat('failed-pull');
    expect(failed).toHaveLength(4);
    const events = await list<Event>('/api/v1/events');
    for (const { status, metadata } of failed) {
      expect(status.phase).toBe('Pending');
      const reasons = events
        .filter(({ involvedObject }) => involvedObject.name === metadata.name)
        .map(({ reason }) => reason);
      expect(reasons).toEqual(expect.arrayContaining(['Pulling', 'Failed', 'BackOff']));
    }
  });
});
