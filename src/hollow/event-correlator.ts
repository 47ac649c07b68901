import { LruMap } from '../base/lru.ts';
import type { Prng } from '../base/prng.ts';
import { TokenBucket } from './token-bucket.ts';

/*
 * What client-go does with an event before it is sent (tools/record/events_cache.go): similar ones are aggregated,
 * repeated ones counted, and of what is left only so much goes out for each object.
 */

/** Entries that each of its three caches holds. */
const cacheSize = 4096;

/** For each object and type of event: so many at once, then one in five minutes. */
const spamBurst = 25;
const spamPerSecond = 1 / 300;

/** From so many different messages for one reason on, with no longer pause than this between two, they become one event. */
const similarMax = 10;
const similarIntervalMs = 600_000;

/** What an event is about. `fieldPath` is set for a container. */
export type EventObject = {
  kind: 'Pod' | 'Node';
  name: string;
  namespace: string;
  uid: string;
  resourceVersion?: string;
  fieldPath?: string;
};

/** An event as it was recorded. */
export type RecordedEvent = {
  object: EventObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** Of the Event object, if it becomes one of its own. */
  name: string;
  /** When it happened: metav1.Time. */
  time: string;
};

/** An event as it is to be sent: made when it is the first, else its count, last time and message are patched. */
export type CorrelatedEvent = RecordedEvent & {
  count: number;
  firstTime: string;
  /** It stands for several, and has lost who reported it. */
  combined: boolean;
};

/** Most reasons have one message for an object: a set only for more. */
type Similar = { messages: string | Set<string>; lastMs: number };
type Counted = { name: string; count: number; firstTime: string };

/** One kubelet's. */
export class EventCorrelator {
  private readonly prng: Prng;
  private readonly similar = new LruMap<Similar>(cacheSize);
  private readonly counted = new LruMap<Counted>(cacheSize);
  private readonly limits = new LruMap<TokenBucket>(cacheSize);

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /**
   * @param combinedEvent name and time of an event that is made now, if this one becomes part of it.
   * @returns undefined when there have been too many about the object. It counts all the same.
   */
  correlate(
    event: RecordedEvent,
    nowMs: number,
    combinedEvent: () => Pick<RecordedEvent, 'name' | 'time'>,
  ): CorrelatedEvent | undefined {
    const { object, type, reason, message } = event;
    const group = `${object.uid}/${type}/${reason}`;
    const combined = this.isOneOfMany(group, message, nowMs);
    const counted = combined
      ? this.count(`${group}/*`, {
          ...event,
          ...combinedEvent(),
          message: `(combined from similar events): ${message}`,
        })
      : this.count(`${group}/=${object.fieldPath ?? ''}/${message}`, event);
    if (!this.limit(`${object.uid}/${type}`, nowMs).tryTake(nowMs)) return undefined;
    return { ...counted, combined };
  }

  /** Lets go of what it knows of an object that is gone, so that memory follows the pods that run. */
  forget(uid: string): void {
    for (const cache of [this.similar, this.counted, this.limits]) cache.deletePrefix(`${uid}/`);
  }

  private isOneOfMany(group: string, message: string, nowMs: number): boolean {
    const similar = this.similar.get(group);
    if (similar === undefined || nowMs - similar.lastMs > similarIntervalMs) {
      this.similar.set(group, { messages: message, lastMs: nowMs });
      return false;
    }
    similar.lastMs = nowMs;
    if (similar.messages === message) return false;
    if (typeof similar.messages === 'string') similar.messages = new Set([similar.messages]);
    const messages = similar.messages.add(message);
    if (messages.size < similarMax) return false;
    // The set is kept from growing; client-go takes out whichever comes first, which in Go is any.
    const any = [...messages][this.prng.below(messages.size)];
    if (any !== undefined) messages.delete(any);
    return true;
  }

  private count(key: string, event: RecordedEvent): Omit<CorrelatedEvent, 'combined'> {
    const known = this.counted.get(key);
    const { name, firstTime, count } = known ?? { name: event.name, firstTime: event.time, count: 0 };
    this.counted.set(key, { name, firstTime, count: count + 1 });
    return { ...event, name, firstTime, count: count + 1 };
  }

  private limit(key: string, nowMs: number): TokenBucket {
    let limit = this.limits.get(key);
    if (limit === undefined) {
      limit = new TokenBucket(spamPerSecond, spamBurst, nowMs);
      this.limits.set(key, limit);
    }
    return limit;
  }
}
