import type { DelayHandle } from '../base/delay-queue.ts';
import type { Prng } from '../base/prng.ts';
import type { ApiResponse } from '../kube/client.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { codecOf } from '../wire/negotiation.ts';
import { type NodeConfig, runtimeOf, userAgent } from './context.ts';
import {
  type ClientName,
  type Effect,
  type KubeletEvent,
  type KubeletRequest,
  type Tag,
  bodyView,
} from './effects.ts';
import { NodeConnections, type ShardEnvironment, openWatch } from './environment.ts';
import { Kubelet, type KubeletOptions } from './kubelet.ts';
import { KubeletWatch } from './kubelet-watch.ts';
import type { NodeFailure, Pressure } from './node-failure.ts';
import type { OpenWatch } from './shared-watches.ts';
import { strategicMergePatch } from './strategic-merge.ts';
import { TokenBucket } from './token-bucket.ts';
import { wireProfile } from './wire-profile.ts';

/** A kubelet's heartbeat client gives up after this (its lease's 40 s × 0.25). */
const heartbeatTimeoutMs = 10_000;

/**
 * A heartbeat that comes in its time, which is 10 s (with a jitter of 400 ms), may be this late, to be sent together with those
 * of other nodes. One that is tried again is not.
 */
const heartbeatDelayMs = 10_000;
const heartbeatGridMs = 20;

function gridMsOf({ timer, delayMs }: Extract<Effect, { type: 'after' }>): number {
  const isHeartbeat = timer.of === 'lease' || timer.of === 'node-status';
  return isHeartbeat && delayMs >= heartbeatDelayMs ? heartbeatGridMs : 0;
}

export type HollowKubeletOptions = Pick<KubeletOptions, 'runtime' | 'containersSurvive'> & {
  identity: ClientIdentity;
  prng: Prng;
  /** Called once, when the API server has acknowledged the node as Ready. */
  onReady: () => void;
  /** Another kubelet was on this node before. */
  again?: boolean;
};

/** The one loop that performs a kubelet's effects: requests, watches and timers, and what comes of them. */
export class HollowKubelet {
  private readonly environment: ShardEnvironment;
  private readonly nodeName: string;
  private readonly kubelet: Kubelet;
  readonly connections: NodeConnections;
  /** kubeAPIQPS/Burst and eventRecordQPS/Burst. Heartbeats have no limit. */
  private readonly limits: { api: TokenBucket; events: TokenBucket };
  private readonly watches = new Map<string, OpenWatch>();
  /** What is to come, by the uid of the pod that it is for; all else by the empty one. */
  private readonly timers = new Map<string, Set<DelayHandle>>();
  private readonly prng: Prng;
  private readonly onReady: () => void;
  private readonly again: boolean;
  /** When it began to connect; undefined once its node was registered. */
  private startUs: number | undefined;
  private stopped = false;
  /** What becomes of heartbeats on their way; undefined: they arrive. */
  heartbeats: Omit<Extract<NodeFailure, { type: 'bad-heartbeats' }>, 'type'> | undefined;

  constructor(environment: ShardEnvironment, node: NodeConfig, options: HollowKubeletOptions) {
    const { identity, prng, onReady, again = false, ...found } = options;
    this.environment = environment;
    this.prng = prng;
    this.onReady = onReady;
    this.again = again;
    const { kubeletAgent, qps, burst } = wireProfile(node.wireProfile);
    const runtime = environment.runtimes.of(runtimeOf(node));
    this.kubelet = new Kubelet(node, runtime, prng.fork('kubelet'), found);
    this.nodeName = node.name;
    const agent = userAgent(kubeletAgent, node, runtime);
    this.connections = new NodeConnections(environment, identity, agent, prng.fork('client'));
    const nowMs = environment.clock.nowUs() / 1000;
    this.limits = { api: new TokenBucket(qps, burst, nowMs), events: new TokenBucket(qps, burst, nowMs) };
  }

  get watchCount(): number {
    return this.watches.size;
  }

  start(): void {
    this.startUs = this.environment.clock.nowUs();
    this.handle({ type: 'start' });
  }

  stop(): void {
    this.stopped = true;
    for (const uid of [...this.timers.keys()]) this.cancelTimers(uid);
    for (const watch of this.watches.values()) watch.stop();
    this.connections.close();
  }

  setPressure(condition: Pressure, evictions: number | undefined): void {
    this.handle({ type: 'pressure', condition, evictions });
  }

  private handle(event: KubeletEvent): void {
    if (this.stopped) return;
    const { clock, observer } = this.environment;
    const effects = this.kubelet.handle(event, { us: clock.nowUs(), wallMs: clock.wallMs() });
    for (const effect of effects) {
      try {
        this.perform(effect);
      } catch (error) {
        observer.onError(error);
      }
    }
  }

