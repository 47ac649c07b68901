import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/base/package-info.ts';
import { parseRules } from '../../../src/cli/gate-options.ts';
import type { GateOutcome } from '../../../src/gate/gate.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { hostileName } from '../report/sample-result.ts';
import { nightFactors, runOf, writeRun } from './gate-runs.ts';
import { runInProcess } from './in-process.ts';

// Samples are made and read many times; on a busy machine that takes seconds.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let dir: string;
const at = (...names: string[]): string => join(dir, ...names);

/** A run whose latencies are so many times the sample's. */
const write = (name: string, factor: number, change?: (result: RunResult) => void): string =>
  writeRun(at('runs', name), runOf(name, factor, change));

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-gate-'));
  nightFactors.forEach((factor, index) => write(`night-${index + 1}`, factor));
  mkdirSync(at('candidates'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Nights in a folder of their own, as `run --repeat` leaves them. */
const baselineOf = async (): Promise<string> => {
  const baseline = at('baseline');
  const nights = [1, 2, 3, 4, 5, 6].map((index) => at('runs', `night-${index}`));
  const { exitCode, stderr } = await runInProcess(['baseline', 'accept', baseline, ...nights]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return baseline;
};

const outcomeOf = (stdout: string): GateOutcome => JSON.parse(stdout) as GateOutcome;

describe('gate', () => {
  it('passes what is the same, and ends with 4 where something is worse', async () => {
    const baseline = await baselineOf();
    const same = await runInProcess(['gate', write('same', 1.002), '--baseline', baseline]);
    expect(same).toMatchObject({ exitCode: 0, stderr: '' });
    expect(same.stdout).toContain('1 run against 6 runs of the baseline');
    expect(same.stdout).toMatch(
      /p99 pod-startup-precise: to see a change of \+10 % with \+5 % allowed takes \d+ runs of the baseline/,
    );
    expect(same.stdout).toMatch(/; were none allowed, it would take \d+ runs of the baseline/);
    const slow = write('slow', 1.6);
    writeFileSync(at('runs/slow/report.html'), 'Passed');
    const junit = at('junit.xml');
    const worse = await runInProcess(['gate', slow, '--baseline', baseline, '--json', '--junit', junit]);
    expect(worse.exitCode).toBe(4);
    expect(outcomeOf(worse.stdout)).toMatchObject({ schema: 'hollowmark.gate/v1', verdict: 'worse' });
    expect(readFileSync(junit, 'utf8')).toContain('type="regression"');
    expect(readFileSync(at('runs/slow/report.html'), 'utf8')).toContain('but worse than the baseline');
    const fast = await runInProcess(['gate', write('fast', 0.5), '--baseline', baseline, '--json']);
    expect(fast.exitCode).toBe(0);
    expect(outcomeOf(fast.stdout).rows.some(({ verdict }) => verdict === 'better')).toBe(true);
  });

  it('does not fail for what it cannot tell, unless it is strict', async () => {
    mkdirSync(at('empty'), { recursive: true });
    const run = write('first', 1);
    const args = ['gate', run, '--baseline', at('empty')];
    expect(await runInProcess(args)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await runInProcess([...args, '--strict'])).toMatchObject({ exitCode: 5 });
  });

  it('takes a folder that is not there for a baseline that has not been begun, but no file', async () => {
    const run = write('before-all', 1);
    const none = await runInProcess(['gate', run, '--baseline', at('nowhere')]);
    expect(none.exitCode).toBe(0);
    expect(none.stderr).toBe(
      `warning: ${at('nowhere')}: there is no such folder, so there is no baseline yet\n`,
    );
    expect(none.stdout).toContain('inconclusive: there is no baseline yet');
    const missing = { exitCode: 2, stderr: expect.stringContaining('no such file or folder') as string };
    expect(await runInProcess(['gate', run, '--baseline', at('nowhere.json')])).toMatchObject(missing);
    expect(await runInProcess(['gate', at('nowhere'), '--baseline', at('runs')])).toMatchObject(missing);
  });

  it('begins a baseline by the line of the README, and lets nothing into it that is worse', async () => {
    const page = readFileSync(join(packageRoot, 'README.md'), 'utf8');
    const line = /^npx hollowmark (gate reports\/tonight .*) && npx hollowmark (baseline add .*)$/m.exec(
      page,
    );
    const words = (text = ''): string[] =>
      text
        .split(' ')
        .map((word) => (/^(?:baseline|reports\/tonight)$/.test(word) ? at('readme', word) : word));
    // The command is called as the folder is.
    const commands = [words(line?.[1]), ['baseline', ...words(line?.[2]).slice(1)]];
    const night = async (id: string, factor: number): Promise<number[]> => {
      writeRun(at('readme/reports/tonight'), runOf(id, factor));
      const codes: number[] = [];
      for (const command of commands) {
        const { exitCode } = await runInProcess(command);
        codes.push(exitCode);
        if (exitCode !== 0) break;
      }
      return codes;
    };
    for (const [index, factor] of nightFactors.entries()) {
      expect(await night(`readme-${index}`, factor)).toEqual([0, 0]);
    }
    expect(await night('readme-slow', 1.6)).toEqual([4]);
    expect(readdirSync(at('readme/baseline'))).toHaveLength(nightFactors.length);
  });

  it('leaves runs of a folder out that do not count, and judges the rest', async () => {
    const baseline = await baselineOf();
    const invalid = (result: RunResult): void => void Object.assign(result, { verdict: 'invalid' });
    writeRun(at('set/run-1'), runOf('set-1', 1));
    writeRun(at('set/run-2'), runOf('set-2', 3, invalid));
    const some = await runInProcess(['gate', at('set'), '--baseline', baseline, '--json']);
    expect(some.exitCode).toBe(0);
    expect(outcomeOf(some.stdout)).toMatchObject({
      candidate: [{ id: 'set-1' }],
      notes: ['left out: run set-2 does not count: invalid'],
    });
    // The same of a baseline that is a folder of runs.
    const against = await runInProcess(['gate', at('runs/night-1'), '--baseline', at('set'), '--json']);
    expect(outcomeOf(against.stdout).baseline).toMatchObject([{ id: 'set-1' }]);
    rmSync(at('set/run-1'), { recursive: true });
    const none = await runInProcess(['gate', at('set'), '--baseline', baseline]);
    expect(none).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('no run counts') as string });
    const named = await runInProcess(['gate', at('runs/night-1'), '--baseline', at('set/run-2')]);
    expect(named).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('does not count') as string });
  });

  it('says what is misspelt in a rule, once there is something to compare with', async () => {
    const rules = at('misspelt.yaml');
    writeFileSync(rules, 'rules:\n  - sli: pod-strtup-precise\n');
    const args = ['gate', at('runs/night-1'), '--rules', rules, '--baseline'];
    const refused = await runInProcess([...args, await baselineOf()]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('did you mean pod-startup-precise?');
    expect(await runInProcess([...args, at('no-baseline')])).toMatchObject({ exitCode: 0 });
  });

  it('writes a JUnit file of the newest run, and none of what a baseline keeps', async () => {
    const baseline = await baselineOf();
    const newest = write('newest', 1, ({ run }) =>
      Object.assign(run, { startedAt: '2026-09-09T09:00:00.000Z', finishedAt: '2026-09-09T09:01:00.000Z' }),
    );
    const junit = at('newest.xml');
    const args = ['--baseline', baseline, '--junit', junit];
    expect(await runInProcess(['gate', newest, write('before', 1), ...args])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(junit, 'utf8')).toContain('timestamp="2026-09-09T09:00:00"');
    rmSync(junit);
    const kept = await runInProcess(['gate', join(baseline, 'night-1.run.json'), ...args]);
    expect(kept).toMatchObject({ exitCode: 2, stdout: '' });
    expect(existsSync(junit)).toBe(false);
  });

  it('says to all formats of the report that a run has become worse', async () => {
    const baseline = await baselineOf();
    const folder = at('runs', 'chain');
    write('chain', 1.6);
    const build = ['--job', 'quickstart', '--build', 'chain'];
    const formats = ['report', folder, '--format', 'junit,markdown,history', ...build];
    const history = (): string => join(folder, 'history/quickstart/chain');
    const finished = (): unknown => JSON.parse(readFileSync(join(history(), 'finished.json'), 'utf8'));
    expect(await runInProcess(formats)).toMatchObject({ exitCode: 0 });
    expect(finished()).toMatchObject({ passed: true, result: 'SUCCESS' });
    expect(await runInProcess(['gate', folder, '--baseline', baseline])).toMatchObject({ exitCode: 4 });
    expect(await runInProcess(formats)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readFileSync(join(folder, 'junit.xml'), 'utf8')).toContain('type="regression"');
    const summary = readFileSync(join(folder, 'summary.md'), 'utf8');
    expect(summary).toMatch(/^## ❌ quickstart: pass, worse than the baseline\n/);
    expect(summary).toMatch(/\n\*\*Gate: worse\.\*\* 1 run against 6 runs of the baseline: \d worse/);
    expect(summary).toMatch(/\n\| ❌ p99 pod-startup-precise: ratio .* \| worse \| /);
    expect(finished()).toMatchObject({
      passed: false,
      result: 'FAILURE',
      metadata: { gate: 'worse', verdict: 'pass' },
    });
    expect(readFileSync(join(history(), 'build-log.txt'), 'utf8')).toMatch(/\ngate: worse: 1 run against 6/);
    const artifacts = join(history(), 'artifacts');
    expect(readFileSync(join(artifacts, 'junit_hollowmark.xml'), 'utf8')).toContain('type="regression"');
    expect(outcomeOf(readFileSync(join(artifacts, 'gate.json'), 'utf8')).verdict).toBe('worse');
    // What a gate has said of another run that lay here is not said of this one.
    write('chain', 1, ({ run }) => Object.assign(run, { id: 'chain-2' }));
    await runInProcess(formats);
    expect(readFileSync(join(folder, 'summary.md'), 'utf8')).not.toContain('Gate');
  });

  it('is not taken for unsaid where its file is damaged', async () => {
    write('damaged', 1);
    const file = at('runs/damaged/gate.json');
    for (const text of ['{', '{}', '{"schema":"hollowmark.gate/v1"}']) {
      writeFileSync(file, text);
      const refused = await runInProcess(['report', at('runs/damaged'), '--format', 'markdown']);
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(file) as string });
    }
  });

  it('refuses runs that are unlike, and those that do not count', async () => {
    const baseline = await baselineOf();
    const other = write('other', 1, ({ machine }) => Object.assign(machine, { cpuCount: 99 }));
    const refused = await runInProcess(['gate', other, '--baseline', baseline]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/machine\.cpuCount: \d+ there, 99 here/);
    expect(refused.stderr).toContain('--allow machine');
    const allowed = await runInProcess(['gate', other, '--baseline', baseline, '--allow', 'wire,machine']);
    expect(allowed.exitCode).toBe(0);
    const invalid = write('invalid', 3, (result) => Object.assign(result, { verdict: 'invalid' }));
    const unjudged = await runInProcess(['gate', invalid, '--baseline', baseline]);
    expect(unjudged).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('invalid') });
    const word = await runInProcess(['gate', other, '--baseline', baseline, '--allow', 'machin']);
    expect(word.stderr).toContain('did you mean machine?');
  });

  it('takes rules from a file, and says where one is wrong', async () => {
    const baseline = await baselineOf();
    const rules = at('gate.yaml');
    writeFileSync(rules, 'rules:\n  - sli: pod-startup-precise\n    allowedRatio: 3\n');
    const args = ['gate', write('slow-2', 1.6), '--baseline', baseline, '--rules', rules];
    expect(await runInProcess(args)).toMatchObject({ exitCode: 0 });
    writeFileSync(rules, 'rules:\n  - sli: pod-startup-precise\n    quantile: 0.98\n');
    const wrong = await runInProcess(args);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain(`${rules}:3:15: rules.0.quantile must be one of 0.5, 0.9, 0.99, 0.999`);
  });

  it('has examples in its page that it takes', () => {
    const page = readFileSync(join(packageRoot, 'docs/gate.md'), 'utf8');
    const examples = [...page.matchAll(/^```yml\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const text of examples) expect(parseRules(text, 'gate.md').length).toBeGreaterThan(0);
  });
});

describe('compare', () => {
  it('compares two runs, without a verdict on what one run each cannot tell', async () => {
    const { exitCode, stdout } = await runInProcess([
      'compare',
      at('runs', 'night-1'),
      at('runs', 'night-2'),
      '--json',
    ]);
    expect(exitCode).toBe(0);
    const { verdict, rows } = outcomeOf(stdout);
    expect(verdict).toBe('inconclusive');
    expect(rows[0]?.compared).toMatchObject({ ratio: expect.closeTo(1.01, 2), spread: null });
  });

  it('compares folders of runs, and draws both without a script or a name that breaks out', async () => {
    for (const index of [1, 2, 3, 4]) {
      const side = at('several', `run-${index}`);
      mkdirSync(side, { recursive: true });
      const text = readFileSync(write(`extra-${index}`, 1.4 + index / 100, hostile), 'utf8');
      writeFileSync(join(side, 'result.json'), text);
    }
    const html = at('compare.html');
    const args = ['compare', await baselineOf(), at('several'), '--html', html];
    const { exitCode, stdout } = await runInProcess(args);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('worse');
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('<polyline class="side-1"');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<img');
    expect(page).toContain("default-src 'none'");
    const both = ['compare', at('runs', 'night-1'), at('several'), '--html', html];
    await runInProcess(both);
    expect(readFileSync(html, 'utf8')).toContain('<polyline class="side-0"');
  });

  it('says on its page which runs are left out and what was allowed, each in its own words', async () => {
    writeRun(at('left/run-1'), runOf('left-1', 1));
    writeRun(
      at('left/run-2'),
      runOf('left-2', 1, (result) => void Object.assign(result, { verdict: 'invalid' })),
    );
    const other = write('newer', 1, ({ tool }) => void Object.assign(tool, { version: '9.9.9' }));
    const html = at('notes.html');
    const args = ['compare', at('left'), other, '--allow', 'version', '--html', html];
    expect(await runInProcess(args)).toMatchObject({ exitCode: 0, stderr: '' });
    const notes = [...readFileSync(html, 'utf8').matchAll(/<li>((?:left|allowed|Unlike).*?)<\/li>/g)];
    expect(notes.map((match) => match[1])).toEqual([
      'left out: run left-2 does not count: invalid',
      expect.stringMatching(/^allowed: tool\.version: \S+ and 9\.9\.9$/),
    ]);
  });

  const hostile = ({ slis }: RunResult): void => {
    for (const sli of slis.slice(-1)) sli.labels = { resource: hostileName };
  };
});

describe('baseline', () => {
  it('adds, lists and prunes', async () => {
    const folder = at('window');
    for (const index of [1, 2, 3]) {
      const add = ['baseline', 'add', folder, at('runs', `night-${index}`), '--keep', '2'];
      expect(await runInProcess(add)).toMatchObject({ exitCode: 0, stderr: '' });
    }
    const { stdout } = await runInProcess(['baseline', 'list', folder, '--json']);
    const { runs } = JSON.parse(stdout) as { runs: { id: string }[] };
    expect(runs).toHaveLength(2);
    const pruned = await runInProcess(['baseline', 'prune', folder, '--keep', '1']);
    expect(pruned.stdout).toContain('1 run in the baseline');
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await runInProcess(['baseline', 'list', at('nowhere')])).toMatchObject({ exitCode: 2 });
  });

  it('says which runs it does not add, and adds the others', async () => {
    const folder = at('good');
    const failed = write('failed', 1, (result) => Object.assign(result, { verdict: 'fail' }));
    const invalid = write('invalid-2', 1, (result) => Object.assign(result, { verdict: 'invalid' }));
    const add = (...runs: string[]): ReturnType<typeof runInProcess> =>
      runInProcess(['baseline', 'add', folder, ...runs, '--json']);
    const none = await add(failed);
    expect(none).toMatchObject({ exitCode: 0, stderr: 'not added: run failed: an SLO was missed\n' });
    expect(existsSync(folder)).toBe(false);
    const some = await add(invalid, at('runs/night-1'));
    expect(some.stderr).toBe('not added: run invalid-2: invalid\n');
    expect(JSON.parse(some.stdout)).toEqual({
      added: ['night-1'],
      notAdded: [{ id: 'invalid-2', reason: 'invalid' }],
      removed: [],
      kept: 1,
    });
    const allowed = await runInProcess(['baseline', 'add', folder, invalid, '--allow', 'invalid']);
    expect(allowed).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('must be of machine') as string,
    });
    expect(await add(at('nowhere'))).toMatchObject({ exitCode: 2 });
    // To begin anew from nothing would leave no baseline at all.
    const anew = await runInProcess(['baseline', 'accept', folder, failed]);
    expect(anew).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('not added: run failed') as string,
    });
    expect(readdirSync(folder)).toEqual(['night-1.run.json']);
  });
});

describe('baseline add', () => {
  it('takes no run that a gate found worse, which `accept` does', async () => {
    const baseline = await baselineOf();
    const slow = write('worse-night', 1.6);
    const fine = write('fine-night', 1.002);
    for (const run of [slow, fine]) await runInProcess(['gate', run, '--baseline', baseline]);
    const added = await runInProcess(['baseline', 'add', baseline, slow, fine, '--json']);
    expect(added.stderr).toBe('not added: run worse-night: worse than the baseline\n');
    expect(JSON.parse(added.stdout)).toMatchObject({
      added: ['fine-night'],
      notAdded: [{ id: 'worse-night', reason: 'worse than the baseline' }],
    });
    // What the gate said of another run that lay here is not said of this one.
    const next = write('worse-night', 1, ({ run }) => void Object.assign(run, { id: 'next-night' }));
    expect(await runInProcess(['baseline', 'add', baseline, next])).toMatchObject({ stderr: '' });
    write('worse-night', 1.6);
    const accepted = await runInProcess(['baseline', 'accept', baseline, slow]);
    expect(accepted).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readdirSync(baseline)).toEqual(['worse-night.run.json']);
    writeFileSync(at('runs/worse-night/gate.json'), '{');
    expect(await runInProcess(['baseline', 'add', baseline, slow])).toMatchObject({ exitCode: 2 });
  });
});

describe('run', () => {
  it('wants --baseline with the flags of a gate, and not with --against', async () => {
    const run = (...flags: string[]): ReturnType<typeof runInProcess> =>
      runInProcess(['run', 'scenarios/quickstart.yaml', ...flags]);
    expect((await run('--strict')).stderr).toContain('--strict needs --baseline');
    expect((await run('--rules', 'x')).stderr).toContain('--rules needs --baseline');
    const both = await run('--repeat', '2', '--against', 'nodes.count=3', '--baseline', dir);
    expect(both.stderr).toContain('exclude each other');
    expect((await run('--baseline', at('nowhere.json'))).stderr).toContain('no such file or folder');
  });

  it('refuses before it begins what would be refused after an hour', async () => {
    const refused = await runInProcess([
      'run',
      'scenarios/quickstart.yaml',
      '--baseline',
      await baselineOf(),
    ]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
    expect(refused.stderr).toMatch(/this run would be unlike run night-\d: machine\./);
    expect(refused.stderr).toContain('hollowmark baseline accept');
  });
});
