import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { exitCodeOfVerdict, exitCodes } from '../../src/cli/exit-codes.ts';
import { DelayingProxy } from '../../src/fidelity/trend/delaying-proxy.ts';
import { ApiClient } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { certificateIdentity } from '../../src/kube/identity.ts';
import { probeLease } from '../../src/load/identity.ts';
import { Measurement } from '../../src/measure/measurement.ts';
import { judgeRun } from '../../src/measure/verdict.ts';
import { CallMetrics } from '../../src/metrics/call-metrics.ts';
import { readResult } from '../../src/result/read.ts';
import type { RunResult, ValidityCheck } from '../../src/result/result.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { CliRun } from './cli-run.ts';
import { TestControlPlane, eventually } from './support.ts';

/** Too few pods to judge their startup: what is allowed of delays is what the limits say, and no share of a p99. */
const scenario = `name: starved
nodes: {count: 10}
phases:
  - {type: create-deployments, name: fill, podsPerNode: 3, podsPerDeployment: 30}
  - {type: wait, name: filled, for: pods-started, timeout: 3m}
  - {type: steady, name: lists, duration: 10s, listsPerSecond: 10}
`;

/** Where the lists are not looked at. */
const short = ['--set', 'phases.lists.duration=4s'];

/** Stops a process again and again, as a machine does that has no time for it. @returns what ends that. */
function pulse(pid: number, stoppedMs: number, runningMs: number): () => void {
  let next: NodeJS.Timeout | undefined;
  const signal = (name: 'SIGSTOP' | 'SIGCONT'): boolean => {
    try {
      return process.kill(pid, name);
    } catch {
      // It has ended.
      return false;
    }
  };
  const stop = (): void => {
    if (signal('SIGSTOP')) next = setTimeout(go, stoppedMs);
  };
  const go = (): void => {
    if (signal('SIGCONT')) next = setTimeout(stop, runningMs);
  };
  stop();
  return () => {
    clearTimeout(next);
    signal('SIGCONT');
  };
}

/** Loaded by every thread; blocks those of the hollow nodes alone: the process that they are in, and all others, go on. */
const blockWorkers = `
const { readFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');
const block = () => {
  const end = Date.now() + 500;
  while (Date.now() < end);
};
const isFleet = readFileSync('/proc/self/cmdline', 'utf8').includes('fleet/host.js');
if (!isMainThread && isFleet) setInterval(block, 800).unref();
`;

function failedChecks({ validity }: Pick<RunResult, 'validity'>): Map<string, ValidityCheck> {
  return new Map(
    validity.checks.filter(({ verdict }) => verdict === 'fail').map((check) => [check.id, check]),
  );
}

