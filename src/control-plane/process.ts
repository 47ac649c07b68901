import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { lowerSession } from '../base/lower-session.ts';
import { readTail } from '../base/log-tail.ts';

/** How a process ended. */
export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/** Log lines that an error message carries. */
const messageLogLines = 10;

/** Longest wait for a process to be gone after SIGKILL: only one that hangs in the kernel takes longer. */
const killWaitMs = 5_000;

/** One running component. Its output goes straight to a file: no byte of it passes through this process. */
export class ComponentProcess {
  /** For messages: `etcd`. */
  readonly name: string;
  readonly pid: number;
  readonly logPath: string;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<ProcessExit>;
  private exit: ProcessExit | undefined;
  private readonly child: ChildProcess;
  private readonly clock: Clock;

  private constructor(name: string, child: ChildProcess, pid: number, logPath: string, clock: Clock) {
    this.name = name;
    this.child = child;
    this.pid = pid;
    this.logPath = logPath;
    this.clock = clock;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  /**
   * Starts a process in a session of its own: the SIGINT that a terminal sends to its foreground group must reach
   * the harness only, which then ends the components in order.
   * @param argv the program first.
   * @param env its environment; this process's own when absent.
   * @param niceness how much lower than this process it is scheduled; through nice(1), as all its threads must be, and
   *   its session with it.
   * @throws `cluster-unavailable` when the program cannot be started.
   */
  static async spawn(
    name: string,
    argv: readonly string[],
    { logPath, cwd, env }: { logPath: string; cwd: string; env?: NodeJS.ProcessEnv },
    niceness: number,
    clock: Clock,
  ): Promise<ComponentProcess> {
    const [program, ...args] = niceness === 0 ? argv : ['nice', '-n', String(niceness), ...argv];
    const log = openSync(logPath, 'a', 0o600);
    let child: ChildProcess;
    try {
      child = spawn(program as string, args, {
        cwd,
        detached: true,
        stdio: ['ignore', log, log],
        ...(env === undefined ? {} : { env }),
      });
    } finally {
      closeSync(log);
    }
    const { pid } = child;
    if (pid === undefined) {
      const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new HollowmarkError('cluster-unavailable', `${name} cannot be started: ${cause.message}`, {
        cause,
      });
    }
    if (niceness > 0) void lowerSession(pid, niceness, clock);
    return new ComponentProcess(name, child, pid, logPath, clock);
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  /** SIGTERM, SIGKILL after `graceMs`; resolves when the process is gone. */
  async terminate(graceMs: number): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    if (await this.exitsWithin(graceMs)) return;
    this.child.kill('SIGKILL');
    await this.exitsWithin(killWaitMs);
  }

  /** SIGKILL for it and for all of its process group, which it leads; resolves when it is gone. */
  async killGroup(): Promise<void> {
    if (!this.running) return;
    process.kill(-this.pid, 'SIGKILL');
    await this.exitsWithin(killWaitMs);
  }

  /** What to tell the user after the process died: how, and its last words. */
  async describeExit(exit: ProcessExit): Promise<string> {
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was killed by ${exit.signal}`;
    const lines = await readTail(this.logPath, messageLogLines);
    const log =
      lines.length === 0 ? ', and had written no log' : `; its last log lines:\n${lines.join('\n')}`;
    return `${this.name} (pid ${this.pid}) ${how}${log}`;
  }

  private async exitsWithin(limitMs: number): Promise<boolean> {
    const waiting = new AbortController();
    const timeout = sleep(this.clock, limitMs, waiting.signal).then(
      () => false,
      () => true,
    );
    const gone = await Promise.race([this.exited.then(() => true), timeout]);
    waiting.abort();
    return gone;
  }
}
