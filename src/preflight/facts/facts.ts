/**
 * What a machine has, as far as it tells: `undefined` is "not known", never "none". Sizes in bytes, shares in 0..1,
 * `Infinity` for a limit that is set to unlimited.
 */
export type MachineFacts = {
  platform: NodeJS.Platform;
  /** Whether commands need no sudo, and limits per user do not count. */
  isRoot: boolean;
  node: { version: string; needed: string };
  cpu: CpuFacts;
  memory: MemoryFacts;
  /** Hard limit of open files a process; Node.js and Go raise the soft one to it by themselves. */
  openFilesMax: number | undefined;
  ports: PortFacts;
  threads: { cgroupMax: number | undefined; cgroupNow: number | undefined; userMax: number | undefined };
  state: FolderFacts;
  /** Undefined where no report is written. */
  reports: FolderFacts | undefined;
  clock: ClockFacts;
  /** Whether /proc tells CPU and memory of processes. */
  procfs: boolean;
  /** Why priorities cannot be set; undefined when they can. */
  reniceFault: string | undefined;
  /** Of this process among those of its session, and, where Linux schedules by sessions, of the session; 0 is usual. */
  niceness: { process: number; session: number | undefined };
};

export type CpuFacts = {
  /** That this process may use: affinity counts, a quota does not. */
  cores: number;
  /** CPU time a second that a cgroup allows, in cores. */
  quotaCores: number | undefined;
  /** How busy the machine was while it was watched, before anything of ours ran; undefined when it was not. */
  busyShare: number | undefined;
  /** Load average of the last minute by core: above 1, somebody waits for a core. */
  loadPerCore: number | undefined;
  /** CPU time that the hypervisor gave to others. */
  stealShare: number | undefined;
};

export type MemoryFacts = {
  totalBytes: number;
  availableBytes: number | undefined;
  /** The tightest limit of the cgroups that this process is in, and what is left of it. */
  cgroupLimitBytes: number | undefined;
  cgroupAvailableBytes: number | undefined;
};

export type PortFacts = {
  /** Source ports of connections, both ends included. */
  ephemeral: { first: number; last: number } | undefined;
  /** Connections of before that still hold their ports. */
  timeWait: number | undefined;
  /** Loopback addresses that nodes connect from, each with ports of its own. */
  sourceAddresses: number;
  /** Why the control plane would find no ports; undefined when it would. */
  controlPlaneFault: string | undefined;
  /** The control plane's ports are below this. */
  controlPlaneEnd: number;
};

export type FolderFacts = {
  path: string;
  /** Why files cannot be made there; undefined when they can. */
  fault: string | undefined;
  freeBytes: number | undefined;
  freeFiles: number | undefined;
  /** Whether its files lie in memory (tmpfs). */
  inMemory: boolean;
};

export type ClockFacts = {
  wallMs: number;
  /** As the kernel names it: `tsc`, `kvm-clock`, `hpet`. */
  source: string | undefined;
  sources: readonly string[];
  synchronised: boolean | undefined;
};

/** What else `doctor` looks at; finding it out takes commands and the network. */
export type ToolFacts = {
  /** Of the control plane that is wanted: `v1.36.3`. */
  kubernetesVersion: string;
  binaries: BinariesFacts;
  /** The site to download from; undefined when binaries are there and nobody asked it. */
  release: { url: string; fault: string | undefined } | undefined;
  go: { version: string | undefined; wanted: string; tooOld: boolean };
  cache: FolderFacts;
  /** A browser to open reports with. */
  browser: string | undefined;
  /** Installs one, without sudo; undefined where the command is not known. */
  browserInstall: string | undefined;
};

export type BinariesFacts =
  | { found: { version: string; source: string; dir: string } }
  /** Why each source has none. */
  | { passedOver: readonly string[] }
  /** A folder that was named and cannot be used. */
  | { fault: string; hint: string | undefined };
