import {
  type MachineSample,
  type ProcessSample,
  readLoad,
  readMachine,
  readProcess,
} from '../metrics/process-stats.ts';
import type { ProcessResources } from '../result/result.ts';

/** Process ids by name; asked for at every sample, so that a restarted process is followed. */
export type Pids = () => Readonly<Record<string, number>>;

/** Where figures come from; the system's procfs unless a test says otherwise. */
export type ResourceReader = {
  process: (pid: number) => ProcessSample | undefined;
  machine: () => MachineSample | undefined;
  load: () => number | undefined;
};

export const procfsReader: ResourceReader = { process: readProcess, machine: readMachine, load: readLoad };

/** What was used since the last sample, by process name. */
export type ResourceInterval = { cpuCores: Record<string, number>; rssBytes: Record<string, number> };

type Usage = { pid: number; lastCpuSeconds: number; cpuSeconds: number; rssBytesMax: number };

/**
 * CPU and memory of named processes over a run. A process that is there at the first sample counts from then on; one
 * that comes later (the fleet's child, a restarted API server) counts from its beginning. What a process uses between
 * its last sample and its end is lost: a second's worth at most.
 */
export class ResourceSampler {
  private readonly harnessPids: Pids;
  private readonly controlPlanePids: Pids;
  private readonly reader: ResourceReader;
  private readonly harness = new Map<string, Usage>();
  private readonly controlPlane = new Map<string, Usage>();
  private firstMachine: MachineSample | undefined;
  private lastMachine: MachineSample | undefined;
  /** The largest load of the machine at a sample; undefined where the system does not tell. */
  loadMax: number | undefined;
  private startUs: number | undefined;
  private lastUs = 0;

  constructor(harnessPids: Pids, controlPlanePids: Pids, reader: ResourceReader = procfsReader) {
    this.harnessPids = harnessPids;
    this.controlPlanePids = controlPlanePids;
    this.reader = reader;
  }

  /** Takes a sample; `nowUs` is monotonic. The first one has no cores, since there is no interval yet. */
  sample(nowUs: number): ResourceInterval {
    const first = this.startUs === undefined;
    this.startUs ??= nowUs;
    const seconds = (nowUs - this.lastUs) / 1e6;
    const interval: ResourceInterval = { cpuCores: {}, rssBytes: {} };
    const groups = [
      [this.harness, this.harnessPids],
      [this.controlPlane, this.controlPlanePids],
    ] as const;
    for (const [usages, pids] of groups) {
      for (const [name, pid] of Object.entries(pids())) {
        const sample = pid > 0 ? this.reader.process(pid) : undefined;
        if (sample === undefined) continue;
        const newSeconds = account(usages, name, pid, sample, first);
        interval.rssBytes[name] = sample.rssBytes;
        if (!first && seconds > 0) interval.cpuCores[name] = Math.round((newSeconds / seconds) * 1000) / 1000;
      }
    }
    this.lastMachine = this.reader.machine();
    this.firstMachine ??= this.lastMachine;
    const load = this.reader.load();
    if (load !== undefined) this.loadMax = Math.max(this.loadMax ?? 0, load);
    this.lastUs = nowUs;
    return interval;
  }

  /** Each process over the whole run. */
  totals(): { harness: ProcessResources[]; controlPlane: ProcessResources[] } {
    return { harness: totalsOf(this.harness), controlPlane: totalsOf(this.controlPlane) };
  }

  /** CPU of the harness, as a share of `cpuCount` cores over the time sampled; undefined without figures. */
  harnessShare(cpuCount: number): number | undefined {
    return this.shareOf(this.harness, cpuCount);
  }

  /** Likewise, of the control plane; undefined for one that is not ours, too. */
  controlPlaneShare(cpuCount: number): number | undefined {
    return this.shareOf(this.controlPlane, cpuCount);
  }

