/** Conditions of a node that say what it is short of. */
export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** What can be wrong with a hollow node until it is healed. Plain data: the conductor sends it to the shards. */
export type NodeFailure =
  /** Kubelet, proxy and containers are gone; the node that returns has booted anew. */
  | { type: 'crash' }
  /** Only the kubelet is gone; another one takes the containers over. */
  | { type: 'kubelet-down' }
  /** The node goes on, and nothing that it sends arrives. */
  | { type: 'partition' }
  /** Lease renewals and status updates get lost on their way, this share of them (0..1), or arrive late. */
  | { type: 'bad-heartbeats'; lossRate: number; delayMs: number }
  /** The node runs short; it has enough again once so many of its pods are evicted, and says so when it is healed. */
  | { type: 'pressure'; condition: Pressure; evictions: number };
