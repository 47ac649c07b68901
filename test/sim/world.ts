import type { Clock, TimerHandle } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import type { NodeConfig } from '../../src/hollow/context.ts';
import type { Effect, KubeletEvent, KubeletRequest, ObjectEvent } from '../../src/hollow/effects.ts';
import { type PodStarted, type Tag, bodyView } from '../../src/hollow/effects.ts';
import { Kubelet, type KubeletOptions } from '../../src/hollow/kubelet.ts';
import type { Pressure } from '../../src/hollow/node-failure.ts';
import { RuntimeState } from '../../src/hollow/pods/runtime-state.ts';
import {
  NodeRuntimes,
  type RuntimeSettings,
  defaultRuntimes,
} from '../../src/hollow/runtime/node-runtimes.ts';
import { TokenBucket } from '../../src/hollow/token-bucket.ts';
import { protobufCodec } from '../../src/wire/protobuf-codec.ts';

/** A clock that stands still until it is told to go on; its timers run in order. */
export class FakeClock implements Clock {
  private timeUs = 1_000_000_000;
  private order = 0;
  /** How many timers have run. */
  ran = 0;
  private timers: { dueUs: number; order: number; run: () => void }[] = [];

  nowUs(): number {
    return this.timeUs;
  }

  wallMs(): number {
    return 1_790_000_000_000 + this.timeUs / 1000;
  }

  timer(delayMs: number, run: () => void): TimerHandle {
    const entry = { dueUs: this.timeUs + Math.max(0, delayMs) * 1000, order: this.order++, run };
    this.timers.push(entry);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== entry)) };
  }

  /** Runs all timers that are due within `ms`, in order of time, then of creation. */
  advance(ms: number): void {
    const endUs = this.timeUs + ms * 1000;
    for (;;) {
      let first: (typeof this.timers)[number] | undefined;
      for (const timer of this.timers) {
        if (timer.dueUs > endUs) continue;
        if (
          first === undefined ||
          timer.dueUs < first.dueUs ||
          (timer.dueUs === first.dueUs && timer.order < first.order)
        ) {
          first = timer;
        }
      }
      if (first === undefined) break;
      const due = first;
      this.timers = this.timers.filter((other) => other !== due);
      this.timeUs = Math.max(this.timeUs, due.dueUs);
      this.ran++;
      due.run();
    }
    this.timeUs = endUs;
  }
}

type Json = { [key: string]: unknown };
type StoredPod = {
  metadata: Json & {
    uid: string;
    name: string;
    namespace: string;
    generation: number;
    resourceVersion: string;
  };
  spec: Json;
  status: Json & { conditions: Json[]; phase: string };
};

type SentEvent = {
  reason: string;
  message: string;
  metadata: { name: string };
  involvedObject: { name: string; fieldPath?: string };
};

export type Faults = {
  /** Chance that a request is answered 500, or not at all. */
  serverError: number;
  noAnswer: number;
  /** Chance that a successful answer has no body: an API server's handler that timed out while writing. */
  cutOff: number;
  /** Chance that the Node authorizer has not seen the binding yet: 403 on tokens. */
  forbiddenToken: number;
  /** Mean time between losses of the pod watch (410: everything is listed anew); 0 for never. */
  relistEveryMs: number;
};

export const noFaults: Faults = {
  serverError: 0,
  noAnswer: 0,
  cutOff: 0,
  forbiddenToken: 0,
  relistEveryMs: 0,
};

/** What a kubelet makes of an answer: of a lease with the codec and its view; the model's others have no kind. */
const overTheWire = (body: unknown, tag: Tag): unknown =>
  tag.to === 'lease' && tag.step !== 'get-node'
    ? protobufCodec.decode(protobufCodec.encode(body), bodyView(tag))
    : structuredClone(body);

/**
 * One kubelet, a model of an API server (answers after 1 to 4 ms) and the client's rate limits, on a fake clock. A model, only
 * for the simulation: what it may not do is decided by the tests against the real API server.
 */
