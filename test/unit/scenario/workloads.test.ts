import { beforeEach, describe, expect, test } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import { LoadGenerator } from '../../../src/load/generator.ts';
import { wireProfile } from '../../../src/hollow/wire-profile.ts';
import type { WorkloadPlan } from '../../../src/load/workloads.ts';
import { burstsOf } from '../../../src/scenario/bursts.ts';
import { podCounts } from '../../../src/scenario/capacity.ts';
import { createdWorkload } from '../../../src/scenario/cluster-view.ts';
import { estimatePhasesMs, totalPods } from '../../../src/scenario/estimate.ts';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import { podFailureNotes } from '../../../src/scenario/notes.ts';
import type { PhaseContext, PhaseOutcome } from '../../../src/scenario/phases/context.ts';
import { namespaceNames, planWorkloads } from '../../../src/scenario/phases/plan.ts';
import { runPhase } from '../../../src/scenario/phases/run-phase.ts';
import { renderPlan, summariseScenario } from '../../../src/scenario/render-plan.ts';
import { runtimeSettings } from '../../../src/scenario/runtimes.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import {
  type WorkloadPhase,
  endedPodsMax,
  totalVolumes,
  workloadKinds,
} from '../../../src/scenario/workloads.ts';
import { FakeClock } from '../load/fake-clock.ts';
import { type Answer, FakeServer, type Seen } from '../load/fake-server.ts';
import { refusal } from './refusal.ts';

const text = `name: demo
nodes: { count: 10 }
namespaces: { count: 2, prefix: ns }
phases:
  - { name: jobs, type: create-jobs, count: 3, completions: 4, parallelism: 2, duration: 5s }
  - { name: sets, type: create-statefulsets, count: 2 }
  - { name: claims, type: create-volume-claims, count: 2, pods: true }
  - { name: complete, type: wait, for: jobs-complete, timeout: 10s }
  - { name: ready, type: wait, for: statefulsets-ready, timeout: 10s }
  - { name: bound, type: wait, for: claims-bound, timeout: 10s }
  - { name: started, type: wait, for: pods-started, timeout: 10s }
  - { name: part, type: delete, what: deployments, timeout: 10s }
  - { name: all, type: delete, timeout: 10s }
`;
const parse = (source: string): Scenario => parseScenario(source, 's.yaml', { sets: [] }).scenario;
const scenario = parse(text);

let clock: FakeClock;
let server: FakeServer;
/** Objects by path. */
let objects: Set<string>;
let volumePhase: string;
let done: Record<WorkloadPlan['kind'], number>;
/** Pods that are there and have started, and those that have ended and are gone. */
let started: number;
let taken: number;
let told: [WorkloadPlan, number][];
let context: PhaseContext;

function answer({ method, path, body }: Seen): Answer {
  const bare = path.split('?')[0] ?? '';
  if (method === 'POST') {
    const { name } = (body as { metadata: { name: string } }).metadata;
    objects.add(`${bare}/${name}`);
    return { status: 201, object: { metadata: { uid: `uid-${name}` } } };
  }
  if (method === 'DELETE') {
    for (const key of objects) if (key === bare || key.includes(`${bare.slice(7)}/`)) objects.delete(key);
    return { status: 200 };
  }
  const items = [...objects].filter(
    (key) => key.startsWith(`${bare}/`) && !key.slice(bare.length + 1).includes('/'),
  );
  return {
    status: 200,
    object: {
      items: items.map((key) => ({
        metadata: { name: key.split('/').at(-1) },
        status: { phase: volumePhase },
      })),
    },
  };
}

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  server.answer = answer;
  objects = new Set();
  volumePhase = 'Available';
  done = { job: 3, statefulset: 2, claim: 2 };
  told = [];
  started = 0;
  taken = 0;
  const load = new LoadGenerator({
    client: server,
    clock,
    context: { runId: 'run-1', tolerations: [], confined: false },
    namespaces: namespaceNames(scenario),
    onWorkloadCreated: (plan, intendedUs) => told.push([plan, intendedUs]),
  });
  context = {
    scenario,
    runId: 'run-1',
    load,
    progress: {
      nodesReady: () => 10,
      podsPresent: () => 0,
      podsStarted: () => started,
      endedPodsGone: () => taken,
      workloadsDone: (kind) => done[kind],
      hasStarted: () => true,
      node: () => undefined,
    },
    nodes: {
      names: [],
      fail: () => {},
      heal: () => {},
      podsOn: () => Promise.resolve([]),
      leaseRenewedWallMs: () => Promise.resolve(undefined),
    },
    clock,
    signal: new AbortController().signal,
    reporter: silentReporter,
  };
});

