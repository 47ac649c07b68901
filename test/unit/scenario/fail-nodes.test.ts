import { beforeEach, describe, expect, test } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import type { NodeFailure } from '../../../src/hollow/node-failure.ts';
import { wireProfile } from '../../../src/hollow/wire-profile.ts';
import { LoadGenerator } from '../../../src/load/generator.ts';
import type { NodeState } from '../../../src/measure/observer.ts';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import { podFailureNotes } from '../../../src/scenario/notes.ts';
import type { PodOnNode } from '../../../src/scenario/node-reads.ts';
import type { FailableNodes, PhaseOutcome, Progress } from '../../../src/scenario/phases/context.ts';
import { planDeployments, planNodeFailures } from '../../../src/scenario/phases/plan.ts';
import { runPhase } from '../../../src/scenario/phases/run-phase.ts';
import { renderPlan } from '../../../src/scenario/render-plan.ts';
import type { CreateDeploymentsPhase, FailNodesPhase, Scenario } from '../../../src/scenario/scenario.ts';
import { FakeClock } from '../load/fake-clock.ts';
import { FakeServer } from '../load/fake-server.ts';
import { refusal } from './refusal.ts';

const names = Array.from({ length: 20 }, (_, i) => `hollow-${String(i + 1).padStart(5, '0')}`);

const scenarioOf = (phase: string, head = ''): Scenario =>
  parseScenario(`name: demo\nnodes: { count: 20 }\n${head}phases:\n  - ${phase}\n`, 's.yaml', { sets: [] })
    .scenario;
const phaseOf = (fields: string): string => `{ name: out, type: fail-nodes, ${fields} }`;

/** A control plane that answers to silent nodes as the node controller does, so late as it is told. */
class FakeNodes implements FailableNodes, Progress {
  readonly names = names;
  readonly commands: string[] = [];
  /** Seconds after a failure. */
  unreadyAfter = 20;
  evictedAfter = 25;
  /** Of each node's pods, so many. */
  evicted = Number.POSITIVE_INFINITY;
  restartedAfter = 27;
  /** Seconds after the return. */
  renewedAfter = 1;
  readyAfter = 3;
  /** Pods on each node, one of them without a controller. */
  private readonly podsPerNode = 3;
  /** Which of them has no controller. */
  alone = 0;
  private readonly failedUs = new Map<string, number>();
  private readonly healedUs = new Map<string, number>();
  private readonly lapses = new Map<string, number>();
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  fail(failed: readonly string[], failure: NodeFailure): void {
    this.commands.push(`${failure.type} ${failed.length}`);
    for (const name of failed) this.failedUs.set(name, this.clock.nowUs());
  }

  heal(healed: readonly string[]): void {
    this.commands.push(`heal ${healed.length}`);
    for (const name of healed) {
      this.lapses.set(name, this.isReady(name) ? 0 : 1);
      this.healedUs.set(name, this.clock.nowUs());
    }
  }

  private seconds(since: Map<string, number>, name: string): number {
    const us = since.get(name);
    return us === undefined ? Number.NEGATIVE_INFINITY : (this.clock.nowUs() - us) / 1e6;
  }

  private isReady(name: string): boolean {
    const back = this.seconds(this.healedUs, name);
    return back >= 0 ? back >= this.readyAfter : this.seconds(this.failedUs, name) < this.unreadyAfter;
  }

  node(name: string): NodeState {
    const ready = this.isReady(name);
    const lapses = this.lapses.get(name) ?? (ready ? 0 : 1);
    return {
      ready,
      readyUs: 0,
      readyDelayUs: 0,
      lapses,
      taints: ready ? [] : ['node.kubernetes.io/unreachable'],
    };
  }

  workloadsDone(): number {
    return 0;
  }

  podsOn(name: string): Promise<PodOnNode[]> {
    const deleting = this.seconds(this.failedUs, name) >= this.evictedAfter;
    const gone = this.seconds(this.healedUs, name) >= this.readyAfter;
    const pods = Array.from({ length: this.podsPerNode }, (_, i) => ({
      uid: `${name}/${i}`,
      name: `ns/${name}-${i}`,
      controlled: i !== this.alone,
      deleting: deleting && i < this.evicted,
      ended: false,
      ready: true,
      failing: false,
    }));
    return Promise.resolve(deleting && gone ? [] : pods);
  }

  leaseRenewedWallMs(name: string): Promise<number> {
    const back = this.seconds(this.healedUs, name);
    return Promise.resolve(back >= this.renewedAfter ? this.clock.wallMs() : 0);
  }

  endedPodsGone(): number {
    return 0;
  }

