import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { Prng } from '../../base/prng.ts';
import { silentReporter } from '../../base/reporter.ts';
import { LocalCluster } from '../../cluster/local-cluster.ts';
import { defaultVersion, officialReleaseUrl } from '../../control-plane/control-plane.ts';
import { Guardian } from '../../journal/guardian.ts';
import { ApiClient } from '../../kube/client.ts';
import { HandshakeGate } from '../../kube/handshake-gate.ts';
import { NodeObserver, PodObserver, runLabel } from '../../measure/observer.ts';
import { CallMetrics, callClass } from '../../metrics/call-metrics.ts';
import { readProcess } from '../../metrics/process-stats.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import type { Contender } from './contender.ts';

/** The value of the run label on all nodes and pods of a measurement. */
export const measurementId = 'bench';

/** Pods of so many namespaces on each node: 8 as in the issue, which is 16 watches a kubelet and its proxy. */
const namespaceCount = 8;

/** After the last node is Ready: events still being sent, garbage not yet collected, leases not yet made. */
const settleMs = 25_000;

/** After the last pod has started, and before deleting: status and events that are still on their way. */
const podSettleMs = 15_000;

const stepTimeoutMs = 3_600_000;

/** What one contender used, doing one thing; CPU is beyond what its idle nodes would have used meanwhile. */
export type Step = { elapsedMs: number; cpuMsPerPod: number; apiServerCpuMsPerPod: number };

/** One contender with one number of nodes. */
export type PeerSample = {
  contender: string;
  nodes: number;
  nodesReadyMs: number;
  bringUpCpuMsPerNode: number;
  watchesPerNode: number | undefined;
  idleRssBytes: number;
  idleCpuMsPerSecond: number;
  podsPerNode: number;
  started: Step;
  /** With {@link namespaceCount} pods on each node, one of each namespace. */
  podsRssBytes: number;
  watchesPerNodeWithPods: number | undefined;
  /** Pods beyond those, and what they added. */
  morePods: number;
  moreStarted: Step | undefined;
  moreRssBytes: number | undefined;
  deleted: Step;
  /** What the node controller said of nodes that were there all the time. */
  notReadyEvents: number;
  podsNotReady: number;
};

export type PeerOptions = {
  contender: string;
  make: () => Contender;
  nodes: number;
  idleMs: number;
  /** Pods a node beyond one of each namespace, measured at the end; 0 leaves that out. */
  morePodsPerNode: number;
  /** Pods a second that are asked for: what a control plane on two cores can follow. */
  podsPerSecond: number;
  clock: Clock;
  say: (text: string) => void;
};

/** Brings up a control plane and a contender's nodes, watches them idle, runs pods on them, takes all down. */
export async function measurePeer(options: PeerOptions): Promise<PeerSample> {
  const dir = mkdtempSync(join(tmpdir(), 'hollowmark-peer-'));
  const guardian = new Guardian(dir);
  try {
    const cluster = await LocalCluster.start(
      {
        version: defaultVersion,
        binariesDir: undefined,
        releaseUrl: officialReleaseUrl,
        profile: 'scale',
        extraFlags: {},
        stateDir: join(dir, 'control-plane'),
        reporter: silentReporter,
        signal: new AbortController().signal,
        children: guardian,
      },
      'certificate',
    );
    try {
      return await new PeerMeasurement(options, cluster).run(dir, guardian);
    } finally {
      await cluster.stop();
    }
  } finally {
    await guardian.release();
    rmSync(dir, { recursive: true, force: true });
  }
}

const anyCall = callClass('ANY', 'bench', '', 'cluster');

class PeerMeasurement {
  private readonly options: PeerOptions;
  private readonly cluster: LocalCluster;
  private readonly clock: Clock;
  private readonly contender: Contender;
  private readonly client: ApiClient;
  private readonly pods: PodObserver;
  private readonly nodes: NodeObserver;
  private idleCpuMsPerSecond = 0;

  constructor(options: PeerOptions, cluster: LocalCluster) {
    const { clock } = options;
    this.options = options;
    this.cluster = cluster;
    this.clock = clock;
    this.contender = options.make();
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
    const observed = { client: this.client, runId: measurementId, clock, onChange: () => {} };
    this.nodes = new NodeObserver(observed);
    this.pods = new PodObserver(observed, {
      onSeen: () => {},
      onScheduled: () => {},
      onStarted: () => {},
      onUnschedulable: () => {},
      onGone: () => {},
    });
  }

