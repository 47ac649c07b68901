import type { NodeConfig } from '../hollow/context.ts';
import type { NodeFailure } from '../hollow/node-failure.ts';
import type { RuntimeSettings } from '../hollow/runtime/node-runtimes.ts';
import type { WireProfileName } from '../hollow/wire-profile.ts';
import type { ApiServerEndpoint, Credentials } from '../kube/identity.ts';
import type { ProgrammingSnapshot } from '../hollow/proxy/programming-latency.ts';
import type { IdentityPlan } from '../kube/identity-issuer.ts';
import type { CallSnapshot } from '../metrics/call-metrics.ts';
import type { DeliverySnapshot } from '../metrics/delivery.ts';
import type { WireFormat } from '../wire/codec.ts';

/** What one shard has to do; plain data, sent once. */
export type ShardConfig = {
  shard: number;
  seed: string;
  nodes: NodeConfig[];
  /** Without: what comes with Hollowmark. */
  runtimes?: RuntimeSettings | undefined;
  /** Whether each node has a kube-proxy beside its kubelet. */
  proxies: boolean;
  endpoint: ApiServerEndpoint;
  /** What the nodes speak. */
  wire: WireFormat;
  /** How `system:node:<name>` and `system:kube-proxy` come by their identities. */
  identities: IdentityPlan;
  /** What the nodes send; absent: what real ones do. */
  profile?: WireProfileName | undefined;
  /** `<namespace>/<name>` of the Service whose writes are timed on their way to every node; absent: none is. */
  deliveryService?: string | undefined;
  /** Source address of the shard's connections; undefined lets the kernel choose. */
  localAddress: string | undefined;
};

/** Conductor → fleet host. */
export type FleetCommand =
  | { type: 'start'; shards: ShardConfig[] }
  /** Every shard reports at once, with statistics. */
  | { type: 'flush' }
  /** The credentials of the identity plan have been replaced. */
  | { type: 'credentials'; credentials: Credentials }
  /** Nodes by name; each shard takes those that are its own. */
  | { type: 'fail'; nodes: readonly string[]; failure: NodeFailure }
  | { type: 'heal'; nodes: readonly string[] }
  | { type: 'stop' };

/** Fleet host → shard, through its MessagePort. */
export type ShardCommand = Exclude<FleetCommand, { type: 'start' }>;

/** Totals of one shard since its start. */
export type ShardTotals = {
  nodesReady: number;
  /** Proxies whose watches have all been listed once. */
  proxiesReady: number;
  podsStarted: number;
  podsDeleted: number;
  watches: number;
  watchInterruptions: number;
  proxyChanges: number;
  /** Delayed tasks in the shard's queue. */
  delayed: number;
};

/** Of a shard that has done nothing yet. */
export function noTotals(): ShardTotals {
  return {
    nodesReady: 0,
    proxiesReady: 0,
    podsStarted: 0,
    podsDeleted: 0,
    watches: 0,
    watchInterruptions: 0,
    proxyChanges: 0,
    delayed: 0,
  };
}

/**
 * What a shard tells, at most four times a second and only when there is something: totals, and what came since the last
 * report. Large parts are transferables or absent.
 */
export type ShardReport = {
  type: 'report';
  shard: number;
  totals: ShardTotals;
  /** Pods whose start the API server has acknowledged since the last report… */
  startedUids: string[];
  /** …with the times of each, as `metrics/pod-start-times.ts` puts them into a list. */
  startedTimesUs: Float64Array;
  /** About every five seconds, after `flush`, and in the last report. */
  statistics?: ShardStatistics;
};

/** Kubelets whose nodes were registered. */
export type NodeConnects = {
  nodes: string[];
  /**
   * Of each: when it began to connect, and when the API server had its node (machine-wide monotonic microseconds), and 1
   * where another kubelet was on the node before, else 0.
   */
  times: Float64Array;
};

export type ShardStatistics = {
  calls: CallSnapshot[];
  /** HDR V2 base64, microseconds, since the last statistics. */
  loopDelay: string;
  gcPause: string;
  networkProgramming: ProgrammingSnapshot;
  nodeConnects: NodeConnects;
  /** Absent where nothing is timed. */
  delivery?: DeliverySnapshot | undefined;
  /** Errors inside hollow nodes: a sample of their messages, and how many there were. */
  errors: string[];
  errorCount: number;
  /** The last reasons for which a watch was interrupted. */
  interruptions: string[];
};

/** Shard → host → conductor. */
export type FleetMessage =
  | ShardReport
  /** A shard's worker thread is gone. */
  | { type: 'failed'; shard: number; message: string };
