import { readFileSync } from 'node:fs';
import { availableParallelism, getPriority, setPriority, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import { packageRoot } from '../../base/package-info.ts';
import { choosePorts, portMax } from '../../control-plane/ports.ts';
import { type MachineSample, machineOf } from '../../metrics/process-stats.ts';
import { readCgroup } from './cgroup.ts';
import type { ClockFacts, CpuFacts, MachineFacts, MemoryFacts, PortFacts } from './facts.ts';
import { readFolder } from './folder.ts';
import { cpuLimits } from '../costs.ts';
import { SystemFiles, limitOf } from './system-files.ts';

/** Long enough for 100 ticks of two cores, short enough to wait for. */
const cpuSampleMs = 500;

export type MachineOptions = {
  /** Where the control plane keeps its data, logs and keys. */
  stateDir: string;
  reportDir: string | undefined;
  clock: Clock;
  /**
   * When the CPU is watched for half a second. `when-loaded`: where the load of the last minute was high, which the run before
   * this one may have made.
   */
  sampleCpu: 'always' | 'when-loaded';
  /** Where /proc and /sys are; tests have trees of their own. */
  root?: string;
};

/** What this machine has. Takes some milliseconds, and half a second where the CPU is watched; runs no commands. */
export async function readMachineFacts(options: MachineOptions): Promise<MachineFacts> {
  const files = new SystemFiles(options.root ?? '/');
  const cgroup = readCgroup(files);
  const limits = files.text('/proc/self/limits');
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    node: { version: process.versions.node, needed: nodeNeeded() },
    cpu: await readCpu(files, cgroup.quotaCores, options),
    memory: readMemory(files, cgroup.memoryLimitBytes, cgroup.memoryAvailableBytes),
    openFilesMax: hardLimit(limits, 'Max open files'),
    ports: await readPorts(files),
    threads: {
      cgroupMax: cgroup.threadsMax,
      cgroupNow: cgroup.threadsNow,
      userMax: hardLimit(limits, 'Max processes'),
    },
    state: readFolder(options.stateDir),
    reports: options.reportDir === undefined ? undefined : readFolder(options.reportDir),
    clock: readClock(files, options.clock),
    procfs: files.text('/proc/self/stat') !== undefined && machineSample(files) !== undefined,
    reniceFault: reniceFault(),
    niceness: { process: getPriority(), session: sessionNiceness(files) },
  };
}

/** `20.19.0`, of package.json's `engines`. */
function nodeNeeded(): string {
  const { engines } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  return engines.node.replace(/^\D+/, '');
}

async function readCpu(
  files: SystemFiles,
  quotaCores: number | undefined,
  options: MachineOptions,
): Promise<CpuFacts> {
  const cores = availableParallelism();
  const load = /^[\d.]+/.exec(files.text('/proc/loadavg') ?? '')?.[0];
  const loadPerCore = load === undefined ? undefined : Number(load) / cores;
  const before = machineSample(files);
  const wasLoaded = loadPerCore !== undefined && loadPerCore > cpuLimits.loadPerCoreMax;
  if (before === undefined || (options.sampleCpu === 'when-loaded' && !wasLoaded)) {
    return { cores, quotaCores, busyShare: undefined, loadPerCore, stealShare: undefined };
  }
  await sleep(options.clock, cpuSampleMs);
  const after = machineSample(files) ?? before;
  const total = after.totalCpuSeconds - before.totalCpuSeconds;
  const share = (part: number): number | undefined => (total > 0 ? Math.max(0, part / total) : undefined);
  return {
    cores,
    quotaCores,
    loadPerCore,
    busyShare: share(total - (after.idleCpuSeconds - before.idleCpuSeconds)),
    stealShare: share(after.stealCpuSeconds - before.stealCpuSeconds),
  };
}

function machineSample(files: SystemFiles): MachineSample | undefined {
  try {
    return machineOf(files.text('/proc/stat') ?? '');
  } catch {
    return undefined;
  }
}

function readMemory(
  files: SystemFiles,
  cgroupLimitBytes: number | undefined,
  cgroupAvailableBytes: number | undefined,
): MemoryFacts {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(files.text('/proc/meminfo') ?? '')?.[1];
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(files.text('/proc/meminfo') ?? '')?.[1];
  return {
    totalBytes: total === undefined ? totalmem() : Number(total) * 1024,
    availableBytes: available === undefined ? undefined : Number(available) * 1024,
    cgroupLimitBytes,
    cgroupAvailableBytes,
  };
}

/** Of proc_pid_limits(5): `Max open files            1024                 1048576              files`. */
function hardLimit(limits: string | undefined, name: string): number | undefined {
  const line = limits?.split('\n').find((text) => text.startsWith(name));
  return limitOf(line?.slice(name.length).trim().split(/\s+/)[1]);
}

async function readPorts(files: SystemFiles): Promise<PortFacts> {
  const [first, last] = (files.text('/proc/sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  const timeWait = /^TCP:.* tw (\d+)/m.exec(files.text('/proc/net/sockstat') ?? '')?.[1];
  return {
    ephemeral: first && last ? { first, last } : undefined,
    timeWait: timeWait === undefined ? undefined : Number(timeWait),
    // As `shardConfigs` of the fleet has it: a thread for each core but one, and an address for each thread.
    sourceAddresses: process.platform === 'linux' ? Math.max(1, availableParallelism() - 1) : 1,
    controlPlaneFault: await choosePorts().then(() => undefined, errorMessage),
    controlPlaneEnd: portMax,
  };
}

function readClock(files: SystemFiles, clock: Clock): ClockFacts {
  const folder = '/sys/devices/system/clocksource/clocksource0';
  return {
    wallMs: clock.wallMs(),
    source: files.text(`${folder}/current_clocksource`),
    sources: (files.text(`${folder}/available_clocksource`) ?? '').split(' ').filter((name) => name !== ''),
    // systemd-timesyncd makes this file once it has set the clock.
    synchronised: files.text('/run/systemd/timesync/synchronized') === undefined ? undefined : true,
  };
}

/** Of proc_pid_autogroup (sched(7)): `/autogroup-42 nice 10`. */
function sessionNiceness(files: SystemFiles): number | undefined {
  if (files.number('/proc/sys/kernel/sched_autogroup_enabled') !== 1) return undefined;
  return limitOf(/ nice (-?\d+)$/.exec(files.text('/proc/self/autogroup') ?? '')?.[1]);
}

/** Setting what is set already changes nothing, and fails where a sandbox forbids it. */
function reniceFault(): string | undefined {
  try {
    setPriority(process.pid, getPriority(process.pid));
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}
