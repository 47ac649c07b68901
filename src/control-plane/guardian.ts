import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Reads lines of process ids from a pipe that only the harness holds; the last line counts. The pipe ends when
 * the harness does, however it does: then kill what is left and remove the state folder, in which keys lie.
 * The wait in between is for etcd, which must not write into a folder that is being removed; it is bounded,
 * because a zombie that nobody reaps answers `kill -0` for ever.
 */
const script = `
trap '' HUP INT TERM
pids=
while read -r line; do
  [ "$line" = release ] && exit 0
  pids=$line
done
alive() { for pid in $pids; do kill -0 "$pid" 2>/dev/null && return 0; done; return 1; }
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
tries=0
while alive && [ $tries -lt 20 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$1"
`;

/**
 * A shell of 1 MB that outlives the harness for a moment, so that a harness that is killed with SIGKILL leaves
 * no component. Linux' PR_SET_PDEATHSIG is out of reach from Node and unknown elsewhere; a pipe works for any
 * binary on any system.
 */
export class Guardian {
  private readonly child: ChildProcess;

  constructor(stateDir: string) {
    this.child = spawn('/bin/sh', ['-c', script, 'hollowmark-guardian', stateDir], {
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

  /** Names the processes that must not outlive this one, in place of those named before. */
  watch(pids: readonly number[]): void {
    this.child.stdin?.write(`${pids.join(' ')}\n`);
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
}
