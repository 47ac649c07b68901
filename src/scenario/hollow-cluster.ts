import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { ShardReport } from '../fleet/messages.ts';
import type { NodeConfig } from '../hollow/context.ts';

/** A node takes under a second; what is slow is the API server under thousands of them. */
const readyTimeoutMsMin = 60_000;
const readyTimeoutMsPerNode = 60;

/** Looks at the fleet's totals this often while it waits. */
const pollMs = 50;

export type HollowClusterOptions = {
  cluster: Cluster;
  nodes: NodeConfig[];
  proxies: boolean;
  seed: string;
  clock: Clock;
  signal: AbortSignal;
  reporter: Reporter;
  onReport?: (report: ShardReport) => void;
};

/** A cluster with hollow nodes on it: what `run` measures and `up` leaves running. */
export class HollowCluster {
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly nodeCount: number;
  private readonly options: HollowClusterOptions;

  /** Starts the nodes, which are on their way to Ready then. */
  constructor(options: HollowClusterOptions) {
    const { cluster, nodes, proxies, seed, clock, onReport } = options;
    this.options = options;
    this.cluster = cluster;
    this.nodeCount = nodes.length;
    options.reporter.step(`Starting ${nodes.length} hollow nodes`);
    this.fleet = new Fleet({
      nodes,
      proxies,
      seed,
      endpoint: cluster.endpoint,
      identities: cluster.nodeIdentities,
      clock,
      onReport: onReport ?? (() => {}),
    });
    cluster.onCredentials((credentials) => this.fleet.updateCredentials(credentials));
  }

  /** Rejects when a component, a shard or the fleet's process dies; never resolves. */
  get died(): Promise<never> {
    return Promise.race([this.cluster.died, this.fleet.died]);
  }

  /**
   * Resolves when every node has been Ready.
   * @throws HollowmarkError `cluster-unavailable` when they are not in time, or what {@link died} rejects with.
   */
  nodesReady(): Promise<void> {
    return this.until('nodes Ready', () => this.fleet.totals().nodesReady);
  }

  /** Resolves when every proxy has listed its watches: before that the cluster is not in its steady state. */
  proxiesReady(): Promise<void> {
    if (!this.options.proxies) return Promise.resolve();
    return this.until('proxies watching', () => this.fleet.totals().proxiesReady);
  }

  private async until(what: string, count: () => number): Promise<void> {
    const { clock, signal, reporter } = this.options;
    const timeoutMs = readyTimeoutMsMin + readyTimeoutMsPerNode * this.nodeCount;
    const deadlineUs = clock.nowUs() + timeoutMs * 1000;
    const waiting = new AbortController();
    const poll = async (): Promise<void> => {
      for (;;) {
        const done = count();
        reporter.progress(`${done} of ${this.nodeCount} ${what}`, done / this.nodeCount);
        if (done >= this.nodeCount) return;
        if (clock.nowUs() > deadlineUs) {
          throw new HollowmarkError(
            'cluster-unavailable',
            `${done} of ${this.nodeCount} ${what} after ${timeoutMs / 1000} s`,
            { hint: 'use fewer nodes (--nodes) on this machine, or look at its load' },
          );
        }
        await sleep(clock, pollMs, AbortSignal.any([signal, waiting.signal]));
      }
    };
    try {
      await Promise.race([poll(), this.died]);
    } finally {
      waiting.abort(new Error('no longer waiting'));
    }
  }

  /** Takes away the load, ends the nodes, then the cluster or what is left on it. Safe to call twice. */
  async stop(): Promise<void> {
    try {
      await this.cluster.clearLoad();
    } finally {
      try {
        await this.fleet.stop();
      } finally {
        await this.cluster.stop();
      }
    }
  }
}
