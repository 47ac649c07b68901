import { closeSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { LocalCluster } from '../../src/cluster/local-cluster.ts';
import type { ComponentName } from '../../src/control-plane/control-plane.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { readResult } from '../../src/result/read.ts';
import { type RunOutcome, conductRun } from '../../src/scenario/conductor.ts';
import { parseScenario } from '../../src/scenario/load-scenario.ts';
import { CliRun, type Started, listed } from './cli-run.ts';
import { eventually, testNodes, testOptions } from './support.ts';

const scenario = `name: small
nodes: {count: 3}
phases:
  - {type: latency-pods, name: latency, count: 1200, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
`;

const report = ['charts', 'junit.xml', 'plan.txt', 'report.html', 'result.json'];

let cli: CliRun;
beforeEach(() => {
  cli = new CliRun({ 'small.yaml': scenario });
});
afterEach(async () => {
  await cli.processesGone();
  cli.remove();
});

/** Waits until the scenario's only phase goes on, and some pods with it. */
async function inPhase(run: Started): Promise<Started> {
  await eventually('pods are being started', () => /pods [1-9]\d*\/\d+ started/.test(run.output()));
  return run;
}

/** The run ends with 6, names the cause, and has written all that it knew; nothing of it is left. */
async function expectLost(run: Started, cause: RegExp): Promise<void> {
  expect((await run.exit).code, run.output()).toBe(6);
  expect(run.output()).toMatch(cause);
  expect(run.output()).not.toMatch(/\n\s+at |Warning: /);
  expect(listed(join(cli.dir, 'out'))).toEqual(report);
  const result = readResult(join(cli.dir, 'out/result.json'));
  expect(result.verdict).toBe('inconclusive');
  expect(result.failures.map(({ message }) => message).join('\n')).toMatch(cause);
  expect(result.pods.started).toBeGreaterThan(0);
  await cli.processesGone();
  expect(cli.temporaryFiles()).toEqual([]);
}

describe('a run that loses', () => {
  it.each(['etcd', 'kube-controller-manager', 'kube-scheduler', 'kube-apiserver'])(
    '%s ends at once and says why',
    async (name) => {
      const run = await inPhase(cli.start('run', 'small.yaml', '--out', 'out'));
      process.kill(cli.process(new RegExp(`(?:/|control-plane )${name} --`)), 'SIGKILL');
      await expectLost(run, new RegExp(`${name} \\(pid \\d+\\) was killed by SIGKILL; its last log lines:`));
    },
  );

  it('its hollow nodes ends at once and says why', async () => {
    const run = await inPhase(cli.start('run', 'small.yaml', '--out', 'out'));
    process.kill(cli.process(/fleet\/host\.js/), 'SIGKILL');
    await expectLost(run, /the process of the hollow nodes \(pid \d+\) was killed by SIGKILL/);
  });

  it('a worker thread hears which one, and why', async () => {
    const fleet = new Fleet({
      nodes: testNodes(2),
      proxies: false,
      wire: 'protobuf',
      seed: 'test',
      endpoint: { url: 'https://127.0.0.1:1', caPem: '' },
      identities: { type: 'authority', authority: { certPem: 'no certificate', keyPem: 'no key' } },
      clock: systemClock,
      onReport: () => {},
    });
    await expect(fleet.died).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: expect.stringMatching(/^worker thread 0 of the hollow nodes failed: ./) as unknown,
    });
    await fleet.flush();
    await fleet.stop();
  });
});

describe('a server that hangs', () => {
  /** Conducts a run, stops a component with SIGSTOP while pods are started, and waits for the end. */
  async function hang(name: ComponentName): Promise<{ outcome: RunOutcome; warnings: string[] }> {
    const warnings: string[] = [];
    let stopped = false;
    const outcome = await conductRun({
      wire: 'protobuf',
      loaded: parseScenario(scenario, 'small.yaml', { sets: [] }),
      runId: 'hang',
      invocation: { profile: 'kubelet' },
      openCluster: () => LocalCluster.start(testOptions(join(cli.temporary, 'state')), 'certificate'),
      clock: systemClock,
      signal: new AbortController().signal,
      reporter: {
        ...silentReporter,
        warn: (text) => warnings.push(text),
        status: ({ podsStarted }) => {
          if (stopped || podsStarted === 0) return;
          stopped = true;
          process.kill(cli.process(new RegExp(`(?:/|control-plane )${name} --`)), 'SIGSTOP');
        },
      },
      watchdogLimits: { intervalMs: 200, warnAfterMs: 1_500, lostAfterMs: 5_000 },
    });
    return { outcome, warnings };
  }

  it.each(['kube-apiserver', 'etcd'] as const)('(%s) ends the run, which says why', async (name) => {
    const { outcome, warnings } = await hang(name);
    const cause = new RegExp(
      `^the API server has not answered for 5 s \\(stopped by a signal: ${name} \\(pid \\d+\\)`,
    );
    expect(outcome.error).toMatchObject({
      code: 'cluster-unavailable',
      message: expect.stringMatching(cause) as unknown,
    });
    expect(warnings.join('\n')).toMatch(/has not answered for 2 s .* unless you wake it: kill -CONT \d+/);
    expect(outcome.result.verdict).toBe('inconclusive');
    expect(outcome.result.pods.started).toBeGreaterThan(0);
    await cli.processesGone();
    expect(cli.temporaryFiles()).toEqual([]);
  });

  it('does not hold up a Ctrl-C', async () => {
    const run = await inPhase(cli.start('run', 'small.yaml', '--out', 'out'));
    process.kill(cli.process(/(?:\/|control-plane )kube-apiserver --/), 'SIGSTOP');
    run.child.kill('SIGINT');
    expect((await run.exit).code).toBe(130);
    expect(readResult(join(cli.dir, 'out/result.json')).verdict).toBe('interrupted');
    expect(cli.temporaryFiles()).toEqual([]);
  });
});

