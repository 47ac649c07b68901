import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { processScope, processStart } from '../../journal/process-identity.ts';
import { makeFolders, removeEmptyFolders } from '../../base/folders.ts';
import {
  type LockOptions,
  ageMs,
  foreignLockAgeMsMax,
  lockPrefix,
  removeDeadLocks,
  withLock,
} from './lock.ts';

/** Says of a folder in the cache what it holds; written last, so a folder without it was never finished. */
type Manifest = { schema: 'hollowmark.binaries/v1'; version: string; origin: string };

const manifestName = 'manifest.json';

/** What is cached: the control plane, the programs that Hollowmark is compared with, indexes of reports. */
type CachePart = 'control-plane' | 'peers' | 'history';

/** A folder of the cache, as its manifest tells. */
export type CacheEntry = { dir: string; version: string; origin: string };

/** Makes of a folder what its users want; `undefined` when something is missing in it. */
export type EntryReader<T> = (entry: CacheEntry) => Promise<T | undefined>;

/**
 * The folder of one part of the cache: below HOLLOWMARK_CACHE, XDG_CACHE_HOME/hollowmark or ~/.cache/hollowmark.
 * @throws HollowmarkError `bad-input` for a user without a home folder, as containers have them.
 */
export function cacheRoot(env: Readonly<Record<string, string | undefined>>, part: CachePart): string {
  const own = env['HOLLOWMARK_CACHE'];
  if (own !== undefined && own !== '') return resolve(own, part);
  const xdg = env['XDG_CACHE_HOME'];
  // The specification says to ignore a relative path there.
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(home(), '.cache');
  return join(base, 'hollowmark', part);
}

function home(): string {
  try {
    return homedir();
  } catch (cause) {
    throw new HollowmarkError('bad-input', 'this user has no home folder in which the cache could be', {
      hint: 'export HOLLOWMARK_CACHE=/var/tmp/hollowmark-cache',
      cause,
    });
  }
}

/** What `read` makes of the folder `<root>/<key>`; `undefined` when it is not there or not whole. */
export async function readCached<T>(root: string, key: string, read: EntryReader<T>): Promise<T | undefined> {
  const dir = join(root, key);
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(await readFile(join(dir, manifestName), 'utf8')) as Partial<Manifest>;
  } catch {
    return undefined;
  }
  const { schema, version, origin } = manifest;
  if (schema !== 'hollowmark.binaries/v1' || version === undefined || origin === undefined) return undefined;
  return read({ dir, version, origin });
}

/**
 * Makes the folder `<root>/<key>`: `fill` puts the binaries into a folder beside it, which then gets that name in
 * one step, so that nobody ever sees half of it. When somebody else was faster, theirs stays.
 * @param fill returns the version that the binaries say they are, and where they came from.
 */
export async function fillCache<T>(
  root: string,
  key: string,
  read: EntryReader<T>,
  fill: (dir: string) => Promise<{ version: string; origin: string }>,
): Promise<T> {
  const staging = join(root, stagingName(key));
  await mkdir(staging, { mode: 0o755 });
  try {
    const filled = await fill(staging);
    const manifest: Manifest = { schema: 'hollowmark.binaries/v1', ...filled };
    await writeFile(join(staging, manifestName), `${JSON.stringify(manifest)}\n`);
    await publish(root, key, read, staging);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  const cached = await readCached(root, key, read);
  if (cached === undefined) throw new Error(`${join(root, key)} was filled and is not whole`);
  return cached;
}

/**
 * What `find` finds in the cache, or else what `fill` puts there, which one process does at a time.
 * @param lock names the lock.
 * @throws as {@link withCacheRoot}.
 */
export async function findOrFill<T, F extends T | undefined>(
  root: string,
  lock: string,
  options: LockOptions,
  find: () => Promise<T | undefined>,
  fill: () => Promise<F>,
): Promise<T | F> {
  await removeAbandoned(root, options.clock);
  await removeDeadLocks(root, options.clock);
  const found = await find();
  if (found !== undefined) return found;
  return withCacheRoot(root, () =>
    // Somebody else may have filled it while this run waited.
    withLock(join(root, `${lockPrefix}${lock}`), options, async () => (await find()) ?? fill()),
  );
}

/**
 * Makes the cache's folder, gives it to `fill`, and takes it away again when nothing came into it.
 * @throws HollowmarkError `cluster-unavailable` when the folder cannot be made or written; what `fill` throws.
 */
export async function withCacheRoot<T>(root: string, fill: () => Promise<T>): Promise<T> {
  let made: string[] = [];
  try {
    made = makeFolders(root);
    return await fill();
  } catch (cause) {
    // Only the file system's own errors have a call: what cannot be fetched is told otherwise.
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new HollowmarkError(
      'cluster-unavailable',
      `the cache ${root} cannot be used: ${errorMessage(cause)}`,
      { hint: 'name a folder with 1 GB of space that you may write to: HOLLOWMARK_CACHE=DIR', cause },
    );
  } finally {
    removeEmptyFolders(made);
  }
}

/** rename(2) replaces only an empty folder; a broken one (a binary was deleted) is moved out of the way. */
async function publish<T>(root: string, key: string, read: EntryReader<T>, staging: string): Promise<void> {
  const dir = join(root, key);
  try {
    await rename(staging, dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    if ((await readCached(root, key, read)) !== undefined) return;
    const broken = join(root, stagingName(key));
    await rename(dir, broken);
    await rename(staging, dir);
    await rm(broken, { recursive: true, force: true });
  }
}

/** Says who fills it: process id, its start, and the namespace in which the two mean something. */
function stagingName(key: string): string {
  const [start, namespace] = [processStart(process.pid) ?? '', processScope().namespace].map((text) =>
    Buffer.from(text).toString('base64url'),
  );
  return `.filling~${key}~${process.pid}~${start}~${namespace}~${randomUUID().slice(0, 8)}`;
}

/** Removes the halves of folders that runs left which were killed while they filled one. */
export async function removeAbandoned(root: string, clock: Clock): Promise<void> {
  const here = processScope();
  for (const name of await readdir(root).catch(() => [])) {
    const [kind, , pid, ...encoded] = name.split('~');
    if (kind !== '.filling') continue;
    const [startedAt, namespace] = encoded.map((text) => Buffer.from(text, 'base64url').toString());
    if (processStart(Number(pid)) === startedAt) continue;
    // Another machine's (a home folder on NFS) or container's cannot be looked up: its age decides, as with locks.
    const ours = here.boot !== '' && startedAt?.startsWith(here.boot) && namespace === here.namespace;
    const path = join(root, name);
    if (ours || (await ageMs(path, clock)) > foreignLockAgeMsMax)
      await rm(path, { recursive: true, force: true });
  }
}