async function run(name: string): Promise<PhaseOutcome> {
  const phase = scenario.phases.find((candidate) => candidate.name === name);
  if (phase === undefined) throw new Error(name);
  return clock.finish(runPhase(phase, context));
}

const posted = (pattern: RegExp): string[] =>
  server.seen.filter(({ method, path }) => method === 'POST' && pattern.test(path)).map(({ path }) => path);

describe('phases', () => {
  test('go from nothing to nothing', async () => {
    started = 20;
    for (const { name } of scenario.phases) {
      expect([name, await run(name)]).toMatchObject([name, { outcome: 'completed' }]);
      if (name === 'claims') {
        expect(context.load.podsExpected).toBe(3 * 4 + 2 * 3 + 2);
        expect(context.load.counters().podsCreated).toBe(20);
      }
      // Deployments only: there are none.
      if (name === 'part') expect(context.load.workloads.list()).toHaveLength(7);
    }
    expect(context.load.podsExpected).toBe(0);
    expect([...objects]).toEqual([]);
    expect(told.map(([{ kind, namespace, name }]) => `${kind} ${namespace}/${name}`)).toEqual([
      'job ns-1/jobs-00001',
      'job ns-2/jobs-00002',
      'job ns-1/jobs-00003',
      'statefulset ns-1/sets-00001',
      'statefulset ns-2/sets-00002',
      'claim ns-1/claims-00001',
      'claim ns-2/claims-00002',
    ]);
    const gaps = told.slice(0, 3).map(([, intendedUs]) => intendedUs - (told[0]?.[1] ?? 0));
    expect(gaps.map(Math.round)).toEqual([0, 100_000, 200_000]);
  });

  test('make volumes before claims, and wait until the controller has them', async () => {
    volumePhase = 'Pending';
    const phase = scenario.phases.find(({ name }) => name === 'claims') as Scenario['phases'][number];
    const running = runPhase(phase, context);
    await clock.advance(5_000);
    expect(posted(/persistentvolumes/)).toHaveLength(2);
    expect(posted(/persistentvolumeclaims/)).toEqual([]);
    volumePhase = 'Available';
    expect(await clock.finish(running)).toMatchObject({ outcome: 'completed' });
    expect(posted(/persistentvolumeclaims|pods/).map((path) => path.split('/').at(-1))).toEqual([
      'persistentvolumeclaims',
      'persistentvolumeclaims',
      'pods',
      'pods',
    ]);
  });

  test('make the pods of claims when these are bound, also in a burst', async () => {
    done = { ...done, claim: 0 };
    const head = 'name: demo\nnodes: { count: 10 }\nphases:\n';
    const burst = parse(
      `${head}  - { name: claims, type: create-volume-claims, count: 2, pods: true, pacing: { strategy: burst } }`,
    );
    const [phase] = burst.phases as [Scenario['phases'][number]];
    const running = runPhase(phase, { ...context, scenario: burst });
    await clock.advance(30_000);
    expect(posted(/persistentvolumeclaims/)).toHaveLength(2);
    expect(posted(/pods/)).toEqual([]);
    done = { ...done, claim: 2 };
    const outcome = await clock.finish(running);
    expect(outcome).toMatchObject({ outcome: 'completed', sent: { plannedCount: 4, doneCount: 4 } });
    expect(posted(/pods/)).toHaveLength(2);
  });

  test('give up pods whose claims nobody binds, and say so', async () => {
    done = { ...done, claim: 1 };
    expect(await run('claims')).toMatchObject({
      outcome: 'timed-out',
      message: '1 of 2 claims bound, and no more are coming',
      sent: { plannedCount: 2, doneCount: 2 },
    });
    expect(posted(/pods/)).toEqual([]);
  });

  test('say that they delete volumes only where there are any', async () => {
    const steps: string[] = [];
    const reporter = { ...silentReporter, step: (step: string) => steps.push(step) };
    context = { ...context, reporter };
    await run('jobs');
    await run('all');
    expect(steps.join()).toContain('deleting the namespaces');
    expect(steps.join()).not.toContain('volumes');
    await run('claims');
    await run('all');
    expect(steps.at(-1)).toContain('deleting the volumes');
  });

  test('say that no controller looks after volumes', async () => {
    volumePhase = 'Pending';
    await expect(run('claims')).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: '2 PersistentVolumes are not Available after 120 s: does the controller manager run?',
    });
  });

  test('say what is missing', async () => {
    for (const name of ['jobs', 'sets', 'claims']) await run(name);
    done = { job: 1, statefulset: 0, claim: 1 };
    expect((await run('complete')).message).toBe('1 of 3 Jobs complete after 10s');
    expect((await run('ready')).message).toBe('0 of 2 StatefulSets ready after 10s');
    expect((await run('bound')).message).toBe('1 of 2 claims bound after 10s');
  });

  test('count pods of Jobs that the cluster has taken, but not those that went with their Jobs', async () => {
    await run('jobs');
    [started, taken] = [7, 5];
    expect(await run('started')).toMatchObject({ outcome: 'completed' });
    // The Jobs' 12 pods are deleted: they are none of those that come after.
    await run('all');
    await run('jobs');
    [started, taken] = [11, 12];
    expect((await run('started')).message).toBe('11 of 12 pods started after 10s');
    taken = 13;
    expect(await run('started')).toMatchObject({ outcome: 'completed' });
  });

  test('say which volumes stay', async () => {
    await run('claims');
    server.answer = (seen) =>
      seen.method === 'DELETE' && seen.path.includes('/persistentvolumes/') ? { status: 200 } : answer(seen);
    expect(await run('all')).toMatchObject({
      outcome: 'timed-out',
      message: '2 PersistentVolumes still there after 10s',
    });
  });
});

