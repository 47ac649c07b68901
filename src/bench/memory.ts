import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, TimerHandle } from '../base/clock.ts';
import { DelayQueue } from '../base/delay-queue.ts';
import { Prng } from '../base/prng.ts';
import type { ShardEnvironment, ShardObserver } from '../hollow/environment.ts';
import { HollowNode } from '../hollow/hollow-node.ts';
import { sharedProxyState } from '../hollow/proxy/hollow-proxy.ts';
import { NodeRuntimes, defaultRuntimes } from '../hollow/runtime/node-runtimes.ts';
import { SharedWatches } from '../hollow/shared-watches.ts';
import type { WireProfileName } from '../hollow/wire-profile.ts';
import { type ApiRequest, ApiClient, type ApiResponse } from '../kube/client.ts';
import { Exchange, type ExchangeHandler } from '../kube/exchange.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { protobufCodec } from '../wire/protobuf-codec.ts';
import { benchPod } from './bench-pod.ts';
import { protobufFrame } from './protobuf-frame.ts';

/** Steps of the clock while pods start, and while nothing but heartbeats is to come. */
const stepMs = 5;
const idleStepMs = 100;

/** After this long no timer of a pod's start is left. */
const settleMs = 150_000;

/** Pods of a node before those that are counted: from then on its tables have outgrown their first sizes. */
const firstPods = 8;

export type MemoryFlags = {
  nodes: number;
  'pods-per-node': number;
  rounds: number;
  profile: WireProfileName;
};

export type MemoryFigures = {
  /** Bytes on the heap of each node without pods: kubelet and proxy, without connections and watches of their own. */
  bytesPerNode: number;
  /** Of each pod that runs, beyond the first ones of its node. */
  bytesPerPod: number;
  /** Of that, what lies in buffers, outside the heap. */
  externalBytesPerPod: number;
  cpuMsPerPod: number;
};

/**
 * What hollow nodes and running pods take of the heap: kubelets and proxies with the timers, rate limits, codec and shared
 * watches of a run, over an API server that answers at once and keeps nothing.
 */
export async function measureMemory(
  flags: MemoryFlags,
  say: (text: string) => void,
): Promise<MemoryFigures[]> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const figures: MemoryFigures[] = [];
  // The first round only warms up.
  for (let round = 0; round <= flags.rounds; round++) {
    say(`round ${round} of ${flags.rounds}`);
    const found = await measureOnce(flags, collect);
    if (round > 0) figures.push(found);
  }
  return figures;
}

async function measureOnce(
  { nodes, 'pods-per-node': podsPerNode, profile }: MemoryFlags,
  collect: () => void,
): Promise<MemoryFigures> {
  const world = new MemoryWorld(profile);
  const empty = await usage(collect);
  for (let node = 0; node < nodes; node++) world.addNode(node);
  await world.advance(30_000, stepMs);
  await world.advance(settleMs, idleStepMs);
  const idle = await usage(collect);
  await world.startPods(firstPods);
  const few = await usage(collect);
  const cpu = await world.startPods(podsPerNode);
  const many = await usage(collect);
  const pods = nodes * (podsPerNode - firstPods);
  const expected = nodes * podsPerNode;
  if (world.started !== expected) throw new Error(`${world.started} of ${expected} pods have started`);
  world.stop();
  return {
    bytesPerNode: (idle.heap - empty.heap + idle.external - empty.external) / nodes,
    bytesPerPod: (many.heap - few.heap + many.external - few.external) / pods,
    externalBytesPerPod: (many.external - few.external) / pods,
    cpuMsPerPod: cpu / pods,
  };
}

async function usage(collect: () => void): Promise<{ heap: number; external: number }> {
  // What is held by jobs that have run goes with the next ones.
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** As a table for people. */
export function renderMemory(
  { nodes, 'pods-per-node': podsPerNode }: MemoryFlags,
  figures: MemoryFigures[],
): string {
  const row = (
    what: string,
    unit: string,
    pick: (figures: MemoryFigures) => number,
    digits: number,
  ): string => {
    const values = figures.map(pick);
    const sorted = values.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1] ?? Number.NaN;
    return `| ${what} | ${unit} | **${median.toFixed(digits)}** | ${values.map((value) => value.toFixed(digits)).join(', ')} |`;
  };
  return `# Memory of the state machines

${nodes} hollow nodes over an API server that answers at once, ${firstPods} pods each, then ${podsPerNode}; heap and buffers after
a collection.

| | unit | median | rounds |
|---|---|---|---|
${row('a node without pods', 'bytes', (figure) => figure.bytesPerNode, 0)}
${row('a further running pod', 'bytes', (figure) => figure.bytesPerPod, 0)}
${row('of that, in buffers', 'bytes', (figure) => figure.externalBytesPerPod, 0)}
${row('CPU of a further pod, that of the API server included', 'ms', (figure) => figure.cpuMsPerPod, 3)}
`;
}

