import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, TimerHandle } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import { componentNames } from './components.ts';
import type { ComponentName } from './control-plane.ts';
import { diskFull, freeBytes, freeBytesMin } from './disk-space.ts';
import { readTail } from '../base/log-tail.ts';
import { ComponentProcess } from './process.ts';

/**
 * From SIGTERM to SIGKILL. An API server sends GOAWAY and then waits for open watches, up to 60 s; hollow nodes
 * never end theirs. Nothing is lost when that is cut short: a kubelet does it to a static pod after 30 s too.
 */
const stopGraceMs = 3_000;

/** A log is cut to nothing beyond this, so that a run of days cannot fill the disk. */
const logBytesMax = 64 * 1024 * 1024;
const logCheckIntervalMs = 10_000;

const diskCheckIntervalMs = 2_000;

/** How many of the last log lines are searched for why a component died. */
const diagnosisLines = 50;

export type SupervisorOptions = {
  argv: Readonly<Record<ComponentName, readonly string[]>>;
  niceness: number;
  /** The working directory of the processes; the disk that it lies on is watched. */
  stateDir: string;
  logDir: string;
  children: ChildRegister;
  clock: Clock;
};

/** Keeps the processes of one control plane: starts them, notices when one dies, ends them. */
export class Supervisor {
  /** Rejects when a component ends that nobody told to. Never resolves. */
  readonly died: Promise<never>;
  private reject: (error: unknown) => void = () => {};
  private readonly options: SupervisorOptions;
  private readonly processes = new Map<ComponentName, ComponentProcess>();
  /** Processes that were told to end. */
  private readonly dismissed = new WeakSet<ComponentProcess>();
  private stopping: Promise<void> | undefined;
  private readonly checks = new Map<string, TimerHandle>();

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.died = new Promise<never>((_resolve, reject) => {
      this.reject = reject;
    });
    // Whoever waits for `died` hears of it; that nobody does at the moment is no fault.
    this.died.catch(() => {});
    this.repeat('logs', logCheckIntervalMs, () => this.cutLogs());
    this.repeat('disk', diskCheckIntervalMs, () => this.checkDisk());
  }

  /** The process of a component, which must have been started. */
  process(name: ComponentName): ComponentProcess {
    const process = this.processes.get(name);
    if (process === undefined) throw new HollowmarkError('internal', `${name} has not been started`);
    return process;
  }

  /** @throws `cluster-unavailable` when the program cannot be started, or all is being stopped. */
  async start(name: ComponentName): Promise<void> {
    this.refuseWhenStopping(name);
    const { argv, logDir, stateDir, niceness, clock } = this.options;
    const process = await ComponentProcess.spawn(
      name,
      argv[name],
      { logPath: join(logDir, `${name}.log`), cwd: stateDir },
      niceness,
      clock,
    );
    this.processes.set(name, process);
    this.options.children.add(name, process.pid);
    void this.watch(process);
    if (this.stopping !== undefined) {
      // `stop` came while this one was being started and has not seen it.
      this.dismissed.add(process);
      await process.terminate(stopGraceMs);
      this.refuseWhenStopping(name);
    }
  }

  /** Ends one component without that counting as its death. */
  async end(name: ComponentName): Promise<void> {
    this.refuseWhenStopping(name);
    const process = this.process(name);
    this.dismissed.add(process);
    await process.terminate(stopGraceMs);
    this.refuseWhenStopping(name);
  }

  /** Ends every process, etcd last. Calling it again waits for the same end. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** Whether a component that died says that somebody else has its port. */
  async portWasTaken(): Promise<boolean> {
    for (const process of this.processes.values()) {
      if (process.running) continue;
      const lines = await readTail(process.logPath, diagnosisLines);
      if (lines.some((line) => line.includes('address already in use'))) return true;
    }
    return false;
  }

  private async stopAll(): Promise<void> {
    for (const check of this.checks.values()) check.cancel();
    for (const process of this.processes.values()) this.dismissed.add(process);
    // The three that talk to the API server and itself need no order among them: nothing outlives the run.
    const clients = componentNames.filter((name) => name !== 'etcd').toReversed();
    await Promise.all(clients.map(async (name) => this.processes.get(name)?.terminate(stopGraceMs)));
    await this.processes.get('etcd')?.terminate(stopGraceMs);
  }

  private async watch(process: ComponentProcess): Promise<void> {
    const exit = await process.exited;
    this.options.children.remove(process.pid);
    if (this.dismissed.has(process)) return;
    this.reject(new HollowmarkError('cluster-unavailable', await process.describeExit(exit)));
  }

  private refuseWhenStopping(name: ComponentName): void {
    if (this.stopping !== undefined) {
      throw new HollowmarkError('cluster-unavailable', `${name}: the control plane is being stopped`);
    }
  }

  private repeat(name: string, intervalMs: number, check: () => Promise<void>): void {
    const timer = this.options.clock.timer(intervalMs, () => {
      void check().finally(() => {
        if (this.stopping === undefined) this.repeat(name, intervalMs, check);
      });
    });
    this.checks.set(name, timer);
  }

  /** etcd on a full disk dies in the middle of a write: the run ends before that, while all can be stopped in order. */
  private async checkDisk(): Promise<void> {
    const { stateDir } = this.options;
    const free = await freeBytes(stateDir);
    if (free < freeBytesMin) this.reject(diskFull(stateDir, free, freeBytesMin));
  }

  /** The processes append (O_APPEND), so a file that was cut goes on from its new end. */
  private async cutLogs(): Promise<void> {
    for (const { logPath } of this.processes.values()) {
      try {
        if ((await stat(logPath)).size > logBytesMax) await truncate(logPath, 0);
      } catch {
        // A log that is gone needs no bound.
      }
    }
  }
}
