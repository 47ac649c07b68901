import { rm } from 'node:fs/promises';
import type { NodeSide, SideOptions } from '../side.ts';
import type { SideProcesses } from './side-processes.ts';

/** Nodes that are played by processes of ours, with nothing around them but a folder. */
export abstract class ProcessNodes implements NodeSide {
  abstract readonly kind: NodeSide['kind'];
  protected readonly options: SideOptions;
  protected processes: SideProcesses | undefined;
  private stopping: Promise<void> | undefined;

  constructor(options: SideOptions) {
    this.options = options;
  }

  abstract start(): Promise<void>;
  abstract return(): Promise<void>;

  async leave(): Promise<void> {
    await this.processes?.killAll();
  }

  stop(): Promise<void> {
    this.stopping ??= this.clear();
    return this.stopping;
  }

  /** The ids of the processes that run, by name, for resource accounting. */
  pids(): Record<string, number> {
    return this.processes?.pids() ?? {};
  }

  private async clear(): Promise<void> {
    await this.processes?.killAll();
    await rm(this.options.stateDir, { recursive: true, force: true, maxRetries: 10 });
  }
}