/** Fills the file system of `dir` until `leftBytes` are free. */
function fill(dir: string, leftBytes: number): void {
  const { bavail, bsize } = statfsSync(dir);
  const chunk = Buffer.alloc(64 * 1024);
  const file = openSync(join(dir, 'filler'), 'w');
  try {
    for (let left = bavail * bsize - leftBytes; left > 0; left -= chunk.length) {
      writeSync(file, chunk, 0, Math.min(left, chunk.length));
    }
  } finally {
    closeSync(file);
  }
}

describe('a disk that is full', () => {
  it('under etcd ends the run before etcd breaks, and says why', async () => {
    const mount = `mount -t tmpfs -o size=420m tmpfs ${cli.temporary}`;
    const run = await inPhase(cli.startInNamespace(mount, 'run', 'small.yaml', '--out', 'out'));
    fill(`/proc/${run.child.pid}/root${cli.temporary}`, 50e6);
    await expectLost(run, /the disk is full: \d+ MB are left for etcd in \S+, and it needs 100 MB/);
  });

  it('from the start is said at the start', async () => {
    const mount = `mount -t tmpfs -o size=200m tmpfs ${cli.temporary}`;
    const run = cli.startInNamespace(mount, 'run', 'small.yaml', '--out', 'out');
    expect((await run.exit).code).toBe(2);
    expect(run.output()).toMatch(/Disk: state: \d+ MB free in .* at least 250 MB are needed\n.*TMPDIR/);
    const forced = cli.startInNamespace(mount, 'run', 'small.yaml', '--out', 'out', '--skip-preflight');
    expect((await forced.exit).code).toBe(6);
    expect(forced.output()).toMatch(/the disk is full: \d+ MB are left .* it needs 250 MB\n.*TMPDIR/);
    expect(listed(cli.dir)).toEqual(['small.yaml']);
  });

  it('under the report keeps the result in the folder for temporary files, and says where', async () => {
    const mount = `mkdir reports; mount -t tmpfs -o size=12m tmpfs ${cli.dir}/reports`;
    const run = await inPhase(cli.startInNamespace(mount, 'run', 'small.yaml', '--out', 'reports/it'));
    const mounted = `/proc/${run.child.pid}/root${cli.dir}/reports`;
    fill(mounted, 0);
    run.child.kill('SIGINT');
    await expectKept(run, /cannot write \S+\/reports\/it\/result\.json: ENOSPC/);
  });
});

/** One message, exit code 2, the outcome on the terminal all the same, and the result where it says. */
async function expectKept(run: Started, message: RegExp): Promise<void> {
  expect((await run.exit).code, run.output()).toBe(2);
  expect(run.output()).toMatch(message);
  expect(run.output()).toContain('INTERRUPTED');
  expect(run.output()).not.toMatch(/\n\s+at /);
  const kept = /the result is in (\S+): write its report with `hollowmark report \1 --out DIR`/.exec(
    run.output(),
  );
  expect(readResult(kept?.[1] ?? '').verdict).toBe('interrupted');
  rmSync(dirname(kept?.[1] ?? ''), { recursive: true });
  expect(cli.temporaryFiles()).toEqual([]);
}

it('a report whose folder has become a file is kept in the folder for temporary files', async () => {
  const run = await inPhase(cli.start('run', 'small.yaml', '--out', 'reports/it'));
  rmSync(join(cli.dir, 'reports'), { recursive: true });
  writeFileSync(join(cli.dir, 'reports'), '');
  run.child.kill('SIGINT');
  await expectKept(run, /cannot write \S+\/reports\/it\/result\.json: ENOTDIR/);
});
