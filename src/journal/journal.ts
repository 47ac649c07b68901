import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Clock, type TimerHandle, systemClock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import { type ChildRegister, Guardian } from './guardian.ts';
import { processStart } from './process-identity.ts';
import {
  type JournalRecord,
  type Traces,
  clearFolder,
  fileIdentity,
  heartbeatMs,
  isPrivateFolder,
  journalName,
  newRecord,
  ownUid,
  remainingTraces,
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
  private readonly clock: Clock;
  private heartbeat: TimerHandle;
  private readonly onExit = (): void => void this.abandon();

  private constructor(dir: string, record: JournalRecord, clock: Clock) {
    this.dir = dir;
    this.record = record;
    this.clock = clock;
    this.write();
    this.guardian = new Guardian(dir);
    this.heartbeat = this.nextHeartbeat();
    process.on('exit', this.onExit);
  }

  /**
   * Makes the run's folder below {@link stateRoot} and begins its journal, before anything else is made.
   * @throws HollowmarkError `bad-input` when the folder cannot be made or is not ours alone.
   */
  static open(runId: string, root = stateRoot(), clock: Clock = systemClock): Journal {
    const dir = join(root, runId);
    let made = false;
    try {
      makeRoot(root);
      mkdirSync(dir, { mode: 0o700 });
      made = true;
      return new Journal(dir, newRecord(runId), clock);
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
   * Makes a private file that goes with the run; at no moment does it hold anything that is not noted.
   * @throws Error of the file system, also when there is such a file.
   */
  makeFile(path: string, content: Uint8Array): void {
    const others = this.record.files;
    const file = openSync(path, 'wx', 0o600);
    const noteIt = (): void => {
      this.note({ files: [...others, { path, identity: fileIdentity(fstatSync(file, { bigint: true })) }] });
    };
    try {
      noteIt();
      writeFileSync(file, content);
    } finally {
      noteIt();
      closeSync(file);
    }
  }

  /**
   * Removes what was noted and the run's folder, once all children have ended. With a foreign cluster noted, and when
   * something cannot be removed, the journal stays for the next start.
   */
  async close(reporter: Reporter): Promise<void> {
    process.off('exit', this.onExit);
    this.heartbeat.cancel();
    try {
      const left = this.abandon();
      await clearFolder(this.dir);
      if (left.length > 0) throw new Error(left.join(', '));
      if (this.record.foreign === undefined) await rm(this.dir, { recursive: true, force: true });
    } catch (error) {
      // The guardian has another try when this process ends, and then the next start.
      reporter.warn(
        `What this run made cannot be removed: ${errorMessage(error)}; the next start tries again`,
      );
      return;
    }
    await this.guardian.release();
  }

  /**
   * What needs no waiting, also when the process ends at once; the guardian does the rest then.
   * @returns what could not be removed.
   */
  private abandon(): string[] {
    removeTraces(this.record);
    const left = remainingTraces(this.record);
    if (left.length === 0) this.note({ files: [], temporariesIn: [], emptyFolders: [] });
    return left;
  }

  private nextHeartbeat(): TimerHandle {
    return this.clock.timer(heartbeatMs, () => {
      this.heartbeat = this.nextHeartbeat();
      this.touch();
    });
  }

  private touch(): void {
    const seconds = this.clock.wallMs() / 1000;
    try {
      utimesSync(join(this.dir, journalName), seconds, seconds);
    } catch {
      // Somebody has removed it: the run goes on without its protection.
    }
  }

  /** So that readers see the old content or the new one, also after a power failure. */
  private write(): void {
    const temporary = join(this.dir, `.${journalName}.tmp`);
    const text = `${JSON.stringify(this.record, undefined, 2)}\n`;
    writeFileSync(temporary, text, { mode: 0o600, flush: true });
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
