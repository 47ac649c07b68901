import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { processesOf } from '../../../src/cli/live/processes-of.ts';
import { ReadyProbe } from '../../../src/cli/live/ready-probe.ts';
import { RunSource } from '../../../src/cli/live/run-source.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { RunView } from '../../../src/scenario/run-reporter.ts';
import { FakeClock } from '../measure/fake-clock.ts';

describe('processesOf', () => {
  it('lists components that have ended or are stopped, and those that nothing is known of', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const resources = { cpuCores: { harness: 0.5, etcd: 0.25 }, rssBytes: { harness: 9e6, etcd: 3e6 } };
    const list = () => processesOf(resources, { etcd: pid, 'kube-scheduler': process.pid });
    expect(list()).toEqual([
      { name: 'harness', state: 'running', cpuCores: 0.5, rssBytes: 9e6 },
      { name: 'etcd', state: 'running', cpuCores: 0.25, rssBytes: 3e6 },
      { name: 'kube-scheduler', state: 'running', cpuCores: null, rssBytes: null },
    ]);
    if (process.platform === 'linux') {
      child.kill('SIGSTOP');
      await expect.poll(() => list()[1]?.state).toBe('stopped');
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    // What it used a moment ago is not what it uses.
    expect(list()[1]).toEqual({ name: 'etcd', state: 'ended', cpuCores: null, rssBytes: null });
  });
});

describe('RunSource', () => {
  type Settled = (group: unknown, pod: unknown, totalUs: number) => void;

  /** A run as far as a snapshot needs it. */
  function madeUpRun() {
    const clock = new FakeClock();
    const settledListeners: Settled[] = [];
    const course: { onCalls?: (latencies: Histogram) => void } = {};
    const observer = { listen: () => {}, created: 0, deleted: 0, ready: 0, present: 0 };
    const measurement = {
      ...{ pods: observer, nodes: observer, startup: { settledListeners }, course, stopped: false },
      ...{ onWindows: () => {}, recentPoints: () => [], apiServerIsDown: () => false },
    };
    const pids = { etcd: process.pid };
    const view = { cluster: { pids: () => pids }, measurement } as unknown as RunView;
    return { clock, settledListeners, course, measurement, pids, source: new RunSource(view, 3, clock) };
  }

  it('tells latencies of the last seconds as they become known', () => {
    const { clock, settledListeners, course, source } = madeUpRun();
    for (const listener of settledListeners) listener({}, {}, 2_000_000);
    clock.pass(20_000);
    const calls = new Histogram();
    calls.record(5000, 3);
    course.onCalls?.(calls);
    expect(source.snapshot().latencies.map(({ name, seconds, count }) => [name, seconds, count])).toEqual([
      ['pod startup', 10, 0],
      ['pod startup', 60, 1],
      ['API calls', 10, 3],
      ['API calls', 60, 3],
    ]);
  });

  it('does not call it an end of a component when the cluster is taken down', () => {
    const { measurement, pids, source } = madeUpRun();
    const states = (): string[] => source.snapshot().processes.map(({ name, state }) => `${name} ${state}`);
    expect(states()).toEqual(['etcd running']);
    // No process has such an id.
    pids.etcd = 2 ** 30;
    expect(states()).toEqual(['etcd ended']);
    pids.etcd = process.pid;
    expect(states()).toEqual(['etcd running']);
    measurement.stopped = true;
    pids.etcd = 2 ** 30;
    expect(states()).toEqual(['etcd running']);
  });
});

describe('ReadyProbe', () => {
  /** A server that answers what `statuses` says; 0: not at all. */
  function probing(...statuses: number[]) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const client = {
      request: ({ path }: { path: string }) => {
        asked.push(path);
        const status = statuses.shift() ?? 200;
        return status === 0 ? Promise.reject(new Error('no answer')) : Promise.resolve({ status });
      },
    } as unknown as ApiClient;
    return { clock, asked, probe: new ReadyProbe(client, clock) };
  }

  it('tells what came of asking the last time, and what is old it tells no more', async () => {
    const { clock, asked, probe } = probing(200, 503, 403, 0, 200);
    const said: (boolean | undefined)[] = [];
    for (let second = 0; second < 5; second++) {
      said.push(probe.isReady());
      clock.pass(1000);
      await Promise.resolve();
      await Promise.resolve();
    }
    expect(said).toEqual([undefined, true, false, true, false]);
    clock.pass(60_000);
    expect(probe.isReady()).toBeUndefined();
    expect(asked).toEqual(Array(6).fill('/readyz'));
  });

  it('asks once at a time, and never by itself', () => {
    const clock = new FakeClock();
    let asked = 0;
    const request = (): Promise<never> => {
      asked++;
      return new Promise(() => {});
    };
    const probe = new ReadyProbe({ request }, clock);
    clock.pass(60_000);
    expect(asked).toBe(0);
    for (let nth = 0; nth < 5; nth++) probe.isReady();
    expect(asked).toBe(1);
  });
});
