import {
  type MachineSample,
  type ProcessSample,
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
};

export const procfsReader: ResourceReader = { process: readProcess, machine: readMachine };

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
        const usedSeconds = account(usages, name, pid, sample, first);
        interval.rssBytes[name] = sample.rssBytes;
        if (!first && seconds > 0)
          interval.cpuCores[name] = Math.round((usedSeconds / seconds) * 1000) / 1000;
      }
    }
    this.lastMachine = this.reader.machine();
    this.firstMachine ??= this.lastMachine;
    this.lastUs = nowUs;
    return interval;
  }

  /** Each process over the whole run. */
  totals(): { harness: ProcessResources[]; controlPlane: ProcessResources[] } {
    return { harness: totalsOf(this.harness), controlPlane: totalsOf(this.controlPlane) };
  }

  /** CPU of the harness, as a share of `cpuCount` cores over the time sampled; undefined without figures. */
  harnessShare(cpuCount: number): number | undefined {
    const elapsedSeconds = (this.lastUs - (this.startUs ?? this.lastUs)) / 1e6;
    if (this.harness.size === 0 || elapsedSeconds <= 0) return undefined;
    const used = totalsOf(this.harness).reduce((sum, one) => sum + one.cpuSeconds, 0);
    return used / (elapsedSeconds * cpuCount);
  }

  /** CPU time that the hypervisor took away, as a share of all; undefined where the system does not tell. */
  stealShare(): number | undefined {
    if (this.firstMachine === undefined || this.lastMachine === undefined) return undefined;
    const total = this.lastMachine.totalCpuSeconds - this.firstMachine.totalCpuSeconds;
    if (total <= 0) return undefined;
    return (this.lastMachine.stealCpuSeconds - this.firstMachine.stealCpuSeconds) / total;
  }
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
  const usedSeconds = Math.max(0, sample.cpuSeconds - usage.lastCpuSeconds);
  usage.lastCpuSeconds = sample.cpuSeconds;
  usage.cpuSeconds += usedSeconds;
  usage.rssBytesMax = Math.max(usage.rssBytesMax, sample.rssBytes);
  return usedSeconds;
}

function totalsOf(usages: ReadonlyMap<string, Usage>): ProcessResources[] {
  return [...usages].map(([name, { cpuSeconds, rssBytesMax }]) => ({
    name,
    cpuSeconds: Math.round(cpuSeconds * 100) / 100,
    rssBytesMax,
  }));
}
