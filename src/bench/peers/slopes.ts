import { type Clock, sleep } from '../../base/clock.ts';
import { PeerCluster, type PeerOptions, namespaceCount } from './peer-cluster.ts';

/** After the last node is Ready: events still being sent, garbage not yet collected, leases not yet made, code compiled. */
const settleMs = 60_000;

/** After the last pod has started, and before deleting: status and events that are still on their way. */
const podSettleMs = 15_000;

/** What one contender used, doing one thing; CPU is beyond what its idle nodes would have used meanwhile. */
type Step = { elapsedMs: number; cpuMsPerPod: number; apiServerCpuMsPerPod: number };

/** One contender with one number of nodes. */
export type PeerSample = {
  contender: string;
  nodes: number;
  nodesReadyMs: number;
  bringUpCpuMsPerNode: number;
  watchesPerNode: number | undefined;
  idleRssBytes: number;
  idleCpuMsPerSecond: number;
  started: Step;
  /** With {@link namespaceCount} pods on each node, one of each namespace. */
  podsRssBytes: number;
  watchesPerNodeWithPods: number | undefined;
  /** Pods beyond those, and what they added. */
  morePods: number;
  moreStarted: Step | undefined;
  moreRssBytes: number | undefined;
  deleted: Step;
  notReadyEvents: number;
  podsNotReady: number;
};

export type SlopeOptions = PeerOptions & {
  idleMs: number;
  /** Pods a node beyond one of each namespace, measured at the end; 0 leaves that out. */
  morePodsPerNode: number;
  /** Pods a second that are asked for: what a control plane on two cores can follow. */
  podsPerSecond: number;
};

/** Brings up a contender's nodes, watches them idle, runs pods on them, deletes these. */
export function measureSlopes(options: SlopeOptions): Promise<PeerSample> {
  return PeerCluster.with(options, (peer) => new Slopes(options, peer).run());
}

class Slopes {
  private readonly options: SlopeOptions;
  private readonly peer: PeerCluster;
  private readonly clock: Clock;
  private idleCpuMsPerSecond = 0;

  constructor(options: SlopeOptions, peer: PeerCluster) {
    this.options = options;
    this.peer = peer;
    this.clock = options.clock;
  }

  async run(): Promise<PeerSample> {
    const { nodes, contender, idleMs, morePodsPerNode } = this.options;
    const { peer, clock } = this;
    const nodesReadyMs = await peer.startNodes();
    const bringUpCpuMsPerNode = (peer.usage().cpuSeconds * 1000) / nodes;
    peer.say(`${nodes} nodes Ready after ${(nodesReadyMs / 1000).toFixed(1)} s`);
    await this.quiet();
    const idle = await this.idle(idleMs);
    const watchesPerNode = this.perNode(peer.contender.watches());
    await peer.makeNamespaces();
    const started = await this.step(namespaceCount * nodes, 'started', () => this.startDaemonSets());
    await sleep(clock, podSettleMs);
    const podsRssBytes = peer.usage().rssBytes;
    const watchesPerNodeWithPods = this.perNode(peer.contender.watches());
    const morePods = morePodsPerNode * nodes;
    let moreStarted: Step | undefined;
    if (morePods > 0) {
      moreStarted = await this.step(morePods, 'more started', () => this.startDeployments(morePods));
      await sleep(clock, podSettleMs);
    }
    const moreRssBytes = morePods > 0 ? peer.usage().rssBytes : undefined;
    const podsNotReady = await peer.podsNotReady();
    const deleted = await this.step(peer.pods.present, 'deleted', () => this.deletePods());
    return {
      contender,
      nodes,
      nodesReadyMs,
      bringUpCpuMsPerNode,
      watchesPerNode,
      ...idle,
      started,
      podsRssBytes,
      watchesPerNodeWithPods,
      morePods,
      moreStarted,
      moreRssBytes,
      deleted,
      notReadyEvents: await peer.notReadyEvents(),
      podsNotReady,
    };
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
      const before = this.peer.usage().cpuSeconds;
      await sleep(this.clock, windowMs);
      const used = this.peer.usage().cpuSeconds - before;
      // Less than a tenth of a core, or no longer falling.
      if (used < windowMs / 10_000 || used > last * 0.8) return;
      last = used;
    }
  }

  private async idle(idleMs: number): Promise<Pick<PeerSample, 'idleRssBytes' | 'idleCpuMsPerSecond'>> {
    const before = this.peer.usage();
    const beforeUs = this.clock.nowUs();
    await sleep(this.clock, idleMs);
    const after = this.peer.usage();
    const seconds = (this.clock.nowUs() - beforeUs) / 1e6;
    this.idleCpuMsPerSecond = ((after.cpuSeconds - before.cpuSeconds) * 1000) / seconds;
    return { idleRssBytes: after.rssBytes, idleCpuMsPerSecond: this.idleCpuMsPerSecond };
  }

  /** Does something with `count` pods and says what it took. */
  private async step(count: number, what: string, act: () => Promise<void>): Promise<Step> {
    const { peer } = this;
    const apiServerSeconds = (): number => peer.controlPlaneUsage()['kube-apiserver']?.cpuSeconds ?? 0;
    const before = peer.usage().cpuSeconds;
    const apiBefore = apiServerSeconds();
    const startUs = this.clock.nowUs();
    await act();
    const elapsedMs = (this.clock.nowUs() - startUs) / 1000;
    const idleMs = (this.idleCpuMsPerSecond * elapsedMs) / 1000;
    const cpuMs = (peer.usage().cpuSeconds - before) * 1000 - idleMs;
    const apiMs = (apiServerSeconds() - apiBefore) * 1000;
    const step = { elapsedMs, cpuMsPerPod: cpuMs / count, apiServerCpuMsPerPod: apiMs / count };
    peer.say(
      `${count} pods ${what} in ${(elapsedMs / 1000).toFixed(1)} s, ${step.cpuMsPerPod.toFixed(2)} ms CPU each`,
    );
    return step;
  }

  /** A DaemonSet in each namespace, one after the other: exactly one pod of each on every node. */
  private async startDaemonSets(): Promise<void> {
    const { nodes } = this.options;
    const pace = this.pace();
    for (let index = 1; index <= namespaceCount; index++) {
      await this.peer.startDaemonSet(index);
      await pace(nodes);
      await this.started(index * nodes);
    }
  }

  private async startDeployments(count: number): Promise<void> {
    const wanted = this.peer.pods.started + count;
    const each = 50;
    const pace = this.pace();
    for (let made = 0, index = 0; made < count; made += each, index++) {
      const replicas = Math.min(each, count - made);
      await this.peer.startDeployment(1 + (index % namespaceCount), `more-${index + 1}`, replicas);
      await pace(replicas);
    }
    await this.started(wanted);
  }

  private async deletePods(): Promise<void> {
    const pace = this.pace();
    for (const { path, pods } of await this.peer.workloads()) {
      await this.peer.delete(path);
      await pace(pods);
    }
    await this.peer.until('pods deleted', () => this.peer.pods.present === 0);
  }

  private started(count: number): Promise<void> {
    return this.peer.until('pods started', () => this.peer.pods.started >= count);
  }

  /** Waits until so many more pods are due, from now on. */
  private pace(): (pods: number) => Promise<void> {
    const startUs = this.clock.nowUs();
    let asked = 0;
    return async (pods) => {
      asked += pods;
      const dueUs = startUs + (asked * 1e6) / this.options.podsPerSecond;
      await sleep(this.clock, Math.max(0, (dueUs - this.clock.nowUs()) / 1000));
    };
  }
}
