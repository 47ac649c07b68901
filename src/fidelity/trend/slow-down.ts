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

  /** @returns how, in words. */
  async begin(step: Step): Promise<string> {
    const { pid, proxy, clock, reporter } = this.options;
    if (step.type === 'etcd') {
      if (proxy === undefined) throw new HollowmarkError('internal', 'nothing stands before etcd');
      proxy.delay(step.delayMs);
      return `a proxy before etcd holds all bytes for ${step.delayMs} ms, each way`;
    }
    this.limit ??= await cpuLimit(pid, `hollowmark-${process.pid}-apiserver-${pid}`, { clock, reporter });
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
