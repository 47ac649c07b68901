import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import type { GateOutcome } from '../../src/gate/gate.ts';
import { readResult } from '../../src/result/read.ts';
import { CliRun, listed } from './cli-run.ts';
import { expectRepeats, latencyScenario } from './repeated.ts';

/** 110 pods: as many as a p99 takes, and so few that it is over in a quarter of a minute. */
const scenario = latencyScenario(3, 110);

const timeoutMs = 600_000;

let cli: CliRun;
beforeEach(() => {
  cli = new CliRun({ 'tiny.yaml': scenario });
});
afterEach(async () => {
  await cli.processesGone();
  cli.remove();
});

describe('run --baseline', () => {
  it('compares real runs of the same thing, and refuses others', { timeout: timeoutMs }, async () => {
    // On a busy machine runs are invalid, and what they say is not the question here.
    const gated = (baseline: string): string[] => ['--baseline', baseline, '--allow', 'invalid'];
    const first = await cli.finish('run', 'tiny.yaml', '--repeat', '3', ...gated('begun'), '--out', 'nights');
    expect(first.stderr).toContain('begun: there is no such folder, so there is no baseline yet');
    expectRepeats(cli, 'nights', first, ['gate.json', 'junit.xml']);
    // What an earlier set has left is none of this run's.
    mkdirSync(join(cli.dir, 'tonight/run-1'), { recursive: true });
    for (const name of ['repeats.json', 'run-1/result.json'])
      writeFileSync(join(cli.dir, 'tonight', name), '{');
    const args = [...gated('nights'), '--out', 'tonight'];
    const { code, stdout, stderr } = await cli.finish('run', 'tiny.yaml', ...args);
    const { verdict } = readResult(join(cli.dir, 'tonight'));
    const report = JSON.parse(readFileSync(join(cli.dir, 'tonight/gate.json'), 'utf8')) as GateOutcome;
    expect(listed(join(cli.dir, 'tonight'))?.filter((name) => /^(?:repeats|run-)/.test(name))).toEqual([]);
    const ofRun = { pass: 0, fail: 3, invalid: 5, inconclusive: 5, interrupted: 130 }[verdict];
    expect(code, `${stdout}${stderr}`).toBe(report.verdict === 'worse' ? 4 : ofRun);
    expect(report.baseline).toHaveLength(3);
    const startup = report.rows.find(({ id, quantile }) => id === 'pod-startup-precise' && quantile === 0.99);
    expect(startup?.compared?.baseline).toHaveLength(3);
    expect(startup?.compared?.spread?.degrees).toBe(2);
    expect(report.rows.some(({ id }) => id === 'api-call-server')).toBe(true);
    expect(stdout).toContain('1 run against 3 runs of the baseline');
    expect(readFileSync(join(cli.dir, 'tonight/junit.xml'), 'utf8')).toContain('p99 pod-startup-precise');

    const page = await cli.finish('compare', 'nights', 'tonight', '--allow', 'invalid', '--html', 'c.html');
    expect(page.code, page.stderr).toBe(0);
    expect(readFileSync(join(cli.dir, 'c.html'), 'utf8')).toContain('<polyline class="side-0"');

    // What a report says of the run later, it says of the gate too.
    await cli.finish('report', 'tonight', '--format', 'markdown');
    expect(readFileSync(join(cli.dir, 'tonight/summary.md'), 'utf8')).toContain(
      `**Gate: ${report.verdict}.**`,
    );

    const early = await cli.finish('run', 'tiny.yaml', '--nodes', '4', ...gated('nights'), '--out', 'larger');
    expect(early.code).toBe(2);
    expect(early.stderr).toContain('this run would be unlike');
    expect(early.stderr).toContain('run.parameters.nodes.count: 3 there, 4 here');
    expect(existsSync(join(cli.dir, 'larger'))).toBe(false);
    // What a run with another node would have left, as far as a gate looks.
    const larger = readResult(join(cli.dir, 'nights/run-1'));
    larger.run.id = 'larger';
    (larger.run.parameters as { nodes: { count: number } }).nodes.count = 4;
    mkdirSync(join(cli.dir, 'larger'));
    writeFileSync(join(cli.dir, 'larger/result.json'), JSON.stringify(larger));
    const refused = await cli.finish('gate', 'larger', ...gated('nights'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('run.parameters.nodes.count: 3 there, 4 here');

    if (verdict !== 'pass' || report.verdict === 'worse') return;
    const added = await cli.finish('baseline', 'add', 'baseline', 'tonight');
    expect(added.code, added.stderr).toBe(0);
    expect(readdirSync(join(cli.dir, 'baseline'))).toHaveLength(1);
    expect(existsSync(join(cli.dir, 'baseline/result.json'))).toBe(false);
  });
});

/** A run as the benchmark of the gate does it, in a process of its own: its code, the proxy before etcd, and where the result goes. */
const delayedRun = `
const [built, scenario, dir, delayMs] = process.argv.slice(1);
const { oneRun } = await import(built + 'bench/gate/gate-runs.js');
const { writeResult } = await import(built + 'result/write.js');
writeResult(dir, await oneRun(scenario, Number(delayMs)));
`;

/** On nodes enough that pods wait for nothing but the API server: then runs differ little among themselves. */
const spread = latencyScenario(20, 110);

/** Each way: the API server waits 100 ms for each of its writes, and a start of a pod takes several. */
const delayMs = 50;

describe('gate', () => {
  it('finds real runs worse whose etcd is further away, and ends with 4', {
    timeout: 1_200_000,
  }, async () => {
    const built = pathToFileURL(join(packageRoot, 'dist/')).href;
    const env = { ...process.env, TMPDIR: cli.temporary };
    // In turns, so that what else the machine does is no difference between the two.
    for (const night of [1, 2, 3]) {
      for (const [side, ms] of [['plain', 0] as const, ['slower', delayMs] as const]) {
        const dir = join(cli.dir, side, `run-${night}`);
        const args = ['--input-type=module', '-e', delayedRun, built, spread, dir, String(ms)];
        await promisify(execFile)(process.execPath, args, { env });
      }
    }
    // On a busy machine runs are invalid; both sides are, and this change is larger than what that adds.
    const worse = await cli.finish('gate', 'slower', '--baseline', 'plain', '--allow', 'invalid', '--json');
    expect(worse.code, `${worse.stdout}${worse.stderr}`).toBe(4);
    const { verdict, rows } = JSON.parse(worse.stdout) as GateOutcome;
    expect(verdict).toBe('worse');
    const median = rows.find(
      ({ id, labels, quantile }) =>
        id === 'pod-startup-precise' && labels['kind'] === 'latency' && quantile === 0.5,
    );
    expect(median).toMatchObject({ verdict: 'worse', compared: { baseline: { length: 3 } } });
    // At the least one write's wait more, in microseconds.
    expect(median?.compared?.difference).toBeGreaterThan(2 * delayMs * 1000);
    // The other way round it is no regression.
    const better = await cli.finish('gate', 'plain', '--baseline', 'slower', '--allow', 'invalid', '--json');
    expect(better.code, `${better.stdout}${better.stderr}`).toBe(0);
    expect((JSON.parse(better.stdout) as GateOutcome).verdict).not.toBe('worse');
  });
});
