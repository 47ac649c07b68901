import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, TimerHandle } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Reporter } from '../../base/reporter.ts';
import { type OwnCgroup, cpuCgroup } from '../reference/cgroups.ts';

/** Takes CPU time from one process. */
export interface CpuLimit {
  /** @returns in words, how. */
  set(percent: number): Promise<string>;
  lift(): Promise<void>;
  /** Takes away what there is beside the process, once that has ended. */
  remove(): Promise<void>;
}

/** Linux' own period, and what a container's limit is reckoned in. */
const periodUs = 100_000;

/** Which file of a cgroup's folder says how much CPU time there is, and how. */
type QuotaFile = { version: 1 | 2; path: string };

/**
 * A limit for a process: by the quota of a cgroup where one can be made, else by stopping it and letting it go on.
 * @param name of the cgroup.
 */
export async function cpuLimit(
  pid: number,
  name: string,
  { clock, reporter }: { clock: Clock; reporter: Reporter },
): Promise<CpuLimit> {
  try {
    return await CgroupQuota.open(pid, name, reporter);
  } catch (error) {
    reporter.info(`No cgroup to take CPU time by (${errorMessage(error)}): by signals instead`);
    return new StopAndGo(pid, clock);
  }
}

class CgroupQuota implements CpuLimit {
  private readonly cgroup: OwnCgroup;
  private readonly file: QuotaFile;
  private readonly reporter: Reporter;

  private constructor(cgroup: OwnCgroup, file: QuotaFile, reporter: Reporter) {
    this.cgroup = cgroup;
    this.file = file;
    this.reporter = reporter;
  }

  /** @throws Error of the file system, or one that says that no cgroup takes CPU time. */
  static async open(pid: number, name: string, reporter: Reporter): Promise<CgroupQuota> {
    const cgroup = await cpuCgroup(name);
    try {
      const file = await quotaFile(cgroup);
      await writeFile(join(file.path, '..', 'cgroup.procs'), String(pid));
      return new CgroupQuota(cgroup, file, reporter);
    } catch (error) {
      await cgroup.remove();
      throw error;
    }
  }

  async set(percent: number): Promise<string> {
    const quotaUs = Math.round((periodUs * percent) / 100);
    const { version, path } = this.file;
    await writeFile(path, version === 2 ? `${quotaUs} ${periodUs}` : String(quotaUs));
    return `a quota of cgroup v${version}: ${quotaUs / 1000} ms of CPU time in each ${periodUs / 1000} ms, of all cores together`;
  }

  async lift(): Promise<void> {
    const { version, path } = this.file;
    await writeFile(path, version === 2 ? `max ${periodUs}` : '-1');
  }

  async remove(): Promise<void> {
    if (await this.cgroup.remove()) return;
    this.reporter.warn(`The cgroup ${this.cgroup.path} of the API server could not be removed`);
  }
}

/** @throws Error when the cgroup is in no hierarchy that has the CPU controller. */
async function quotaFile({ path, mounts }: Awaited<ReturnType<typeof cpuCgroup>>): Promise<QuotaFile> {
  for (const mount of mounts) {
    const one = { version: 1, path: join(mount, path, 'cpu.cfs_quota_us') } as const;
    const two = { version: 2, path: join(mount, path, 'cpu.max') } as const;
    for (const file of [one, two]) {
      const text = await readFile(file.path, 'utf8').catch(() => '');
      if (text === '') continue;
      // Version 1 has the period in a file of its own.
      if (file.version === 1) await writeFile(join(mount, path, 'cpu.cfs_period_us'), String(periodUs));
      return file;
    }
  }
  throw new Error('there is no cgroup controller for CPU time');
}

/** Short enough that no client takes the process for lost; long against a timer's lateness. */
const stopPeriodMs = 40;

/** Without a cgroup: SIGSTOP and SIGCONT in turns. Takes the same share of every core that the process would run on. */
export class StopAndGo implements CpuLimit {
  private readonly pid: number;
  private readonly clock: Clock;
  private timer: TimerHandle | undefined;

  constructor(pid: number, clock: Clock) {
    this.pid = pid;
    this.clock = clock;
  }

  set(percent: number): Promise<string> {
    this.timer?.cancel();
    const goMs = (stopPeriodMs * percent) / 100;
    const go = (): void => {
      this.send('SIGCONT');
      this.timer = this.clock.timer(goMs, stop);
    };
    const stop = (): void => {
      this.send('SIGSTOP');
      this.timer = this.clock.timer(stopPeriodMs - goMs, go);
    };
    stop();
    return Promise.resolve(
      `SIGSTOP and SIGCONT in turns: it may run in ${Number(goMs.toFixed(1))} of each ${stopPeriodMs} ms`,
    );
  }

  lift(): Promise<void> {
    this.timer?.cancel();
    this.timer = undefined;
    this.send('SIGCONT');
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  private send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended, which its supervisor tells.
    }
  }
}