export class World {
  readonly clock = new FakeClock();
  readonly requests: { atMs: number; method: string; path: string; status: number }[] = [];
  readonly pods = new Map<string, StoredPod>();
  readonly started = new Map<string, PodStarted>();
  readonly createdAtUs = new Map<string, number>();
  readonly watches = new Set<string>();
  /** Pods of which nothing is left on the node, in that order. */
  readonly gone: string[] = [];
  /** Timers of containers' ends that are still to come. */
  endTimers = 0;
  readonly trace: string[] = [];
  statusInFlight = 0;
  statusInFlightMax = 0;
  deletedCount = 0;
  nodeReady = false;
  node: (Json & { spec: Json }) | undefined;
  private lease: Json | undefined;
  private csiNode = false;
  private version = 1;
  private kubelet: Kubelet;
  /** Incarnations of the kubelet: what was meant for an earlier one is lost with it. */
  private incarnation = 0;
  private readonly config: NodeConfig;
  private readonly options: KubeletOptions;
  private runtime = new RuntimeState();
  private readonly runtimes: NodeRuntimes;
  /** RuntimeClasses of the cluster, when the kubelet lists them. */
  readonly runtimeClasses: Json[] = [];
  private readonly seed: string;
  private readonly prng: Prng;
  private readonly faults: Faults;
  private readonly limits: Record<'api' | 'events', TokenBucket>;

  /** Events, in the order in which they were sent, with how often each came; and every status PATCH of a pod. */
  readonly events: { reason: string; message: string; count: number; about: string }[] = [];
  private readonly eventsByName = new Map<string, { count: number }>();
  readonly patches: { name: string; status: Json }[] = [];
  /** Claims and volumes, by path. */
  readonly storage = new Map<string, Json>();
  /** Told of each request before it is answered. */
  beforeServing: (request: KubeletRequest) => void = () => {};
  /** Undefined: no controller gives the node one. */
  podCidr: string | undefined = '10.128.0.0/24';
  /** Constant: a watch never reorders its events. */
  watchDelayMs = 2;

  /** @param kubeletSeed the kubelet's own, when only the world is to be the same. */
  constructor(
    seed: string,
    faults: Faults = noFaults,
    kubeletSeed = seed,
    node: Partial<NodeConfig> = {},
    options: KubeletOptions = {},
    settings: RuntimeSettings = defaultRuntimes,
  ) {
    this.runtimes = new NodeRuntimes(settings);
    this.seed = kubeletSeed;
    this.options = options;
    this.config = {
      name: 'hollow-1',
      capacity: { cpu: '8', memory: '32Gi', pods: '110' },
      labels: {},
      taints: [],
      address: '100.64.0.1',
      kubeletVersion: 'v1.36.3',
      ...node,
    };
    this.prng = new Prng(`${seed}/world`);
    this.faults = faults;
    this.kubelet = this.newKubelet(true);
    const nowMs = this.clock.nowUs() / 1000;
    this.limits = { api: new TokenBucket(50, 100, nowMs), events: new TokenBucket(50, 100, nowMs) };
    if (faults.relistEveryMs > 0) this.scheduleRelist();
  }

  /** The Ready condition of the node, as the API server has it. */
  get readyCondition(): unknown {
    const status = this.node?.['status'] as { conditions: Json[] } | undefined;
    return status?.conditions.find((condition) => condition['type'] === 'Ready')?.['status'];
  }

  get timersRun(): number {
    return this.clock.ran;
  }

  get podCount(): number {
    return this.kubelet.podCount;
  }

  start(): void {
    this.deliver({ type: 'start' });
  }

  /** A failure begins: the node is short of something until so many pods are evicted; undefined: it ends. */
  pressure(condition: Pressure, evictions: number | undefined): void {
    this.deliver({ type: 'pressure', condition, evictions });
  }

  private newKubelet(containersSurvive: boolean): Kubelet {
    const prng = new Prng(`${this.seed}/kubelet`);
    const { runtime, options, config } = this;
    return new Kubelet(config, this.runtimes.of(config.runtime ?? 'containerd'), prng, {
      ...options,
      runtime,
      containersSurvive,
    });
  }

  /** The kubelet ends and starts again; with it the whole node unless its containers survive. */
  restart(containersSurvive: boolean, awayMs: number): void {
    this.incarnation++;
    this.watches.clear();
    this.advance(awayMs);
    this.kubelet = this.newKubelet(containersSurvive);
    this.start();
  }

  /** The node controller gives the node up. */
  loseNode(): void {
    const status = this.node?.['status'] as { conditions: Json[] } | undefined;
    for (const condition of status?.conditions ?? []) condition['status'] = 'Unknown';
    this.sendObject('nodes', 'MODIFIED', this.node);
  }