  /**
   * What processes other than harness and control plane used of the machine's CPU; undefined where the system does not
   * tell, where the control plane is not ours (it may run here all the same), and where not all of the machine's cores
   * are for us to use: who else uses them is then nobody's business.
   */
  othersShare(cpuCount: number): number | undefined {
    const { firstMachine: first, lastMachine: last, elapsedSeconds } = this;
    const ours = [this.harnessShare(cpuCount), this.controlPlaneShare(cpuCount)];
    if (first === undefined || last === undefined || ours.includes(undefined)) return undefined;
    const totalSeconds = last.totalCpuSeconds - first.totalCpuSeconds;
    if (totalSeconds <= 0 || Math.round(totalSeconds / elapsedSeconds) > cpuCount) return undefined;
    const workSeconds = workOf(last) - workOf(first);
    const ourSeconds = usedSeconds(this.harness) + usedSeconds(this.controlPlane);
    return Math.max(0, workSeconds - ourSeconds) / totalSeconds;
  }

  /** CPU time that the hypervisor took away, as a share of all; undefined where the system does not tell. */
  stealShare(): number | undefined {
    return this.machineShare(({ stealCpuSeconds }) => stealCpuSeconds);
  }

  /** CPU time in which cores were not idle, what the hypervisor took included; likewise. */
  busyShare(): number | undefined {
    return this.machineShare(({ totalCpuSeconds, idleCpuSeconds }) => totalCpuSeconds - idleCpuSeconds);
  }

  private machineShare(secondsOf: (machine: MachineSample) => number): number | undefined {
    const { firstMachine: first, lastMachine: last } = this;
    if (first === undefined || last === undefined) return undefined;
    const total = last.totalCpuSeconds - first.totalCpuSeconds;
    return total <= 0 ? undefined : (secondsOf(last) - secondsOf(first)) / total;
  }

  private get elapsedSeconds(): number {
    return (this.lastUs - (this.startUs ?? this.lastUs)) / 1e6;
  }

  private shareOf(usages: ReadonlyMap<string, Usage>, cpuCount: number): number | undefined {
    const { elapsedSeconds } = this;
    if (usages.size === 0 || elapsedSeconds <= 0) return undefined;
    return usedSeconds(usages) / (elapsedSeconds * cpuCount);
  }
}

/** CPU time that processes have used. */
function workOf(machine: MachineSample): number {
  const { totalCpuSeconds, idleCpuSeconds, stealCpuSeconds, interruptCpuSeconds } = machine;
  return totalCpuSeconds - idleCpuSeconds - stealCpuSeconds - interruptCpuSeconds;
}

function usedSeconds(usages: ReadonlyMap<string, Usage>): number {
  return [...usages.values()].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Adds what a process has used since it was last looked at, in CPU seconds, and returns it. */
function account(
  usages: Map<string, Usage>,
  name: string,
  pid: number,
  sample: ProcessSample,
  first: boolean,
): number {
  let usage = usages.get(name);
  if (usage === undefined) {
    usage = { pid, lastCpuSeconds: first ? sample.cpuSeconds : 0, cpuSeconds: 0, rssBytesMax: 0 };
    usages.set(name, usage);
  }
  if (usage.pid !== pid) {
    usage.pid = pid;
    usage.lastCpuSeconds = 0;
  }
  const newSeconds = Math.max(0, sample.cpuSeconds - usage.lastCpuSeconds);
  usage.lastCpuSeconds = sample.cpuSeconds;
  usage.cpuSeconds += newSeconds;
  usage.rssBytesMax = Math.max(usage.rssBytesMax, sample.rssBytes);
  return newSeconds;
}

function totalsOf(usages: ReadonlyMap<string, Usage>): ProcessResources[] {
  return [...usages].map(([name, { cpuSeconds, rssBytesMax }]) => ({
    name,
    cpuSeconds: Math.round(cpuSeconds * 100) / 100,
    rssBytesMax,
  }));
}
