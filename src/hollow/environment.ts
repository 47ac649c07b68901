import type { Clock } from '../base/clock.ts';
import type { DelayQueue } from '../base/delay-queue.ts';
import type { Prng } from '../base/prng.ts';
import { ApiClient } from '../kube/client.ts';
import type { RateLimit } from '../kube/exchange.ts';
import type { ConnectionGate } from '../kube/handshake-gate.ts';
import type { ApiServerEndpoint, ClientIdentity } from '../kube/identity.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import { Reflector, type WatchHandler, type WatchSpec } from '../kube/reflector.ts';
import type { PodStarted } from './effects.ts';
import type { NodeRuntimes } from './runtime/node-runtimes.ts';
import type { OpenWatch, SharedWatches } from './shared-watches.ts';
import type { WatchDelivery } from './watch-delivery.ts';

/** What the hollow nodes of one shard share. */
export type ShardEnvironment = {
  endpoint: ApiServerEndpoint;
  codec: Codec;
  clock: Clock;
  delays: DelayQueue;
  metrics: CallMetrics;
  handshakes: ConnectionGate;
  runtimes: NodeRuntimes;
  /** Source address of the shard's connections: 127.0.0.x; undefined lets the kernel choose. */
  localAddress: string | undefined;
  /** Where all nodes are one to the API server; else each has a client of its own. */
  pool: Pool | undefined;
  /** Where the run measures when what it writes comes to every node. */
  delivery?: WatchDelivery | undefined;
  /** Told about what happens; must not throw. */
  observer: ShardObserver;
};

/** One identity's few connections, and its watches, which all nodes of a shard share. */
export type Pool = { identity: ClientIdentity; client: ApiClient; watches: SharedWatches };

/** When a kubelet began to connect, and when the API server had its node; machine-wide monotonic microseconds. */
export type NodeConnected = {
  node: string;
  startUs: number;
  registeredUs: number;
  /** Another kubelet was on this node before. */
  again: boolean;
};

export interface ShardObserver {
  onNodeConnected(connected: NodeConnected): void;
  onPodStarted(started: PodStarted): void;
  onPodDeleted(): void;
  /** A watch failed and is being tried again. */
  onWatchInterrupted(key: string, reason: string): void;
  onError(error: unknown): void;
}

/** A client of one's own. */
export function clientOf(
  environment: ShardEnvironment,
  identity: ClientIdentity,
  userAgent: string,
  prng: Prng,
  acceptsAll = false,
): ApiClient {
  const { endpoint, codec, clock, metrics, handshakes, localAddress } = environment;
  return new ApiClient({
    endpoint,
    codec,
    clock,
    metrics,
    handshakes,
    localAddress,
    identity,
    userAgent,
    prng,
    acceptsAll,
    repeats: true,
  });
}

/** The connections of a kubelet or a proxy: its own, or everybody's, which it can neither cut off nor close. */
export class NodeConnections {
  readonly client: ApiClient;
  private readonly areOwn: boolean;

  constructor(
    environment: ShardEnvironment,
    identity: ClientIdentity,
    userAgent: string,
    prng: Prng,
    acceptsAll = false,
  ) {
    const { pool } = environment;
    this.areOwn = pool === undefined;
    this.client = pool?.client ?? clientOf(environment, identity, userAgent, prng, acceptsAll);
  }

  /** Nothing that is sent or received arrives any more; the API server is told nothing. */
  cut(): void {
    if (this.areOwn) this.client.cut();
  }

  restore(): void {
    if (this.areOwn) this.client.restore();
  }

  /** Closes them; the next request opens new ones. */
  drop(): void {
    if (this.areOwn) this.client.dropConnections();
  }

  close(): void {
    if (this.areOwn) this.client.close();
  }
}

/** A watch of one node's, over `client` or, where there is a pool, shared with all the others. */
export function openWatch(
  { pool }: ShardEnvironment,
  client: ApiClient,
  node: string,
  spec: WatchSpec,
  handler: WatchHandler,
  limit?: RateLimit,
): OpenWatch {
  return pool === undefined
    ? new Reflector(client, spec, handler, limit)
    : pool.watches.open(spec, node, handler);
}
