import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { processScope, processStart } from './process-identity.ts';

export const journalName = 'journal.json';
const schema = 'hollowmark.journal/v1';

/** A run touches its journal this often, for those who cannot look up its process. */
export const heartbeatMs = 60_000;
const silenceMsMax = 5 * heartbeatMs;

/** A process that can be told from a later one with the same id. */
type Identity = { pid: number; startedAt: string };

/** A cluster that Hollowmark did not start, on which objects with the run's label may be left. */
export type ForeignCluster = {
  kubeconfig: string;
  context?: string;
  server: string;
  /** What tells it from another one behind the same URL; undefined where that may not be read. */
  clusterId?: string | undefined;
};

/** A file by its path and {@link fileIdentity}: another one of that path is not ours. */
export type MadeFile = { path: string; identity: string };

/** What a run has made on this machine outside of its own folder, and elsewhere. Paths are absolute. */
export type Traces = {
  /** Files to remove. */
  files: MadeFile[];
  /** Folders in which files of the form `.<name>.<pid of the run>.tmp` are ours (`writeFileAtomically`). */
  temporariesIn: string[];
  /** Folders to remove if they are empty, the innermost first. */
  emptyFolders: string[];
  /** Cleaning that up needs a client: whoever sweeps is given it. */
  foreign?: ForeignCluster | undefined;
};

/** The content of a journal. */
export type JournalRecord = Traces & {
  schema: typeof schema;
  runId: string;
  /** Of {@link processScope}. */
  boot: string;
  namespace: string;
  owner: Identity;
  children: (Identity & { name: string })[];
};

/** The record of a run that begins now, in this process. */
export function newRecord(runId: string): JournalRecord {
  return {
    schema,
    runId,
    ...processScope(),
    owner: { pid: process.pid, startedAt: processStart(process.pid) ?? '' },
    children: [],
    files: [],
    temporariesIn: [],
    emptyFolders: [],
  };
}

/**
 * Reads the journal of a run's folder. What it says is acted upon, so it must be ours: no symbolic link, of our user.
 * @returns undefined when there is none or it is not as {@link JournalRecord} says.
 */
export function readRecord(dir: string): JournalRecord | undefined {
  try {
    const file = openSync(join(dir, journalName), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { uid } = fstatSync(file);
      const value: unknown = uid === ownUid() ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
      return isRecord(value) ? value : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** The id of our user, who may be without an entry in passwd, as in containers; -1 where users have none. */
export function ownUid(): number {
  return process.getuid?.() ?? -1;
}

/** Whether the folder is a real one, of our user, that nobody else can write to. */
export function isPrivateFolder(dir: string): boolean {
  try {
    const stat = lstatSync(dir);
    return stat.isDirectory() && stat.uid === ownUid() && (stat.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Whether the run may still be going on. One in another PID namespace of this boot tells by touching its journal. */
export function mayBeAlive(dir: string, record: JournalRecord, clock: Clock): boolean {
  const here = processScope();
  if (record.boot !== here.boot) return false;
  if (record.namespace === here.namespace) return isAlive(record.owner);
  return silenceMs(dir, clock) < silenceMsMax;
}

/** For how long nothing has happened to a run's folder and its journal. */
export function silenceMs(dir: string, clock: Clock): number {
  const touched = [dir, join(dir, journalName)].map(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return clock.wallMs() - Math.max(...touched);
}

/** The children that still run; those of another PID namespace have ended with it. */
export function livingChildren(record: JournalRecord): JournalRecord['children'] {
  const here = processScope();
  const comparable = record.boot === here.boot && record.namespace === here.namespace;
  return comparable ? record.children.filter(isAlive) : [];
}

/** Kills a process, and the group that it leads. */
export function kill(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It is gone already, or leads no group.
    }
  }
}

/** Removes what a run has left outside of its folder, as far as that is possible. @returns what it removed. */
export function removeTraces(record: JournalRecord): string[] {
  const removed: string[] = [];
  for (const path of filesLeft(record)) if (attempt(() => rmSync(path))) removed.push(path);
  for (const path of record.emptyFolders) if (attempt(() => rmdirSync(path))) removed.push(path);
  return removed;
}

/** What {@link removeTraces} could not remove, apart from what is the user's by now. */
export function remainingTraces(record: JournalRecord): string[] {
  return [...filesLeft(record), ...record.emptyFolders.filter(isEmpty)];
}

/** Removes what lies beside the journal. @returns the names. */
export async function clearFolder(dir: string): Promise<string[]> {
  const others = readdirSync(dir).filter((name) => name !== journalName);
  for (const name of others) await rm(join(dir, name), { recursive: true, force: true });
  return others;
}

/** Tells a file from any other that ever had its path: inodes are used again, times of birth are not. */
export function fileIdentity({ ino, birthtimeNs, mtimeNs }: BigIntStats): string {
  // Some file systems know no birth: there a file that was changed counts as another.
  return `${ino}/${birthtimeNs === 0n ? mtimeNs : birthtimeNs}`;
}

function filesLeft({ files, temporariesIn, owner }: JournalRecord): string[] {
  return [
    ...files.filter(isStillThere).map(({ path }) => path),
    ...temporariesIn.flatMap((dir) => temporaryFiles(dir, owner.pid)),
  ];
}

function isStillThere({ path, identity }: MadeFile): boolean {
  try {
    return fileIdentity(lstatSync(path, { bigint: true })) === identity;
  } catch (error) {
    return !isGone(error);
  }
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch (error) {
    return !isGone(error);
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function temporaryFiles(dir: string, pid: number): string[] {
  try {
    const names = readdirSync(dir).filter((name) => name.startsWith('.') && name.endsWith(`.${pid}.tmp`));
    return names.map((name) => join(dir, name));
  } catch {
    return [];
  }
}

function attempt(remove: () => void): boolean {
  try {
    remove();
    return true;
  } catch {
    // Not there, not empty or not permitted: it is the user's then.
    return false;
  }
}

function isAlive({ pid, startedAt }: Identity): boolean {
  return processStart(pid) === startedAt;
}

function isRecord(value: unknown): value is JournalRecord {
  if (!isObject(value) || value['schema'] !== schema) return false;
  const { runId, boot, namespace, owner, children, files, temporariesIn, emptyFolders, foreign } = value;
  const texts = [runId, boot, namespace].every((text) => typeof text === 'string');
  const paths = [temporariesIn, emptyFolders].every((list) => Array.isArray(list) && list.every(isPath));
  const made = Array.isArray(files) && files.every(isMadeFile);
  const processes = Array.isArray(children) && [owner, ...(children as unknown[])].every(isIdentity);
  return texts && paths && made && processes && (foreign === undefined || isForeign(foreign));
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && isAbsolute(value);
}

function isMadeFile(value: unknown): boolean {
  return isObject(value) && isPath(value['path']) && typeof value['identity'] === 'string';
}

function isIdentity(value: unknown): boolean {
  // Ids of 0 and below would mean whole groups to kill(2).
  if (!isObject(value) || typeof value['startedAt'] !== 'string') return false;
  return Number.isSafeInteger(value['pid']) && (value['pid'] as number) > 1;
}

function isForeign(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { kubeconfig, context, server, clusterId } = value;
  const optional = [context, clusterId].every((text) => text === undefined || typeof text === 'string');
  return typeof kubeconfig === 'string' && typeof server === 'string' && optional;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
