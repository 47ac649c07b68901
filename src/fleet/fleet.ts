import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { lowerSession } from '../base/lower-session.ts';
import { HollowmarkError } from '../base/errors.ts';
import { packageRoot } from '../base/package-info.ts';
import type { NodeConfig } from '../hollow/context.ts';
import type { NodeFailure } from '../hollow/node-failure.ts';
import type { RuntimeSettings } from '../hollow/runtime/node-runtimes.ts';
import type { WireProfileName } from '../hollow/wire-profile.ts';
import type { ApiServerEndpoint, Credentials } from '../kube/identity.ts';
import type { IdentityPlan } from '../kube/identity-issuer.ts';
import {
  type FleetCommand,
  type FleetMessage,
  type ShardConfig,
  type ShardReport,
  type ShardTotals,
  noTotals,
} from './messages.ts';
import type { WireFormat } from '../wire/codec.ts';
import { heapFlags } from './v8-flags.ts';

/** One thread drives thousands of nodes; a second one helps only where a core is free for it. */
const nodesPerShardMin = 250;

/** How much lower than the measuring side the fleet is scheduled (nice). */
const fleetNice = 5;

/** A shard whose thread is busy for longer than this has a fault of its own, which the run's validity tells. */
const flushTimeoutMs = 3_000;

/** How long the shards may take to close their connections before the process is killed. */
const stopTimeoutMs = 10_000;

export type FleetOptions = {
  nodes: NodeConfig[];
  /** Without: what comes with Hollowmark. */
  runtimes?: RuntimeSettings | undefined;
  proxies: boolean;
  wire: WireFormat;
  /** What the nodes send; absent: what real ones do. */
  profile?: WireProfileName | undefined;
  seed: string;
  endpoint: ApiServerEndpoint;
  identities: IdentityPlan;
  /** See {@link ShardConfig}. */
  deliveryService?: string | undefined;
  /** Worker threads; by default one for each core but one, as far as the nodes need them. */
  shards?: number | undefined;
  clock: Clock;
  onReport: (report: ShardReport) => void;
};

/** The hollow nodes of a run: a child process with a worker pool, seen from the conductor. */
export class Fleet {
  private readonly child: ChildProcess;
  private readonly clock: Clock;
  private readonly onReport: (report: ShardReport) => void;
  private readonly byShard = new Map<number, ShardTotals>();
  private stopping = false;
  /** Shards that have yet to answer {@link flush}. */
  private awaited = new Set<number>();
  private onFlushed: () => void = () => {};
  private readonly exited: Promise<void>;
  /** Rejects with `cluster-unavailable` when a shard or the process fails while it should run; never resolves. */
  readonly died: Promise<never>;

  constructor(options: FleetOptions) {
    this.clock = options.clock;
    this.onReport = options.onReport;
    const entry = join(packageRoot, 'dist/fleet/host.js');
    this.child = fork(entry, [], {
      serialization: 'advanced',
      execArgv: [...heapFlags],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A terminal's signals are the conductor's to handle, and a session of its own can have a priority of its own.
      detached: true,
    });
    if (this.child.pid !== undefined) lowerPriority(this.child.pid, this.clock);
    let fail: (error: Error) => void = () => {};
    this.died = new Promise<never>((_, reject) => {
      fail = reject;
    });
    // Nobody may be listening yet, or any more.
    this.died.catch(() => {});
    this.exited = new Promise((resolve) => {
      this.child.on('error', (error) => {
        if (this.child.pid === undefined) resolve();
        if (!this.stopping) fail(lost(`the process of the hollow nodes: ${error.message}`));
      });
      this.child.once('exit', (code, signal) => {
        resolve();
        if (!this.stopping) {
          const pid = this.child.pid ?? 0;
          const how = signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
          fail(lost(`the process of the hollow nodes (pid ${pid}) ${how}`));
        }
      });
    });
    this.child.on('message', (message: FleetMessage) => {
      if (message.type === 'report') this.onShardReport(message);
      else if (message.type === 'failed' && !this.stopping) {
        const shard = message.shard < 0 ? 'a worker thread' : `worker thread ${message.shard}`;
        fail(lost(`${shard} of the hollow nodes failed: ${message.message}`));
      }
    });
    this.send({ type: 'start', shards: shardConfigs(options) });
  }

