import type { Prng } from '../base/prng.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import type { NodeConfig } from './context.ts';
import type { NodeConnections, ShardEnvironment } from './environment.ts';
import { HollowKubelet } from './hollow-kubelet.ts';
import { Network } from './network.ts';
import { RuntimeState } from './pods/runtime-state.ts';
import type { NodeFailure } from './node-failure.ts';
import { HollowProxy, type ProxyOptions } from './proxy/hollow-proxy.ts';

/** A machine: its kubelet and its proxy, which a failure takes away and others follow. */
export class HollowNode {
  private readonly environment: ShardEnvironment;
  private readonly network: Network;
  private readonly node: NodeConfig;
  private readonly identity: ClientIdentity;
  private readonly prng: Prng;
  private readonly runtime = new RuntimeState();
  private kubelet: HollowKubelet | undefined;
  /** Undefined where there is none, or while the node is down. */
  proxy: HollowProxy | undefined;
  private proxyOptions: Omit<ProxyOptions, 'node'> | undefined;
  private failure: NodeFailure | undefined;
  private kubelets = 1;
  /** What a machine without power has left open. */
  private leftOpen: NodeConnections[] = [];

  /** Starts the kubelet; `onReady` is called once, when the API server has acknowledged the node as Ready. */
  constructor(
    environment: ShardEnvironment,
    node: NodeConfig,
    identity: ClientIdentity,
    prng: Prng,
    onReady: () => void,
  ) {
    this.network = new Network(environment.handshakes);
    this.environment = { ...environment, handshakes: this.network };
    this.node = node;
    this.identity = identity;
    this.prng = prng;
    this.kubelet = new HollowKubelet(this.environment, node, {
      identity,
      prng,
      onReady,
      runtime: this.runtime,
    });
    this.kubelet.start();
  }

  get name(): string {
    return this.node.name;
  }

  get watchCount(): number {
    return (this.kubelet?.watchCount ?? 0) + (this.proxy?.watchCount ?? 0);
  }

  /** Service and endpoint slice changes that the proxy has seen. */
  get proxyChanges(): number {
    return this.proxy?.changesSeen ?? 0;
  }

  startProxy(options: Omit<ProxyOptions, 'node'>): void {
    this.proxyOptions = options;
    this.proxy = new HollowProxy(this.environment, { ...options, node: this.node });
    this.proxy.start();
  }

  /** From now on until {@link heal}; an earlier failure ends. */
  fail(failure: NodeFailure): void {
    this.heal();
    this.failure = failure;
    switch (failure.type) {
      case 'crash':
        for (const part of [this.kubelet, this.proxy]) {
          if (part === undefined) continue;
          // A machine that loses power says nothing more: its connections stay open, in silence.
          part.connections.cut();
          part.stop();
          this.leftOpen.push(part.connections);
        }
        this.kubelet = undefined;
        this.proxy = undefined;
        break;
      case 'kubelet-down':
        this.kubelet?.stop();
        this.kubelet = undefined;
        break;
      case 'partition':
        this.network.cut();
        // Connections that are everybody's stay: then it is the heartbeats that get lost.
        if (this.environment.pool !== undefined) this.loseHeartbeats({ lossRate: 1, delayMs: 0 });
        this.kubelet?.connections.cut();
        this.proxy?.connections.cut();
        break;
      case 'bad-heartbeats':
        this.loseHeartbeats(failure);
        break;
      case 'pressure':
        this.kubelet?.setPressure(failure.condition, failure.evictions);
        break;
    }
  }

  /** Ends what {@link fail} began; without effect on a node that has not failed. */
  heal(): void {
    const { failure, proxyOptions } = this;
    this.failure = undefined;
    switch (failure?.type) {
      case 'crash':
        this.letGo();
        this.startAnotherKubelet(false);
        if (proxyOptions !== undefined) {
          const prng = proxyOptions.prng.fork(`boot-${this.runtime.boots}`);
          this.startProxy({ ...proxyOptions, prng, onReady: () => {} });
        }
        break;
      case 'kubelet-down':
        this.startAnotherKubelet(true);
        break;
      case 'partition':
        this.network.restore();
        this.kubelet?.connections.restore();
        this.proxy?.connections.restore();
        this.loseHeartbeats(undefined);
        break;
      case 'bad-heartbeats':
        this.loseHeartbeats(undefined);
        break;
      case 'pressure':
        this.kubelet?.setPressure(failure.condition, undefined);
        break;
      case undefined:
        break;
    }
  }

  stop(): void {
    for (const part of [this.kubelet, this.proxy]) {
      part?.stop();
      // During a partition they are cut off, and stay open until the network is whole.
      part?.connections.restore();
    }
    this.letGo();
    this.kubelet = undefined;
    this.proxy = undefined;
  }

  private letGo(): void {
    for (const connections of this.leftOpen) connections.restore();
    this.leftOpen = [];
  }

  private loseHeartbeats(how: HollowKubelet['heartbeats']): void {
    if (this.kubelet !== undefined) this.kubelet.heartbeats = how;
  }

  private startAnotherKubelet(containersSurvive: boolean): void {
    this.kubelets++;
    this.kubelet = new HollowKubelet(this.environment, this.node, {
      identity: this.identity,
      prng: this.prng.fork(`kubelet-${this.kubelets}`),
      onReady: () => {},
      again: true,
      runtime: this.runtime,
      containersSurvive,
    });
    this.kubelet.start();
  }
}
