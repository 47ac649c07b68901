import { spawnSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { installControlPlane } from '../../../src/control-plane/install.ts';
import {
  cacheRoot,
  fillCache,
  readCached,
  removeAbandoned,
  withCacheRoot,
} from '../../../src/control-plane/sources/cache.ts';
import { readBinarySet } from '../../../src/control-plane/sources/binary-set.ts';
import { type LockHolder, removeDeadLocks, withLock } from '../../../src/control-plane/sources/lock.ts';
import { processScope, processStart } from '../../../src/journal/process-identity.ts';
import {
  binariesOptions,
  makeTempDir,
  recordingReporter,
  writeComponents,
  writeFakeGo,
  writeScript,
} from './fixtures.ts';

let dir: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
});
afterEach(() => remove());

/** The id of a process that is gone. */
function deadPid(): number {
  return spawnSync('true').pid;
}

describe('the folder of the cache', () => {
  it('is below HOLLOWMARK_CACHE, then XDG_CACHE_HOME, then the home folder', () => {
    expect(cacheRoot({ HOLLOWMARK_CACHE: '/a', XDG_CACHE_HOME: '/b' }, 'control-plane')).toBe(
      '/a/control-plane',
    );
    expect(cacheRoot({ HOLLOWMARK_CACHE: '', XDG_CACHE_HOME: '/b' }, 'peers')).toBe('/b/hollowmark/peers');
    expect(cacheRoot({}, 'control-plane')).toBe(join(homedir(), '.cache/hollowmark/control-plane'));
  });

  it('that cannot be made is told with what to do', async () => {
    await writeFile(join(dir, 'file'), '');
    await expect(withCacheRoot(join(dir, 'file', 'below'), async () => {})).rejects.toMatchObject({
      code: 'cluster-unavailable',
      hint: expect.stringContaining('HOLLOWMARK_CACHE') as string,
    });
  });
});

describe('a cache that nothing came into', () => {
  it('is gone again, with the folders that were made for it', async () => {
    const failing = withCacheRoot(join(dir, 'new', 'cache'), async () => {
      throw new Error('no network');
    });
    await expect(failing).rejects.toThrow('no network');
    expect(await readdir(dir)).toEqual([]);
  });
});

describe('filling', () => {
  const fill = async (staging: string): Promise<{ version: string; origin: string }> => {
    await writeComponents(staging, 'v1.36.3');
    return { version: 'v1.36.3', origin: 'a test' };
  };

  it('that fails leaves nothing', async () => {
    const failing = fillCache(dir, 'key', readBinarySet, async (staging) => {
      await writeComponents(staging, 'v1.36.3');
      throw new Error('half-way');
    });
    await expect(failing).rejects.toThrow('half-way');
    expect(await readdir(dir)).toEqual([]);
  });

  it('is not seen before it is complete', async () => {
    await fillCache(dir, 'key', readBinarySet, async (staging) => {
      const filled = await fill(staging);
      expect(await readCached(dir, 'key', readBinarySet)).toBeUndefined();
      return filled;
    });
    expect((await readCached(dir, 'key', readBinarySet))?.source).toBe('cache (a test)');
  });

  it('that comes second keeps the first', async () => {
    await fillCache(dir, 'key', readBinarySet, async (staging) => {
      await fillCache(dir, 'key', readBinarySet, async (other) => ({
        ...(await fill(other)),
        origin: 'the faster one',
      }));
      return fill(staging);
    });
    expect((await readCached(dir, 'key', readBinarySet))?.source).toBe('cache (the faster one)');
    expect(await readdir(dir)).toEqual(['key']);
  });

  it('replaces a folder in which a binary is missing', async () => {
    await fillCache(dir, 'key', readBinarySet, fill);
    await rm(join(dir, 'key', 'etcd'));
    expect(await readCached(dir, 'key', readBinarySet)).toBeUndefined();
    await fillCache(dir, 'key', readBinarySet, fill);
    expect(await readCached(dir, 'key', readBinarySet)).toBeDefined();
    expect(await readdir(dir)).toEqual(['key']);
  });

  it('removes what a killed run left, and not what a living one does', async () => {
    const { boot, namespace } = processScope();
    const name = (pid: number, start: string, scope = namespace): string =>
      `.filling~key~${pid}~${[start, scope].map((text) => Buffer.from(text).toString('base64url')).join('~')}~x`;
    const living = name(process.ppid, processStart(process.ppid) ?? '');
    const ofAnotherMachine = name(deadPid(), 'another-boot/1');
    const ofAnotherContainer = name(deadPid(), `${boot}/1`, 'pid:[1]');
    const elsewhere = [ofAnotherMachine, ofAnotherContainer];
    for (const each of [name(deadPid(), `${boot}/1`), living, ...elsewhere]) await mkdir(join(dir, each));
    await fillCache(dir, 'key', readBinarySet, async (staging) => {
      await removeAbandoned(dir, systemClock);
      return fill(staging);
    });
    expect((await readdir(dir)).toSorted()).toEqual([living, ...elsewhere, 'key'].toSorted());
    const later = { ...systemClock, wallMs: () => systemClock.wallMs() + 21 * 60_000 };
    await removeAbandoned(dir, later);
    expect((await readdir(dir)).toSorted()).toEqual([living, 'key']);
  });
});