  async run(dir: string, guardian: Guardian): Promise<PeerSample> {
    const { nodes: nodeCount, contender, idleMs, morePodsPerNode } = this.options;
    this.nodes.start();
    this.pods.start();
    await this.until('the observer watches', () => this.nodes.synced && this.pods.synced);
    try {
      const startUs = this.clock.nowUs();
      await this.contender.start({ cluster: this.cluster, nodes: nodeCount, dir, children: guardian });
      await this.until('nodes Ready', () => this.nodes.ready >= nodeCount);
      const nodesReadyMs = (this.clock.nowUs() - startUs) / 1000;
      const bringUpCpuMsPerNode = (this.usage().cpuSeconds * 1000) / nodeCount;
      this.say(`${nodeCount} nodes Ready after ${(nodesReadyMs / 1000).toFixed(1)} s`);
      await this.quiet();
      const idle = await this.idle(idleMs);
      const watchesPerNode = this.perNode(this.contender.watches());
      const started = await this.step(namespaceCount * nodeCount, 'started', () => this.startDaemonSets());
      await sleep(this.clock, podSettleMs);
      const podsRssBytes = this.usage().rssBytes;
      const watchesPerNodeWithPods = this.perNode(this.contender.watches());
      const morePods = morePodsPerNode * nodeCount;
      let moreStarted: Step | undefined;
      if (morePods > 0) {
        moreStarted = await this.step(morePods, 'more started', () => this.startDeployments(morePods));
        await sleep(this.clock, podSettleMs);
      }
      const moreRssBytes = morePods > 0 ? this.usage().rssBytes : undefined;
      const podsNotReady = await this.podsNotReady();
      const deleted = await this.step(this.pods.present, 'deleted', () => this.deletePods());
      return {
        contender,
        nodes: nodeCount,
        nodesReadyMs,
        bringUpCpuMsPerNode,
        watchesPerNode,
        ...idle,
        podsPerNode: namespaceCount,
        started,
        podsRssBytes,
        watchesPerNodeWithPods,
        morePods,
        moreStarted,
        moreRssBytes,
        deleted,
        notReadyEvents: this.nodes.notReadyEvents + (await this.notReadyEvents()),
        podsNotReady,
      };
    } finally {
      this.nodes.stop();
      this.pods.stop();
      this.client.close();
      await this.contender.stop();
    }
  }

  private say(text: string): void {
    this.options.say(`  ${this.options.contender}: ${text}`);
  }

  private perNode(total: number | undefined): number | undefined {
    return total === undefined ? undefined : total / this.options.nodes;
  }

  /** Bringing nodes up goes on for a while after they are Ready (proxies, events, first leases): until it is over. */
  private async quiet(): Promise<void> {
    const windowMs = 5_000;
    await sleep(this.clock, settleMs);
    let last = Number.POSITIVE_INFINITY;
    for (;;) {
      const before = this.usage().cpuSeconds;
      await sleep(this.clock, windowMs);
      const used = this.usage().cpuSeconds - before;
      // Less than a tenth of a core, or no longer falling.
      if (used < windowMs / 10_000 || used > last * 0.8) return;
      last = used;
    }
  }

  private async idle(idleMs: number): Promise<Pick<PeerSample, 'idleRssBytes' | 'idleCpuMsPerSecond'>> {
    const before = this.usage();
    const beforeUs = this.clock.nowUs();
    await sleep(this.clock, idleMs);
    const after = this.usage();
    const seconds = (this.clock.nowUs() - beforeUs) / 1e6;
    this.idleCpuMsPerSecond = ((after.cpuSeconds - before.cpuSeconds) * 1000) / seconds;
    return { idleRssBytes: after.rssBytes, idleCpuMsPerSecond: this.idleCpuMsPerSecond };
  }

  /** Does something with `count` pods and says what it took. */
  private async step(count: number, what: string, act: () => Promise<void>): Promise<Step> {
    const apiServer = this.cluster.pids()['kube-apiserver'] ?? 0;
    const before = this.usage().cpuSeconds;
    const apiBefore = readProcess(apiServer)?.cpuSeconds ?? 0;
    const startUs = this.clock.nowUs();
    await act();
    const elapsedMs = (this.clock.nowUs() - startUs) / 1000;
    const idleMs = (this.idleCpuMsPerSecond * elapsedMs) / 1000;
    const cpuMs = (this.usage().cpuSeconds - before) * 1000 - idleMs;
    const apiMs = ((readProcess(apiServer)?.cpuSeconds ?? 0) - apiBefore) * 1000;
    const step = { elapsedMs, cpuMsPerPod: cpuMs / count, apiServerCpuMsPerPod: apiMs / count };
    this.say(
      `${count} pods ${what} in ${(elapsedMs / 1000).toFixed(1)} s, ${step.cpuMsPerPod.toFixed(2)} ms CPU each`,
    );
    return step;
  }