  /** Nothing is known any more of what ran on the node. */
  forgetRuntime(): void {
    this.runtime = new RuntimeState();
  }

  /** Somebody else writes a pod's status. */
  writeStatus(uid: string, write: (status: StoredPod['status']) => void): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    write(pod.status);
    this.touch(pod);
    this.notify('MODIFIED', pod);
  }

  /** Somebody changes a pod's spec. */
  changeSpec(uid: string, change: (spec: Json) => void): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    change(pod.spec);
    pod.metadata.generation++;
    this.touch(pod);
    this.notify('MODIFIED', pod);
  }

  createPod(
    name: string,
    namespace = 'default',
    extra: Json = {},
    annotations: Record<string, string> = {},
  ): string {
    const uid = `uid-${name}`;
    const pod: StoredPod = {
      metadata: { name, namespace, uid, generation: 1, annotations, resourceVersion: String(this.version++) },
      spec: {
        nodeName: 'hollow-1',
        serviceAccountName: 'default',
        containers: [
          { name: 'c', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '5m' } } },
        ],
        volumes: [
          {
            name: 'kube-api-access',
            projected: {
              sources: [
                { serviceAccountToken: { path: 'token' } },
                { configMap: { name: 'kube-root-ca.crt' } },
              ],
            },
          },
        ],
        ...extra,
      },
      status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
    };
    this.pods.set(uid, pod);
    this.createdAtUs.set(uid, this.clock.nowUs());
    this.notify('ADDED', pod);
    return uid;
  }

  /** @param graceSeconds else what its spec says; whoever deletes it again can only shorten that. */
  deletePod(uid: string, graceSeconds?: number): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    const { metadata } = pod;
    if (metadata['deletionTimestamp'] !== undefined && graceSeconds === undefined) return;
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') {
      this.forceDeletePod(uid);
      return;
    }
    if (metadata['deletionTimestamp'] === undefined) metadata.generation++;
    metadata['deletionTimestamp'] = '2026-11-21T05:05:10Z';
    if (graceSeconds !== undefined) metadata['deletionGracePeriodSeconds'] = graceSeconds;
    this.touch(pod);
    this.notify('MODIFIED', pod);
  }

  /** Somebody deletes it with no grace: gone at once. */
  forceDeletePod(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.notify('DELETED', pod);
  }

  advance(ms: number): void {
    this.clock.advance(ms);
  }

  count(method: string, pattern: RegExp, since = 0): number {
    return this.requests.slice(since).filter((r) => r.method === method && pattern.test(r.path)).length;
  }

  private deliver(event: KubeletEvent): void {
    const now = { us: this.clock.nowUs(), wallMs: this.clock.wallMs() };
    for (const effect of this.kubelet.handle(event, now)) this.perform(effect);
  }

  /** What comes of an effect, unless its kubelet is gone by then. */
  private later(delayMs: number, run: () => void): void {
    const { incarnation } = this;
    this.clock.timer(delayMs, () => {
      if (incarnation === this.incarnation) run();
    });
  }

  private perform(effect: Effect): void {
    switch (effect.type) {
      case 'request': {
        const waitMs =
          effect.via === 'heartbeat' ? 0 : this.limits[effect.via].reserveMs(this.clock.nowUs() / 1000);
        this.later(waitMs, () => this.receive(effect));
        if (effect.tag.to === 'status' && effect.tag.step === 'get') {
          this.statusInFlight++;
          this.statusInFlightMax = Math.max(this.statusInFlightMax, this.statusInFlight);
        }
        break;
      }
      case 'after':
        if ('wake' in effect.timer && effect.timer.wake === 'exit') this.endTimers++;
        this.later(effect.delayMs, () => {
          if ('wake' in effect.timer && effect.timer.wake === 'exit') this.endTimers--;
          this.deliver({ type: 'timer', timer: effect.timer });
        });
        break;
      case 'watch':
        this.watches.add(effect.key);
        this.later(this.prng.between(1, 4), () => this.list(effect.key));
        break;
      case 'unwatch':
        this.watches.delete(effect.key);
        break;
      case 'node-ready':
        this.nodeReady = true;
        break;
      case 'pod-started':
        this.started.set(effect.started.uid, effect.started);
        break;
      case 'pod-deleted':
        this.deletedCount++;
        break;
      case 'pod-gone':
        this.gone.push(effect.uid);
        break;
      case 'drop-connections':
      case 'node-registered':
        break;
      case 'failed':
        throw effect.error;
    }
  }

  private receive(effect: Extract<Effect, { type: 'request' }>): void {
    const { request, tag } = effect;
    const lost = this.prng.float() < this.faults.noAnswer;
    const broken = this.prng.float() < this.faults.serverError;
    const answer = broken ? { status: 500, body: undefined } : this.serve(request);
    const status = lost ? 0 : answer.status;
    this.requests.push({
      atMs: this.clock.nowUs() / 1000,
      method: request.method,
      path: request.path,
      status,
    });
    this.trace.push(`${this.clock.nowUs()} ${request.method} ${request.path} ${status}`);
    const cut = this.prng.float() < this.faults.cutOff;
    const body = answer.body === undefined || cut ? undefined : overTheWire(answer.body, tag);
    this.later(this.prng.between(1, 4), () => {
      if (tag.to === 'status' && tag.step === 'get') this.statusInFlight--;
      this.deliver({ type: 'answer', tag, status, body: lost ? undefined : body });
    });
  }

  private serve(request: KubeletRequest): { status: number; body?: unknown } {
    const path = request.path.replace(/\?.*/, '');
    const body = structuredClone(request.body) as Json | undefined;
    this.beforeServing(request);
    if (path.includes('/events')) return this.serveEvent(request, path, body);
    if (path.endsWith('/token')) {
      return { status: this.prng.float() < this.faults.forbiddenToken ? 403 : 201 };
    }
    if (path.includes('/leases')) return this.serveLease(request);
    if (path.includes('/csinodes')) return this.serveCsiNode(request);
    if (path.includes('/resourceslices')) return { status: 200 };
    const stored = this.storage.get(path);
    if (stored !== undefined || path.includes('/persistentvolume')) {
      return stored === undefined ? { status: 404 } : { status: 200, body: stored };
    }
    if (path.startsWith('/api/v1/nodes')) return this.serveNode(request, path, body);
    return this.servePod(request, path, body);
  }

  private serveEvent(request: KubeletRequest, path: string, body: Json | undefined): { status: number } {
    if (request.method === 'POST') {
      const { reason, message, metadata, involvedObject } = body as SentEvent;
      const about = involvedObject.fieldPath ?? involvedObject.name;
      const event = { reason, message, count: 1, about };
      this.events.push(event);
      this.eventsByName.set(metadata.name, event);
      return { status: 201 };
    }
    const event = this.eventsByName.get(path.replace(/.*\//, ''));
    if (event !== undefined) event.count = Number(body?.['count']);
    return { status: 200 };
  }

  private serveLease(request: KubeletRequest): { status: number; body?: unknown } {
    // Its metadata comes back as it went out, and only the codec can look into it.
    const sent = request.body === undefined ? undefined : protobufCodec.encode(request.body);
    const body = sent === undefined ? undefined : (protobufCodec.decode(sent) as Json);
    if (request.method === 'GET')
      return this.lease === undefined ? { status: 404 } : { status: 200, body: this.lease };
    const created = this.lease === undefined;
    if (request.method === 'PUT' && created) return { status: 404 };
    this.lease = { ...body, metadata: { ...(body?.['metadata'] as Json), uid: 'lease-uid' } };
    return { status: request.method === 'POST' ? 201 : 200, body: this.lease };
  }

  private serveCsiNode(request: KubeletRequest): { status: number; body?: unknown } {
    if (request.method === 'GET') return this.csiNode ? { status: 200, body: {} } : { status: 404 };
    if (this.csiNode) return { status: 409 };
    this.csiNode = true;
    return { status: 201, body: {} };
  }

  private serveNode(
    request: KubeletRequest,
    path: string,
    body: Json | undefined,
  ): { status: number; body?: unknown } {
    if (request.method === 'POST') {
      if (this.node !== undefined) return { status: 409 };
      this.node = { ...(body as Json & { spec: Json }), metadata: { name: 'hollow-1', uid: 'node-uid' } };
      this.clock.timer(50, () => {
        if (this.node === undefined || this.podCidr === undefined) return;
        this.node.spec['podCIDR'] = this.podCidr;
        this.sendObject('nodes', 'MODIFIED', this.node);
      });
      this.sendObject('nodes', 'ADDED', this.node);
      return { status: 201, body: this.node };
    }
    if (this.node === undefined) return { status: 404 };
    if (request.method === 'GET') return { status: 200, body: this.node };
    if (path.endsWith('/status')) {
      const patch = (body?.['status'] ?? {}) as Json;
      applyStatusPatch(this.node['status'] as Json & { conditions: Json[] }, patch);
      this.sendObject('nodes', 'MODIFIED', this.node);
      return { status: 200, body: this.node };
    }
    return { status: 405 };
  }

  private servePod(
    request: KubeletRequest,
    path: string,
    body: Json | undefined,
  ): { status: number; body?: unknown } {
    const [, namespace, name] = /namespaces\/([^/]+)\/pods\/([^/]+)/.exec(path) ?? [];
    const pod = [...this.pods.values()].find(
      (candidate) => candidate.metadata.name === name && candidate.metadata.namespace === namespace,
    );
    if (pod === undefined) return { status: 404 };
    if (request.method === 'GET') return { status: 200, body: pod };
    if (request.method === 'DELETE') {
      if ((body?.['preconditions'] as Json | undefined)?.['uid'] !== pod.metadata.uid) return { status: 409 };
      this.pods.delete(pod.metadata.uid);
      this.notify('DELETED', pod);
      return { status: 200 };
    }
    this.patches.push({ name: pod.metadata.name, status: structuredClone((body?.['status'] ?? {}) as Json) });
    applyStatusPatch(pod.status, (body?.['status'] ?? {}) as Json);
    this.touch(pod);
    this.notify('MODIFIED', pod);
    return { status: 200, body: pod };
  }

  private touch(pod: StoredPod): void {
    pod.metadata.resourceVersion = String(this.version++);
  }

  private notify(change: 'ADDED' | 'MODIFIED' | 'DELETED', pod: StoredPod): void {
    this.sendObject('pods', change, pod);
  }

  private sendObject(key: string, change: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void {
    if (!this.watches.has(key)) return;
    const copy = structuredClone(object);
    this.clock.timer(this.watchDelayMs, () => {
      if (this.watches.has(key)) this.deliver({ type: 'object', key, change, event: eventOf(copy) });
    });
  }

  private list(key: string): void {
    if (!this.watches.has(key)) return;
    this.deliver({ type: 'listing', key });
    if (key === 'pods') {
      for (const pod of this.pods.values()) {
        const copy = structuredClone(pod);
        this.deliver({ type: 'object', key, change: 'ADDED', event: eventOf(copy) });
      }
    }
    if (key === 'nodes' && this.node !== undefined) {
      this.deliver({ type: 'object', key, change: 'ADDED', event: eventOf(structuredClone(this.node)) });
    }
    if (key === 'runtimeclasses') {
      for (const object of this.runtimeClasses) {
        this.deliver({ type: 'object', key, change: 'ADDED', event: eventOf(object) });
      }
    }
    this.deliver({ type: 'synced', key });
  }

  private scheduleRelist(): void {
    this.clock.timer(this.prng.between(0.2, 2) * this.faults.relistEveryMs, () => {
      if (this.watches.has('pods')) this.list('pods');
      this.scheduleRelist();
    });
  }
}

/** An object as the wire's decoder would hand it over. */
function eventOf(object: unknown): ObjectEvent {
  const { metadata } = object as {
    metadata: { uid: string; generation?: number; deletionTimestamp?: string };
  };
  return {
    metadata: () => ({
      uid: metadata.uid,
      generation: metadata.generation ?? 0,
      deleting: metadata.deletionTimestamp !== undefined,
    }),
    object: () => object,
  };
}

/** Strategic merge as the API server does it for a pod's status: conditions by type, null removes, objects merge. */
export function applyStatusPatch(status: Json & { conditions: Json[] }, patch: Json): void {
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$')) continue;
    if (field === 'conditions') {
      for (const change of value as Json[]) {
        let condition = status.conditions.find((other) => other['type'] === change['type']);
        if (condition === undefined) status.conditions.push((condition = {}));
        mergeInto(condition, change);
      }
    } else if (value === null) delete status[field];
    else if (field === 'resources' && typeof status[field] === 'object')
      mergeInto(status[field] as Json, value as Json);
    else status[field] = value;
  }
}

function mergeInto(target: Json, patch: Json): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === 'object' && typeof target[key] === 'object' && !Array.isArray(value)) {
      mergeInto(target[key] as Json, value as Json);
    } else target[key] = value;
  }
}
