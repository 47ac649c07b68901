import { freeBytesMin, freeBytesToStartMin } from '../control-plane/disk-space.ts';
import type { Size } from './check.ts';

/*
 * What a run costs the machine, with its control plane on it. docs/doctor.md says how it was measured: `bench` is
 * docs/benchmarks.md; `idle` are runs of 100 and 400 nodes without pods, `pods` one of 100 nodes with 2,000 pods, the
 * processes looked at from outside. Two cores, Kubernetes v1.36.3, Node.js 20. All are estimates: Go's memory follows
 * its garbage collector, and CPU time the processor.
 */

/** What all processes together take, by whether the control plane is among them. */
type Cost = {
  /** Resident memory at its highest. */
  memoryBytes: { base: number; perNode: number; perPod: number };
  /** CPU time a second while nothing happens, in seconds. */
  idleCores: { base: number; perNode: number };
  /** CPU time in all. */
  perNodeStartedMs: number;
  perPodStartedMs: number;
};

/** The fleet, and load generator with observer. */
const harness: Cost = {
  memoryBytes: {
    // `bench`: fleet 92 MB; `idle`: load and observer 115.
    base: 207e6,
    // `bench`: fleet 0.315 MB; `idle`: observer 0.035.
    perNode: 0.35e6,
    // `pods`: fleet 0.020 MB.
    perPod: 0.02e6,
  },
  // `idle`: load and observer 10 ms a second; `bench`: fleet 6.25, and 0.062 a node.
  idleCores: { base: 0.017, perNode: 0.000_062 },
  // `bench`.
  perNodeStartedMs: 22,
  // `bench`: fleet 2.8; `pods`: load and observer 1.
  perPodStartedMs: 3.8,
};

/** The same with a control plane on this machine. */
const whole: Cost = {
  memoryBytes: {
    // `idle`, drawn back to no nodes: API server 318 MB, controller manager 147, etcd 119, scheduler 101.
    base: harness.memoryBytes.base + 685e6,
    // `idle`: API server 1.18 MB, etcd 0.07, controller manager 0.05, scheduler 0.01.
    perNode: harness.memoryBytes.perNode + 1.31e6,
    // `pods`: API server 0.237 MB, etcd 0.038, controller manager 0.029, scheduler 0.025.
    perPod: harness.memoryBytes.perPod + 0.33e6,
  },
  idleCores: {
    // `idle`, drawn back to no nodes: API server 25 ms a second, etcd 14, controller manager 11.
    base: harness.idleCores.base + 0.05,
    // `idle`: API server 0.232 ms a second, etcd 0.072, controller manager 0.037.
    perNode: harness.idleCores.perNode + 0.000_341,
  },
  // `bench`: 1,000 nodes Ready in 37.8 s of two full cores.
  perNodeStartedMs: 75.6,
  // `pods`, of which 20 in the API server as in `bench`.
  perPodStartedMs: 34,
};

const costOf = (size: Size): Cost => (size.ownControlPlane ? whole : harness);

export const cpuLimits = {
  /** Of the CPU that idle nodes may take: what is to be measured needs the rest. */
  idleShareMax: 0.5,
  /** Above this, others are likely to delay what is measured, and the run is judged invalid. */
  busyShareMax: 0.3,
  /** Above this, somebody has to wait for a core. */
  loadPerCoreMax: 1,
  /** As the validity check of a run has it. */
  stealShareMax: 0.05,
} as const;

/** `idle`: 88 without a node in the API server (most of them to etcd), 25 in the fleet. */
const openFilesBase = 100;

/** Threads and processes; `idle`: 56 on two cores. Go and libuv start more where there are more cores. */
const threads = { base: 40, perCore: 8 };

/** The state folder: etcd's data and write-ahead log, logs and keys of all four components. */
const disk = {
  /** `idle`: of it 128 MB are etcd's write-ahead log, which takes that room at once. */
  baseBytes: 129e6,
  /** `idle`: 33 kB after a minute and a half; a renewed lease every 10 s, until the API server compacts after 5 min. */
  perNodeBytes: 0.1e6,
  /** `pods`: 25 kB with all versions on its way to Running; 38 with 4,000 pods on 400 nodes, which took longer. */
  perPodBytes: 40e3,
  /** `idle` and `pods`: 37 to 43 files and folders; a report has 14. */
  files: 100,
};

