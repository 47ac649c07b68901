import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

/** What of the machine decides the figures of a run; as in a result. */
export type Machine = {
  os: string;
  kernel: string;
  arch: string;
  cpuModel: string;
  cpuCount: number;
  memoryBytes: number;
};

export function thisMachine(): Machine {
  return {
    os: platform(),
    kernel: release(),
    arch: arch(),
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpuCount: availableParallelism(),
    memoryBytes: totalmem(),
  };
}
