import { BoundedQueue } from '../base/bounded-queue.ts';
import { type KubeletContext, type NodeConfig, kinds, labelled, timestamp } from './context.ts';
import {
  type CorrelatedEvent,
  EventCorrelator,
  type EventObject,
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
    if (!this.queue.push({ object, type, reason, message, ...this.nameAndTime(object) })) this.dropped++;
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
      const event = this.correlator.correlate(next, this.context.nowMs, () => this.nameAndTime(next.object));
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
    const { object, name, time, count, message } = event;
    const path = `/api/v1/namespaces/${namespaceOf(object)}/events`;
    context.request(
      'events',
      patch
        ? {
            method: 'PATCH',
            path: `${path}/${name}`,
            kind: kinds.patchEvent,
            body: { count, lastTimestamp: time, message },
            patch: true,
          }
        : { method: 'POST', path, kind: kinds.createEvent, body: newEvent(event, context.node) },
      { to: 'event' },
    );
  }

  private nameAndTime(object: EventObject): { name: string; time: string } {
    const { wallMs, us } = this.context.now;
    return {
      name: `${object.name}.${eventSuffix(wallMs, us, this.sequence++)}`,
      time: timestamp(wallMs),
    };
  }
}

/** Of the Event object: that of what it is about, or default for what has none. */
function namespaceOf({ namespace }: EventObject): string {
  return namespace === '' ? 'default' : namespace;
}

function newEvent(event: CorrelatedEvent, { name: host, objectLabels }: NodeConfig): unknown {
  const { object, name, type, reason, message, firstTime, time, count, combined } = event;
  return {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: { name, namespace: namespaceOf(object), ...labelled(objectLabels) },
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
    firstTimestamp: firstTime,
    lastTimestamp: time,
    count,
    type,
    eventTime: null,
    reportingComponent: combined ? '' : 'kubelet',
    reportingInstance: combined ? '' : host,
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
