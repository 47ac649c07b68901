import type { Prng } from '../base/prng.ts';
import { callClass } from '../metrics/call-metrics.ts';
import type { Effect, KubeletRequest, Now, Tag, TimerName } from './effects.ts';
import { allocatableOf } from './node/allocatable.ts';
import type { ContainerBehaviour } from './pods/container-behaviour.ts';
import { type Distribution, sample } from './runtime/distribution.ts';
import type { NodeImages } from './runtime/image-store.ts';
import type { NodeRuntime } from './runtime/node-runtimes.ts';
import { RuntimeClasses } from './runtime/runtime-classes.ts';
import type { RuntimeProfile } from './runtime/runtime-profile.ts';
import { type WireProfile, type WireProfileName, wireProfile } from './wire-profile.ts';

/** Addresses for a node's pods, and how long after its first list of pods they are its own to give. */
export type OwnPodRange = { cidr: string; afterMs: number };

/** A node as the scenario describes it. */
export type NodeConfig = {
  name: string;
  /** Quantities by resource name, as a kubelet reports them: `{"cpu":"8","memory":"32Gi","pods":"110"}`. */
  capacity: Record<string, string>;
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  /** InternalIP; unique per node. */
  address: string;
  /**
   * Where its pods' addresses come from when no controller gives the node a `spec.podCIDR`: as with a CNI that has
   * addresses of its own. Absent: pods wait for the one of the API server.
   */
  ownPodRange?: OwnPodRange | undefined;
  /** Kubernetes version in nodeInfo. */
  kubeletVersion: string;
  /** The name of its runtime, among those that the shard was given or that come with Hollowmark; else its wire profile's. */
  runtime?: string | undefined;
  /**
   * Labels of all else that the node makes (Lease, CSINode, events), so that it can be found on a cluster of others. A
   * real kubelet gives them none.
   */
  objectLabels?: Record<string, string> | undefined;
  /** What it sends; absent: what a real one does. */
  wireProfile?: WireProfileName | undefined;
  /** What containers of pods that are to end (Jobs) do, as far as their annotations do not say otherwise. */
  containerRun?: ContainerBehaviour | undefined;
};

/** What all parts of one kubelet share: its configuration, the instant of the event in hand, and the effects so far. */
export class KubeletContext {
  readonly node: NodeConfig;
  /** Of pods without a RuntimeClass. */
  readonly profile: RuntimeProfile;
  /** What the ids of containers begin with. */
  readonly runtimeType: string;
  /** What pods may use of the node. Kubemark's nodes keep nothing from them. */
  readonly allocatable: Readonly<Record<string, string>>;
  /** Which runtime runs the pods of a RuntimeClass. */
  readonly runtimeClasses: RuntimeClasses;
  readonly images: NodeImages;
  /** Of the node; another one after each time that it was down. */
  bootId = '';
  readonly prng: Prng;
  now: Now = { us: 0, wallMs: 0 };
  effects: Effect[] = [];

  constructor(node: NodeConfig, runtime: NodeRuntime, images: NodeImages, prng: Prng) {
    this.node = node;
    this.profile = runtime.profile;
    this.runtimeType = runtime.profile.version.replace(/:.*/, '');
    this.allocatable =
      this.wire.node === 'kubemark'
        ? node.capacity
        : allocatableOf(node.capacity, runtime.profile.system.operatingSystem);
    this.runtimeClasses = new RuntimeClasses(runtime);
    this.images = images;
    this.prng = prng;
  }

  get wire(): WireProfile {
    return wireProfile(this.node.wireProfile);
  }

  get nowMs(): number {
    return this.now.us / 1000;
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  request(via: 'api' | 'events' | 'heartbeat', request: KubeletRequest, tag: Tag): void {
    this.effects.push({ type: 'request', via, request, tag });
  }

  after(delayMs: number, timer: TimerName): void {
    this.effects.push({ type: 'after', delayMs, timer });
  }

  draw(distribution: Distribution): number {
    return sample(distribution, this.prng);
  }
}

/** The runtime that the scenario gives the node, else what belongs to the wire profile. */
export function runtimeOf({ runtime, wireProfile: name }: NodeConfig): string {
  return runtime ?? wireProfile(name).runtime;
}

/** Of a kubelet or a proxy, as client-go makes it: a node of Windows says so. */
export function userAgent(
  component: string,
  { kubeletVersion }: NodeConfig,
  { profile }: Pick<NodeRuntime, 'profile'>,
): string {
  return `${component}/${kubeletVersion} (${profile.system.operatingSystem}/amd64) hollowmark`;
}

/** The `labels` of an object's metadata, absent when there are none. */
export function labelled(labels: Record<string, string> | undefined): { labels?: Record<string, string> } {
  return labels === undefined ? {} : { labels };
}

let lastSecond = -1;
let lastTimestamp = '';

/** `2026-11-21T05:03:10Z`: metav1.Time, whole seconds. The last one is kept: a status holds the same one many times. */
export function timestamp(wallMs: number): string {
  const second = Math.floor(wallMs / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastTimestamp = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
  }
  return lastTimestamp;
}

/** `2026-11-21T05:03:20.495198Z`: metav1.MicroTime. `us` adds what milliseconds cannot hold. */
export function microTimestamp(wallMs: number, us: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 23)}${String(Math.floor(us) % 1000).padStart(3, '0')}Z`;
}

/** The kinds of request a node makes, once each. */
export const kinds = {
  getNode: callClass('GET', 'nodes', '', 'resource'),
  createNode: callClass('POST', 'nodes', '', 'resource'),
  patchNodeStatus: callClass('PATCH', 'nodes', 'status', 'resource'),
  getLease: callClass('GET', 'leases', '', 'resource'),
  createLease: callClass('POST', 'leases', '', 'resource'),
  updateLease: callClass('PUT', 'leases', '', 'resource'),
  getCsiNode: callClass('GET', 'csinodes', '', 'resource'),
  createCsiNode: callClass('POST', 'csinodes', '', 'resource'),
  clearSlices: callClass('DELETECOLLECTION', 'resourceslices', '', 'cluster'),
  getPod: callClass('GET', 'pods', '', 'resource'),
  patchPodStatus: callClass('PATCH', 'pods', 'status', 'resource'),
  deletePod: callClass('DELETE', 'pods', '', 'resource'),
  getClaim: callClass('GET', 'persistentvolumeclaims', '', 'resource'),
  getVolume: callClass('GET', 'persistentvolumes', '', 'resource'),
  createToken: callClass('POST', 'serviceaccounts', 'token', 'resource'),
  createEvent: callClass('POST', 'events', '', 'resource'),
  patchEvent: callClass('PATCH', 'events', '', 'resource'),
} as const;