/** A report: 0.85 MB for 100 nodes, 1.3 MB with 2,000 pods; both copies are there while one is written. */
export const reportBytes = 10e6;

/** The four released binaries and etcd's archive; a binary that is built has 120 MB. */
export const binariesBytes = 400e6;

/** Building the control plane, as the README says. */
export const buildMemoryBytes = 2.3e9;

/** Pods a node in the benchmark and, about, in the quickstart: where nobody says how many there are. */
export const podsPerNodeUsual = 10;

/** @param stateInMemory whether the state folder is a tmpfs. */
export function memoryNeededBytes(size: Size, stateInMemory: boolean): number {
  const { base, perNode, perPod } = costOf(size).memoryBytes;
  const state = stateInMemory && size.ownControlPlane ? stateBytesNeeded(size) : 0;
  return base + size.nodes * perNode + size.pods * perPod + state;
}

/** Nodes, with their share of the size's pods, that so much memory is enough for. */
export function nodesInMemory(bytes: number, size: Size, stateInMemory: boolean): number {
  const baseBytes = memoryNeededBytes({ ...size, nodes: 0, pods: 0 }, stateInMemory);
  const oneBytes = memoryNeededBytes({ ...size, nodes: 1, pods: podsPerNode(size) }, stateInMemory);
  return nodesWithin(bytes - baseBytes, oneBytes - baseBytes);
}

/** The share of so many cores that nodes take when nothing happens. */
export function idleShare(cores: number, size: Size): number {
  const { base, perNode } = costOf(size).idleCores;
  return (base + size.nodes * perNode) / cores;
}

/** Nodes whose idle traffic leaves enough of so many cores to what is measured. */
export function nodesOnCores(cores: number, size: Size): number {
  const { base, perNode } = costOf(size).idleCores;
  return nodesWithin(cores * cpuLimits.idleShareMax - base, perNode);
}

/** How long the nodes take to become Ready when all cores work on it. */
export function startSeconds(cores: number, size: Size): number {
  return (size.nodes * costOf(size).perNodeStartedMs) / 1000 / cores;
}

/** How many pods a second can start when all cores work on it. */
export function podsPerSecond(cores: number, size: Size): number {
  return (cores * 1000) / costOf(size).perPodStartedMs;
}

/** Open files of the process that has the most. */
export function openFilesNeeded(size: Size): number {
  return openFilesBase + size.nodes * connectionsPerNode(size);
}

export function nodesWithOpenFiles(filesMax: number, size: Size): number {
  return nodesWithin(filesMax - openFilesBase, connectionsPerNode(size));
}

/** A kubelet's and a kube-proxy's, each an open file in the fleet and one in the API server (`idle`: exactly 2). */
export function connectionsPerNode(size: Size): number {
  return size.proxies ? 2 : 1;
}

export function threadsNeeded(cores: number): number {
  return threads.base + threads.perCore * cores;
}

/** What must be free where the state folder lies: what it takes, and what is left when the supervisor ends a run. */
export function diskBytesNeeded(size: Size): number {
  return stateBytesNeeded(size) + freeBytesMin;
}

export function nodesOnDisk(bytes: number, size: Size): number {
  const perNode = disk.perNodeBytes + podsPerNode(size) * disk.perPodBytes;
  return nodesWithin(bytes - disk.baseBytes - freeBytesMin, perNode);
}

/** Without that no control plane is started, however few nodes there are. */
export const stateLeast = { bytes: freeBytesToStartMin, files: disk.files };

function stateBytesNeeded(size: Size): number {
  return disk.baseBytes + size.nodes * disk.perNodeBytes + size.pods * disk.perPodBytes;
}

function podsPerNode(size: Size): number {
  return size.pods / size.nodes;
}

function nodesWithin(budget: number, perNode: number): number {
  return Math.max(0, Math.floor(budget / perNode));
}
