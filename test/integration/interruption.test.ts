import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { exitCodes, exitCodeOfVerdict } from '../../src/cli/exit-codes.ts';
import { readResult } from '../../src/result/read.ts';
import { writeResult } from '../../src/result/write.ts';
import { sampleResult } from '../unit/report/sample-result.ts';
import { CliRun, type Exit, listed } from './cli-run.ts';
import { eventually } from './support.ts';

const scenario = `name: small
nodes: {count: 3}
phases:
  - {type: create-deployments, name: fill, podsPerNode: 3, podsPerDeployment: 3}
  - {type: wait, name: filled, for: pods-started, timeout: 2m}
  - {type: latency-pods, name: latency, count: 20, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
`;

const endings = ['SIGINT', 'SIGINT twice', 'SIGTERM', 'SIGHUP', 'SIGKILL', "the parent's death"] as const;
type Ending = (typeof endings)[number];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Paths of all files in a folder and those below; none if it is not there. */
function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return entries.filter((path) => statSync(join(dir, path)).isFile());
}

/** Ends a command at a moment, looks at everything that it could have left, and removes the folder. */
async function interruptAt(ending: Ending, afterMs: number, command: 'run' | 'up'): Promise<void> {
  const cli = new CliRun({ 'small.yaml': scenario });
  try {
    await interruptAndLook(cli, ending, afterMs, command);
  } finally {
    cli.remove();
  }
}

async function interruptAndLook(
  cli: CliRun,
  ending: Ending,
  afterMs: number,
  command: 'run' | 'up',
): Promise<void> {
  const out = join(cli.dir, 'reports', 'it');
  const args =
    command === 'run'
      ? ['run', 'small.yaml', '--out', 'reports/it']
      : ['up', '--nodes', '3', '--kubeconfig-out', 'hollow.kubeconfig'];
  const started = ending === "the parent's death" ? cli.startBelowShell(...args) : cli.start(...args);
  await pause(afterMs);
  if (ending === "the parent's death" || ending === 'SIGKILL') started.child.kill('SIGKILL');
  else if (ending === 'SIGTERM' || ending === 'SIGHUP') started.child.kill(ending);
  else started.child.kill('SIGINT');
  if (ending === 'SIGINT twice') {
    await pause(600);
    started.child.kill('SIGINT');
  }
  const exit = await started.exit;
  await cli.processesGone();
  if (ending === 'SIGKILL') {
    // The next start finds what is left. This one needs no control plane.
    expect((await cli.start('control-plane', 'install').exit).code).toBe(0);
  }
  expect(cli.temporaryFiles()).toEqual([]);
  expect(existsSync(join(cli.dir, 'hollow.kubeconfig'))).toBe(false);
  const verdict = reportedVerdict(out, ending);
  expect(listed(cli.dir)).toEqual(verdict === undefined ? ['small.yaml'] : ['reports', 'small.yaml']);
  expect(`${exit.code ?? exit.signal}`, started.output()).toMatch(expectedExit(ending, verdict));
}

/** Checks that a report is whole or not there. @returns the verdict in it. */
function reportedVerdict(out: string, ending: Ending): string | undefined {
  const files = listed(out);
  if (files === undefined) return undefined;
  const { verdict } = readResult(join(out, 'result.json'));
  const whole = ['charts', 'junit.xml', 'plan.txt', 'report.html', 'result.json'];
  // Who kills while the report is being written gets the files that were whole by then.
  if (ending === 'SIGKILL' || ending === 'SIGINT twice') {
    expect(whole).toEqual(expect.arrayContaining(files));
  } else {
    expect(files).toEqual(whole);
  }
  for (const chart of listed(join(out, 'charts')) ?? []) expect(chart).toMatch(/^[\w-]+\.png$/);
  return verdict;
}

/** A run that had its verdict when the signal came ends as if there had been none. */
function expectedExit(ending: Ending, verdict: string | undefined): RegExp {
  const code = ending === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
  if (ending === 'SIGKILL' || ending === "the parent's death") return /^(?:SIGKILL|5)$/;
  // Before Node.js itself has come up, the system ends it.
  if (verdict === undefined) return new RegExp(`^(?:${code}|${ending.split(' ')[0]})$`);
  if (verdict === 'interrupted') return new RegExp(`^${code}$`);
  const judged = exitCodeOfVerdict(verdict as Parameters<typeof exitCodeOfVerdict>[0], code);
  return ending === 'SIGINT twice' ? new RegExp(`^(?:${code}|${judged})$`) : new RegExp(`^${judged}$`);
}

describe('an interruption at any moment', () => {
  const seed = process.env['CI'] === undefined ? randomBytes(4).toString('hex') : 'ci';

  it(`ends the command, its processes and its files (seed ${seed})`, { timeout: 900_000 }, async () => {
    const whole = new CliRun({ 'small.yaml': scenario });
    const startUs = systemClock.nowUs();
    expect((await whole.start('run', 'small.yaml', '--out', 'out').exit).code).toBe(exitCodes.invalid);
    const wholeMs = (systemClock.nowUs() - startUs) / 1000;
    whole.remove();
    const prng = new Prng(seed);
    const moments = Array.from({ length: 50 }, (_, index) => ({
      ending: endings[index % endings.length] as Ending,
      // Two at once take longer than one.
      afterMs: Math.round(prng.between(0, 1.3 * wholeMs)),
      command: index % 7 === 6 ? ('up' as const) : ('run' as const),
    }));
    const faults: string[] = [];
    const take = async (): Promise<void> => {
      for (let next = moments.shift(); next !== undefined; next = moments.shift()) {
        const { ending, afterMs, command } = next;
        await interruptAt(ending, afterMs, command).catch((error: unknown) => {
          faults.push(`${command}, ${ending} after ${afterMs} ms: ${(error as Error).message}`);
        });
      }
    };
    await Promise.all([take(), take()]);
    expect(faults).toEqual([]);
  });
});

