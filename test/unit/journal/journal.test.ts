import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentReporter } from '../../../src/base/reporter.ts';
import { Journal } from '../../../src/journal/journal.ts';
import { processScope, processStart } from '../../../src/journal/process-identity.ts';
import { type JournalRecord, newRecord } from '../../../src/journal/record.ts';
import { type ForeignLeftover, sweepLeftovers } from '../../../src/journal/sweep.ts';

let dir: string;
let root: string;
let said: string[];
let children: ChildProcess[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-journal-'));
  root = join(dir, 'state');
  mkdirSync(root, { mode: 0o700 });
  said = [];
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const sweep = (): Promise<ForeignLeftover[]> => {
  const say = (text: string): number => said.push(text);
  return sweepLeftovers({ clock: systemClock, reporter: { ...silentReporter, info: say, warn: say } }, root);
};

/** A process in a group of its own, as components are. */
function sleeper(): { pid: number; startedAt: string; gone: Promise<unknown> } {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  children.push(child);
  const pid = child.pid as number;
  return { pid, startedAt: processStart(pid) ?? '', gone: new Promise((done) => child.once('exit', done)) };
}

/** No process has had this start. */
const dead = { pid: process.pid, startedAt: `${processScope().boot}/1` };

/** The folder of a run whose owner was killed, unless `changes` say otherwise. */
function leftover(changes: Partial<JournalRecord> = {}, runId = 'killed'): string {
  const folder = join(root, runId);
  mkdirSync(join(folder, 'control-plane', 'etcd'), { recursive: true });
  chmodSync(folder, 0o700);
  writeFileSync(join(folder, 'control-plane', 'etcd', 'db'), 'data');
  writeFileSync(
    join(folder, 'journal.json'),
    JSON.stringify({ ...newRecord(runId), owner: dead, ...changes }),
  );
  return folder;
}

describe('a sweep', () => {
  it('ends and removes what a killed run has left, and says so in one line', async () => {
    const child = sleeper();
    const report = join(dir, 'reports', 'killed');
    const empty = join(dir, 'reports', 'empty');
    for (const folder of [report, empty]) mkdirSync(folder, { recursive: true });
    const kubeconfig = join(dir, 'kubeconfig');
    const half = join(report, `.report.html.${dead.pid}.tmp`);
    for (const path of [kubeconfig, half, join(report, 'result.json')]) writeFileSync(path, '');
    const folder = leftover({
      children: [{ name: 'etcd', pid: child.pid, startedAt: child.startedAt }],
      files: [kubeconfig, join(dir, 'never-made')],
      temporariesIn: [report],
      emptyFolders: [empty, report],
    });
    expect(await sweep()).toEqual([]);
    await child.gone;
    expect(existsSync(folder)).toBe(false);
    expect(readdirSync(dir).toSorted()).toEqual(['reports', 'state']);
    // A result that was written stays: nobody could measure it again.
    expect(readdirSync(join(dir, 'reports'))).toEqual(['killed']);
    expect(readdirSync(report)).toEqual(['result.json']);
    expect(said).toEqual([
      `Removed what the run killed left when it was killed: processes etcd, its state, ${kubeconfig}, ${half}, ${empty}`,
    ]);
  });

  it('leaves a run alone that goes on, and one that cannot be looked up from here', async () => {
    const going = leftover(
      { owner: { pid: process.pid, startedAt: processStart(process.pid) ?? '' } },
      'going',
    );
    const elsewhere = leftover({ namespace: 'pid:[1]' }, 'elsewhere');
    await sweep();
    expect([going, elsewhere].map((folder) => existsSync(folder))).toEqual([true, true]);
    expect(said).toEqual([]);
  });

  it('kills no process that only has the id of a child', async () => {
    const stranger = sleeper();
    const later = { name: 'etcd', pid: stranger.pid, startedAt: `${processScope().boot}/1` };
    const afterReboot = { name: 'etcd', pid: stranger.pid, startedAt: stranger.startedAt };
    leftover({ children: [later] }, 'one');
    leftover({ boot: 'another', children: [afterReboot] }, 'two');
    await sweep();
    expect(readdirSync(root)).toEqual([]);
    expect(processStart(stranger.pid)).toBe(stranger.startedAt);
  });

  it('hands out runs on foreign clusters until they are forgotten', async () => {
    const foreign = { kubeconfig: join(dir, 'theirs'), context: 'prod', server: 'https://10.0.0.1:6443' };
    const folder = leftover({ foreign });
    expect(await sweep()).toMatchObject([{ ...foreign, runId: 'killed' }]);
    expect(readdirSync(folder)).toEqual(['journal.json']);
    const [again] = await sweep();
    again?.forget();
    expect(await sweep()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  it('follows nothing that is not ours: links, folders that others can write to, broken journals', async () => {
    const precious = join(dir, 'precious');
    writeFileSync(precious, '');
    const open = leftover({ files: [precious] }, 'open');
    chmodSync(open, 0o777);
    const linked = leftover({ files: [precious] }, 'linked');
    symlinkSync(linked, join(root, 'link'));
    const elsewhere = join(dir, 'journal.json');
    writeFileSync(elsewhere, readFileSync(join(linked, 'journal.json')));
    rmSync(join(linked, 'journal.json'));
    symlinkSync(elsewhere, join(linked, 'journal.json'));
    leftover({ files: ['relative'] }, 'relative');
    leftover({ children: [{ name: 'all', pid: -1, startedAt: '' }] }, 'everybody');
    await sweep();
    expect(readdirSync(root).toSorted()).toEqual(['everybody', 'link', 'linked', 'open', 'relative']);
    expect(existsSync(precious)).toBe(true);
    chmodSync(root, 0o777);
    leftover({}, 'private');
    await sweep();
    expect(existsSync(join(root, 'private'))).toBe(true);
  });

  it('is not led astray by any content of a journal', async () => {
    const folder = leftover();
    const journal = join(folder, 'journal.json');
    const valid = JSON.parse(readFileSync(journal, 'utf8')) as Record<string, unknown>;
    const broken = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .tuple(fc.constantFrom(...Object.keys(valid)), fc.jsonValue())
        .filter(([key, value]) => typeof value !== typeof valid[key] && !Array.isArray(value))
        .map(([key, value]) => JSON.stringify({ ...valid, [key]: value })),
    );
    await fc.assert(
      fc.asyncProperty(broken, async (text) => {
        writeFileSync(journal, text);
        await sweep();
        expect(existsSync(journal)).toBe(true);
      }),
    );
    expect(said).toEqual([]);
  });

  it('leaves a run alone that has just made its folder, and removes one that got no further', async () => {
    mkdirSync(join(root, 'newborn'), { mode: 0o700 });
    mkdirSync(join(root, 'unborn'), { mode: 0o700 });
    writeFileSync(join(root, 'unborn', '.journal.json.tmp'), '{');
    const longAgo = new Date(systemClock.wallMs() - 61_000);
    utimesSync(join(root, 'unborn'), longAgo, longAgo);
    await sweep();
    expect(readdirSync(root)).toEqual(['newborn']);
  });

  it('may meet another one', async () => {
    for (let i = 0; i < 20; i++) leftover({}, `killed-${i}`);
    await Promise.all([sweep(), sweep(), sweep()]);
    expect(readdirSync(root)).toEqual([]);
    expect(said.filter((text) => text.includes('cannot'))).toEqual([]);
  });
});

describe('a journal', () => {
  it('is there before anything else, private, and goes with all that was noted', async () => {
    const journal = Journal.open('run', join(dir, 'new-root'));
    expect(statSync(journal.dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(journal.dir, 'journal.json')).mode & 0o777).toBe(0o600);
    const file = join(dir, 'made');
    writeFileSync(file, '');
    const child = sleeper();
    journal.add('etcd', child.pid);
    journal.note({ files: [file] });
    const record = JSON.parse(readFileSync(join(journal.dir, 'journal.json'), 'utf8')) as JournalRecord;
    expect(record).toMatchObject({
      runId: 'run',
      owner: { pid: process.pid, startedAt: processStart(process.pid) },
      children: [{ name: 'etcd', pid: child.pid, startedAt: child.startedAt }],
      files: [file],
    });
    journal.remove(child.pid);
    await journal.close();
    expect(existsSync(journal.dir)).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  it('stays while a foreign cluster is noted', async () => {
    const journal = Journal.open('run', root);
    journal.note({ foreign: { kubeconfig: join(dir, 'theirs'), server: 'https://10.0.0.1' } });
    await journal.close();
    expect(readdirSync(journal.dir)).toEqual(['journal.json']);
  });

  it('does not take the folder of another', async () => {
    const journal = Journal.open('run', root);
    expect(() => Journal.open('run', root)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    expect(readdirSync(journal.dir)).toEqual(['journal.json']);
    await journal.close();
  });

  it('is refused a folder that is a link or cannot be made, with what to do', () => {
    symlinkSync(dir, join(dir, 'link'));
    writeFileSync(join(dir, 'file'), '');
    for (const place of [join(dir, 'link'), join(dir, 'file'), join(dir, 'nowhere', 'deep')]) {
      expect(() => Journal.open('run', place)).toThrow(
        expect.objectContaining({ code: 'bad-input', hint: expect.stringContaining('TMPDIR') as unknown }),
      );
    }
  });
});
