import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** Hears of the processes that must not outlive this one. */
export interface ChildRegister {
  /** Just after the start of a process. @param name for people: `etcd`. */
  add(name: string, pid: number): void;
  /** Just after its end: the system may give its id to another. */
  remove(pid: number): void;
}

/**
 * Reads lines `<clear|keep> <pid> <pid>…` from a pipe that only the harness holds; the last line counts. The pipe ends
 * when the harness does, however it does: then kill what is left (each with the group that it leads) and clear the
 * folder, in which keys lie, of everything or of everything but the journal. The wait in between is for etcd, which must
 * not write into a folder that is being removed; a zombie, which nobody may ever reap, is not waited for.
 */
const script = `
trap '' HUP INT TERM
PATH=$PATH:/usr/bin:/bin
what=clear
pids=
while read -r word rest; do
  [ "$word" = release ] && exit 0
  what=$word
  pids=$rest
done
alive() {
  for pid in $pids; do
    kill -0 "$pid" || continue
    stat=
    read -r stat < "/proc/$pid/stat"
    case $stat in *') Z '*) ;; *) return 0 ;; esac
  done
  return 1
}
for pid in $pids; do
  kill -9 "-$pid"
  kill -9 "$pid"
done
tries=0
while alive && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
find "$1" -mindepth 1 -maxdepth 1 ! -name journal.json -exec rm -rf -- {} +
[ "$what" = clear ] && rm -rf -- "$1"
`;

/**
 * A shell of 1 MB that outlives the harness for a moment, so that a harness that is killed with SIGKILL leaves
 * no process. Linux' PR_SET_PDEATHSIG is out of reach from Node and unknown elsewhere; a pipe works for any
 * binary on any system.
 */
export class Guardian implements ChildRegister {
  private readonly child: ChildProcess;
  private readonly pids = new Set<number>();
  private keepsJournal = false;

  /** @param dir absolute; is removed when this process ends without {@link release}. */
  constructor(dir: string) {
    this.child = spawn('/bin/sh', ['-c', script, 'hollowmark-guardian', dir], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A guardian that is gone cannot be told anything: the run goes on without its protection.
    this.child.on('error', () => {});
    this.child.stdin?.on('error', () => {});
    this.child.unref();
    (this.child.stdin as Socket | null)?.unref();
  }

  add(_name: string, pid: number): void {
    // A process that could not be started: to kill(1), ids below 2 are groups, its own among them, or init.
    if (pid <= 1) return;
    this.pids.add(pid);
    this.tell();
  }

  remove(pid: number): void {
    if (this.pids.delete(pid)) this.tell();
  }

  /** Whether the folder's `journal.json` is to stay: the next start has something to do that a shell cannot. */
  keepJournal(keep: boolean): void {
    if (keep === this.keepsJournal) return;
    this.keepsJournal = keep;
    this.tell();
  }

  /** Lets the guardian go without harm to anybody. Resolves when it is gone. */
  async release(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
      return;
    const gone = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.ref();
    this.child.stdin?.end('release\n');
    await gone;
  }

  private tell(): void {
    this.child.stdin?.write(`${this.keepsJournal ? 'keep' : 'clear'} ${[...this.pids].join(' ')}\n`);
  }
}