describe('an interruption', () => {
  let cli: CliRun;
  beforeEach(() => {
    cli = new CliRun({ 'small.yaml': scenario });
  });
  afterEach(async () => {
    await cli.processesGone();
    cli.remove();
  });

  it('in a phase writes a partial report, and ends with 130', async () => {
    const run = cli.start('run', 'small.yaml', '--out', 'out');
    await eventually('a phase has begun', () => run.output().includes('Phase 1 of 3'));
    run.child.kill('SIGINT');
    expect(await run.exit).toEqual({ code: 130, signal: null } satisfies Exit);
    expect(readResult(join(cli.dir, 'out/result.json')).verdict).toBe('interrupted');
    expect(existsSync(join(cli.dir, 'out/report.html'))).toBe(true);
  });

  it('by the end of npm ends what npm has started', async () => {
    const up = cli.startBelowShell('up', '--nodes', '2');
    await eventually('the cluster is ready', () => up.output().split('\n').includes('ready'));
    up.child.kill('SIGKILL');
    await cli.processesGone();
    expect(up.output()).toContain('end of the parent process: stopping');
    expect(cli.temporaryFiles()).toEqual([]);
  });

  it('with SIGKILL leaves a journal that the next start acts upon', async () => {
    const up = cli.start('up', '--nodes', '2', '--kubeconfig-out', 'hollow.kubeconfig');
    await eventually('the cluster is ready', () => up.output().split('\n').includes('ready'));
    // The guardian as well: then nobody is left to end the control plane.
    process.kill(cli.process(/hollowmark-guardian/), 'SIGKILL');
    up.child.kill('SIGKILL');
    await up.exit;
    expect(cli.processes(/kube-apiserver/)).toHaveLength(1);
    const next = cli.start('control-plane', 'install');
    expect((await next.exit).code).toBe(0);
    expect(next.output()).toMatch(
      /Removed what the run \S+-up-\w+ left when it was killed: processes etcd, kube-apiserver, /,
    );
    expect(cli.temporaryFiles()).toEqual([]);
    expect(listed(cli.dir)).toEqual(['small.yaml']);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'by %s ends a Go build, and leaves nothing of it',
    async (signal) => {
      const cache = join(cli.dir, 'cache');
      const programs = join(cli.dir, 'programs');
      mkdirSync(programs);
      // Go starts compilers, which must go as well.
      writeFileSync(join(programs, 'go'), '#!/bin/sh\nsleep 600 &\nsleep 600\n', { mode: 0o755 });
      const environment = {
        HOLLOWMARK_CACHE: cache,
        PATH: `${programs}:/usr/bin:/bin`,
        KUBEBUILDER_ASSETS: '',
      };
      const args = ['control-plane', 'install', '--release-url', 'http://127.0.0.1:1'];
      const install = cli.startWith(environment, ...args);
      await eventually('Go runs', () => cli.processes(/sleep 600/).length === 2);
      install.child.kill(signal);
      expect(await install.exit).toEqual(
        signal === 'SIGTERM' ? { code: 143, signal: null } : { code: null, signal },
      );
      await cli.processesGone();
      expect(cli.temporaryFiles()).toEqual([]);
      if (signal === 'SIGKILL') {
        expect(readdirSync(join(cache, 'control-plane')).length).toBeGreaterThan(0);
        // Without Go it fails, after it has swept.
        expect((await cli.startWith({ ...environment, PATH: '/nowhere' }, ...args).exit).code).toBe(6);
      }
      expect(listed(join(cache, 'control-plane')) ?? []).toEqual([]);
    },
  );

  it('of a report that is being written leaves whole files only', async () => {
    writeResult(cli.dir, sampleResult());
    expect((await cli.start('report', 'result.json', '--out', 'whole').exit).code).toBe(0);
    const out = join(cli.dir, 'out');
    for (const afterMs of [0, 20, 50, 100, 200, 400]) {
      rmSync(out, { recursive: true, force: true });
      const report = cli.start('report', 'result.json', '--out', 'out');
      while ((listed(out) ?? []).length === 0 && report.child.exitCode === null) await pause(1);
      await pause(afterMs);
      report.child.kill('SIGINT');
      const { code, signal } = await report.exit;
      expect(`${code ?? signal}`).toMatch(/^(?:0|130|SIGINT)$/);
      for (const file of filesBelow(out)) {
        expect(readFileSync(join(out, file)).equals(readFileSync(join(cli.dir, 'whole', file))), file).toBe(
          true,
        );
      }
    }
  });

  it('leaves another run alone', async () => {
    const up = cli.start('up', '--nodes', '2');
    await eventually('the cluster is ready', () => up.output().split('\n').includes('ready'));
    expect((await cli.start('control-plane', 'install').exit).code).toBe(0);
    const kubeconfig = /^kubeconfig: (.*)$/m.exec(up.output())?.[1] ?? '';
    expect(readFileSync(kubeconfig, 'utf8')).toContain('client-key-data');
    expect(cli.processes(/kube-apiserver/)).toHaveLength(1);
    up.child.kill('SIGTERM');
    expect((await up.exit).code).toBe(143);
    expect(cli.temporaryFiles()).toEqual([]);
  });
});