  podsStarted(): number {
    const total = names.length * this.podsPerNode;
    const lost = [...this.failedUs.keys()].filter(
      (name) => this.seconds(this.failedUs, name) >= this.evictedAfter,
    );
    const again = lost.filter((name) => this.seconds(this.failedUs, name) >= this.restartedAfter);
    const evicted = Math.min(this.evicted, this.podsPerNode);
    const controlled = evicted - (this.alone < evicted ? 1 : 0);
    return total - lost.length * evicted + again.length * controlled;
  }

  nodesReady = (): number => names.length;
  podsPresent = (): number => names.length * this.podsPerNode;
  hasStarted = (): boolean => false;
}

let clock: FakeClock;
let nodes: FakeNodes;
let abort: AbortController;
beforeEach(() => {
  clock = new FakeClock();
  nodes = new FakeNodes(clock);
  abort = new AbortController();
});

const run = (fields: string): Promise<PhaseOutcome> => {
  const scenario = scenarioOf(phaseOf(fields));
  const context = {
    scenario,
    runId: 'run-1',
    load: new LoadGenerator({
      client: new FakeServer(clock),
      clock,
      context: { runId: 'run-1', tolerations: [], confined: false },
      namespaces: [],
    }),
    progress: nodes,
    nodes,
    clock,
    signal: abort.signal,
    reporter: silentReporter,
  };
  return clock.finish(runPhase(scenario.phases[0] as FailNodesPhase, context));
};

const everything = 'notReady: 1m, tainted: 1m, podsEvicted: 1m, podsRescheduled: 1m, readyAgain: 1m';

describe('a failure of nodes', () => {
  test('ends when all that is expected of it has come about, and says when that was', async () => {
    const { outcome, message } = await run(`failure: crash, nodes: 4, expect: { ${everything} }`);
    expect([outcome, nodes.commands]).toEqual(['completed', ['crash 4', 'heal 4']]);
    const seconds = [...(message ?? '').matchAll(/after ([\d.]+)s/g)].map(([, text]) =>
      Math.round(Number(text)),
    );
    expect(message).toMatch(
      /^4 nodes not Ready .*, 4 nodes tainted .*, 12 pods evicted .*, 56 pods running .*, 4 nodes Ready again /,
    );
    expect(seconds).toEqual([20, 20, 25, 27, 3]);
  });

  test.each([
    [2, 2, ['completed', '8 pods evicted after 25']],
    [9, 3, ['completed', '12 pods evicted after 25']],
    [0, 0, ['completed', '0 pods evicted after 0']],
    [2, 1, ['failed', '4 of 8 pods have not been evicted after 1m: hollow-']],
  ])('evicts %i pods of each node under pressure, if there are as many: %i', async (due, done, expected) => {
    nodes.evicted = done;
    const fields = `failure: disk-pressure, nodes: 4, evictPods: ${due}, expect: { podsEvicted: 1m }`;
    const { outcome, message } = await run(fields);
    expect([outcome, message?.slice(0, expected[1]?.length)]).toEqual(expected);
  });

  test.each([
    [2, '60 pods running after 27'],
    [0, '56 pods running after 25'],
  ])(
    'waits for the pods that a node gave up, if there are to be others: %i has no controller',
    async (alone, expected) => {
      Object.assign(nodes, { evicted: 1, alone });
      const { message } = await run('failure: disk-pressure, nodes: 4, expect: { podsRescheduled: 1m }');
      expect(message?.slice(0, expected.length)).toBe(expected);
    },
  );

  test('lasts for its duration', async () => {
    const startUs = clock.nowUs();
    expect(await run('failure: partition, nodes: 5%, duration: 90s')).toEqual({ outcome: 'completed' });
    expect(nodes.commands).toEqual(['partition 1', 'heal 1']);
    expect((clock.nowUs() - startUs) / 1e6).toBeCloseTo(90, 0);
  });

  test('goes round group by group', async () => {
    await run(
      'failure: kubelet-restart, nodes: 100%, concurrency: 8, duration: 2s, expect: { readyAgain: 10s }',
    );
    expect(nodes.commands).toEqual([
      ...['kubelet-down 8', 'heal 8', 'kubelet-down 8', 'heal 8'],
      ...['kubelet-down 4', 'heal 4'],
    ]);
  });

  test.each([
    ['notReady: 10s', /^4 of 4 nodes are still Ready after 10s: hollow-\d{5}(, hollow-\d{5}){3}$/],
    ['tainted: 10s', /^4 of 4 nodes are not tainted node\.kubernetes\.io\/unreachable after 10s: /],
    ['podsEvicted: 21s', /^12 of 12 pods have not been evicted after 21s: ns\/.* and 7 more$/],
    ['podsRescheduled: 26s', /^48 of 56 pods run again elsewhere after 26s$/],
  ])('fails without the answer %s, and the nodes return', async (expected, message) => {
    const { outcome, message: said } = await run(`failure: crash, nodes: 4, expect: { ${expected} }`);
    expect(outcome).toBe('failed');
    expect(said).toMatch(message);
    expect(nodes.commands).toEqual(['crash 4', 'heal 4']);
  });

  test('fails when nodes are not Ready again, or say nothing', async () => {
    const fields = 'failure: crash, nodes: 2, expect: { notReady: 1m, readyAgain: 10s }';
    nodes.readyAfter = 60;
    expect((await run(fields)).message).toMatch(
      /^2 of 2 nodes are not Ready again, or still tainted after 10s: hollow-/,
    );
    nodes = Object.assign(new FakeNodes(clock), { readyAfter: 0, renewedAfter: 60 });
    expect((await run(fields)).message).toMatch(
      /^2 of 2 nodes have not renewed their lease after 10s: hollow-/,
    );
  });

  test('fails when a node that should stay Ready does not', async () => {
    const fields = 'failure: kubelet-restart, nodes: 3, duration: 30s, expect: { staysReady: true }';
    const { outcome, message } = await run(fields);
    expect(outcome).toBe('failed');
    expect(message).toMatch(/^3 of 3 nodes ceased to be Ready: hollow-/);
    nodes = Object.assign(new FakeNodes(clock), { unreadyAfter: 1000, readyAfter: 0 });
    expect(await run(fields)).toEqual({ outcome: 'completed' });
  });

  test('ends with the run, and the nodes return', async () => {
    clock.timer(5_000, () => abort.abort());
    expect((await run('failure: crash, nodes: 4, duration: 1h')).outcome).toBe('interrupted');
    expect(nodes.commands).toEqual(['crash 4', 'heal 4']);
  });

  test.each([
    ['disk-pressure', '', { type: 'pressure', condition: 'DiskPressure', evictions: 1 }],
    ['memory-pressure', ', evictPods: 7', { type: 'pressure', condition: 'MemoryPressure', evictions: 7 }],
    ['pid-pressure', ', evictPods: 0', { type: 'pressure', condition: 'PIDPressure', evictions: 0 }],
    ['slow-heartbeats', ', delay: 3s', { type: 'bad-heartbeats', delayMs: 3000, lossRate: 0 }],
    ['lost-heartbeats', ', lossRate: 0.5', { type: 'bad-heartbeats', delayMs: 0, lossRate: 0.5 }],
    ['lost-heartbeats', '', { type: 'bad-heartbeats', delayMs: 0, lossRate: 1 }],
  ])('%s%s is told to the shards', async (failure, more, command) => {
    const told: NodeFailure[] = [];
    nodes.fail = (_, failed) => told.push(failed);
    await run(`failure: ${failure}, nodes: 1, duration: 1s${more}`);
    expect(told).toEqual([command]);
  });
});

