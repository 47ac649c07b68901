import type { Prng } from '../base/prng.ts';

/*
 * What client-go does with an event before it is sent (tools/record/events_cache.go): similar ones are aggregated,
 * repeated ones counted, and of what is left only so much goes out for each object.
 */

/** So many events are known, and as many groups of them; client-go has a cache for each of them, of this size. */
const knownMax = 4096;

/** For each object and type of event: so many at once, then one in five minutes. */
const spamBurst = 25;
const spamIntervalMs = 300_000;

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

/** A time of the wall clock: milliseconds, and what of one they do not hold. */
export type EventTime = { wallMs: number; nanoseconds: number };

/** An event as it was recorded. */
export type RecordedEvent = {
  object: EventObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** When it happened, which is also what the Event is called by, if it becomes one of its own. */
  at: EventTime;
};

/** An event as it is to be sent: made when it is the first, else its count, last time and message are patched. */
export type CorrelatedEvent = RecordedEvent & {
  count: number;
  /** The first one's. */
  first: EventTime;
  /** It stands for several, and has lost who reported it. */
  combined: boolean;
};

/** One kubelet's. */
export class EventCorrelator {
  private readonly prng: Prng;
  private readonly histories = new Map<string, History>();
  /** Of all objects. */
  private known = 0;
  private uses = 0;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  /**
   * @param combinedAt the time of an event that is made now, if this one becomes part of it.
   * @returns undefined when there have been too many about the object. It counts all the same.
   */
  correlate(event: RecordedEvent, nowMs: number, combinedAt: () => EventTime): CorrelatedEvent | undefined {
    const { object, type, reason, message } = event;
    const history = this.historyOf(object.uid);
    const before = history.size;
    const group = hashOf(type, reason);
    const combined = history.isOneOfMany(group, hashOf(message), nowMs, this.prng);
    const counted: RecordedEvent = combined
      ? { ...event, at: combinedAt(), message: `(combined from similar events): ${message}` }
      : event;
    const key = combined ? group : hashOf(type, reason, object.fieldPath ?? '', message);
    const found = history.count(key, counted.at);
    this.known += history.size - before;
    if (this.known > knownMax) this.forgetOldest();
    return history.isSpam(type, nowMs) ? undefined : { ...counted, ...found, combined };
  }

  /** Lets go of what it knows of an object that is gone, so that memory follows the pods that run. */
  forget(uid: string): void {
    this.known -= this.histories.get(uid)?.size ?? 0;
    this.histories.delete(uid);
  }

  private historyOf(uid: string): History {
    let history = this.histories.get(uid);
    if (history === undefined) {
      history = new History();
      this.histories.set(uid, history);
    }
    history.lastUse = ++this.uses;
    return history;
  }

  /** Of the object whose last event is longest ago: client-go goes by event, where thousands are known. */
  private forgetOldest(): void {
    let oldest = '';
    let lastUse = Number.POSITIVE_INFINITY;
    for (const [uid, history] of this.histories) {
      if (history.lastUse >= lastUse) continue;
      lastUse = history.lastUse;
      oldest = uid;
    }
    this.forget(oldest);
  }
}

/** Numbers that a group of similar events takes: its key, when the last came, its one message. */
const groupWidth = 3;

/** Numbers that an event takes: its key, the time of the first (two), how many. */
const eventWidth = 4;

const nothing: number[] = [];

/**
 * What is known of one object's events. There is one for every pod that runs, so it is a few numbers: keys and messages
 * are digests, and tables are as long as what is in them.
 */
class History {
  lastUse = 0;
  private groups = nothing;
  private events = nothing;
  /** When as many may be sent at once as ever, by type. */
  private normalFullMs = 0;
  private warningFullMs = 0;
  /** Messages of groups that have had several. */
  private messages: Map<number, Set<number>> | undefined;

  get size(): number {
    return this.events.length / eventWidth;
  }

  isOneOfMany(group: number, message: number, nowMs: number, prng: Prng): boolean {
    const { groups } = this;
    let at = 0;
    while (at < groups.length && groups[at] !== group) at += groupWidth;
    if (at === groups.length || nowMs - (groups[at + 1] ?? 0) > similarIntervalMs) {
      if (at === groups.length) this.groups = groups.concat([group, nowMs, message]);
      else {
        groups[at + 1] = nowMs;
        groups[at + 2] = message;
      }
      this.messages?.delete(group);
      return false;
    }
    groups[at + 1] = nowMs;
    let messages = this.messages?.get(group);
    if (messages === undefined) {
      if (groups[at + 2] === message) return false;
      messages = new Set([groups[at + 2] as number]);
      this.messages ??= new Map();
      this.messages.set(group, messages);
    }
    messages.add(message);
    if (messages.size < similarMax) return false;
    // The set is kept from growing; client-go takes out whichever comes first, which in Go is any.
    const any = [...messages][prng.below(messages.size)];
    if (any !== undefined) messages.delete(any);
    return true;
  }

  /** Counts one more, which is the first if there was none. */
  count(key: number, time: EventTime): { first: EventTime; count: number } {
    const { events } = this;
    let at = 0;
    while (at < events.length && events[at] !== key) at += eventWidth;
    if (at === events.length) {
      this.events = events.concat([key, time.wallMs, time.nanoseconds, 1]);
      return { first: time, count: 1 };
    }
    const [wallMs = 0, nanoseconds = 0, before = 0] = events.slice(at + 1, at + eventWidth);
    events[at + 3] = before + 1;
    return { first: { wallMs, nanoseconds }, count: before + 1 };
  }

  /** Whether none may be sent now; else one is taken for sent. */
  isSpam(type: 'Normal' | 'Warning', nowMs: number): boolean {
    const fullMs =
      Math.max(nowMs, type === 'Normal' ? this.normalFullMs : this.warningFullMs) + spamIntervalMs;
    if (fullMs - nowMs > spamBurst * spamIntervalMs) return true;
    if (type === 'Normal') this.normalFullMs = fullMs;
    else this.warningFullMs = fullMs;
    return false;
  }
}

/** A digest of 53 bits, in which an object's few events do not meet by chance. */
function hashOf(...parts: string[]): number {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const unit = part.charCodeAt(i);
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      high ^= high >>> 15;
    }
    low = Math.imul(low ^ 0xffff, 0x01000193);
    high = Math.imul(high ^ 0xffff, 0x5bd1e995);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}
