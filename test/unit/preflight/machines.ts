import type { Size } from '../../../src/preflight/check.ts';
import type { FolderFacts, MachineFacts, ToolFacts } from '../../../src/preflight/facts/facts.ts';

export const size = (nodes: number, pods = nodes * 10): Size => ({
  nodes,
  pods,
  proxies: true,
  ownControlPlane: true,
});

export function folder(path: string, overrides: Partial<FolderFacts> = {}): FolderFacts {
  return { path, fault: undefined, freeBytes: 100e9, freeFiles: 1_000_000, inMemory: false, ...overrides };
}

/** Two cores and 8 GB that nobody else uses, Debian's limits, nothing wrong. */
export function laptop(overrides: Partial<MachineFacts> = {}): MachineFacts {
  return {
    platform: 'linux',
    isRoot: false,
    node: { version: '22.11.0', needed: '20.19.0' },
    cpu: { cores: 2, quotaCores: undefined, busyShare: 0.03, loadPerCore: 0.1, stealShare: 0 },
    memory: {
      totalBytes: 8e9,
      availableBytes: 6e9,
      cgroupLimitBytes: undefined,
      cgroupAvailableBytes: undefined,
    },
    openFilesMax: 1_048_576,
    ports: {
      ephemeral: { first: 32_768, last: 60_999 },
      timeWait: 0,
      sourceAddresses: 1,
      controlPlaneFault: undefined,
      controlPlaneEnd: 30_000,
    },
    threads: { cgroupMax: undefined, cgroupNow: undefined, userMax: 31_000 },
    state: folder('/state'),
    reports: folder('/reports'),
    clock: { wallMs: Date.UTC(2026, 10, 21), source: 'tsc', sources: ['tsc', 'hpet'], synchronised: true },
    procfs: true,
    reniceFault: undefined,
    niceness: { process: 0, session: 0 },
    ...overrides,
  };
}

/** 64 cores, 512 GB, limits raised. */
export const server = (): MachineFacts =>
  laptop({
    isRoot: true,
    cpu: { cores: 64, quotaCores: undefined, busyShare: 0.01, loadPerCore: 0, stealShare: 0 },
    memory: { ...laptop().memory, totalBytes: 512e9, availableBytes: 500e9 },
    openFilesMax: Number.POSITIVE_INFINITY,
    ports: { ...laptop().ports, sourceAddresses: 63 },
  });

/** Half a core, 512 MB, 64 threads, a tmpfs for temporary files: everything limited by the cgroup. */
export const smallContainer = (): MachineFacts =>
  laptop({
    cpu: { cores: 8, quotaCores: 0.5, busyShare: 0.02, loadPerCore: 0.1, stealShare: 0 },
    memory: { totalBytes: 64e9, availableBytes: 50e9, cgroupLimitBytes: 512e6, cgroupAvailableBytes: 450e6 },
    openFilesMax: 1_024,
    threads: { cgroupMax: 64, cgroupNow: 20, userMax: 31_000 },
    state: folder('/state', { freeBytes: 64e6, inMemory: true }),
  });

/** A Mac: no /proc, so hardly a limit is known. */
export const mac = (): MachineFacts =>
  laptop({
    platform: 'darwin',
    cpu: {
      cores: 8,
      quotaCores: undefined,
      busyShare: undefined,
      loadPerCore: undefined,
      stealShare: undefined,
    },
    memory: {
      totalBytes: 16e9,
      availableBytes: undefined,
      cgroupLimitBytes: undefined,
      cgroupAvailableBytes: undefined,
    },
    openFilesMax: undefined,
    ports: { ...laptop().ports, ephemeral: undefined, timeWait: undefined },
    threads: { cgroupMax: undefined, cgroupNow: undefined, userMax: undefined },
    clock: { wallMs: Date.UTC(2026, 10, 21), source: undefined, sources: [], synchronised: undefined },
    procfs: false,
  });

export function tools(overrides: Partial<ToolFacts> = {}): ToolFacts {
  return {
    kubernetesVersion: 'v1.36.3',
    binaries: { found: { version: 'v1.36.3', source: 'cache (a test)', dir: '/cache/v1.36.3' } },
    release: undefined,
    go: { version: '1.26.8', wanted: '1.26.0', tooOld: false },
    cache: folder('/cache'),
    browser: '/usr/bin/firefox',
    browserInstall: 'apt-get install -y chromium',
    ...overrides,
  };
}

/** No binaries, and a site that does not answer. */
export const offline = (overrides: Partial<ToolFacts> = {}): ToolFacts =>
  tools({
    binaries: { passedOver: ['PATH: not in PATH: etcd', 'cache: /cache has no v1.36.3'] },
    release: { url: 'https://dl.k8s.io', fault: 'no connection' },
    ...overrides,
  });
