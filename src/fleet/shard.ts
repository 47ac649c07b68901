import type { Clock } from '../base/clock.ts';
import { DelayQueue } from '../base/delay-queue.ts';
import { errorMessage } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { NodeConfig } from '../hollow/context.ts';
import type { PodStarted } from '../hollow/effects.ts';
import {
  type NodeConnected,
  type ShardEnvironment,
  type ShardObserver,
  clientOf,
} from '../hollow/environment.ts';
import { HollowNode } from '../hollow/hollow-node.ts';
import type { NodeFailure } from '../hollow/node-failure.ts';
import { type SharedProxyState, sharedProxyState } from '../hollow/proxy/hollow-proxy.ts';
import { NodeRuntimes } from '../hollow/runtime/node-runtimes.ts';
import { ProgrammingLatency } from '../hollow/proxy/programming-latency.ts';
import { SharedWatches } from '../hollow/shared-watches.ts';
import { WatchDelivery } from '../hollow/watch-delivery.ts';
import { wireProfile } from '../hollow/wire-profile.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import type { ClientSubject, Credentials } from '../kube/identity.ts';
import { IdentityIssuer } from '../kube/identity-issuer.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { addStartTimes } from '../metrics/pod-start-times.ts';
import { codecNamed } from '../wire/negotiation.ts';
import {
  type ShardConfig,
  type ShardReport,
  type ShardStatistics,
  type ShardTotals,
  noTotals,
} from './messages.ts';

/** TLS handshakes of a shard in flight: enough to keep two cores busy, few enough that none waits for long. */
const handshakesMax = 16;

/** Nodes of a shard on their way to Ready: more of them only make each other slower. */
const startingMax = 48;

/** Proxies of a shard that are opening their watches at a time. */
const proxiesStartingMax = 16;

/** Whom nodes are that share one identity: only an administrator may act for all of them. */
const poolSubject: ClientSubject = { user: 'hollowmark-lite', groups: ['system:masters'] };

/** How many error messages and interruption reasons a report carries. */
const messagesKept = 5;

/** The hollow nodes of one worker thread, and what they have done since the last report. */
export class Shard implements ShardObserver {
  private readonly config: ShardConfig;
  private readonly metrics = new CallMetrics();
  private readonly environment: ShardEnvironment;
  /** By name. */
  readonly nodes = new Map<string, HollowNode>();
  private readonly sharedByProxies: SharedProxyState = sharedProxyState();
  private readonly networkProgramming: ProgrammingLatency;
  private readonly totals: ShardTotals = noTotals();
  private startedUids: string[] = [];
  private startedTimesUs: number[] = [];
  private connectedNodes: string[] = [];
  private connectedTimes: number[] = [];
  private errors: string[] = [];
  private errorCount = 0;
  private interruptions: string[] = [];
  private starting = 0;
  private startMore: (() => void) | undefined;
  private stopped = false;
  private failure: Error | undefined;
  private issuer: IdentityIssuer | undefined;

  constructor(config: ShardConfig, clock: Clock) {
    this.config = config;
    this.networkProgramming = new ProgrammingLatency(clock);
    // Heartbeats go together within a shard; those of different shards must not.
    const gridPhase = new Prng(config.seed).fork(`grid-${config.shard}`).float();
    this.environment = {
      endpoint: config.endpoint,
      codec: codecNamed(config.wire),
      clock,
      delays: new DelayQueue(clock, (error) => this.onError(error), gridPhase),
      metrics: this.metrics,
      handshakes: new HandshakeGate(handshakesMax),
      runtimes: new NodeRuntimes(config.runtimes),
      localAddress: config.localAddress,
      pool: undefined,
      delivery:
        config.deliveryService === undefined ? undefined : new WatchDelivery(clock, config.deliveryService),
      observer: this,
    };
  }

  /**
   * Starts the kubelets, a bounded number on their way to Ready at a time, and then the proxies: on a real cluster too
   * kube-proxy is a pod of a node that is there. Resolves when all of them are.
   */
  async start(): Promise<void> {
    const { endpoint, identities, nodes, proxies, seed } = this.config;
    const prng = new Prng(seed);
    const issuer = await IdentityIssuer.open(identities, endpoint, {
      ...this.environment,
      prng: prng.fork('identities'),
      userAgent: `hollowmark-fleet/${tool.version}`,
    });
    this.issuer = issuer;
    if (wireProfile(this.config.profile).pooled) await this.openPool(issuer, prng);
    for (const node of nodes) {
      await this.fewerStartingThan(startingMax);
      if (this.stopped) return;
      this.starting++;
      this.startNode(issuer, node, prng.fork(node.name)).catch((error: unknown) => this.startFailed(error));
    }
    await this.fewerStartingThan(1);
    if (proxies) await this.startProxies(issuer, prng);
  }

