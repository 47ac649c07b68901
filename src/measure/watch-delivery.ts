import type { Clock, TimerHandle } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { type DeliveryWrite, deliveryAnnotation, writeText } from '../metrics/delivery.ts';
import { BoundedLatencies } from '../metrics/bounded-latencies.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { Figure, Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, Series, ShardFigures, Told } from './instrument.ts';
import { type Threshold, objectiveFor } from './slo.ts';
import { countOf } from './words.ts';

/**
 * A write goes to two watches of every node, 4,000 of 2,000 nodes: 400 events a second at this rate, against some 600
 * requests that the nodes send. More often would be load, less often leave too few writes. Not for the scenario to change:
 * runs are compared.
 */
const deliveryIntervalMs = 10_000;

/** A write is settled when its time is over and shards, which tell every five seconds, have told of it. */
const settleMs = 7_000;

const postService = callClass('POST', 'services', '', 'resource');
const patchService = callClass('PATCH', 'services', '', 'resource');

/** The Service that is written for nothing but being watched. */
export type DeliveryService = { namespace: string; name: string; labels: Record<string, string> };

export type WatchDeliveryOptions = {
  clock: Clock;
  /** Creates and patches the Service. */
  client: Pick<ApiClient, 'request' | 'codec'>;
  service: DeliveryService;
  /** Nodes that are Ready now: each has to have what is written now. */
  nodesReady: () => number;
  /** Whether each node has a kube-proxy. */
  proxies: boolean;
  /** How late this thread's event loop is. */
  delayNowUs: () => number;
};

type Write = DeliveryWrite & {
  expected: number;
  kubelets: number;
  proxies: number;
  slowestUs: number;
  slowestNode: string;
  /** The API server has said that it did not happen, or nothing. */
  failed: boolean;
};

const source =
  "the send's time travels in an annotation of the Service; monotonic clock of the machine, on which all nodes are; includes the loop delay of the shard, whose nodes take their turns";
const what = 'A Service of the run is patched every 10 s, which every kubelet and every kube-proxy watches';

/**
 * Watch latency to every hollow node: a write sent, acknowledged, seen by all, and by the slowest. The Service is of type
 * ExternalName: no cluster IP is taken, no controller makes endpoints and no kube-proxy a rule, yet it passes the filter of
 * kubelets' and proxies' watches (`spec.clusterIP!=None`), which a headless one does not.
 */
export class WatchDelivery implements Instrument {
  private readonly options: WatchDeliveryOptions;
  private readonly acknowledged = new BoundedLatencies();
  private readonly kubelets = new Histogram();
  private readonly proxies = new Histogram();
  private readonly slowest = new Histogram();
  /** By sequence, in order; those that are settled are gone. */
  private readonly writes = new Map<number, Write>();
  private sequence = 0;
  private settledCount = 0;
  private incompleteCount = 0;
  private missing = 0;
  /** Of those that every node had in time. */
  private slowestWrite: Write | undefined;
  private clampedCount = 0;
  private failedCount = 0;
  /** Due while the one before had no answer. */
  private skippedCount = 0;
  private firstFailure = '';
  private phases = 0;
  private startUs = 0;
  private created = false;
  private writing = false;
  private timer: TimerHandle | undefined;
  private stopped = false;

  constructor(options: WatchDeliveryOptions) {
    this.options = options;
  }

  /** The first is the bring-up: nodes that are not there yet miss nothing. */
  phase(): void {
    if (this.phases++ !== 1 || this.stopped) return;
    this.startUs = this.options.clock.nowUs();
    void this.write();
    this.arm(1);
  }

  shard({ delivery }: Pick<ShardFigures, 'delivery'>): void {
    if (delivery === undefined) return;
    this.kubelets.merge(Histogram.fromBase64(delivery.kubelets));
    this.proxies.merge(Histogram.fromBase64(delivery.proxies));
    this.clampedCount += delivery.clampedCount;
    for (const count of delivery.writes) {
      const write = this.writes.get(count.sequence);
      if (write === undefined) continue;
      write.kubelets += count.kubelets;
      write.proxies += count.proxies;
      if (count.slowestUs <= write.slowestUs) continue;
      write.slowestUs = count.slowestUs;
      write.slowestNode = count.slowestNode;
    }
  }

