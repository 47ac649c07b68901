import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { type ChildRegister, Guardian } from './guardian.ts';
import { processStart } from './process-identity.ts';
import {
  type JournalRecord,
  type Traces,
  isPrivateFolder,
  journalName,
  newRecord,
  ownUid,
  removeTraces,
} from './record.ts';

/** Where the folders of this user's runs lie; absolute although TMPDIR may not be. */
export function stateRoot(): string {
  return resolve(tmpdir(), `hollowmark-${ownUid()}`);
}

/**
 * What a run has made on this machine, written down before or as it is made, so that nothing of it stays: `close` takes
 * it away at the end, {@link Guardian} when the process is killed, `sweepLeftovers` at the next start what those could
 * not. The journal lies in the run's own folder, which holds the control plane's state, too.
 */
export class Journal implements ChildRegister {
  /** The run's own folder, mode 0700. */
  readonly dir: string;
  private readonly record: JournalRecord;
  private readonly guardian: Guardian;
  private readonly onExit = (): void => this.abandon();

  private constructor(dir: string, record: JournalRecord) {
    this.dir = dir;
    this.record = record;
    this.write();
    this.guardian = new Guardian(dir);
    process.on('exit', this.onExit);
  }

  /**
   * Makes the run's folder below {@link stateRoot} and begins its journal, before anything else is made.
   * @throws HollowmarkError `bad-input` when the folder cannot be made or is not ours alone.
   */
  static open(runId: string, root = stateRoot()): Journal {
    const dir = join(root, runId);
    let made = false;
    try {
      makeRoot(root);
      mkdirSync(dir, { mode: 0o700 });
      made = true;
      return new Journal(dir, newRecord(runId));
    } catch (cause) {
      if (made) rmSync(dir, { recursive: true, force: true });
      if (cause instanceof HollowmarkError) throw cause;
      throw new HollowmarkError('bad-input', `cannot make the state folder ${dir}: ${errorMessage(cause)}`, {
        hint: 'name a folder for temporary files that can be written, with 300 MB of space, in TMPDIR',
        cause,
      });
    }
  }

  add(name: string, pid: number): void {
    this.guardian.add(name, pid);
    const startedAt = processStart(pid);
    if (startedAt === undefined) return;
    this.record.children.push({ name, pid, startedAt });
    this.tryWrite();
  }

  remove(pid: number): void {
    this.guardian.remove(pid);
    this.record.children = this.record.children.filter((child) => child.pid !== pid);
    this.tryWrite();
  }

  /** Writes down what is about to be made or is no longer there, in place of what was noted under that name before. */
  note(traces: Partial<Traces>): void {
    Object.assign(this.record, traces);
    this.tryWrite();
    const { files, temporariesIn, emptyFolders, foreign } = this.record;
    const outside = files.length + temporariesIn.length + emptyFolders.length;
    this.guardian.keepJournal(outside > 0 || foreign !== undefined);
  }

  /**
   * Removes what was noted and the run's folder, once all children have ended. With a foreign cluster noted the journal
   * stays for the next start.
   */
  async close(): Promise<void> {
    process.off('exit', this.onExit);
    this.abandon();
    if (this.record.foreign === undefined) await rm(this.dir, { recursive: true, force: true });
    await this.guardian.release();
  }

  /** What needs no waiting, also when the process ends at once; the guardian does the rest then. */
  private abandon(): void {
    removeTraces(this.record);
    this.note({ files: [], temporariesIn: [], emptyFolders: [] });
  }

  /** So that readers see the old content or the new one. */
  private write(): void {
    const temporary = join(this.dir, `.${journalName}.tmp`);
    writeFileSync(temporary, `${JSON.stringify(this.record, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, join(this.dir, journalName));
  }

  private tryWrite(): void {
    try {
      this.write();
    } catch {
      // A full disk ends the run for reasons of its own; until then there is the guardian.
    }
  }
}

/** @throws HollowmarkError `bad-input` when somebody else has taken the name. */
function makeRoot(root: string): void {
  try {
    mkdirSync(root, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = lstatSync(root);
  if (stat.isDirectory() && stat.uid === ownUid()) chmodSync(root, 0o700);
  if (isPrivateFolder(root)) return;
  throw new HollowmarkError('bad-input', `${root} is not a folder of yours alone, and keys would lie in it`, {
    hint: 'remove it, or name another folder for temporary files in TMPDIR',
  });
}
