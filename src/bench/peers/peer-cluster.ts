import { type Clock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { Prng } from '../../base/prng.ts';
import type { LocalCluster } from '../../cluster/local-cluster.ts';
import { ApiClient } from '../../kube/client.ts';
import { HandshakeGate } from '../../kube/handshake-gate.ts';
import { PodObserver, runLabel } from '../../measure/observer.ts';
import { CallMetrics, callClass } from '../../metrics/call-metrics.ts';
import { type ProcessSample, readProcess } from '../../metrics/process-stats.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import { type BenchCluster, withBenchCluster } from '../bench-cluster.ts';
import { connectionsTo } from './connections.ts';
import { type Contender, contenders } from './contenders.ts';

/** The value of the run label on all pods of a measurement. */
const measurementId = 'bench';

/** Pods are of so many namespaces: each node then has 16 watches, kubelet and proxy together. */
export const namespaceCount = 8;

const stepTimeoutMs = 3_600_000;
const anyCall = callClass('ANY', 'bench', '', 'cluster');

export type PeerOptions = {
  /** A key of {@link contenders}. */
  contender: string;
  nodes: number;
  clock: Clock;
  say: (text: string) => void;
};

/** A control plane with one contender's nodes, and what is asked of both. */
export class PeerCluster {
  readonly contender: Contender;
  readonly pods: PodObserver;
  private readonly options: PeerOptions;
  private readonly cluster: LocalCluster;
  private readonly client: ApiClient;
  /** Why nodes have ended by themselves. */
  private loss: Error | undefined;

  private constructor(options: PeerOptions, { cluster, dir, children }: BenchCluster) {
    const { clock, contender, nodes } = options;
    const made = contenders[contender];
    if (made === undefined) throw new HollowmarkError('bad-input', `there is no contender ${contender}`);
    this.options = options;
    this.cluster = cluster;
    this.client = new ApiClient({
      endpoint: cluster.endpoint,
      identity: cluster.admin,
      codec: jsonCodec,
      userAgent: 'hollowmark-bench',
      clock,
      prng: new Prng('bench'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
    this.contender = made.make({
      cluster,
      client: this.client,
      nodes,
      dir,
      children,
      onLost: (error) => {
        this.loss ??= error;
      },
    });
    this.pods = new PodObserver(
      { client: this.client, runId: measurementId, clock, onChange: () => {} },
      { onSeen() {}, onScheduled() {}, onStarted() {}, onUnschedulable() {}, onGone() {} },
    );
  }

  /** Brings up a control plane, has `work` done on it, and takes all down. */
  static with<T>(options: PeerOptions, work: (peer: PeerCluster) => Promise<T>): Promise<T> {
    return withBenchCluster(async (bench) => {
      const peer = new PeerCluster(options, bench);
      try {
        peer.pods.start();
        await peer.until('the observer watches', () => peer.pods.synced);
        return await work(peer);
      } finally {
        peer.pods.stop();
        await peer.contender.stop();
        peer.client.close();
      }
    });
  }

  say(text: string): void {
    this.options.say(`  ${this.options.contender}: ${text}`);
  }

  /** @returns how long it took until all nodes were Ready. */
  async startNodes(): Promise<number> {
    const { clock, nodes } = this.options;
    const startUs = clock.nowUs();
    await this.contender.start();
    await this.until('nodes Ready', async () => (await this.nodesReady()) >= nodes, 1_000);
    return (clock.nowUs() - startUs) / 1000;
  }

  /** Memory and CPU of all processes that play nodes, together. */
  usage(): ProcessSample {
    const sum = { rssBytes: 0, cpuSeconds: 0 };
    for (const pid of this.contender.pids()) {
      const sample = readProcess(pid);
      if (sample === undefined) {
        throw new HollowmarkError('internal', `process ${pid} is gone, or there is no /proc`);
      }
      sum.rssBytes += sample.rssBytes;
      sum.cpuSeconds += sample.cpuSeconds;
    }
    return sum;
  }

  /** Resident memory of {@link usage} without garbage, as far as those who play nodes can be told to collect it. */
  async rssBytes(): Promise<number> {
    if (this.contender.collect === undefined) return this.usage().rssBytes;
    const before = this.usage().cpuSeconds;
    await this.contender.collect();
    const { cpuSeconds, rssBytes } = this.usage();
    // In no step's figures; what the nodes did meanwhile is in it.
    this.say(`a collection took at most ${((cpuSeconds - before) * 1000).toFixed(0)} ms of CPU`);
    return rssBytes;
  }

  /** What each component of the control plane has used so far. */
  controlPlaneUsage(): Record<string, ProcessSample> {
    return Object.fromEntries(
      Object.entries(this.cluster.pids()).map(([name, pid]) => [
        name,
        readProcess(pid) ?? { rssBytes: 0, cpuSeconds: 0 },
      ]),
    );
  }

  apiServerCpuSeconds(): number {
    return this.controlPlaneUsage()['kube-apiserver']?.cpuSeconds ?? 0;
  }

  /** Of this machine to the API server, established; undefined where there is no /proc. */
  connections(): number | undefined {
    return connectionsTo(Number(new URL(this.cluster.endpoint.url).port));
  }

  async makeNamespaces(): Promise<void> {
    for (let index = 1; index <= namespaceCount; index++) {
      const name = `bench-${index}`;
      await this.call('POST', '/api/v1/namespaces', { metadata: { name } });
      await this.until('its service account', () => this.there(`${name}/serviceaccounts/default`));
      await this.until('its CA', () => this.there(`${name}/configmaps/kube-root-ca.crt`));
    }
  }

  /** In namespace `index`, from 1. */
  async startDaemonSet(index: number): Promise<void> {
    await this.call('POST', `${appsPath(index)}/daemonsets`, workload('DaemonSet', 'each'));
  }

  async startDeployment(index: number, name: string, replicas: number): Promise<void> {
    await this.call('POST', `${appsPath(index)}/deployments`, workload('Deployment', name, replicas));
  }

  /** DaemonSets and Deployments of all namespaces, with the pods of each. */
  async workloads(): Promise<{ path: string; pods: number }[]> {
    const found: { path: string; pods: number }[] = [];
    for (let index = 1; index <= namespaceCount; index++) {
      for (const kind of ['deployments', 'daemonsets']) {
        const path = `${appsPath(index)}/${kind}`;
        const { items } = await this.call<{ items: Workload[] }>('GET', path);
        for (const { metadata, spec, status } of items) {
          const pods = spec.replicas ?? status.currentNumberScheduled ?? 0;
          found.push({ path: `${path}/${metadata.name}`, pods });
        }
      }
    }
    return found;
  }

  async delete(path: string): Promise<void> {
    await this.call('DELETE', path);
  }

  /** What the node controller said of nodes: its NodeNotReady events. */
  async notReadyEvents(): Promise<number> {
    const path = '/api/v1/namespaces/default/events?fieldSelector=reason%3DNodeNotReady';
    const { items } = await this.call<{ items: unknown[] }>('GET', path);
    return items.length;
  }

  /** Pods whose Ready condition is not True, page by page. */
  async podsNotReady(): Promise<number> {
    let notReady = 0;
    let next = '';
    do {
      const page = await this.call<{ metadata: { continue?: string }; items: Conditioned[] }>(
        'GET',
        `/api/v1/pods?limit=1000${next}`,
      );
      notReady += page.items.filter((pod) => !isReady(pod)).length;
      const token = page.metadata.continue;
      next = token === undefined ? '' : `&continue=${encodeURIComponent(token)}`;
    } while (next !== '');
    return notReady;
  }

  /** @throws HollowmarkError when it does not come about within an hour, or control plane or nodes die. */
  async until(what: string, check: () => boolean | Promise<boolean>, everyMs = 50): Promise<void> {
    const { clock } = this.options;
    const deadlineUs = clock.nowUs() + stepTimeoutMs * 1000;
    while (!(await check())) {
      if (this.loss !== undefined) throw this.loss;
      if (clock.nowUs() > deadlineUs) {
        throw new HollowmarkError('internal', `${what}: not within ${stepTimeoutMs / 1000} s`);
      }
      await Promise.race([sleep(clock, everyMs), this.cluster.died]);
    }
  }

  private async nodesReady(): Promise<number> {
    const { items } = await this.call<{ items: Conditioned[] }>('GET', '/api/v1/nodes?resourceVersion=0');
    return items.filter(isReady).length;
  }

  private async there(path: string): Promise<boolean> {
    const { status } = await this.client.request({
      method: 'GET',
      path: `/api/v1/namespaces/${path}`,
      kind: anyCall,
    });
    return status === 200;
  }

  private async call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const response = await this.client.request({
      method,
      path,
      kind: anyCall,
      ...(body === undefined ? {} : { body: jsonCodec.encode(body) }),
    });
    if (response.status >= 300) {
      const answer = response.body.toString('utf8').slice(0, 300);
      throw new HollowmarkError('internal', `${method} ${path}: ${answer}`);
    }
    return JSON.parse(response.body.toString('utf8')) as T;
  }
}

type Conditioned = { status: { conditions?: { type: string; status: string }[] } };

function isReady({ status }: Conditioned): boolean {
  return status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
}

const appsPath = (index: number): string => `/apis/apps/v1/namespaces/bench-${index}`;

type Workload = {
  metadata: { name: string };
  spec: { replicas?: number };
  status: { currentNumberScheduled?: number };
};

function workload(kind: 'DaemonSet' | 'Deployment', name: string, replicas?: number): unknown {
  const app = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: app },
      template: {
        metadata: { labels: { ...app, [runLabel]: measurementId } },
        spec: {
          containers: [
            {
              name: 'c',
              image: 'registry.k8s.io/pause:3.10',
              resources: { requests: { cpu: '5m', memory: '10Mi' } },
            },
          ],
        },
      },
    },
  };
}
