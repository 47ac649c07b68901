import { randomUUID } from 'node:crypto';
import { link, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { processStart } from '../../journal/process-identity.ts';

/** Between two looks at a lock that somebody else holds; what is waited for takes minutes. */
const pollIntervalMs = 250;

/**
 * A holder on another machine (a home folder on NFS) cannot be looked up in the process table: its lock counts
 * until it is this old, four times what the build takes on two cores.
 */
export const foreignLockAgeMsMax = 20 * 60 * 1000;

/** Who holds a lock; the file's content. */
export type LockHolder = { pid: number; startedAt: string; host: string };

export type LockOptions = {
  clock: Clock;
  signal: AbortSignal;
  /** Called once when somebody else holds the lock. */
  onWait: (holder: LockHolder) => void;
};

/**
 * Runs `work` while holding the lock file at `path`, which no other process of this kind holds then; waits for
 * it as long as its holder lives. A lock whose holder has crashed is taken over.
 *
 * The lock saves work and is not what makes the cache safe: what is guarded publishes its result with one
 * rename, so that two holders (possible for an instant, see {@link breakLock}) would only do it twice.
 * @throws the signal's reason when it aborts while waiting.
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const content = JSON.stringify(me());
  let told = false;
  while (!(await tryLock(path, content))) {
    options.signal.throwIfAborted();
    const held = await readHolder(path);
    if (held === undefined) continue;
    if (!(await isAlive(path, held.holder, options.clock))) {
      await breakLock(path, held.text);
      continue;
    }
    if (!told && held.holder !== undefined) {
      told = true;
      options.onWait(held.holder);
    }
    await sleep(options.clock, pollIntervalMs, options.signal);
  }
  try {
    return await work();
  } finally {
    if ((await readHolder(path))?.text === content) await rm(path, { force: true });
  }
}

/** Locks have this prefix, so that {@link removeDeadLocks} finds them. */
export const lockPrefix = '.lock-';

/** A lock that is just being written has no holder yet. */
const unwrittenAgeMsMax = 60_000;

/** Removes the locks in a folder whose holders were killed, and what they left while they took or broke one. */
export async function removeDeadLocks(dir: string, clock: Clock): Promise<void> {
  for (const name of await readdir(dir).catch(() => [])) {
    if (!name.startsWith(lockPrefix)) continue;
    const path = join(dir, name);
    const held = await readHolder(path);
    if (held === undefined || (await isAlive(path, held.holder, clock))) continue;
    if (held.holder === undefined && (await ageMs(path, clock)) < unwrittenAgeMsMax) continue;
    await breakLock(path, held.text);
  }
}

/** Of a file's or folder's last change; none is of age 0. */
export async function ageMs(path: string, clock: Clock): Promise<number> {
  try {
    return clock.wallMs() - (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}

function me(): LockHolder {
  return { pid: process.pid, startedAt: processStart(process.pid) ?? 'unknown', host: hostname() };
}

/** link(2) fails when the name is taken, and never shows a file that is not written yet. */
async function tryLock(path: string, content: string): Promise<boolean> {
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, content, { flag: 'wx' });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** `undefined` when there is no lock; `holder` is so when the file is not one of ours. */
async function readHolder(
  path: string,
): Promise<{ text: string; holder: LockHolder | undefined } | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return { text, holder: parseHolder(text) };
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<LockHolder> | null;
    if (typeof holder?.pid !== 'number' || typeof holder.startedAt !== 'string') return undefined;
    return { pid: holder.pid, startedAt: holder.startedAt, host: holder.host ?? '' };
  } catch {
    return undefined;
  }
}

async function isAlive(path: string, holder: LockHolder | undefined, clock: Clock): Promise<boolean> {
  if (holder === undefined) return false;
  if (holder.host === hostname()) return processStart(holder.pid) === holder.startedAt;
  return (await ageMs(path, clock)) < foreignLockAgeMsMax;
}

/**
 * Removes a dead holder's lock. Between reading and renaming, another waiter may have removed it and locked
 * anew: what was renamed is then a living holder's, and is put back (or lost if a third came first, see above).
 */
async function breakLock(path: string, deadText: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  try {
    if ((await readFile(aside, 'utf8')) !== deadText) await link(aside, path);
  } catch {
    // A third process has the lock already.
  } finally {
    await rm(aside, { force: true });
  }
}
