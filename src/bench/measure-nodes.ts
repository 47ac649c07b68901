import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { silentReporter } from '../base/reporter.ts';
import { officialReleaseUrl } from '../control-plane/control-plane.ts';
import type { ShardReport } from '../fleet/messages.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { CallMetrics, callClass } from '../metrics/call-metrics.ts';
import { readProcess } from '../metrics/process-stats.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { HollowCluster } from '../scenario/hollow-cluster.ts';
import { parseScenario } from '../scenario/load-scenario.ts';
import { nodeConfigs } from '../scenario/nodes.ts';
import { jsonCodec } from '../wire/json-codec.ts';

/** After the last node is Ready: events still being sent, garbage not yet collected, leases not yet made. */
const settleMs = 25_000;

const stepTimeoutMs = 900_000;

export type Sample = {
  nodes: number;
  /** From nothing but cached binaries to the control plane being ready, and to the last node Ready. */
  controlPlaneReadyMs: number;
  nodesReadyMs: number;
  /** …and to the last proxy having listed its watches. */
  proxiesReadyMs: number;
  watchesPerNode: number;
  /** Of the fleet's process, idle. */
  fleetRssBytes: number;
  fleetIdleCpuMsPerSecond: number;
  /** Of this process (conductor and load), for completeness. */
  harnessRssBytes: number;
  pods: number;
  podsStartedMs: number;
  startCpuMsPerPod: number;
  podsDeletedMs: number;
  deleteCpuMsPerPod: number;
  apiServerStartCpuMsPerPod: number;
  apiServerRssBytes: number;
  /** Nodes whose Ready condition was seen to be anything but True, at the end and in events. */
  notReadyEvents: number;
};

export type BenchOptions = {
  nodes: number;
  podsPerNode: number;
  idleMs: number;
  stateDir: string;
  clock: Clock;
  say: (text: string) => void;
};

const anyCall = callClass('ANY', 'bench', '', 'cluster');

/** Brings up a fleet, watches it idle, starts and deletes pods on it, and takes it down. */
export async function measureNodes(options: BenchOptions): Promise<Sample> {
  const bench = new Bench(options);
  try {
    await bench.bringUp();
    await bench.idle();
    if (options.podsPerNode > 0) {
      await bench.startPods();
      await bench.deletePods();
    }
    return bench.sample();
  } finally {
    await bench.stop();
  }
}

class Bench {
  private readonly options: BenchOptions;
  private readonly clock: Clock;
  private readonly figures: Partial<Sample> = {};
  private cluster: LocalCluster | undefined;
  private hollow: HollowCluster | undefined;
  private admin: ApiClient | undefined;
  private podsStarted = 0;

  constructor(options: BenchOptions) {
    this.options = options;
    this.clock = options.clock;
  }

