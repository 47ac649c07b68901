import { type Clock, sleep } from '../../base/clock.ts';
import { PeerCluster, type PeerOptions, namespaceCount } from './peer-cluster.ts';

/** After the last node is Ready: events still being sent, garbage not yet collected, leases not yet made, code compiled. */
const settleMs = 60_000;

/** 3,000 pods on many nodes, 30 a node on few. */
const burstPodsMax = 3_000;
const burstPodsPerNode = 30;

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
  /** Here and below: resident memory without garbage, as far as a contender can be told to collect it. */
  idleRssBytes: number;
  idleCpuMsPerSecond: number;
  apiServerIdleCpuMsPerSecond: number;
  /** Established to the API server, those of the control plane and of this measurement included. */
  connections: number | undefined;
  started: Step;
  /** With {@link namespaceCount} pods on each node, one of each namespace. */
  podsRssBytes: number;
  watchesPerNodeWithPods: number | undefined;
  /** Pods beyond those, and what they added. */
  morePods: number;
  moreStarted: Step | undefined;
  moreRssBytes: number | undefined;
  /** What a collection gave back after the last pods had started; undefined where nobody can be told to collect. */
  garbageBytes: number | undefined;
  deleted: Step;
  /** One Deployment that is asked for at once, until the last of its pods has started. */
  burst: { pods: number; elapsedMs: number } | undefined;
  notReadyEvents: number;
  podsNotReady: number;
};

export type SlopeOptions = PeerOptions & {
  idleMs: number;
  /** Pods a node beyond one of each namespace, measured at the end; 0 leaves that out. */
  morePodsPerNode: number;
  /** Whether a burst is measured, last of all. */
  burst: boolean;
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
    let grownRssBytes = peer.usage().rssBytes;
    const podsRssBytes = await peer.rssBytes();
    const watchesPerNodeWithPods = this.perNode(peer.contender.watches());
    const morePods = morePodsPerNode * nodes;
    let moreStarted: Step | undefined;
    if (morePods > 0) {
      moreStarted = await this.step(morePods, 'more started', () => this.startDeployments(morePods));
      await sleep(clock, podSettleMs);
    }
    let moreRssBytes: number | undefined;
    if (morePods > 0) {
      grownRssBytes = peer.usage().rssBytes;
      moreRssBytes = await peer.rssBytes();
    }
    const podsNotReady = await peer.podsNotReady();
    const deleted = await this.step(peer.pods.present, 'deleted', () => this.deletePods());
    const notReadyEvents = await peer.notReadyEvents();
    const burst = this.options.burst ? await this.burst() : undefined;
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
      garbageBytes:
        peer.contender.collect === undefined ? undefined : grownRssBytes - (moreRssBytes ?? podsRssBytes),
      deleted,
      burst,
      notReadyEvents,
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

  private async idle(
    idleMs: number,
  ): Promise<
    Pick<PeerSample, 'idleRssBytes' | 'idleCpuMsPerSecond' | 'apiServerIdleCpuMsPerSecond' | 'connections'>
  > {
    const { peer } = this;
    const before = peer.usage();
    const apiBeforeSeconds = peer.apiServerCpuSeconds();
    const beforeUs = this.clock.nowUs();
    await sleep(this.clock, idleMs);
    const after = peer.usage();
    const apiMs = (peer.apiServerCpuSeconds() - apiBeforeSeconds) * 1000;
    const seconds = (this.clock.nowUs() - beforeUs) / 1e6;
    this.idleCpuMsPerSecond = ((after.cpuSeconds - before.cpuSeconds) * 1000) / seconds;
    return {
      idleRssBytes: await peer.rssBytes(),
      idleCpuMsPerSecond: this.idleCpuMsPerSecond,
      apiServerIdleCpuMsPerSecond: apiMs / seconds,
      connections: peer.connections(),
    };
  }

  /** Does something with `count` pods and says what it took. */
  private async step(count: number, what: string, act: () => Promise<void>): Promise<Step> {
    const { peer } = this;
    const before = peer.usage().cpuSeconds;
    const apiBefore = peer.apiServerCpuSeconds();
    const startUs = this.clock.nowUs();
    await act();
    const elapsedMs = (this.clock.nowUs() - startUs) / 1000;
    const idleMs = (this.idleCpuMsPerSecond * elapsedMs) / 1000;
    const cpuMs = (peer.usage().cpuSeconds - before) * 1000 - idleMs;
    const apiMs = (peer.apiServerCpuSeconds() - apiBefore) * 1000;
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

  private async burst(): Promise<PeerSample['burst']> {
    const { peer, clock } = this;
    const pods = Math.min(burstPodsMax, burstPodsPerNode * this.options.nodes);
    const wanted = peer.pods.started + pods;
    const startUs = clock.nowUs();
    await peer.startDeployment(1, 'burst', pods);
    await this.started(wanted);
    const elapsedMs = (clock.nowUs() - startUs) / 1000;
    peer.say(`${pods} pods of one Deployment started in ${(elapsedMs / 1000).toFixed(1)} s`);
    return { pods, elapsedMs };
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