  private perform(effect: Effect): void {
    const { observer } = this.environment;
    switch (effect.type) {
      case 'request':
        this.limited(effect.via, () => this.send(effect.request, effect.tag, effect.via));
        break;
      case 'watch':
        this.watch(effect.key, effect.spec);
        break;
      case 'unwatch':
        this.watches.get(effect.key)?.stop();
        this.watches.delete(effect.key);
        break;
      case 'after':
        this.after(
          effect.delayMs,
          () => this.handle({ type: 'timer', timer: effect.timer }),
          'uid' in effect.timer ? effect.timer.uid : '',
          gridMsOf(effect),
        );
        break;
      case 'pod-gone':
        this.cancelTimers(effect.uid);
        break;
      case 'drop-connections':
        this.connections.drop();
        break;
      case 'node-registered':
        this.onRegistered();
        break;
      case 'node-ready':
        this.onReady();
        break;
      case 'pod-started':
        observer.onPodStarted(effect.started);
        break;
      case 'pod-deleted':
        observer.onPodDeleted();
        break;
      case 'failed':
        observer.onError(effect.error);
        break;
    }
  }

  /** A node that somebody deletes is registered once more, which is no start of a kubelet. */
  private onRegistered(): void {
    const { environment, nodeName, startUs, again } = this;
    if (startUs === undefined) return;
    this.startUs = undefined;
    environment.observer.onNodeConnected({
      node: nodeName,
      startUs,
      registeredUs: environment.clock.nowUs(),
      again,
    });
  }

  private limited(via: ClientName, act: () => void): void {
    const waitMs =
      via === 'heartbeat' ? 0 : this.limits[via].reserveMs(this.environment.clock.nowUs() / 1000);
    if (waitMs <= 0) act();
    else this.after(waitMs, act);
  }

  private after(delayMs: number, act: () => void, uid = '', gridMs = 0): void {
    const timers = this.timers.get(uid) ?? new Set();
    this.timers.set(uid, timers);
    const timer = this.environment.delays.after(
      delayMs,
      () => {
        timers.delete(timer);
        if (timers.size === 0 && this.timers.get(uid) === timers) this.timers.delete(uid);
        act();
      },
      gridMs,
    );
    timers.add(timer);
  }

  private cancelTimers(uid: string): void {
    for (const timer of this.timers.get(uid) ?? []) timer.cancel();
    this.timers.delete(uid);
  }

  private send(request: KubeletRequest, tag: Tag, via: ClientName): void {
    const { heartbeats } = this;
    const disturbed = heartbeats !== undefined && (tag.to === 'lease' || tag.to === 'node-status');
    if (!disturbed) {
      this.transmit(request, tag, via === 'heartbeat' ? undefined : this.limits[via]);
      return;
    }
    const { delayMs, lossRate } = heartbeats;
    const timeoutMs = request.timeoutMs ?? heartbeatTimeoutMs;
    if (delayMs >= timeoutMs || this.prng.float() < lossRate) {
      this.after(timeoutMs, () => this.handle({ type: 'answer', tag, status: 0, body: undefined }));
      return;
    }
    this.after(delayMs, () => this.transmit({ ...request, timeoutMs: timeoutMs - delayMs }, tag));
  }

  /** `limit`: each repeat takes a token of it. */
  private transmit(request: KubeletRequest, tag: Tag, limit?: TokenBucket): void {
    const { codec } = this.environment;
    const body =
      request.body === undefined
        ? undefined
        : request.patch === true
          ? jsonCodec.encode(request.body)
          : codec.encode(request.body);
    this.connections.client
      .request({
        method: request.method,
        path: request.path,
        kind: request.kind,
        body,
        limit,
        ...(request.patch === true ? { contentType: strategicMergePatch } : {}),
        ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
      })
      .then(
        (response) => this.answered(tag, response),
        () => this.handle({ type: 'answer', tag, status: 0, body: undefined }),
      );
  }

  private answered(tag: Tag, response: ApiResponse): void {
    const { status } = response;
    let body: unknown;
    // Answers that nobody reads are not decoded: events, tokens, deletions, patches.
    const view = bodyView(tag);
    if (status < 300 && view !== undefined) {
      try {
        body = codecOf(response.contentType).decode(response.body, view);
      } catch {
        // Cut off; the kubelet takes an answer without its object for none.
      }
    }
    this.handle({ type: 'answer', tag, status, body });
  }

  private watch(key: string, spec: Extract<Effect, { type: 'watch' }>['spec']): void {
    if (this.watches.has(key)) return;
    const { environment, connections, nodeName, limits } = this;
    const tap = key === 'services' ? environment.delivery?.tap('kubelet', nodeName) : undefined;
    const handler = new KubeletWatch(key, environment.observer, this.onWatched, tap);
    this.watches.set(key, openWatch(environment, connections.client, nodeName, spec, handler, limits.api));
  }

  private readonly onWatched = (event: KubeletEvent): void => this.handle(event);
}
