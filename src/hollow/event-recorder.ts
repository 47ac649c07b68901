import { BoundedQueue } from '../base/bounded-queue.ts';
import { type KubeletContext, type NodeConfig, kinds, labelled, timestamp } from './context.ts';
import {
  type CorrelatedEvent,
  EventCorrelator,
  type EventObject,
  type EventTime,
  type RecordedEvent,
} from './event-correlator.ts';

/** client-go's event broadcaster holds this many and drops the rest (tools/record/event.go, maxQueuedEvents). */
const queuedMax = 1000;

/** An event that found no API server is tried 12 times, 10 s apart; the first pause is shorter by chance. */
const triesMax = 12;
const retryMs = 10_000;

/** An event, or the word that an object is gone, which waits for its turn behind the object's events. */
type Queued = RecordedEvent | { forget: string };

type Sending = {
  event: CorrelatedEvent;
  /** A PATCH, as long as the API server has the event: they expire, after an hour by default. */
  patch: boolean;
  tries: number;
};

/**
 * The kubelet's event recorder: one event after the other is correlated when its turn comes, and sent on the events
 * client. Source: client-go tools/record/event.go (recordToSink, recordEvent).
 */
export class EventRecorder {
  private readonly context: KubeletContext;
  private readonly correlator: EventCorrelator;
  private readonly queue = new BoundedQueue<Queued>(queuedMax);
  private sending: Sending | undefined;
  private sequence = 0;
  /** Events that the queue's bound or the spam limit kept back. */
  dropped = 0;

  constructor(context: KubeletContext) {
    this.context = context;
    this.correlator = new EventCorrelator(context.prng.fork('events'));
  }

  record(object: EventObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (!this.context.wire.sendsNodeEvents) return;
    if (!this.queue.push({ object, type, reason, message, at: this.time() })) this.dropped++;
    this.next();
  }

  /** The answer to the event that was sent last; status 0 when there was none. */
  onAnswer(status: number): void {
    const { sending } = this;
    if (sending === undefined) return;
    if (sending.patch && status === 404) {
      // Made anew, under its old name and with its count.
      sending.patch = false;
      this.send(sending);
      return;
    }
    // Whatever else the API server answers is final.
    if (status === 0 && ++sending.tries < triesMax) {
      sending.patch = sending.event.count > 1;
      const shorter = sending.tries === 1 ? this.context.prng.float() : 1;
      this.context.after(retryMs * shorter, { of: 'event-retry' });
      return;
    }
    this.sending = undefined;
    this.next();
  }

  onRetry(): void {
    if (this.sending !== undefined) this.send(this.sending);
  }

  /** The object is gone; its events that wait are sent all the same. */
  forget(uid: string): void {
    // Without room in the queue, the bound of the correlator's caches has to do.
    this.queue.push({ forget: uid });
    this.next();
  }

  private next(): void {
    while (this.sending === undefined) {
      const next = this.queue.shift();
      if (next === undefined) return;
      if ('forget' in next) {
        this.correlator.forget(next.forget);
        continue;
      }
      const event = this.correlator.correlate(next, this.context.nowMs, () => this.time());
      if (event === undefined) {
        this.dropped++;
        continue;
      }
      this.sending = { event, patch: event.count > 1, tries: 0 };
      this.send(this.sending);
    }
  }

  private send({ event, patch }: Sending): void {
    const { context } = this;
    const { object, at, first, count, message } = event;
    const path = `/api/v1/namespaces/${namespaceOf(object)}/events`;
    context.request(
      'events',
      patch
        ? {
            method: 'PATCH',
            path: `${path}/${eventName(object.name, first)}`,
            kind: kinds.patchEvent,
            body: { count, lastTimestamp: timestamp(at.wallMs), message },
            patch: true,
          }
        : { method: 'POST', path, kind: kinds.createEvent, body: newEvent(event, context.node) },
      { to: 'event' },
    );
  }

  private time(): EventTime {
    const { wallMs, us } = this.context.now;
    return eventTime(wallMs, us, this.sequence++);
  }
}

/** Of the Event object: that of what it is about, or default for what has none. */
function namespaceOf({ namespace }: EventObject): string {
  return namespace === '' ? 'default' : namespace;
}

function newEvent(event: CorrelatedEvent, { name: host, objectLabels }: NodeConfig): unknown {
  const { object, type, reason, message, first, at, count, combined } = event;
  return {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: {
      name: eventName(object.name, first),
      namespace: namespaceOf(object),
      ...labelled(objectLabels),
    },
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
    firstTimestamp: timestamp(first.wallMs),
    lastTimestamp: timestamp(at.wallMs),
    count,
    type,
    eventTime: null,
    reportingComponent: combined ? '' : 'kubelet',
    reportingInstance: combined ? '' : host,
  };
}

/**
 * The time of an event that happens now. `sequence` stands in for the nanoseconds that no clock here resolves, so that two
 * events of one instant have two names.
 */
export function eventTime(wallMs: number, us: number, sequence: number): EventTime {
  return { wallMs: Math.floor(wallMs), nanoseconds: (Math.floor(us) % 1000) * 1000 + (sequence % 1000) };
}

/** An event's name ends in its time: nanoseconds since the epoch, hexadecimal. */
export function eventName(object: string, { wallMs, nanoseconds }: EventTime): string {
  return `${object}.${(BigInt(wallMs) * 1_000_000n + BigInt(nanoseconds)).toString(16)}`;
}