describe('a run whose harness is starved', () => {
  let cli: CliRun;
  let ends: (() => void)[];

  beforeEach(() => {
    cli = new CliRun({ 'starved.yaml': scenario });
    ends = [];
  });

  afterEach(() => {
    for (const end of ends) end();
    expect(cli.processes()).toEqual([]);
    cli.remove();
  });

  /** Runs the scenario, and does something to it as soon as its nodes are there. */
  async function runWhile(
    starve: (conductor: ChildProcess, output: () => string) => () => void,
    flags: readonly string[] = [],
    environment: Record<string, string> = {},
  ): Promise<RunResult> {
    const run = cli.startWith(environment, 'run', 'starved.yaml', '--out', 'out', ...flags);
    await eventually('the first phase', () => run.output().includes('Phase 1 of 3'), 180_000);
    ends.push(starve(run.child, () => run.output()));
    const exit = await run.exit;
    expect(exit, run.output()).toEqual({ code: exitCodes.invalid, signal: null });
    const result = readResult(join(cli.dir, 'out/result.json'));
    expect(result.verdict, result.summary).toBe('invalid');
    expect(result.summary).toContain('says nothing about the cluster');
    return result;
  }

  it('of CPU is invalid for the delay of load generator and observer', async () => {
    const result = await runWhile(({ pid = 0 }) => pulse(pid, 300, 300));
    const check = failedChecks(result).get('loop-delay-observer');
    expect(check?.value).toBeGreaterThan(200_000);
    expect(check?.message).toMatch(/: run fewer nodes or a lower rate, or use a machine with more cores\.$/);
    // What was measured says so itself: the truth may be less by that delay, and is never more. It is less only of requests that
    // were under way while the harness stood still, which a p99 need not have; of those that left late the lateness is in both.
    const lists = result.slis.filter(
      ({ labels }) => labels['verb'] === 'LIST' && labels['resource'] === 'pods',
    );
    const corrected = lists.find(({ id, labels }) => id === 'api-call' && labels['source'] === 'load');
    expect(corrected?.p99).toBeGreaterThan(200_000);
    expect(corrected?.lowerBound?.p99).toBeLessThanOrEqual(corrected?.p99 ?? 0);
    // Those that were due while the harness stood still left late, which raw latencies do not show.
    const lateness = result.slis.find(({ id }) => id === 'send-lateness');
    expect(lateness?.p99).toBeGreaterThan(100_000);
    const raw = lists.find(({ id }) => id === 'api-call-raw');
    expect(raw?.count).toBe(corrected?.count);
    expect(raw?.p50).toBeLessThan(corrected?.p50 ?? 0);
  });

  it('in the middle of its requests is invalid for the rate at which it sent them', async () => {
    const result = await runWhile(({ pid = 0 }, output) => {
      let end = (): void => {};
      // Once, from the beginning of the four seconds of lists until they are over.
      eventually('the lists', () => output().includes('Phase 3 of 3'), 180_000).then(
        () => {
          end = pulse(pid, 6_000, 600_000);
        },
        () => {},
      );
      return () => end();
    }, short);
    const check = failedChecks(result).get('achieved-rate');
    expect(check?.value).toBeLessThan(0.9);
    expect(check?.message).toMatch(/ of phase lists left in time.*: lower the rate of that phase, or use/);
    const lists = result.run.phases.find(({ name }) => name === 'lists');
    expect(lists?.requests).toMatchObject({ planned: 40, sent: 40, heldBack: 0 });
    expect(lists?.requests?.achievedRatio).toBeCloseTo(check?.value ?? 0, 5);
  });

  it('by a worker that is blocked is invalid for the delay of the hollow nodes', async () => {
    const preload = join(cli.dir, 'block.cjs');
    writeFileSync(preload, blockWorkers);
    const result = await runWhile(() => () => {}, short, { NODE_OPTIONS: `--require ${preload}` });
    expect(failedChecks(result).get('loop-delay-shards')?.value).toBeGreaterThan(300_000);
  });

  it.runIf(cpus().length === availableParallelism())(
    'by what else runs on the machine is invalid for that',
    async () => {
      const result = await runWhile(() => {
        // They end by themselves where this process cannot end them.
        const loop = 'const end = Date.now() + 180_000; while (Date.now() < end);';
        const busy = cpus().map(() => spawn('nice', ['-n', '19', process.execPath, '-e', loop]));
        return () => {
          for (const child of busy) child.kill('SIGKILL');
        };
      }, short);
      expect(failedChecks(result).get('cpu-others')?.value).toBeGreaterThan(10);
    },
  );
});

describe('a run whose observer has a slow connection', () => {
  let cluster: TestControlPlane;
  let proxy: DelayingProxy;

  beforeAll(async () => {
    cluster = await TestControlPlane.start();
    proxy = await DelayingProxy.start(cluster.controlPlane.ports['kube-apiserver'], systemClock);
  });

  afterAll(async () => {
    await proxy?.stop();
    await cluster?.stop();
  });

  it('is invalid for the lag of its watch', async () => {
    const { endpoint, admin } = cluster.controlPlane;
    const observerMetrics = new CallMetrics();
    const client = (url: string): ApiClient =>
      new ApiClient({
        endpoint: { ...endpoint, url },
        identity: certificateIdentity({ ...endpoint, url }, admin),
        codec: jsonCodec,
        userAgent: 'hollowmark-test',
        clock: systemClock,
        prng: new Prng('slow'),
        metrics: observerMetrics,
        handshakes: new HandshakeGate(4),
      });
    const observerClient = client(`https://127.0.0.1:${proxy.port}`);
    const probeClient = client(endpoint.url);
    const measurement = new Measurement({
      clock: systemClock,
      runId: 'slow-observer',
      observerClient,
      probeClient,
      observerMetrics,
      probeLease: probeLease('slow-observer'),
      loadMetrics: new CallMetrics(),
      loadCounters: () => ({ dueCount: 0, sentCount: 0 }),
      components: [],
      harnessPids: () => ({ harness: process.pid }),
      controlPlanePids: () => cluster.controlPlane.pids(),
      cpuCount: availableParallelism(),
    });
    try {
      await measurement.start();
      proxy.delay(80);
      await sleep(systemClock, 5000);
      const measured = await measurement.finish({ achieved: [] });
      const lag = failedChecks(measured).get('watch-lag-observer');
      expect(lag?.value).toBeGreaterThan(50_000);
      const { verdict } = judgeRun({
        slis: measured.slis,
        validity: measured.validity,
        phases: [],
        windows: measured.windows,
        thresholds: [],
        goodMinutesMin: undefined,
        interrupted: false,
        statelessPods: 0,
      });
      expect(exitCodeOfVerdict(verdict, exitCodes.interrupted)).toBe(exitCodes.invalid);
      expect(verdict).toBe('invalid');
    } finally {
      measurement.stop();
      observerClient.close();
      probeClient.close();
    }
  });
});