  async bringUp(): Promise<void> {
    const { nodes, stateDir, clock } = this.options;
    const { scenario } = parseScenario(
      'name: bench\nnodes: {count: 1}\nphases: [{type: steady, duration: 1s}]\n',
      'bench',
      { nodes, sets: [] },
    );
    const startUs = clock.nowUs();
    const cluster = await LocalCluster.start(
      {
        version: 'v1.36.3',
        binariesDir: undefined,
        releaseUrl: officialReleaseUrl,
        profile: 'scale',
        extraFlags: {},
        stateDir,
        reporter: silentReporter,
        signal: new AbortController().signal,
      },
      'certificate',
    );
    this.cluster = cluster;
    this.figures.controlPlaneReadyMs = (clock.nowUs() - startUs) / 1000;
    const hollow = new HollowCluster({
      cluster,
      clock,
      signal: new AbortController().signal,
      reporter: silentReporter,
      onReport: (report: ShardReport) => {
        this.podsStarted += report.startedUids.length;
      },
    });
    this.hollow = hollow;
    hollow.startNodes({
      nodes: nodeConfigs(scenario, cluster.version, 'bench'),
      proxies: true,
      wire: 'protobuf',
      seed: 'bench',
    });
    const fleet = this.needed(hollow.fleet);
    await this.until('nodes Ready', () => fleet.totals().nodesReady >= nodes);
    this.figures.nodesReadyMs = (clock.nowUs() - startUs) / 1000;
    await this.until('proxies watching', () => fleet.totals().proxiesReady >= nodes);
    this.figures.proxiesReadyMs = (clock.nowUs() - startUs) / 1000;
    this.admin = new ApiClient({
      endpoint: cluster.endpoint,
      identity: cluster.admin,
      codec: jsonCodec,
      userAgent: 'hollowmark-bench',
      clock,
      prng: new Prng('bench'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
  }

  async idle(): Promise<void> {
    const { nodes, idleMs, clock } = this.options;
    const fleet = this.needed(this.hollow?.fleet);
    await sleep(clock, settleMs);
    const before = this.process(fleet.pid);
    const beforeUs = clock.nowUs();
    await sleep(clock, idleMs);
    const after = this.process(fleet.pid);
    const seconds = (clock.nowUs() - beforeUs) / 1e6;
    this.figures.fleetIdleCpuMsPerSecond = ((after.cpuSeconds - before.cpuSeconds) * 1000) / seconds;
    this.figures.fleetRssBytes = after.rssBytes;
    this.figures.harnessRssBytes = this.process(process.pid).rssBytes;
    this.figures.watchesPerNode = fleet.totals().watches / nodes;
  }

  async startPods(): Promise<void> {
    const { nodes, podsPerNode, clock } = this.options;
    const fleet = this.needed(this.hollow?.fleet);
    const { controlPlane } = this.needed(this.cluster);
    const pods = nodes * podsPerNode;
    const apiServer = controlPlane.pids()['kube-apiserver'];
    const before = this.process(fleet.pid).cpuSeconds;
    const apiBefore = this.process(apiServer).cpuSeconds;
    const startUs = clock.nowUs();
    // Open loop, at a rate that a control plane on two cores can follow: beyond it only its own overload is measured.
    for (const [index, deployment] of deployments(pods).entries()) {
      const dueUs = startUs + (index * podsPerDeployment * 1e6) / podsPerSecond;
      await sleep(clock, Math.max(0, (dueUs - clock.nowUs()) / 1000));
      await this.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment);
    }
    await this.until('pods started', () => this.podsStarted >= pods);
    // What idle nodes would have used in that time is not the pods'.
    const elapsedMs = (clock.nowUs() - startUs) / 1000;
    const idleMs = ((this.figures.fleetIdleCpuMsPerSecond ?? 0) * elapsedMs) / 1000;
    const cpuMs = (this.process(fleet.pid).cpuSeconds - before) * 1000 - idleMs;
    this.figures.pods = pods;
    this.figures.podsStartedMs = elapsedMs;
    this.figures.startCpuMsPerPod = cpuMs / pods;
    const api = this.process(apiServer);
    this.figures.apiServerStartCpuMsPerPod = ((api.cpuSeconds - apiBefore) * 1000) / pods;
    this.figures.apiServerRssBytes = api.rssBytes;
  }

  async deletePods(): Promise<void> {
    const { nodes, podsPerNode, clock } = this.options;
    const fleet = this.needed(this.hollow?.fleet);
    const pods = nodes * podsPerNode;
    await sleep(clock, 5_000);
    const before = this.process(fleet.pid).cpuSeconds;
    const startUs = clock.nowUs();
    for (let index = 0; index * podsPerDeployment < pods; index++) {
      const dueUs = startUs + (index * podsPerDeployment * 1e6) / podsPerSecond;
      await sleep(clock, Math.max(0, (dueUs - clock.nowUs()) / 1000));
      await this.call('DELETE', `/apis/apps/v1/namespaces/default/deployments/bench-${index + 1}`);
    }
    await this.until('pods deleted', () => fleet.totals().podsDeleted >= pods);
    const elapsedMs = (clock.nowUs() - startUs) / 1000;
    const idleMs = ((this.figures.fleetIdleCpuMsPerSecond ?? 0) * elapsedMs) / 1000;
    this.figures.podsDeletedMs = elapsedMs;
    this.figures.deleteCpuMsPerPod = ((this.process(fleet.pid).cpuSeconds - before) * 1000 - idleMs) / pods;
    this.figures.notReadyEvents = await this.notReady();
  }

  sample(): Sample {
    return { nodes: this.options.nodes, ...(this.figures as Omit<Sample, 'nodes'>) };
  }

  async stop(): Promise<void> {
    this.admin?.close();
    await (this.hollow ?? this.cluster)?.stop();
  }

  /** The node controller's own word: its NodeNotReady events, and nodes that are not Ready now. */
  private async notReady(): Promise<number> {
    const events = await this.call<{ items: unknown[] }>(
      'GET',
      '/api/v1/namespaces/default/events?fieldSelector=reason%3DNodeNotReady',
    );
    const nodes = await this.call<{
      items: { status: { conditions: { type: string; status: string }[] } }[];
    }>('GET', '/api/v1/nodes');
    const notReady = nodes.items.filter(
      (node) => !node.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    return events.items.length + notReady.length;
  }

  private async call<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const response = await this.needed(this.admin).request({
      method,
      path,
      kind: anyCall,
      ...(body === undefined ? {} : { body: jsonCodec.encode(body) }),
    });
    if (response.status >= 300) {
      throw new HollowmarkError(
        'internal',
        `${method} ${path}: ${response.body.toString('utf8').slice(0, 300)}`,
      );
    }
    return jsonCodec.decode(response.body) as T;
  }

  private async until(what: string, check: () => boolean): Promise<void> {
    const deadlineUs = this.clock.nowUs() + stepTimeoutMs * 1000;
    while (!check()) {
      if (this.clock.nowUs() > deadlineUs) {
        throw new HollowmarkError('internal', `${what}: not within ${stepTimeoutMs / 1000} s`);
      }
      await Promise.race([sleep(this.clock, 50), this.needed(this.hollow).died]);
    }
  }

  private process(pid: number): { cpuSeconds: number; rssBytes: number } {
    const stats = readProcess(pid);
    if (stats === undefined) throw new HollowmarkError('internal', 'the benchmark needs /proc (Linux)');
    return stats;
  }

  private needed<T>(part: T | undefined): T {
    if (part === undefined) throw new HollowmarkError('internal', 'the benchmark has not been brought up');
    return part;
  }
}

const podsPerDeployment = 50;
const podsPerSecond = 60;

function deployments(pods: number): unknown[] {
  return Array.from({ length: Math.ceil(pods / podsPerDeployment) }, (_, index) => {
    const name = `bench-${index + 1}`;
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: Math.min(podsPerDeployment, pods - index * podsPerDeployment),
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
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
  });
}