  /** Whether the process of the nodes is there. */
  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The sum over all shards, as of their last reports. */
  totals(): ShardTotals {
    const sum = noTotals();
    for (const totals of this.byShard.values()) {
      for (const key of Object.keys(sum) as (keyof ShardTotals)[]) sum[key] += totals[key];
    }
    return sum;
  }

  /** Has every shard report what it knows now, statistics included; gives up after {@link flushTimeoutMs}. */
  async flush(): Promise<void> {
    this.awaited = new Set(this.byShard.keys());
    const done = new Promise<void>((resolve) => {
      this.onFlushed = resolve;
    });
    this.send({ type: 'flush' });
    const deadline = this.clock.timer(flushTimeoutMs, () => this.onFlushed());
    if (this.awaited.size === 0) this.onFlushed();
    await Promise.race([done, this.exited]);
    deadline.cancel();
  }

  /** All nodes go on with these. */
  updateCredentials(credentials: Credentials): void {
    this.send({ type: 'credentials', credentials });
  }

  /** From now on until {@link heal}: the nodes with these names have failed. */
  fail(nodes: readonly string[], failure: NodeFailure): void {
    this.send({ type: 'fail', nodes, failure });
  }

  heal(nodes: readonly string[]): void {
    this.send({ type: 'heal', nodes });
  }

  /** Stops all nodes, takes in the last reports, ends the process. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.stopping) {
      this.stopping = true;
      this.send({ type: 'stop' });
    }
    const deadline = this.clock.timer(stopTimeoutMs, () => this.child.kill('SIGKILL'));
    await this.exited;
    deadline.cancel();
  }

  private onShardReport(report: ShardReport): void {
    this.byShard.set(report.shard, report.totals);
    this.onReport(report);
    if (report.statistics === undefined || !this.awaited.delete(report.shard)) return;
    if (this.awaited.size === 0) this.onFlushed();
  }

  private send(command: FleetCommand): void {
    if (this.child.connected) this.child.send(command);
  }
}

/** Nodes dealt out evenly, in contiguous runs. Pure. */
export function shardConfigs(
  options: Pick<
    FleetOptions,
    | 'nodes'
    | 'runtimes'
    | 'proxies'
    | 'wire'
    | 'profile'
    | 'seed'
    | 'endpoint'
    | 'identities'
    | 'deliveryService'
    | 'shards'
  >,
): ShardConfig[] {
  const wanted =
    options.shards ??
    Math.min(Math.max(1, availableParallelism() - 1), Math.ceil(options.nodes.length / nodesPerShardMin));
  const count = Math.max(1, Math.min(wanted, options.nodes.length));
  const { url, proxyUrl } = options.endpoint;
  const loopback = proxyUrl === undefined && new URL(url).hostname.startsWith('127.');
  return Array.from({ length: count }, (_, shard) => ({
    shard,
    seed: `${options.seed}/shard`,
    nodes: options.nodes.slice(
      Math.floor((shard * options.nodes.length) / count),
      Math.floor(((shard + 1) * options.nodes.length) / count),
    ),
    runtimes: options.runtimes,
    proxies: options.proxies,
    wire: options.wire,
    profile: options.profile,
    endpoint: options.endpoint,
    identities: options.identities,
    deliveryService: options.deliveryService,
    // Each source address has its own 28,000 ephemeral ports; only Linux answers for all of 127.0.0.0/8.
    localAddress: loopback && process.platform === 'linux' ? `127.0.0.${10 + shard}` : undefined,
  }));
}

/** Nodes that are gone are a cluster that is gone: what was measured until then stands. */
function lost(message: string): HollowmarkError {
  return new HollowmarkError('cluster-unavailable', message, {
    hint: 'if the machine ran out of memory (`dmesg` tells), use fewer nodes: --nodes N',
  });
}

function lowerPriority(pid: number, clock: Clock): void {
  void lowerSession(pid, fleetNice, clock);
  try {
    // Linux sets it for the main thread; threads that start later inherit it, and the workers start on command.
    setPriority(pid, fleetNice);
  } catch {
    // Not permitted here: the run's validity checks will tell if it matters.
  }
}
