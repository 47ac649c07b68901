import { BoundedQueue } from '../base/bounded-queue.ts';
import { type KubeletContext, type NodeConfig, kinds, labelled, timestamp } from './context.ts';
import { TokenBucket } from './token-bucket.ts';

/** client-go's event broadcaster holds this many and drops the rest (tools/record/event.go, maxQueuedEvents). */
const queuedMax = 1000;

/** Distinct events remembered for counting; client-go's LRU has 4096 entries. */
const rememberedMax = 4096;

/** Spam limit per source and object: a burst of 25, then one in five minutes (events_cache.go). */
const spamBurst = 25;
const spamPerSecond = 1 / 300;

/** An event that the API server did not take is tried 12 times, 10 s apart. */
const triesMax = 12;
const retryMs = 10_000;

/** What an event is about. `fieldPath` is set for a container. */
export type EventObject = {
  kind: 'Pod' | 'Node';
  name: string;
  namespace: string;
  uid: string;
  resourceVersion?: string;
  fieldPath?: string;
};

type Remembered = { name: string; count: number };
type Outgoing = { key: string; path: string; body: unknown; patch: boolean };

/**
 * The kubelet's event recorder: counts repeated events into one (a PATCH), limits spam, and sends one at a time, in
 * order, on the events client.
 */
export class EventRecorder {
  private readonly context: KubeletContext;
  private readonly queue = new BoundedQueue<Outgoing>(queuedMax);
  private readonly remembered = new Map<string, Remembered>();
  private readonly spam = new Map<string, TokenBucket>();
  private sending: Outgoing | undefined;
  private tries = 0;
  private sequence = 0;
  /** Events that the queue's bound or the spam limit kept back. */
  dropped = 0;

  constructor(context: KubeletContext) {
    this.context = context;
  }

  record(object: EventObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { context } = this;
    if (!context.wire.sendsNodeEvents) return;
    const key = `${object.uid}/${object.fieldPath ?? ''}/${reason}/${message}`;
    const time = timestamp(context.now.wallMs);
    if (!this.spamBucket(object).tryTake(context.nowMs)) {
      this.dropped++;
      return;
    }
    const known = this.remembered.get(key);
    const namespace = object.namespace === '' ? 'default' : object.namespace;
    let outgoing: Outgoing;
    if (known !== undefined) {
      known.count++;
      outgoing = {
        key,
        path: `/api/v1/namespaces/${namespace}/events/${known.name}`,
        body: { count: known.count, lastTimestamp: time, message },
        patch: true,
      };
    } else {
      const name = `${object.name}.${eventSuffix(context.now.wallMs, context.now.us, this.sequence++)}`;
      this.remember(key, { name, count: 1 });
      outgoing = {
        key,
        path: `/api/v1/namespaces/${namespace}/events`,
        body: newEvent(object, namespace, name, type, reason, message, time, context.node),
        patch: false,
      };
    }
    if (!this.queue.push(outgoing)) this.dropped++;
    this.next();
  }

  /** The answer to the event that was sent last; status 0 when there was none. */
  onAnswer(status: number): void {
    const sent = this.sending;
    if (sent === undefined) return;
    if (sent.patch && status === 404) {
      // The event has expired (an hour by default): client-go creates it anew. Ours is forgotten and comes again.
      this.remembered.delete(sent.key);
    } else if ((status === 0 || status === 429 || status >= 500) && ++this.tries < triesMax) {
      this.context.after(retryMs, { of: 'event-retry' });
      return;
    }
    this.sending = undefined;
    this.next();
  }

  onRetry(): void {
    if (this.sending !== undefined) this.send(this.sending);
  }

  /** Forgets what it counted about an object that is gone, so that memory follows the pods that run. */
  forget(uid: string): void {
    this.spam.delete(uid);
    for (const key of this.remembered.keys()) if (key.startsWith(uid)) this.remembered.delete(key);
  }

  private next(): void {
    if (this.sending !== undefined) return;
    const next = this.queue.shift();
    if (next === undefined) return;
    this.tries = 0;
    this.sending = next;
    this.send(next);
  }

  private send(outgoing: Outgoing): void {
    this.context.request(
      'events',
      {
        method: outgoing.patch ? 'PATCH' : 'POST',
        path: outgoing.path,
        kind: outgoing.patch ? kinds.patchEvent : kinds.createEvent,
        body: outgoing.body,
        patch: outgoing.patch,
      },
      { to: 'event' },
    );
  }

  private remember(key: string, event: Remembered): void {
    if (this.remembered.size >= rememberedMax) {
      const oldest = this.remembered.keys().next().value;
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.set(key, event);
  }

  private spamBucket(object: EventObject): TokenBucket {
    let bucket = this.spam.get(object.uid);
    if (bucket === undefined) {
      bucket = new TokenBucket(spamPerSecond, spamBurst, this.context.nowMs);
      this.spam.set(object.uid, bucket);
    }
    return bucket;
  }
}

function newEvent(
  object: EventObject,
  namespace: string,
  name: string,
  type: string,
  reason: string,
  message: string,
  time: string,
  node: NodeConfig,
): unknown {
  const host = node.name;
  return {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name, namespace, ...labelled(node.objectLabels) },
    involvedObject: {
      kind: object.kind,
      ...(object.kind === 'Pod' ? { namespace: object.namespace } : {}),
      name: object.name,
      ...(object.kind === 'Pod' ? { uid: object.uid } : {}),
      apiVersion: 'v1',
      ...(object.resourceVersion === undefined ? {} : { resourceVersion: object.resourceVersion }),
      ...(object.fieldPath === undefined ? {} : { fieldPath: object.fieldPath }),
    },
    reason,
    message,
    source: { component: 'kubelet', host },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type,
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: host,
  };
}

/**
 * An event's name ends in its time: nanoseconds since the epoch, hexadecimal. `sequence` stands in for the nanoseconds
 * that no clock here resolves, so that two events of one instant have two names.
 */
export function eventSuffix(wallMs: number, us: number, sequence: number): string {
  const nanoseconds = (Math.floor(us) % 1000) * 1000 + (sequence % 1000);
  return (BigInt(Math.floor(wallMs)) * 1_000_000n + BigInt(nanoseconds)).toString(16);
}