  private async openPool(issuer: IdentityIssuer, prng: Prng): Promise<void> {
    const identity = await issuer.identityOf(poolSubject);
    const userAgent = `hollowmark-lite/${tool.version}`;
    const client = clientOf(this.environment, identity, userAgent, prng.fork('pool'));
    const names = new Set(this.config.nodes.map(({ name }) => name));
    const watches = new SharedWatches(client, (node) => names.has(node));
    this.environment.pool = { identity, client, watches };
  }

  private async startProxies(issuer: IdentityIssuer, prng: Prng): Promise<void> {
    const identity =
      this.environment.pool?.identity ?? (await issuer.identityOf({ user: 'system:kube-proxy', groups: [] }));
    for (const [name, node] of this.nodes) {
      await this.fewerStartingThan(proxiesStartingMax);
      if (this.stopped) return;
      this.starting++;
      node.startProxy({
        identity,
        prng: prng.fork(`${name}/proxy`),
        shared: this.sharedByProxies,
        onReady: () => {
          this.totals.proxiesReady++;
          this.started();
        },
        onProgrammed: (latencyUs) => this.networkProgramming.record(name, latencyUs),
      });
    }
    await this.fewerStartingThan(1);
  }

  private async fewerStartingThan(limit: number): Promise<void> {
    while (this.starting >= limit && !this.stopped && this.failure === undefined) {
      await new Promise<void>((resolve) => {
        this.startMore = resolve;
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }

  /** A node without an identity is no node: the shard's start fails. */
  private startFailed(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
    this.started();
  }

  private started(): void {
    this.starting--;
    const more = this.startMore;
    this.startMore = undefined;
    more?.();
  }

  updateCredentials(credentials: Credentials): void {
    this.issuer?.update(credentials);
  }

  stop(): void {
    this.stopped = true;
    this.issuer?.close();
    this.startMore?.();
    for (const node of this.nodes.values()) node.stop();
    this.environment.pool?.watches.stop();
    this.environment.pool?.client.close();
    this.environment.delays.close();
  }

  /** Those of these nodes that live here have failed from now on, until {@link heal}. */
  fail(names: readonly string[], failure: NodeFailure): void {
    for (const name of names) this.nodes.get(name)?.fail(failure);
  }

  heal(names: readonly string[]): void {
    for (const name of names) this.nodes.get(name)?.heal();
  }

  /** What came since the last call. */
  report(): ShardReport {
    this.totals.watches = 0;
    this.totals.proxyChanges = 0;
    for (const node of this.nodes.values()) {
      this.totals.watches += node.watchCount;
      this.totals.proxyChanges += node.proxyChanges;
    }
    this.totals.delayed = this.environment.delays.size;
    const report: ShardReport = {
      type: 'report',
      shard: this.config.shard,
      totals: { ...this.totals },
      startedUids: this.startedUids,
      startedTimesUs: new Float64Array(this.startedTimesUs),
    };
    this.startedUids = [];
    this.startedTimesUs = [];
    return report;
  }

  /** Latencies and errors since the last call. @param complete see {@link ProgrammingLatency.drain} */
  drainStatistics(complete: boolean): Omit<ShardStatistics, 'loopDelay' | 'gcPause'> {
    const statistics = {
      calls: this.metrics.drain(),
      networkProgramming: this.networkProgramming.drain(complete),
      nodeConnects: { nodes: this.connectedNodes, times: new Float64Array(this.connectedTimes) },
      delivery: this.environment.delivery?.drain(),
      errors: this.errors,
      errorCount: this.errorCount,
      interruptions: this.interruptions,
    };
    this.connectedNodes = [];
    this.connectedTimes = [];
    this.errors = [];
    this.errorCount = 0;
    this.interruptions = [];
    return statistics;
  }

  onNodeConnected({ node, startUs, registeredUs, again }: NodeConnected): void {
    this.connectedNodes.push(node);
    this.connectedTimes.push(startUs, registeredUs, again ? 1 : 0);
  }

  onPodStarted({ uid, times }: PodStarted): void {
    this.totals.podsStarted++;
    this.startedUids.push(uid);
    addStartTimes(this.startedTimesUs, times);
  }

  onPodDeleted(): void {
    this.totals.podsDeleted++;
  }

  onWatchInterrupted(key: string, reason: string): void {
    this.totals.watchInterruptions++;
    if (this.interruptions.length < messagesKept) this.interruptions.push(`${key}: ${reason}`);
  }

  onError(error: unknown): void {
    this.errorCount++;
    if (this.errors.length < messagesKept) {
      this.errors.push(
        error instanceof Error && error.stack !== undefined ? error.stack : errorMessage(error),
      );
    }
  }

  private async startNode(issuer: IdentityIssuer, node: NodeConfig, prng: Prng): Promise<void> {
    const identity =
      this.environment.pool?.identity ??
      (await issuer.identityOf({ user: `system:node:${node.name}`, groups: ['system:nodes'] }));
    if (this.stopped) return;
    const config = { ...node, wireProfile: this.config.profile };
    const onReady = (): void => {
      this.totals.nodesReady++;
      this.started();
    };
    this.nodes.set(node.name, new HollowNode(this.environment, config, identity, prng, onReady));
  }
}
