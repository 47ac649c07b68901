import type { Figure } from '../result/result.ts';
import type { ResourceSampler } from './resources.ts';

/** How busy the machine was on which the harness ran, whoever had it busy. Nothing where the system does not tell. */
export function machineFigures(resources: Pick<ResourceSampler, 'busyShare' | 'loadMax'>): Figure[] {
  const figures: Figure[] = [];
  const busyShare = resources.busyShare();
  if (busyShare !== undefined) {
    figures.push({
      id: 'machine-cpu',
      labels: {},
      unit: 'ratio',
      definition:
        "Share of the CPU time of the harness's machine in which a core was not idle, over the run: harness, control plane, others, interrupts, and what the hypervisor took.",
      source: '/proc/stat',
      resolution: '10 ms of each core',
      value: Number(busyShare.toPrecision(4)),
    });
  }
  if (resources.loadMax !== undefined) {
    figures.push({
      id: 'machine-load',
      labels: {},
      unit: 'count',
      definition:
        "Tasks of the harness's machine that ran, or waited for a CPU or a disk: the largest of the load averages of a minute. More than there are cores means that some waited.",
      source: '/proc/loadavg, once a second',
      resolution: '0.01; a mean of about a minute, in which what was before the run counts at its start',
      value: resources.loadMax,
    });
  }
  return figures;
}
