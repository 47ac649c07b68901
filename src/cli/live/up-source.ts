import type { Clock } from '../../base/clock.ts';
import { tool } from '../../base/package-info.ts';
import { Prng } from '../../base/prng.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import type { LiveSource } from '../../dashboard/live/live-feed.ts';
import type { LiveAnswer, LivePoint, LiveQuestion, LiveSnapshot } from '../../dashboard/live/snapshot.ts';
import { ApiClient } from '../../kube/client.ts';
import { HandshakeGate } from '../../kube/handshake-gate.ts';
import { LiveInventory } from '../../measure/live-inventory.ts';
import { NodeObserver, PodObserver } from '../../measure/observer.ts';
import { ResourceSampler } from '../../measure/resources.ts';
import { CallMetrics } from '../../metrics/call-metrics.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import { nodeAnswer, nodesAnswer, nodesOf, workloadsOf } from './inventory-answers.ts';
import { processesOf } from './processes-of.ts';
import { ReadyProbe } from './ready-probe.ts';

/** Ten minutes of seconds, as far as somebody was looking. */
const pointsMax = 600;

export type UpSourceOptions = {
  cluster: Cluster;
  runId: string;
  nodeCount: number;
  clock: Clock;
  fleetPid: () => number;
};

/**
 * What a cluster that stays tells its live page, by two watches of its own. On a cluster of our own these are all pods and
 * nodes; on somebody's, what carries the run's label.
 */
export class UpSource implements LiveSource {
  private readonly options: UpSourceOptions;
  private readonly inventory = new LiveInventory();
  private readonly client: ApiClient;
  private readonly pods: PodObserver;
  private readonly nodes: NodeObserver;
  private readonly resources: ResourceSampler;
  private readonly probe: ReadyProbe;
  private readonly startUs: number;
  private readonly points: LivePoint[] = [];

  constructor(options: UpSourceOptions) {
    const { cluster, runId, clock, fleetPid } = options;
    this.options = options;
    this.client = new ApiClient({
      endpoint: cluster.endpoint,
      identity: cluster.admin,
      codec: jsonCodec,
      userAgent: `hollowmark-live/${tool.version}`,
      clock,
      prng: new Prng('client/live'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(1),
      transportsMax: 1,
    });
    const watched = {
      client: this.client,
      runId,
      clock,
      onChange: (): void => {},
      ...(cluster.foreign === undefined ? { selector: '' } : {}),
    };
    this.pods = new PodObserver(watched, this.inventory);
    this.nodes = new NodeObserver(watched);
    this.nodes.listen(this.inventory);
    this.resources = new ResourceSampler(
      () => ({ harness: process.pid, fleet: fleetPid() }),
      () => cluster.pids(),
    );
    this.probe = new ReadyProbe(this.client, clock);
    this.startUs = clock.nowUs();
    this.pods.start();
    this.nodes.start();
  }

  stop(): void {
    this.pods.stop();
    this.nodes.stop();
    this.client.close();
  }

  snapshot(): LiveSnapshot {
    const { clock, cluster, nodeCount } = this.options;
    const { pods, nodes, inventory } = this;
    const nowUs = clock.nowUs();
    const elapsedMs = Math.round((nowUs - this.startUs) / 1000);
    const isReady = this.probe.isReady();
    const point: LivePoint = {
      atMs: elapsedMs,
      podsCreated: pods.created,
      podsStarted: pods.started,
      requestsPerSecond: null,
      requestedPerSecond: null,
      podStartupP99Us: null,
      apiCallP99Us: null,
    };
    this.points.push(point);
    if (this.points.length > pointsMax) this.points.shift();
    return {
      phase: '',
      phaseNumber: 0,
      phaseCount: 0,
      elapsedMs,
      remainingMs: null,
      nodes: nodesOf(nodeCount, nodes.ready, nodes.present),
      pods: { ...inventory.counts, created: pods.created, deleted: pods.deleted, expected: null },
      point,
      startupP99Us: null,
      windows: [],
      latencies: [],
      processes: processesOf(this.resources.sample(nowUs), cluster.pids()),
      ...(isReady === undefined ? {} : { apiServer: isReady ? 'answers' : 'does not answer' }),
      ...workloadsOf(inventory),
    };
  }

  answer(question: LiveQuestion): LiveAnswer {
    switch (question.what) {
      case 'history':
        return { points: [...this.points] };
      case 'nodes':
        return nodesAnswer(this.inventory, question);
      case 'node':
        return nodeAnswer(this.inventory, question);
    }
  }
}