  /** A DaemonSet in each namespace, one after the other: exactly one pod of each on every node. */
  private async startDaemonSets(): Promise<void> {
    const { nodes, podsPerSecond } = this.options;
    for (let index = 1; index <= namespaceCount; index++) {
      const namespace = `bench-${index}`;
      await this.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
      await this.until('its service account', () => this.there(`${namespace}/serviceaccounts/default`));
      await this.until('its CA', () => this.there(`${namespace}/configmaps/kube-root-ca.crt`));
      const due = this.clock.nowUs() + (nodes * 1e6) / podsPerSecond;
      await this.call('POST', `/apis/apps/v1/namespaces/${namespace}/daemonsets`, daemonSet());
      await this.until('pods started', () => this.pods.started >= index * nodes);
      await sleep(this.clock, Math.max(0, (due - this.clock.nowUs()) / 1000));
    }
  }

  private async startDeployments(count: number): Promise<void> {
    const { podsPerSecond } = this.options;
    const before = this.pods.started;
    const startUs = this.clock.nowUs();
    const each = 50;
    for (let made = 0, index = 0; made < count; index++) {
      const replicas = Math.min(each, count - made);
      const namespace = `bench-${1 + (index % namespaceCount)}`;
      await this.call(
        'POST',
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        deployment(`more-${index + 1}`, replicas),
      );
      made += replicas;
      await sleep(
        this.clock,
        Math.max(0, (startUs + (made * 1e6) / podsPerSecond - this.clock.nowUs()) / 1000),
      );
    }
    await this.until('pods started', () => this.pods.started - before >= count);
  }

  /** At the same rate, DaemonSet by DaemonSet and Deployment by Deployment. */
  private async deletePods(): Promise<void> {
    const { podsPerSecond } = this.options;
    const startUs = this.clock.nowUs();
    const first = this.pods.present;
    for (let index = 1; index <= namespaceCount; index++) {
      const path = `/apis/apps/v1/namespaces/bench-${index}`;
      for (const kind of ['deployments', 'daemonsets']) {
        const { items } = await this.call<{ items: Named[] }>('GET', `${path}/${kind}`);
        for (const { metadata, spec, status } of items) {
          const pods = spec.replicas ?? status.currentNumberScheduled ?? 0;
          await this.call('DELETE', `${path}/${kind}/${metadata.name}`);
          await sleep(this.clock, (pods * 1000) / podsPerSecond);
        }
      }
    }
    await this.until('pods deleted', () => this.pods.present === 0);
    const seconds = (this.clock.nowUs() - startUs) / 1e6;
    this.say(`${(first / seconds).toFixed(0)} pods a second deleted`);
  }

  /** Memory and CPU of all processes that play nodes, together. */
  private usage(): { rssBytes: number; cpuSeconds: number } {
    const sum = { rssBytes: 0, cpuSeconds: 0 };
    for (const pid of this.contender.pids()) {
      const sample = readProcess(pid);
      if (sample === undefined)
        throw new HollowmarkError('internal', `process ${pid} is gone, or there is no /proc`);
      sum.rssBytes += sample.rssBytes;
      sum.cpuSeconds += sample.cpuSeconds;
    }
    return sum;
  }

  private async notReadyEvents(): Promise<number> {
    const { items } = await this.call<{ items: unknown[] }>(
      'GET',
      '/api/v1/namespaces/default/events?fieldSelector=reason%3DNodeNotReady',
    );
    return items.length;
  }

  /** Pods whose Ready condition is not True, page by page. */
  private async podsNotReady(): Promise<number> {
    let notReady = 0;
    let next = '';
    do {
      const page = await this.call<{
        metadata: { continue?: string };
        items: { status: { conditions?: { type: string; status: string }[] } }[];
      }>('GET', `/api/v1/pods?limit=1000${next}`);
      notReady += page.items.filter(
        ({ status }) =>
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') !== true,
      ).length;
      next =
        page.metadata.continue === undefined ? '' : `&continue=${encodeURIComponent(page.metadata.continue)}`;
    } while (next !== '');
    return notReady;
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
      throw new HollowmarkError(
        'internal',
        `${method} ${path}: ${response.body.toString('utf8').slice(0, 300)}`,
      );
    }
    return JSON.parse(response.body.toString('utf8')) as T;
  }

  private async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineUs = this.clock.nowUs() + stepTimeoutMs * 1000;
    while (!(await check())) {
      if (this.clock.nowUs() > deadlineUs) {
        throw new HollowmarkError('internal', `${what}: not within ${stepTimeoutMs / 1000} s`);
      }
      await Promise.race([sleep(this.clock, 50), this.cluster.died]);
    }
  }
}

type Named = {
  metadata: { name: string };
  spec: { replicas?: number };
  status: { currentNumberScheduled?: number };
};

function workload(kind: string, name: string, replicas?: number): unknown {
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

const daemonSet = (): unknown => workload('DaemonSet', 'each');
const deployment = (name: string, replicas: number): unknown => workload('Deployment', name, replicas);
