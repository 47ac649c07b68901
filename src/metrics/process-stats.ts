import { readFileSync } from 'node:fs';

/** USER_HZ: Linux reports CPU times in hundredths of a second on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** What one process has used since it began; `rssBytes` is now's. */
export type ProcessSample = { cpuSeconds: number; rssBytes: number };

/** The machine's CPU time since boot, in seconds over all cores. */
export type MachineSample = {
  totalCpuSeconds: number;
  /** Time that the hypervisor gave to others while something here wanted to run. */
  stealCpuSeconds: number;
  idleCpuSeconds: number;
  /** In interrupts, soft ones included: done for whoever caused them, and in no process's time. */
  interruptCpuSeconds: number;
};

/** Whether this system tells what {@link readProcess} and {@link readMachine} need (procfs: Linux only). */
export function hasProcfs(): boolean {
  return process.platform === 'linux';
}

/** CPU and memory of a process, its threads included; undefined when it is gone or the system does not tell. */
export function readProcess(pid: number): ProcessSample | undefined {
  try {
    return {
      cpuSeconds: cpuSecondsOf(readFileSync(`/proc/${pid}/stat`, 'latin1')),
      rssBytes: rssBytesOf(readFileSync(`/proc/${pid}/status`, 'latin1')),
    };
  } catch {
    return undefined;
  }
}

/** Undefined where the system does not tell. */
export function readMachine(): MachineSample | undefined {
  try {
    return machineOf(readFileSync('/proc/stat', 'latin1'));
  } catch {
    return undefined;
  }
}

/** Tasks that run or wait for a CPU or a disk, as the mean of the last minute; undefined where the system does not tell. */
export function readLoad(): number | undefined {
  try {
    return loadOf(readFileSync('/proc/loadavg', 'latin1'));
  } catch {
    return undefined;
  }
}

/** The first field of proc_loadavg(5). */
export function loadOf(loadavg: string): number {
  const load = Number(loadavg.split(' ')[0]);
  if (loadavg.trim() === '' || !Number.isFinite(load)) {
    throw new Error(`not a /proc/loadavg: ${loadavg.slice(0, 80)}`);
  }
  return load;
}

/** `utime` + `stime` out of proc_pid_stat(5). The name in parentheses may itself hold spaces and parentheses. */
export function cpuSecondsOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const seconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  if (!Number.isFinite(seconds)) throw new Error(`not a /proc/<pid>/stat: ${stat.slice(0, 80)}`);
  return seconds;
}

/** `VmRSS` out of proc_pid_status(5): in kB whatever the page size is. 0 for a process that has no memory left. */
export function rssBytesOf(status: string): number {
  const at = status.indexOf('VmRSS:');
  return at < 0 ? 0 : Number.parseInt(status.slice(at + 6, at + 32), 10) * 1024;
}

/** The first line of proc_stat(5): user nice system idle iowait irq softirq steal guest guest_nice. */
export function machineOf(stat: string): MachineSample {
  const end = stat.indexOf('\n');
  const line = stat.slice(0, end < 0 ? undefined : end);
  // guest and guest_nice are contained in user and nice already.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const totalTicks = ticks.reduce((sum, value) => sum + value, 0);
  if (!line.startsWith('cpu ') || !Number.isFinite(totalTicks)) {
    throw new Error(`not a /proc/stat: ${line.slice(0, 80)}`);
  }
  return {
    totalCpuSeconds: totalTicks / ticksPerSecond,
    stealCpuSeconds: (ticks[7] ?? 0) / ticksPerSecond,
    idleCpuSeconds: ((ticks[3] ?? 0) + (ticks[4] ?? 0)) / ticksPerSecond,
    interruptCpuSeconds: ((ticks[5] ?? 0) + (ticks[6] ?? 0)) / ticksPerSecond,
  };
}
