import type { Clock } from '../base/clock.ts';
import { LruMap } from '../base/lru.ts';
import {
  type DeliveryCount,
  type DeliverySnapshot,
  type DeliveryWrite,
  deliveryAnnotation,
  readWrite,
} from '../metrics/delivery.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import { View } from '../wire/view.ts';

/** Whose watch it is; both watch the Services of all namespaces. */
export type Watcher = 'kubelet' | 'proxy';

/** Service events of so many versions are known as what they are without being read again. */
const versionsKept = 1024;

/** A watch that was down for longer than so many writes has those before them no more. */
const writesKept = 64;

const probeView = new View({ metadata: { namespace: true, name: true, annotations: true } });

type Written = DeliveryWrite & DeliveryCount & { told: boolean };

const nothingYet = { kubelets: 0, proxies: 0, slowestUs: 0, slowestNode: '', told: true };

const otherService = 'other';

type ServiceEvent = Pick<RawWatchEvent, 'type' | 'resourceVersion' | 'metadata' | 'object'>;

/**
 * When the writes of one Service come to the nodes of a shard. Each version of a Service is read once for all of their
 * watches; what a node sends is as without it.
 */
export class WatchDelivery {
  private readonly clock: Pick<Clock, 'nowUs'>;
  /** `<namespace>/<name>` */
  private readonly service: string;
  /** The Service's, once it was seen: no other is read from then on. */
  private uid = '';
  private readonly versions = new LruMap<DeliveryWrite | typeof otherService>(versionsKept);
  private readonly writes = new Map<number, Written>();
  private readonly latencies: Record<Watcher, Histogram> = {
    kubelet: new Histogram(),
    proxy: new Histogram(),
  };

  constructor(clock: Pick<Clock, 'nowUs'>, service: string) {
    this.clock = clock;
    this.service = service;
  }

  /** For one watch of Services of a node, from its opening to its end. */
  tap(watcher: Watcher, node: string): DeliveryTap {
    return new DeliveryTap(this, watcher, node);
  }

  /**
   * The write that a Service event tells of; undefined for any other Service. Those of a first listing are not even looked at
   * as long as nobody here has seen the Service: there may be thousands for each node, and it is not among them.
   */
  writeOf(event: ServiceEvent, listed: boolean): DeliveryWrite | undefined {
    if (this.uid === '' ? !listed : event.metadata().uid !== this.uid) return undefined;
    if (event.type === 'DELETED') {
      // Somebody's doing; it will be made anew.
      this.uid = '';
      return undefined;
    }
    let known = this.versions.get(event.resourceVersion);
    if (known === undefined) {
      known = this.read(event.object(probeView)) ?? otherService;
      this.versions.set(event.resourceVersion, known);
      if (known !== otherService) {
        this.uid = event.metadata().uid;
        this.keep(known);
      }
    }
    return known === otherService ? undefined : known;
  }

  /** A watch of a node has the writes up to `last` now, and had those up to `before` already. */
  delivered(watcher: Watcher, node: string, before: number, last: number): void {
    const nowUs = this.clock.nowUs();
    for (let sequence = Math.max(before, last - writesKept) + 1; sequence <= last; sequence++) {
      // One that no watch of this shard has brought by itself: nobody here knows when it was sent.
      const write = this.writes.get(sequence);
      if (write === undefined) continue;
      this.latencies[watcher].record(nowUs - write.sentUs);
      if (nowUs > write.nextUs) continue;
      if (watcher === 'kubelet') write.kubelets++;
      else write.proxies++;
      if (nowUs - write.sentUs > write.slowestUs) {
        write.slowestUs = nowUs - write.sentUs;
        write.slowestNode = node;
      }
      write.told = false;
    }
  }

  drain(): DeliverySnapshot {
    const { kubelet, proxy } = this.latencies;
    const snapshot: DeliverySnapshot = {
      kubelets: kubelet.toBase64(),
      proxies: proxy.toBase64(),
      clampedCount: kubelet.clampedCount + proxy.clampedCount,
      writes: [],
    };
    for (const write of this.writes.values()) {
      if (write.told) continue;
      const { sequence, kubelets, proxies, slowestUs, slowestNode } = write;
      snapshot.writes.push({ sequence, kubelets, proxies, slowestUs, slowestNode });
      Object.assign(write, nothingYet);
    }
    kubelet.reset();
    proxy.reset();
    return snapshot;
  }

  private read(object: unknown): DeliveryWrite | undefined {
    const { metadata } = object as {
      metadata?: { namespace?: string; name?: string; annotations?: Record<string, string> };
    };
    if (`${metadata?.namespace}/${metadata?.name}` !== this.service) return undefined;
    return readWrite(metadata?.annotations?.[deliveryAnnotation]);
  }

  private keep(write: DeliveryWrite): void {
    if (this.writes.has(write.sequence)) return;
    this.writes.set(write.sequence, { ...write, ...nothingYet });
    const [oldest] = this.writes.keys();
    if (this.writes.size > writesKept && oldest !== undefined) this.writes.delete(oldest);
  }
}

/**
 * One watch of Services. What its first listing shows was written before there was this watch; what a later listing shows
 * stands for all that the watch missed.
 */
export class DeliveryTap {
  private readonly delivery: WatchDelivery;
  private readonly watcher: Watcher;
  private readonly node: string;
  private last = 0;
  private listed = false;

  constructor(delivery: WatchDelivery, watcher: Watcher, node: string) {
    this.delivery = delivery;
    this.watcher = watcher;
    this.node = node;
  }

  onEvent(event: ServiceEvent): void {
    const write = this.delivery.writeOf(event, this.listed);
    if (write === undefined || write.sequence <= this.last) return;
    if (this.listed) this.delivery.delivered(this.watcher, this.node, this.last, write.sequence);
    this.last = write.sequence;
  }

  onSynced(): void {
    this.listed = true;
  }
}
