import { describe, expect, it } from 'vitest';
import { ClockSteps } from '../../../src/measure/clock-steps.ts';
import { machineFigures } from '../../../src/measure/machine-figures.ts';
import { type ResourceReader, ResourceSampler } from '../../../src/measure/resources.ts';
import {
  cpuSecondsOf,
  loadOf,
  machineOf,
  readProcess,
  rssBytesOf,
} from '../../../src/metrics/process-stats.ts';
import { FakeClock } from './fake-clock.ts';

describe('process-stats', () => {
  it('reads /proc/<pid>/stat of a process with an awkward name', () => {
    const stat =
      '42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 1234 566 7 8 20 0 11 0 5 1000 200 18446744073709551615';
    expect(cpuSecondsOf(stat)).toBeCloseTo(18, 10);
    expect(() => cpuSecondsOf('nonsense')).toThrow('not a /proc/<pid>/stat');
  });

  it('reads VmRSS and the machine line', () => {
    expect(rssBytesOf('Name:\tx\nVmHWM:\t  999 kB\nVmRSS:\t    1500 kB\nThreads:\t3\n')).toBe(1_536_000);
    expect(rssBytesOf('Name:\tkthreadd\n')).toBe(0);
    expect(machineOf('cpu  100 0 50 800 20 0 10 20 5 0\ncpu0 1 1\n')).toEqual({
      totalCpuSeconds: 10,
      stealCpuSeconds: 0.2,
      idleCpuSeconds: 8.2,
      interruptCpuSeconds: 0.1,
    });
  });

  it('reads the load', () => {
    expect(loadOf('1.50 0.79 1.10 2/175 24367\n')).toBe(1.5);
    for (const text of ['', 'nonsense']) expect(() => loadOf(text)).toThrow('not a /proc/loadavg');
  });

  it.runIf(process.platform === 'linux')('reads this process, as Node itself sees it', () => {
    const sample = readProcess(process.pid);
    const usage = process.cpuUsage();
    expect(sample?.cpuSeconds).toBeCloseTo((usage.user + usage.system) / 1e6, 0);
    expect(sample?.rssBytes).toBeGreaterThan(process.memoryUsage.rss() * 0.7);
    expect(readProcess(2 ** 22 + 1)).toBeUndefined();
  });
});

