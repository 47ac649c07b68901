import type { Clock } from '../base/clock.ts';
import type { DelayQueue } from '../base/delay-queue.ts';
import type { Prng } from '../base/prng.ts';
import { ApiClient } from '../kube/client.ts';
import type { ConnectionGate } from '../kube/handshake-gate.ts';
import type { ApiServerEndpoint, ClientIdentity } from '../kube/identity.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import type { PodStarted } from './effects.ts';
import type { RuntimeProfile } from './runtime/runtime-profile.ts';

/** What the hollow nodes of one shard share. */
export type ShardEnvironment = {
  endpoint: ApiServerEndpoint;
  codec: Codec;
  clock: Clock;
  delays: DelayQueue;
  metrics: CallMetrics;
  handshakes: ConnectionGate;
  profile: RuntimeProfile;
  /** Source address of the shard's connections: 127.0.0.x; undefined lets the kernel choose. */
  localAddress: string | undefined;
  /** Told about what happens; must not throw. */
  observer: ShardObserver;
};

export interface ShardObserver {
  onPodStarted(started: PodStarted): void;
  onPodDeleted(): void;
  /** A watch failed and is being tried again. */
  onWatchInterrupted(key: string, reason: string): void;
  onError(error: unknown): void;
}

export function clientOf(
  environment: ShardEnvironment,
  identity: ClientIdentity,
  userAgent: string,
  prng: Prng,
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
  });
}
