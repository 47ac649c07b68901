import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { readTail } from '../../control-plane/log-tail.ts';
import { ComponentProcess } from '../../control-plane/process.ts';
import type { ChildRegister } from '../../journal/guardian.ts';

/** Log lines that an error message carries. */
const messageLogLines = 10;

/** The processes of one side's nodes. */
export class SideProcesses {
  private readonly logDir: string;
  private readonly children: ChildRegister;
  private readonly env: NodeJS.ProcessEnv;
  private readonly running = new Map<string, ComponentProcess>();

  /** @param logDir one log file per process; the working directory of all. @param env the environment of all. */
  constructor(logDir: string, children: ChildRegister, env: NodeJS.ProcessEnv) {
    this.logDir = logDir;
    this.children = children;
    this.env = env;
  }

  /**
   * Starts a process under a name that none has now.
   * @param argv the program first.
   * @returns its id.
   * @throws HollowmarkError `cluster-unavailable` when the program cannot be started.
   */
  async start(name: string, argv: readonly string[]): Promise<number> {
    const { logDir, env } = this;
    const paths = { logPath: join(logDir, `${name}.log`), cwd: logDir, env };
    const process = await ComponentProcess.spawn(name, argv, paths, 0, systemClock);
    this.running.set(name, process);
    this.children.add(name, process.pid);
    void process.exited.then(() => this.children.remove(process.pid));
    return process.pid;
  }

  /** The ids of those that run, by name, for resource accounting. */
  pids(): Record<string, number> {
    const alive = [...this.running].filter(([, process]) => process.running);
    return Object.fromEntries(alive.map(([name, { pid }]) => [name, pid]));
  }

  /** Kills a process at once, with all that it has started; resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const process = this.running.get(name);
    this.running.delete(name);
    await process?.killGroup();
  }

  /** Kills all of them. */
  async killAll(): Promise<void> {
    await Promise.all([...this.running.keys()].map((name) => this.kill(name)));
  }

  /** @throws HollowmarkError `cluster-unavailable` with the last log lines of one that has ended by itself. */
  async requireAll(): Promise<void> {
    for (const process of this.running.values()) {
      if (process.running) continue;
      throw new HollowmarkError('cluster-unavailable', await process.describeExit(await process.exited));
    }
  }

  /** @returns the last words of a process, for messages. */
  async lastWords(name: string): Promise<string> {
    const { logDir } = this;
    const lines = await readTail(join(logDir, `${name}.log`), messageLogLines);
    return lines.join('\n');
  }
}