describe('the seed', () => {
  const waves = (seed: string): string[][] => {
    const scenario = {
      ...scenarioOf(phaseOf('failure: crash, nodes: 6, concurrency: 4, duration: 1s')),
      seed,
    };
    return planNodeFailures(scenario, scenario.phases[0] as FailNodesPhase, names);
  };

  test('decides which nodes fail, each once', () => {
    expect(waves('a')).toEqual(waves('a'));
    expect(waves('a')).not.toEqual(waves('b'));
    expect(waves('a').map(({ length }) => length)).toEqual([4, 2]);
    expect(new Set(waves('a').flat()).size).toBe(6);
    expect(names).toEqual(expect.arrayContaining(waves('a').flat()));
  });

  test('stands in the plan', () => {
    const scenario = scenarioOf(phaseOf('failure: crash, nodes: 6, concurrency: 4, duration: 1s'));
    const planned = planNodeFailures(scenario, scenario.phases[0] as FailNodesPhase, names);
    expect(renderPlan(scenario).slice(-3)).toEqual([
      'phase out: crash of 6 nodes for 1s, 4 at a time',
      ...planned.map((wave) => `  fails ${wave.join(' ')}`),
    ]);
  });

  const fill =
    '{ name: fill, type: create-deployments, podsPerNode: 10, podsPerDeployment: 5, failures: [' +
    '{ failure: failed-pull, share: 10% }, { failure: exiting, share: 25%, after: 20s, exitCode: 3 }, ' +
    '{ failure: flapping, share: 0.1%, every: 5s }] }';

  test('decides which Deployments fail, each in one way', () => {
    const scenario = scenarioOf(fill);
    const { plans } = planDeployments(scenario, scenario.phases[0] as CreateDeploymentsPhase);
    const counts = new Map<string, number>();
    for (const { failure } of plans) {
      const key = JSON.stringify(failure ?? 'none');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({
      '{"failure":"failed-pull"}': 4,
      '{"failure":"exiting","exitCode":3,"afterMs":20000}': 10,
      '{"failure":"flapping","everyMs":5000}': 1,
      '"none"': 25,
    });
    const lines = renderPlan(scenario).filter((line) => line.endsWith(' failed-pull'));
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^deployment hollow-1\/fill-\d{5} × 5 failed-pull$/);
  });
});