  sample(nowUs: number): void {
    for (const [sequence, write] of this.writes) {
      if (nowUs < write.nextUs + settleMs * 1000) return;
      this.settle(write);
      this.writes.delete(sequence);
    }
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** All shards have told what they know. */
  finish(): Promise<void> {
    this.stop();
    const nowUs = this.options.clock.nowUs();
    for (const write of this.writes.values()) {
      // One that is still on its way says nothing.
      if (nowUs >= write.nextUs || this.missingOf(write) === 0) this.settle(write);
    }
    this.writes.clear();
    return Promise.resolve();
  }

  series(): Series[] {
    return [
      { id: 'watch-delivery', labels: { watcher: 'kubelet' }, histogram: this.kubelets },
      { id: 'watch-delivery', labels: { watcher: 'kube-proxy' }, histogram: this.proxies },
      { id: 'watch-delivery-slowest', labels: {}, histogram: this.slowest },
    ];
  }

  tell(thresholds: readonly Threshold[]): Told {
    if (this.sequence === 0) return {};
    return {
      slis: this.slis(thresholds),
      figures: this.figures(),
      notes: this.notes(),
      clampedCount: this.clampedCount,
    };
  }

  private slis(thresholds: readonly Threshold[]): Sli[] {
    const sli = (
      histogram: Histogram,
      id: string,
      labels: Record<string, string>,
      definition: string,
      own?: { source: string; lowerBound: Histogram },
    ): Sli[] => {
      if (histogram.count === 0) return [];
      const slo = objectiveFor(thresholds, id, labels);
      const description = {
        id,
        labels,
        unit: 'us' as const,
        definition,
        source,
        resolution: '1 µs',
        ...own,
      };
      return [toSli(histogram, slo === undefined ? description : { ...description, slo })];
    };
    const toWatch = (whose: string): string =>
      `From a write's send until a hollow ${whose} has its event, for each write and each node. ${what}. A watch that was down has the writes that it missed when it has the newest; those from before a watch are left out.`;
    return [
      ...sli(
        this.acknowledged.samples,
        'watch-delivery-write',
        {},
        `From a write's send until its answer: the part of watch-delivery that is the write's. ${what}.`,
        {
          source: "observer's clock; includes the loop delay of its thread",
          lowerBound: this.acknowledged.lower,
        },
      ),
      ...sli(this.kubelets, 'watch-delivery', { watcher: 'kubelet' }, toWatch('kubelet')),
      ...sli(this.proxies, 'watch-delivery', { watcher: 'kube-proxy' }, toWatch('kube-proxy')),
      ...sli(
        this.slowest,
        'watch-delivery-slowest',
        {},
        `From a write's send until the last watch of all nodes has its event, for each write. ${what}. A write that a Ready node did not have when the next one was due counts with the time until then, and its missing events in watch-delivery-missing; a node that has failed counts as Ready until it is seen NotReady, so that each failure makes some writes as slow as that.`,
      ),
    ];
  }

  private figures(): Figure[] {
    const figure = (id: string, definition: string, value: number): Figure => ({
      id,
      labels: {},
      unit: 'count',
      definition,
      source: "hollow nodes' watches against the nodes that the observer saw Ready at the write's send",
      resolution: '1; a node that was not Ready and had the write makes up for one that was and had it not',
      value,
    });
    return [
      figure(
        'watch-delivery-writes',
        `Writes that every Ready node had to have. ${what}.`,
        this.settledCount,
      ),
      figure(
        'watch-delivery-missing',
        'Events that had not come to a watch of a Ready node when the next write was due, 10 s later, over all writes and watches.',
        this.missing,
      ),
      ...this.slowestNode(),
    ];
  }

  private slowestNode(): Figure[] {
    if (this.slowestWrite === undefined) return [];
    const { slowestNode, slowestUs } = this.slowestWrite;
    return [
      {
        id: 'watch-delivery-slowest-node',
        labels: { node: slowestNode },
        unit: 'us',
        definition: `Of the writes that every Ready node had within 10 s, the slowest: from its send until the last watch had its event, and the node whose watch that was. ${what}.`,
        source,
        resolution: '1 µs',
        value: Math.round(slowestUs),
      },
    ];
  }

  private notes(): string[] {
    const notes: string[] = [];
    if (this.incompleteCount > 0) {
      notes.push(
        `${this.incompleteCount} of ${countOf(this.settledCount, 'write')} had not come to every Ready node after 10 s (watch-delivery-missing): partitioned or overloaded nodes, or an API server that did not send.`,
      );
    }
    if (this.failedCount > 0) {
      notes.push(
        `Watch delivery: ${this.failedCount} of ${countOf(this.sequence, 'write')} were without success, the first: ${this.firstFailure}.`,
      );
    }
    if (this.skippedCount > 0) {
      notes.push(
        `Watch delivery: ${countOf(this.skippedCount, 'write')} left out, as the one before had no answer yet.`,
      );
    }
    return notes;
  }

  private arm(tick: number): void {
    const { clock } = this.options;
    const dueUs = this.startUs + tick * deliveryIntervalMs * 1000;
    this.timer = clock.timer(Math.max(0, Math.ceil((dueUs - clock.nowUs()) / 1000)), () => {
      if (this.stopped) return;
      this.arm(tick + 1);
      // One without an answer for so long: whatever comes after it would only wait behind it.
      if (this.writing) this.skippedCount++;
      else void this.write();
    });
  }

  private async write(): Promise<void> {
    const { clock, nodesReady } = this.options;
    this.writing = true;
    const sentUs = clock.nowUs();
    const write: Write = {
      sequence: ++this.sequence,
      sentUs,
      nextUs: sentUs + deliveryIntervalMs * 1000,
      expected: nodesReady(),
      kubelets: 0,
      proxies: 0,
      slowestUs: 0,
      slowestNode: '',
      failed: false,
    };
    this.writes.set(write.sequence, write);
    try {
      const { status } = await this.send(write);
      if (status === 200 || status === 201) {
        this.created = true;
        if (!this.stopped) this.acknowledged.record(clock.nowUs() - sentUs, this.options.delayNowUs());
      } else {
        // It is there, by a POST whose answer was lost; or it is not, any more.
        this.created = status === 409 ? true : status === 404 ? false : this.created;
        this.fail(write, `HTTP ${status}`);
      }
    } catch (error) {
      this.fail(write, errorMessage(error));
    } finally {
      this.writing = false;
    }
  }

  private fail(write: Write, reason: string): void {
    if (this.stopped) return;
    write.failed = true;
    this.failedCount++;
    if (this.firstFailure === '') this.firstFailure = reason;
  }

  private send(write: DeliveryWrite): Promise<{ status: number }> {
    const { client, service } = this.options;
    const collection = `/api/v1/namespaces/${service.namespace}/services`;
    const annotations = { [deliveryAnnotation]: writeText(write) };
    const timeoutMs = deliveryIntervalMs;
    if (this.created) {
      return client.request({
        method: 'PATCH',
        path: `${collection}/${service.name}`,
        kind: patchService,
        contentType: 'application/merge-patch+json',
        body: Buffer.from(JSON.stringify({ metadata: { annotations } })),
        timeoutMs,
      });
    }
    return client.request({
      method: 'POST',
      path: collection,
      kind: postService,
      body: client.codec.encode({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...service, annotations },
        // A name that no name server has (RFC 6761).
        spec: { type: 'ExternalName', externalName: 'watch-delivery.hollowmark.invalid' },
      }),
      timeoutMs,
    });
  }

  /** A write without success is nobody's to have, unless it happened all the same. */
  private settle(write: Write): void {
    if (write.failed && write.kubelets + write.proxies === 0) return;
    const missing = this.missingOf(write);
    this.settledCount++;
    this.missing += missing;
    if (missing > 0) this.incompleteCount++;
    if (missing === 0 && write.slowestUs > (this.slowestWrite?.slowestUs ?? 0)) this.slowestWrite = write;
    this.slowest.record(missing > 0 ? write.nextUs - write.sentUs : write.slowestUs);
  }

  private missingOf({ expected, kubelets, proxies }: Write): number {
    const ofProxies = this.options.proxies ? Math.max(0, expected - proxies) : 0;
    return Math.max(0, expected - kubelets) + ofProxies;
  }
}