/** Time goes on when it is told to. */
class StepClock implements Clock {
  private timeUs = 1_000_000_000;
  private readonly timers = new Set<{ dueUs: number; run: () => void }>();

  nowUs(): number {
    return this.timeUs;
  }

  wallMs(): number {
    return 1_790_000_000_000 + this.timeUs / 1000;
  }

  timer(delayMs: number, run: () => void): TimerHandle {
    const timer = { dueUs: this.timeUs + delayMs * 1000, run };
    this.timers.add(timer);
    return { cancel: () => void this.timers.delete(timer) };
  }

  step(ms: number): void {
    this.timeUs += ms * 1000;
    for (const timer of this.timers) {
      if (timer.dueUs > this.timeUs) continue;
      this.timers.delete(timer);
      timer.run();
    }
  }
}

const identity: ClientIdentity = { tls: () => ({ certificate: undefined }), headers: () => ({}) };

/** Nodes of one shard, and what stands for the API server. */
class MemoryWorld implements ShardObserver {
  private readonly clock = new StepClock();
  private readonly environment: ShardEnvironment;
  private readonly nodes: HollowNode[] = [];
  private readonly client: ScriptedClient;
  private readonly sharedByProxies = sharedProxyState();
  private readonly profile: WireProfileName;
  private podsPerNode = 0;
  started = 0;

  constructor(profile: WireProfileName) {
    this.profile = profile;
    const { clock } = this;
    const prng = new Prng('memory');
    const metrics = new CallMetrics();
    const endpoint = { url: 'https://127.0.0.1:1', caPem: undefined };
    const handshakes = new HandshakeGate(1);
    const options = { endpoint, codec: protobufCodec, clock, metrics, handshakes, identity, prng };
    this.client = new ScriptedClient({ ...options, userAgent: 'bench' });
    this.environment = {
      ...options,
      delays: new DelayQueue(clock, (error) => this.onError(error)),
      runtimes: new NodeRuntimes(defaultRuntimes),
      localAddress: undefined,
      pool: { identity, client: this.client, watches: new SharedWatches(this.client, () => true) },
      observer: this,
    };
  }

  addNode(index: number): void {
    const config = {
      name: nodeName(index),
      capacity: { cpu: '8', memory: '32Gi', pods: '250' },
      labels: {},
      taints: [],
      address: `100.64.${index >> 8}.${index & 255}`,
      kubeletVersion: 'v1.36.3',
      wireProfile: this.profile,
    };
    const prng = new Prng(config.name);
    const node = new HollowNode(this.environment, config, identity, prng, () => {
      const shared = this.sharedByProxies;
      node.startProxy({ identity, prng, shared, onReady: () => {}, onProgrammed: () => {} });
    });
    this.nodes.push(node);
  }

  /** Pods on each node, up to so many, started and left alone until nothing is to come. @returns milliseconds of CPU. */
  async startPods(podsPerNode: number): Promise<number> {
    const before = process.cpuUsage();
    for (; this.podsPerNode < podsPerNode; this.podsPerNode++) {
      for (let node = 0; node < this.nodes.length; node++) {
        this.client.tell('/api/v1/pods', 'ADDED', pendingPod(podIndex(node, this.podsPerNode)));
      }
      await this.advance(500, stepMs);
    }
    await this.advance(30_000, stepMs);
    const { user, system } = process.cpuUsage(before);
    await this.advance(settleMs, idleStepMs);
    return (user + system) / 1000;
  }