describe('ResourceSampler', () => {
  it('follows processes over a run, restarts included', () => {
    const cpu: Record<number, number> = { 1: 50, 2: 7, 3: 0 };
    let machine = { totalCpuSeconds: 1000, stealCpuSeconds: 10, idleCpuSeconds: 0, interruptCpuSeconds: 5 };
    let load = 0.5;
    const reader: ResourceReader = {
      process: (pid) => {
        const cpuSeconds = cpu[pid];
        return cpuSeconds === undefined ? undefined : { cpuSeconds, rssBytes: pid * 1000 };
      },
      machine: () => machine,
      load: () => load,
    };
    let harness: Record<string, number> = { harness: 1, fleet: 0 };
    let controlPlane: Record<string, number> = { 'kube-apiserver': 2 };
    const sampler = new ResourceSampler(
      () => harness,
      () => controlPlane,
      reader,
    );
    expect(sampler.sample(0)).toEqual({
      cpuCores: {},
      rssBytes: { harness: 1000, 'kube-apiserver': 2000 },
    });
    expect(sampler.harnessShare(2)).toBeUndefined();
    // The fleet comes later: all that it has used belongs to the run.
    cpu[1] = 50.5;
    cpu[2] = 8;
    cpu[3] = 0.25;
    harness = { harness: 1, fleet: 3 };
    machine = { totalCpuSeconds: 1002, stealCpuSeconds: 10.1, idleCpuSeconds: 0, interruptCpuSeconds: 5 };
    load = 3.25;
    expect(sampler.sample(1_000_000).cpuCores).toEqual({ harness: 0.5, 'kube-apiserver': 1, fleet: 0.25 });
    // The API server is restarted: another pid, which began at 0.
    cpu[4] = 0.5;
    controlPlane = { 'kube-apiserver': 4 };
    machine = {
      totalCpuSeconds: 1004,
      stealCpuSeconds: 10.2,
      idleCpuSeconds: 0.8,
      interruptCpuSeconds: 5.15,
    };
    load = 2.5;
    expect(sampler.sample(2_000_000).cpuCores).toMatchObject({ 'kube-apiserver': 0.5, harness: 0 });
    expect(sampler.totals()).toEqual({
      harness: [
        { name: 'harness', cpuSeconds: 0.5, rssBytesMax: 1000 },
        { name: 'fleet', cpuSeconds: 0.25, rssBytesMax: 3000 },
      ],
      controlPlane: [{ name: 'kube-apiserver', cpuSeconds: 1.5, rssBytesMax: 4000 }],
    });
    expect(sampler.harnessShare(2)).toBeCloseTo(0.75 / 4);
    expect(sampler.controlPlaneShare(2)).toBeCloseTo(1.5 / 4);
    // 4 s of two cores, of which 0.2 were stolen, 0.8 idle, 0.15 interrupts, and 2.25 ours.
    expect(sampler.othersShare(2)).toBeCloseTo(0.6 / 4);
    // One core of the two is for us: what happens on the other is not known to be in our way.
    expect(sampler.othersShare(1)).toBeUndefined();
    // Likewise what a quota leaves of two.
    expect(sampler.othersShare(1.5)).toBeUndefined();
    expect(sampler.harnessShare(1.5)).toBeCloseTo(0.75 / 3);
    expect(sampler.stealShare()).toBeCloseTo(0.05);
    expect(machineFigures(sampler).map(({ id, value }) => [id, value])).toEqual([
      ['machine-cpu', 0.8],
      ['machine-load', 3.25],
    ]);
  });

  it('knows nothing where the system tells nothing', () => {
    const sampler = new ResourceSampler(
      () => ({ harness: 1 }),
      () => ({}),
      { process: () => undefined, machine: () => undefined, load: () => undefined },
    );
    sampler.sample(0);
    expect(sampler.sample(1_000_000)).toEqual({ cpuCores: {}, rssBytes: {} });
    expect(sampler.harnessShare(2)).toBeUndefined();
    expect(sampler.controlPlaneShare(2)).toBeUndefined();
    expect(sampler.othersShare(2)).toBeUndefined();
    expect(sampler.stealShare()).toBeUndefined();
    expect(machineFigures(sampler)).toEqual([]);
  });

  it('says nothing of others where the control plane is not ours', () => {
    let totalCpuSeconds = 10;
    const sampler = new ResourceSampler(
      () => ({ harness: 1 }),
      () => ({}),
      {
        process: () => ({ cpuSeconds: 1, rssBytes: 1 }),
        machine: () => ({ totalCpuSeconds, stealCpuSeconds: 0, idleCpuSeconds: 0, interruptCpuSeconds: 0 }),
        load: () => 0,
      },
    );
    sampler.sample(0);
    totalCpuSeconds = 12;
    sampler.sample(1_000_000);
    expect(sampler.harnessShare(2)).toBe(0);
    expect(sampler.othersShare(2)).toBeUndefined();
  });
});

describe('ClockSteps', () => {
  it('finds a step of the wall clock, and takes a slow slew for none', () => {
    const clock = new FakeClock();
    const steps = new ClockSteps(clock);
    for (let second = 0; second < 100; second++) {
      steps.check();
      clock.block(1000);
      clock.wall += 0.5;
    }
    expect(steps.stepUsMax).toBeLessThanOrEqual(510);
    clock.wall -= 12;
    steps.check();
    expect(steps.stepUsMax).toBeGreaterThan(11_000);
  });
});
