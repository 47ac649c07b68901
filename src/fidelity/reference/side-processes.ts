import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { readTail } from '../../base/log-tail.ts';
import { ComponentProcess } from '../../control-plane/process.ts';
import type { ChildRegister } from '../../journal/guardian.ts';

/** Log lines that an error message carries. */
const messageLogLines = 10;

/** The processes of one side's nodes. */
export class SideProcesses {
  private readonly logDir: string;
  private readonly children: ChildRegister;
  private readonly env: NodeJS.ProcessEnv;
  private readonly onLost: (error: Error) => void;
  private readonly running = new Map<string, ComponentProcess>();

  /**
   * @param logDir one log file per process; the working directory of all.
   * @param env the environment of all.
   * @param options who is told of their processes, and of those that end by themselves.
   */
  constructor(
    logDir: string,
    env: NodeJS.ProcessEnv,
    { children, onLost }: { children: ChildRegister; onLost: (error: Error) => void },
  ) {
    this.logDir = logDir;
    this.children = children;
    this.env = env;
    this.onLost = onLost;
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
    void process.exited.then(() => this.ended(name, process));
    return process.pid;
  }

  private async ended(name: string, process: ComponentProcess): Promise<void> {
    this.children.remove(process.pid);
    // Those that are killed are taken out before.
    if (this.running.get(name) === process) this.onLost(await lossOf(process));
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
      throw await lossOf(process);
    }
  }

  /** @returns the last words of a process, for messages. */
  async lastWords(name: string): Promise<string> {
    const { logDir } = this;
    const lines = await readTail(join(logDir, `${name}.log`), messageLogLines);
    return lines.join('\n');
  }
}

async function lossOf(process: ComponentProcess): Promise<HollowmarkError> {
  return new HollowmarkError('cluster-unavailable', await process.describeExit(await process.exited));
}
