import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { Reporter } from '../base/reporter.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Fleet, type FleetOptions } from '../fleet/fleet.ts';
import type { ShardReport, ShardTotals } from '../fleet/messages.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import { isStopped } from '../journal/process-identity.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { withPodRanges } from './pod-ranges.ts';
import { type Diagnosis, Watchdog, type WatchdogLimits } from './watchdog.ts';

/** A node takes under a second; what is slow is the API server under thousands of them. */
const readyTimeoutMsMin = 60_000;
const readyTimeoutMsPerNode = 60;

/** Looks at the fleet's totals this often while it waits. */
const pollMs = 50;

export type HollowClusterOptions = {
  cluster: Cluster;
  /** Hears of the fleet's process. */
  children?: ChildRegister | undefined;
  clock: Clock;
  signal: AbortSignal;
  reporter: Reporter;
  onReport?: (report: ShardReport) => void;
  /** Of the watchdog; tests shorten them. */
  watchdogLimits?: Partial<WatchdogLimits> | undefined;
};

export type HollowNodes = Pick<
  FleetOptions,
  'nodes' | 'runtimes' | 'proxies' | 'wire' | 'profile' | 'seed' | 'deliveryService'
>;

/** A cluster with hollow nodes on it: what `run` measures and `up` leaves running. */
export class HollowCluster {
  private readonly options: HollowClusterOptions;
  private readonly watchdog: Watchdog;
  private running: { fleet: Fleet; proxies: boolean; count: number } | undefined;

  /** Watches over the cluster from now on. */
  constructor(options: HollowClusterOptions) {
    const { cluster, clock, reporter, watchdogLimits } = options;
    this.options = options;
    this.watchdog = new Watchdog({
      client: healthClient(cluster, clock),
      clock,
      reporter,
      diagnose: () => stoppedComponents(cluster),
      limits: watchdogLimits,
    });
  }

  /** Starts the nodes, which are on their way to Ready then. */
  startNodes(hollow: HollowNodes): void {
    const { nodes, proxies } = hollow;
    const { cluster, clock, reporter, children, onReport } = this.options;
    reporter.step(`Starting ${nodes.length} hollow nodes`);
    const fleet = new Fleet({
      ...hollow,
      nodes: withPodRanges(nodes, cluster.ownPodRanges),
      endpoint: cluster.endpoint,
      identities: cluster.nodeIdentities,
      clock,
      onReport: onReport ?? (() => {}),
    });
    children?.add('fleet', fleet.pid);
    cluster.onCredentials((credentials) => fleet.updateCredentials(credentials));
    this.running = { fleet, proxies, count: nodes.length };
  }

  /** Undefined until nodes are started. */
  get fleet(): Fleet | undefined {
    return this.running?.fleet;
  }

  private get started(): NonNullable<typeof this.running> {
    if (this.running === undefined) throw new HollowmarkError('internal', 'no nodes have been started');
    return this.running;
  }

  /** Rejects when a component, a shard or the fleet's process dies, or the API server hangs; never resolves. */
  get died(): Promise<never> {
    return Promise.race([
      this.options.cluster.died,
      this.watchdog.died,
      ...(this.running === undefined ? [] : [this.running.fleet.died]),
    ]);
  }

  /**
   * Resolves when every node has been Ready.
   * @throws HollowmarkError `cluster-unavailable` when they are not in time, or what {@link died} rejects with.
   */
  nodesReady(): Promise<void> {
    return this.until('nodes Ready', (totals) => totals.nodesReady);
  }

  /** Resolves when every proxy has listed its watches: before that the cluster is not in its steady state. */
  proxiesReady(): Promise<void> {
    if (!this.started.proxies) return Promise.resolve();
    return this.until('proxies watching', (totals) => totals.proxiesReady);
  }

  private async until(what: string, count: (totals: ShardTotals) => number): Promise<void> {
    const { clock, signal, reporter } = this.options;
    const { fleet, count: nodeCount } = this.started;
    const timeoutMs = readyTimeoutMsMin + readyTimeoutMsPerNode * nodeCount;
    const deadlineUs = clock.nowUs() + timeoutMs * 1000;
    const waiting = new AbortController();
    const poll = async (): Promise<void> => {
      for (;;) {
        const done = count(fleet.totals());
        reporter.progress(`${done} of ${nodeCount} ${what}`, done / nodeCount);
        if (done >= nodeCount) return;
        if (clock.nowUs() > deadlineUs) {
          throw new HollowmarkError(
            'cluster-unavailable',
            `${done} of ${nodeCount} ${what} after ${timeoutMs / 1000} s`,
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
    this.watchdog.stop();
    try {
      // Without kubelets nobody ends the pods in order; what fails here is tried again below.
      if (this.running?.fleet.alive === true) await this.options.cluster.clearLoad().catch(() => {});
      await this.running?.fleet.stop();
      if (this.running !== undefined) this.options.children?.remove(this.running.fleet.pid);
    } finally {
      await this.options.cluster.stop();
    }
  }
}

/** A client for health probes, which priority and fairness exempt. */
function healthClient(cluster: Cluster, clock: Clock): ApiClient {
  return new ApiClient({
    endpoint: cluster.endpoint,
    identity: cluster.admin,
    codec: jsonCodec,
    userAgent: `hollowmark-watchdog/${tool.version}`,
    clock,
    prng: new Prng('watchdog'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(1),
    transportsMax: 1,
  });
}

/** A process that a signal has stopped (SIGSTOP, a debugger) keeps its connections open and says nothing. */
function stoppedComponents(cluster: Cluster): Diagnosis | undefined {
  const stopped = Object.entries(cluster.pids()).filter(([, pid]) => isStopped(pid));
  if (stopped.length === 0) return undefined;
  const names = stopped.map(([name, pid]) => `${name} (pid ${pid})`).join(', ');
  return {
    reason: `stopped by a signal: ${names}`,
    remedy: `kill -CONT ${stopped.map(([, pid]) => pid).join(' ')}`,
  };
}