describe('failures of pods under a fake prober', () => {
  const fill = (failures: string): Scenario =>
    scenarioOf(`{ type: create-deployments, podsPerNode: 10, failures: [${failures}] }`);
  const flapping = '{ failure: flapping, share: 10%, every: 5s }';
  const failedPull = '{ failure: failed-pull, share: 10% }';

  test.each([
    ['kubemark', flapping, 'Wire profile kubemark: .*: flapping pods stay Ready\\.'],
    ['kubemark', `${failedPull}, ${flapping}`, '.*: pods of failed pulls are Ready .*; flapping .*'],
    ['kubemark', '', undefined],
    ['kubelet', flapping, undefined],
    ['lite', flapping, undefined],
  ] as const)('are named in the notes: %s, %s', (profile, failures, expected) => {
    const notes = podFailureNotes(fill(failures), wireProfile(profile));
    expect(notes).toEqual(expected === undefined ? [] : [expect.stringMatching(`^${expected}$`)]);
  });
});

describe('what does not fit together', () => {
  const message = (phase: string, head = ''): string => refusal(() => scenarioOf(phase, head)).message;

  test.each([
    ['failure: crash, nodes: 21, duration: 1s', 'phases[0].nodes is more than the 20 nodes that there are'],
    [
      'failure: crash, nodes: 0%, duration: 1s',
      'phases[0].nodes must be a whole number of at least 1, or a share such as 5%',
    ],
    ['failure: crash, nodes: 1', 'phases[0].failure needs a duration'],
    ['failure: crash, nodes: 1, expect: { readyAgain: 1m }', 'phases[0].failure needs a duration'],
    ['failure: crash, nodes: 1, duration: 0s', 'phases[0].duration must be longer than 0s'],
    [
      'failure: crash, nodes: 1, duration: 1s, delay: 1s',
      'phases[0].delay is for slow-heartbeats, not for crash',
    ],
    [
      'failure: crash, nodes: 1, duration: 1s, evictPods: 1',
      'phases[0].evictPods is for pressures, not for crash',
    ],
    [
      'failure: crash, nodes: 1, duration: 1s, lossRate: 1',
      'phases[0].lossRate is for lost-heartbeats, not for crash',
    ],
    ['failure: slow-heartbeats, nodes: 1, duration: 1s', 'phases[0].failure needs a delay'],
    [
      'failure: crash, nodes: 1, duration: 1s, expect: { notReady: 2s }',
      'phases[0].expect.notReady is longer than the nodes fail for (duration: 1s)',
    ],
    [
      'failure: crash, nodes: 1, duration: 9s, expect: { notReady: 2s, staysReady: true }',
      'phases[0].expect.notReady contradicts staysReady',
    ],
    [
      'failure: pid-pressure, nodes: 1, duration: 9s, expect: { notReady: 2s }',
      'phases[0].expect.notReady is no answer to pressure',
    ],
    [
      'failure: crash, nodes: 1, duration: 1s, expect: { podsEvicted: 0s }',
      'phases[0].expect.podsEvicted must be longer than 0s',
    ],
  ])('%s', (fields, expected) => {
    expect(message(phaseOf(fields))).toContain(expected);
  });

  test('shares of more than everything', () => {
    const failures = '[{ failure: failed-pull, share: 60% }, { failure: flapping, share: 50%, every: 1s }]';
    expect(message(`{ type: create-deployments, podsPerNode: 1, failures: ${failures} }`)).toContain(
      'phases[0].failures have shares of 110%, of 100% at most',
    );
  });

  test('flags that are none', () => {
    const head = (flags: string): string => `controlPlane: { extraFlags: { ${flags} } }\n`;
    const wait = '{ type: wait, for: nodes-ready }';
    expect(message(wait, head('kube-proxy: { v: 2 }'))).toContain('controlPlane.extraFlags');
    expect(message(wait, head('etcd: { --quota: 2 }'))).toContain('--quota');
    expect(message(wait, head('etcd: { quota: [2] }'))).toContain('controlPlane.extraFlags.etcd.quota');
    const { controlPlane } = scenarioOf(wait, head('etcd: { max-wals: 2, pre-vote: false }'));
    expect(controlPlane).toEqual({
      flags: 'scale',
      extraFlags: { etcd: { 'max-wals': '2', 'pre-vote': 'false' } },
    });
  });
});