  async advance(ms: number, step: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += step) {
      this.clock.step(step);
      // Answers are promises.
      await new Promise(setImmediate);
    }
  }

  stop(): void {
    for (const node of this.nodes) node.stop();
    this.environment.delays.close();
  }

  onNodeConnected(): void {}

  onPodStarted(): void {
    this.started++;
  }

  onPodDeleted(): void {}

  onWatchInterrupted(): void {}

  onError(error: unknown): void {
    throw error;
  }
}

/** Answers what nodes ask, out of what they ask; keeps nothing but the watches of pods and nodes. */
class ScriptedClient extends ApiClient {
  private readonly watches = new Map<string, ExchangeHandler>();

  override request({ method, path, body }: ApiRequest): Promise<ApiResponse> {
    const status = method === 'GET' && path.includes('/csinodes/') ? 404 : method === 'POST' ? 201 : 200;
    const object = objectOf(method, path, body);
    if (method === 'PATCH' && path.includes('/pods/')) {
      queueMicrotask(() => this.tell('/api/v1/pods', 'MODIFIED', pendingPod(indexOf(path))));
    } else if (method === 'POST' && path === '/api/v1/nodes') {
      queueMicrotask(() => this.tell(path, 'ADDED', object));
    }
    return Promise.resolve({
      status,
      contentType: protobufCodec.contentType,
      body: object === undefined ? Buffer.alloc(0) : protobufCodec.encode(object),
    });
  }

  /** There is nothing to list. */
  override stream(path: string, handler: ExchangeHandler): Exchange {
    this.watches.set(path.slice(0, path.indexOf('?')), handler);
    queueMicrotask(() => {
      handler.onResponse(200, protobufCodec.contentType, undefined);
      handler.onData(protobufFrame('BOOKMARK', protobufCodec.encode(listEnd)));
    });
    return new Exchange(this, { method: 'GET', path, headers: () => ({}), body: undefined }, handler);
  }

  tell(path: string, type: 'ADDED' | 'MODIFIED', object: unknown): void {
    this.watches.get(path)?.onData(protobufFrame(type, protobufCodec.encode(object)));
  }
}

/** The bookmark after a list; whose objects there are does not matter. */
const listEnd = {
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { resourceVersion: '1', annotations: { 'k8s.io/initial-events-end': 'true' } },
};

function objectOf(method: string, path: string, body: Buffer | undefined): unknown {
  if (path.includes('/leases')) {
    if (method === 'GET') return nodeLease;
    const lease = protobufCodec.decode(body ?? Buffer.alloc(0)) as { metadata: object };
    return { ...lease, metadata: { ...lease.metadata, uid: 'lease' } };
  }
  if (path.startsWith('/api/v1/nodes')) {
    return method === 'PATCH' ? undefined : nodeObject(nameOf(path, body));
  }
  return method === 'GET' && path.includes('/pods/') ? pendingPod(indexOf(path)) : undefined;
}

const nodeLease = {
  kind: 'Lease',
  apiVersion: 'coordination.k8s.io/v1',
  metadata: { name: 'lease', uid: 'lease' },
  spec: { leaseDurationSeconds: 40 },
};

/** In the path, or else in what is sent. */
function nameOf(path: string, body: Buffer | undefined): string {
  if (body === undefined) return path.replace(/^.*\/|\?.*$/g, '');
  return (protobufCodec.decode(body) as { metadata: { name: string } }).metadata.name;
}

function nodeObject(name: string): unknown {
  const octets = name.split('-').map(Number);
  const index = octets[1] ?? 0;
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name, uid: `node-${name}` },
    spec: { podCIDR: `10.${index >> 8}.${index & 255}.0/24` },
  };
}

const nodesMax = 10_000;

const nodeName = (index: number): string => `hollow-${index}`;
const podIndex = (node: number, pod: number): number => pod * nodesMax + node;

/** From `…/pods/<deployment>-<hash>-<index>`, with what may follow. */
function indexOf(path: string): number {
  const name = path.slice(path.indexOf('/pods/')).split('/')[2] ?? '';
  return Number.parseInt(name.slice(name.lastIndexOf('-') + 1), 36);
}

function pendingPod(index: number): unknown {
  const pod = benchPod(index) as { spec: { nodeName: string }; status: unknown };
  pod.spec.nodeName = nodeName(index % nodesMax);
  pod.status = { phase: 'Pending', conditions: [], qosClass: 'Burstable' };
  return pod;
}
