import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
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
import { isAbsolute, join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sleep, systemClock } from '../../../src/base/clock.ts';
import { silentReporter } from '../../../src/base/reporter.ts';
import { Guardian } from '../../../src/journal/guardian.ts';
import { Journal, stateRoot } from '../../../src/journal/journal.ts';
import { processScope, processStart } from '../../../src/journal/process-identity.ts';
import { type JournalRecord, type MadeFile, fileIdentity, newRecord } from '../../../src/journal/record.ts';
import { type ForeignLeftover, sweepLeftovers } from '../../../src/journal/sweep.ts';
import { FakeClock } from '../../sim/world.ts';

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

const say = (text: string): number => said.push(text);
const reporter = { ...silentReporter, info: say, warn: say };
const sweep = (clock = systemClock): Promise<ForeignLeftover[]> => sweepLeftovers({ clock, reporter }, root);

/** The clock of a sweep that comes so much later. */
const afterwards = (ms: number): typeof systemClock => ({
  ...systemClock,
  wallMs: () => systemClock.wallMs() + ms,
});

/** A file as a run notes it. */
function noted(path: string): MadeFile {
  return { path, identity: fileIdentity(lstatSync(path, { bigint: true })) };
}

/** Not even root can remove it. */
const eternal = (): MadeFile => noted('/proc/version');

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
      files: [noted(kubeconfig), { path: join(dir, 'gone'), identity: '1/1' }],
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
    await sweep(afterwards(4 * 60_000));
    expect([going, elsewhere].map((folder) => existsSync(folder))).toEqual([true, true]);
    expect(said).toEqual([]);
    // It does not touch its journal any more.
    await sweep(afterwards(6 * 60_000));
    expect([going, elsewhere].map((folder) => existsSync(folder))).toEqual([true, false]);
  });

  it('leaves a file alone that somebody else has put in the place of ours', async () => {
    const path = join(dir, 'kubeconfig');
    writeFileSync(path, 'ours');
    const files = [noted(path)];
    rmSync(path);
    // Many file systems keep time by the kernel's tick.
    await sleep(systemClock, 20);
    writeFileSync(path, 'theirs');
    const folder = leftover({ files });
    await sweep();
    expect(readFileSync(path, 'utf8')).toBe('theirs');
    expect(existsSync(folder)).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'keeps the journal, and says so, while anything cannot be removed',
    async () => {
      const folder = leftover({ files: [eternal()] });
      await sweep();
      expect(readdirSync(folder)).toEqual(['journal.json']);
      const cannot = `What a killed run left in ${folder} cannot be removed: /proc/version`;
      expect(said).toEqual(['Removed what the run killed left when it was killed: its state', cannot]);
      await sweep();
      expect(said.slice(2)).toEqual([cannot]);
    },
  );

  it('tells once of journals that have been unreadable for a day', async () => {
    const torn = [leftover({}, 'one'), leftover({}, 'two')];
    for (const folder of torn) writeFileSync(join(folder, 'journal.json'), '{"schema": "holl');
    await sweep(afterwards(23 * 3_600_000));
    expect(said).toEqual([]);
    await sweep(afterwards(25 * 3_600_000));
    expect(said).toEqual([expect.stringContaining(`journals cannot be read: ${torn.join(', ')}; keys`)]);
    expect(torn.map((folder) => existsSync(folder))).toEqual([true, true]);
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
    const open = leftover({ files: [noted(precious)] }, 'open');
    chmodSync(open, 0o777);
    const linked = leftover({ files: [noted(precious)] }, 'linked');
    symlinkSync(linked, join(root, 'link'));
    const elsewhere = join(dir, 'journal.json');
    writeFileSync(elsewhere, readFileSync(join(linked, 'journal.json')));
    rmSync(join(linked, 'journal.json'));
    symlinkSync(elsewhere, join(linked, 'journal.json'));
    leftover({ files: [{ path: 'relative', identity: '' }] }, 'relative');
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
    journal.makeFile(file, Buffer.from('key'));
    expect(readFileSync(file, 'utf8')).toBe('key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const child = sleeper();
    journal.add('etcd', child.pid);
    const record = JSON.parse(readFileSync(join(journal.dir, 'journal.json'), 'utf8')) as JournalRecord;
    expect(record).toMatchObject({
      runId: 'run',
      owner: { pid: process.pid, startedAt: processStart(process.pid) },
      children: [{ name: 'etcd', pid: child.pid, startedAt: child.startedAt }],
      files: [noted(file)],
    });
    journal.remove(child.pid);
    await journal.close(reporter);
    expect(existsSync(journal.dir)).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  it('stays while a foreign cluster is noted', async () => {
    const journal = Journal.open('run', root);
    journal.note({ foreign: { kubeconfig: join(dir, 'theirs'), server: 'https://10.0.0.1' } });
    await journal.close(reporter);
    expect(readdirSync(journal.dir)).toEqual(['journal.json']);
  });

  it('makes no file in the place of another, and leaves that alone', async () => {
    const journal = Journal.open('run', root);
    const theirs = join(dir, 'theirs');
    writeFileSync(theirs, '');
    expect(() => journal.makeFile(theirs, Buffer.from('key'))).toThrow('EEXIST');
    await journal.close(reporter);
    expect(readFileSync(theirs, 'utf8')).toBe('');
  });

  it('shows every minute that its run goes on', async () => {
    const clock = new FakeClock();
    const journal = Journal.open('run', root, clock);
    clock.advance(60_000);
    clock.advance(60_000);
    const touchedMs = statSync(join(journal.dir, 'journal.json')).mtimeMs;
    expect(touchedMs).toBeCloseTo(clock.wallMs(), 0);
    await journal.close(reporter);
    expect(() => clock.advance(60_000)).not.toThrow();
  });

  it.runIf(process.platform === 'linux')(
    'warns of what it cannot remove at the end, and stays, as does its guardian',
    async () => {
      const journal = Journal.open('run', root);
      mkdirSync(join(journal.dir, 'control-plane'));
      journal.note({ files: [eternal()] });
      await journal.close(reporter);
      expect(said).toEqual([
        'What this run made cannot be removed: /proc/version; the next start tries again',
      ]);
      expect(readdirSync(journal.dir)).toEqual(['journal.json']);
      expect(childOf(journal['guardian']).exitCode).toBeNull();
      journal.note({ files: [] });
      await journal.close(reporter);
      expect(existsSync(journal.dir)).toBe(false);
    },
  );

  it('does not take the folder of another', async () => {
    const journal = Journal.open('run', root);
    expect(() => Journal.open('run', root)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    expect(readdirSync(journal.dir)).toEqual(['journal.json']);
    await journal.close(reporter);
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

describe('the guardian', () => {
  it('ends what there is when it also hears of a process that could not be started', async () => {
    const child = sleeper();
    const guardian = new Guardian(root);
    for (const pid of [0, child.pid]) guardian.add('etcd', pid);
    const { stdin, exitCode } = childOf(guardian);
    expect(exitCode).toBeNull();
    const gone = new Promise((done) => childOf(guardian).once('exit', done));
    // As the end of this process would.
    stdin?.end();
    await Promise.all([gone, child.gone]);
    expect(existsSync(root)).toBe(false);
  });
});

/** The shell. */
function childOf(guardian: Guardian): ChildProcess {
  return guardian['child'];
}

describe('the folder of all runs', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is absolute also where TMPDIR is not: the guardian works in another folder', () => {
    vi.stubEnv('TMPDIR', 'tmp');
    expect(isAbsolute(stateRoot())).toBe(true);
  });
});