describe('the lock', () => {
  it('of a killed run is removed at the next start, and a living one is not', async () => {
    const holder = (pid: number, startedAt: string): string =>
      JSON.stringify({ pid, startedAt, host: hostname() } satisfies LockHolder);
    await writeFile(join(dir, '.lock-dead'), holder(deadPid(), 'then'));
    await writeFile(join(dir, '.lock-dead.e7c0'), holder(deadPid(), 'then'));
    await writeFile(join(dir, '.lock-being-written'), '');
    await writeFile(join(dir, '.lock-living'), holder(process.pid, processStart(process.pid) ?? ''));
    await removeDeadLocks(dir, systemClock);
    expect((await readdir(dir)).toSorted()).toEqual(['.lock-being-written', '.lock-living']);
    await removeDeadLocks(dir, { ...systemClock, wallMs: () => systemClock.wallMs() + 120_000 });
    expect(await readdir(dir)).toEqual(['.lock-living']);
  });

  const options = (): { clock: typeof systemClock; signal: AbortSignal; onWait: () => void } => ({
    clock: systemClock,
    signal: new AbortController().signal,
    onWait: () => {},
  });
  const content = (holder: Partial<LockHolder>): string =>
    JSON.stringify({ pid: process.pid, startedAt: 'then', host: hostname(), ...holder });

  it('is held by one at a time', async () => {
    let inside = 0;
    let waited = 0;
    const work = async (): Promise<void> => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
    };
    const path = join(dir, 'lock');
    await Promise.all([1, 2, 3].map(() => withLock(path, { ...options(), onWait: () => waited++ }, work)));
    expect(waited).toBeGreaterThanOrEqual(2);
    expect(await readdir(dir)).toEqual([]);
  });

  it('is given back when the work fails', async () => {
    const failing = withLock(join(dir, 'lock'), options(), () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    ['a process that is gone', () => content({ pid: deadPid() })],
    ['a process whose id another one has now', () => content({ startedAt: 'earlier' })],
    ['nobody that can be read', () => '{"pid":'],
  ])('of %s is taken over', async (_name, text) => {
    await writeFile(join(dir, 'lock'), text());
    expect(await withLock(join(dir, 'lock'), options(), () => Promise.resolve('done'))).toBe('done');
    expect(await readdir(dir)).toEqual([]);
  });

  it('of another machine is waited for, until the signal aborts', async () => {
    const abort = new AbortController();
    await writeFile(join(dir, 'lock'), content({ host: 'elsewhere' }));
    const waiting = withLock(
      join(dir, 'lock'),
      { ...options(), signal: abort.signal, onWait: () => abort.abort(new Error('enough')) },
      () => Promise.resolve(),
    );
    await expect(waiting).rejects.toThrow('enough');
    expect(await readFile(join(dir, 'lock'), 'utf8')).toContain('elsewhere');
  });
});

describe('two installs at once', () => {
  it('build once; the second says that it waits and uses the result', async () => {
    const goDir = join(dir, 'path');
    await writeFakeGo(goDir);
    // A build that lasts until the other install has said that it waits.
    const script = (await readFile(join(goDir, 'go'), 'utf8')).replace(
      'echo one >&2\n',
      `echo one >&2\n    until [ -e "${dir}/waiting" ]; do /bin/sleep 0.02; done\n`,
    );
    await writeScript(join(goDir, 'go'), script);
    const reporter = recordingReporter();
    const step = (text: string): void => {
      reporter.reports.push({ kind: 'step', text });
      if (text.startsWith('Waiting for another run')) void writeFile(join(dir, 'waiting'), '');
    };
    const install = (): ReturnType<typeof installControlPlane> =>
      installControlPlane(binariesOptions(dir, { reporter: { ...reporter, step } }));
    const [first, second] = await Promise.all([install(), install()]);
    expect(second).toEqual(first);
    expect(first.version).toBe('v1.36.3');
    expect(await readFile(join(goDir, 'builds'), 'utf8')).toBe('built\n');
    expect(reporter.texts('step').filter((text) => text.startsWith('Waiting'))).toHaveLength(1);
    expect(await readdir(join(dir, 'cache', 'control-plane'))).toHaveLength(1);
  });
});

describe('the start of a process', () => {
  it('tells living processes from dead ones', () => {
    expect(processStart(process.pid)).toBe(processStart(process.pid));
    expect(processStart(process.pid)).not.toBe(processStart(process.ppid));
    expect(processStart(deadPid())).toBeUndefined();
  });
});
