import type { Clock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import type { Reporter } from '../../base/reporter.ts';
import { type CpuLimit, cpuLimit } from './cpu-limit.ts';
import type { DelayingProxy } from './delaying-proxy.ts';
import type { Step } from './step.ts';

export type SlowDownOptions = {
  /** The API server's. */
  pid: number;
  /** Between it and etcd; undefined when no step needs it. */
  proxy: DelayingProxy | undefined;
  clock: Clock;
  reporter: Reporter;
};

/** Slows one API server down and lets it go again, while it runs. */
export class SlowDown {
  private readonly options: SlowDownOptions;
  private limit: CpuLimit | undefined;

  constructor(options: SlowDownOptions) {
    this.options = options;
  }

  /**
   * Makes ready to take CPU time. Before the first measurement: it puts the API server into a cgroup of its own, where it
   * stays, and has another share of the machine than where it was.
   */
  async prepareCpu(): Promise<void> {
    const { pid, clock, reporter } = this.options;
    this.limit ??= await cpuLimit(pid, `hollowmark-${process.pid}-apiserver-${pid}`, { clock, reporter });
  }

  /** @returns how, in words. */
  async begin(step: Step): Promise<string> {
    const { proxy } = this.options;
    if (step.type === 'etcd') {
      if (proxy === undefined) throw new HollowmarkError('internal', 'nothing stands before etcd');
      proxy.delay(step.delayMs);
      return `a proxy before etcd holds all bytes for ${step.delayMs} ms, each way`;
    }
    if (this.limit === undefined) throw new HollowmarkError('internal', 'no CPU time can be taken yet');
    return this.limit.set(step.percent);
  }

  /** Safe to call when nothing has begun. */
  async end(): Promise<void> {
    this.options.proxy?.delay(0);
    await this.limit?.lift();
  }

  /** Once the API server has ended. */
  async remove(): Promise<void> {
    await this.limit?.remove();
  }
}