describe('what is known beforehand', () => {
  test('counts pods and volumes, those of Jobs to the end', () => {
    expect(totalPods(scenario)).toBe(20);
    expect(totalVolumes(scenario)).toBe(2);
    const counts = podCounts(scenario);
    expect(counts.slice(0, 3).map(({ all }) => all)).toEqual([12, 18, 20]);
    // Of 12 pods of Jobs, 6 at a time.
    expect(counts.slice(0, 3).map(({ onNodes }) => onNodes)).toEqual([6, 12, 14]);
    expect(counts.at(-1)).toEqual({ all: 0, onNodes: 0 });
    expect(endedPodsMax(scenario)).toBe(12);
    expect(workloadKinds(scenario)).toEqual(['job', 'statefulset', 'claim']);
  });

  test('estimates that Jobs take what their pods take', () => {
    expect(estimatePhasesMs(scenario)[3]).toBeGreaterThanOrEqual(10_000);
  });

  test('is in plan and summary', () => {
    const plan = renderPlan(scenario);
    expect(plan).toContain('job ns-1/jobs-00001');
    expect(plan).toContain('claim ns-2/claims-00002 with a pod');
    expect(plan).toContain('  2 requests at µs 0 100000, once all claims are bound');
    // 3 Jobs, 2 StatefulSets, 2 claims with a pod each.
    const last = plan.findIndex((line) => line.startsWith('phase all'));
    expect(plan[last + 1]).toMatch(/^ {2}9 requests/);
    expect(summariseScenario(scenario).slice(1, 4)).toEqual([
      '  1. jobs: create 3 Jobs with 12 pods of 5s, 2 of each at a time, 10 requests/s',
      '  2. sets: create 2 StatefulSets with 6 pods (OrderedReady), 10 requests/s',
      '  3. claims: create 2 claims of 1Gi and their volumes, a pod each, 10 requests/s',
    ]);
  });

  test('decides which Jobs fail, and with which codes', () => {
    const failing = parse(
      text.replace('duration: 5s', 'duration: 5s, failures: [{ share: 1% }, { share: 30%, exitCode: 42 }]'),
    );
    const lines = renderPlan(failing).filter((line) => line.startsWith('job '));
    expect(lines.map((line) => line.replace(/^job ns-\d\/jobs-\d{5}/, '')).toSorted()).toEqual([
      '',
      ' exits with 1',
      ' exits with 42',
    ]);
    expect(totalPods(failing)).toBe(totalPods(scenario));
  });

  test('knows of a Job whether it is made so as to fail', () => {
    const failing = parse(text.replace('duration: 5s', 'duration: 5s, failures: [{ share: 30% }]'));
    const { plans } = planWorkloads(failing, failing.phases[0] as WorkloadPhase);
    expect(plans.filter((plan) => createdWorkload(plan, 7).failing)).toHaveLength(1);
  });

  test('says nothing of failing Jobs under a fake prober, as they end as they would elsewhere', () => {
    const failing = parse(text.replace('duration: 5s', 'duration: 5s, failures: [{ share: 30% }]'));
    expect(podFailureNotes(failing, wireProfile('kubemark'))).toEqual([]);
  });

  test('refuses more failing Jobs than there are, and an exit code that is success', () => {
    const of = (failures: string): string =>
      refusal(() => parse(text.replace('duration: 5s', `duration: 5s, failures: [${failures}]`))).message;
    expect(of('{ share: 60% }, { share: 41% }')).toContain('phases[0].failures have shares of 101%, of 100%');
    expect(of('{ share: 10%, exitCode: 0 }')).toContain('phases[0].failures[0].exitCode');
  });

  test('has the image of the pods of claims on every node', () => {
    expect(runtimeSettings(scenario).presentImages).toContain('registry.k8s.io/pause:3.10');
  });

  test('takes ended pods for nobody on a node, and for one to keep track of', () => {
    const jobs = (count: number): { scenario: Scenario; warnings: readonly string[] } =>
      parseScenario(
        `name: demo\nnodes: { count: 20 }\nphases:\n  - { type: create-jobs, count: ${count}, completions: 100, parallelism: 1 }\n`,
        's.yaml',
        { sets: [] },
      );
    // 10,000 pods in one namespace, 5 a node at a time.
    expect(jobs(100).warnings.map((warning) => warning.split(':')[0])).toEqual([
      '10000 pods in each of 1 namespaces (namespaces.count)',
    ]);
    expect(endedPodsMax(jobs(100).scenario)).toBe(10_000);
    expect(jobs(2_000).warnings).toHaveLength(3);
    expect(refusal(() => jobs(2_001)).message).toContain(
      'phases[0].count: 200100 pods, those that have ended included, are more than the 200000',
    );
  });

  test('refuses to wait for what nobody makes, and more than fits', () => {
    const one = (phase: string): string =>
      refusal(() => parse(`name: demo\nnodes: { count: 1 }\nphases:\n  - ${phase}\n`)).message;
    expect(one('{ type: wait, for: jobs-complete }')).toContain(
      'phases[0].for: no earlier phase makes any (create-jobs)',
    );
    expect(one('{ type: create-statefulsets, count: 50 }')).toContain('150 pods are more than the 110');
    expect(one('{ type: create-jobs, count: 20, completions: 100, parallelism: 10 }')).toContain(
      '200 pods are more than the 110',
    );
    expect(one('{ type: create-jobs, count: 100000, completions: 100 }')).toContain(
      'phases[0].count makes 10000000 pods; a phase may have 1000000',
    );
    expect(one('{ type: create-jobs, count: 1, duration: 0s }')).toContain('must be longer than 0s');
  });
});

describe('bursts', () => {
  test('are phases that ask for all their pods at once, without those that never start', () => {
    const burst = 'pacing: { strategy: burst';
    const bursts = burstsOf(
      parse(`name: demo
nodes: { count: 10 }
phases:
  - { name: fill, type: create-deployments, podsPerNode: 4, podsPerDeployment: 10, ${burst} }, failures: [{ failure: failed-pull, share: 25% }] }
  - { name: waves, type: create-deployments, podsPerNode: 4, podsPerDeployment: 10, ${burst}, size: 2 } }
  - { name: paced, type: latency-pods, count: 5 }
  - { name: latency, type: latency-pods, count: 5, ${burst}, size: 5 } }
`),
    );
    expect(bursts).toEqual([
      { phase: 'fill', pods: 30 },
      { phase: 'latency', pods: 5 },
    ]);
  });
});
