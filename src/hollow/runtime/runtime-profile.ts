import { readFileSync } from 'node:fs';

/** A duration drawn uniformly from [low, high), milliseconds of work with the machine to itself. */
export type DurationRange = { low: number; high: number };

/** How long a fake container runtime takes for things: one data file a runtime, in `profiles/`. */
export type RuntimeProfile = {
  name: string;
  /** As in node status: `containerd://1.6.20`. */
  version: string;
  /** Where the figures come from. */
  source: string;
  /** How many sandbox, create, start and stop operations run at full speed together; more share that speed. */
  parallelOperations: number;
  /** From seeing a pod to the request for its service account token. */
  tokenRequestMs: DurationRange;
  /** The kubelet looks at a pod's volumes this often, the first time one period after it saw the pod. */
  volumesPollMs: number;
  sandboxMs: DurationRange;
  createMs: DurationRange;
  startMs: DurationRange;
  /** How long an init container runs before it exits with 0. */
  initContainerRunMs: DurationRange;
  stopMs: DurationRange;
  /** From the containers' end to the pod's DELETE: volumes, sandbox, cgroup. Not shared work: polling. */
  cleanupMs: DurationRange;
  /** A kill that takes longer than this leaves no pod IP in the terminal status: the sandbox is gone by then. */
  podIpVisibleAfterKillMs: number;
  images: { names: string[]; sizeBytes: number }[];
};

export function loadRuntimeProfile(name: 'containerd' | 'kubemark'): RuntimeProfile {
  return JSON.parse(
    readFileSync(new URL(`profiles/${name}.json`, import.meta.url), 'utf8'),
  ) as RuntimeProfile;
}
