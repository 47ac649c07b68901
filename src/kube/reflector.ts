import type { TimerHandle } from '../base/clock.ts';
import type { Codec, RawWatchEvent, WatchDecoder } from '../wire/codec.ts';
import { codecOf } from '../wire/negotiation.ts';
import { View } from '../wire/view.ts';
import { type ApiStatus, type NoAnswerError, readStatus } from './api-error.ts';
import type { ApiClient } from './client.ts';
import type { Exchange, ExchangeHandler } from './exchange.ts';
import type { StreamEnd } from './http2/stream.ts';

/** client-go's reflector back-off: 800 ms doubling to 30 s, each with up to as much again in jitter. */
const backoffMsMin = 800;
const backoffMsMax = 30_000;

/** A watch that lived this long has shown that the server is well: the back-off starts anew. */
const backoffResetMs = 120_000;

/** A watch that ends sooner than this without a single event is treated as failed, as client-go does. */
const shortWatchMs = 1_000;

export type WatchSpec = {
  /** `/api/v1/pods`, without a query. */
  path: string;
  /** Selectors, encoded, in the order a real client sends them: `fieldSelector=spec.nodeName%3Dnode-1`. */
  selector: string;
  /** The watch's own end is random in [min, 2·min): 5 min for informers, 30 min for a kubelet's ConfigMaps. */
  timeoutSecondsMin: number;
  /** client-go's newer informers send `timeout=6m52s` beside timeoutSeconds; the kubelet's pod source does not. */
  sendsTimeout: boolean;
  /** First back-off after a failure; client-go's own when absent. An observer must be back sooner than a node. */
  backoffMsMin?: number;
};

/** Of an answer that is no watch, this much is kept. */
const errorBytesMax = 4096;

/** What happens to the objects that match. Called in order, never re-entrantly. */
export interface WatchHandler {
  /** A full listing begins: objects that are not among the events before {@link onSynced} are gone. */
  onListing(): void;
  onEvent(event: RawWatchEvent): void;
  /** The listing is complete (the bookmark with `k8s.io/initial-events-end` came). */
  onSynced(): void;
  /** The watch failed and will be tried again after `delayMs`. */
  onInterrupted?(reason: string, delayMs: number): void;
}

/** How a watch ended, as far as the next attempt depends on it. */
export type WatchEnd =
  /** The server ended it in good order (its timeout), after `livedMs` and `eventCount` events. */
  | { type: 'closed'; livedMs: number; eventCount: number }
  /** The resourceVersion is too old: HTTP 410, or an ERROR event with code 410. */
  | { type: 'expired' }
  | { type: 'failed'; livedMs: number };

/** Where a watch stands between attempts. Empty resourceVersion: the next attempt lists anew. */
export type WatchProgress = { resourceVersion: string; backoffMs: number };

/**
 * What to do after a watch ended: pure. `jitter` in [0, 1).
 * Source: client-go tools/cache/reflector.go, v0.36 (resume after a timeout, list anew after 410, back off otherwise).
 */
export function afterWatchEnd(
  progress: WatchProgress,
  end: WatchEnd,
  jitter: number,
  firstBackoffMs = backoffMsMin,
): { progress: WatchProgress; delayMs: number } {
  if (end.type === 'expired') {
    return { progress: { resourceVersion: '', backoffMs: progress.backoffMs }, delayMs: 0 };
  }
  const healthy = end.type === 'closed' && (end.livedMs >= shortWatchMs || end.eventCount > 0);
  if (healthy) {
    return { progress: { resourceVersion: progress.resourceVersion, backoffMs: firstBackoffMs }, delayMs: 0 };
  }
  const backoffMs = end.livedMs >= backoffResetMs ? firstBackoffMs : progress.backoffMs;
  return {
    progress: {
      resourceVersion: progress.resourceVersion,
      backoffMs: Math.min(backoffMsMax, backoffMs * 2),
    },
    delayMs: backoffMs * (1 + jitter),
  };
}

/** The query of the next attempt. A fresh one is a streaming list (KEP-3157), as the kubelet of 1.36 sends it. */
export function watchQuery(spec: WatchSpec, resourceVersion: string, timeoutSeconds: number): string {
  const parts = ['allowWatchBookmarks=true'];
  if (spec.selector !== '') parts.push(spec.selector);
  if (resourceVersion === '') parts.push('resourceVersionMatch=NotOlderThan', 'sendInitialEvents=true');
  else parts.push(`resourceVersion=${resourceVersion}`);
  if (spec.sendsTimeout) {
    const minutes = Math.floor(timeoutSeconds / 60);
    parts.push(`timeout=${minutes}m${timeoutSeconds % 60}s`);
  }
  parts.push(`timeoutSeconds=${timeoutSeconds}`, 'watch=true');
  return `${spec.path}?${parts.join('&')}`;
}

/** Keeps one watch alive: lists as a stream, resumes after a timeout, lists anew after 410, backs off on failures. */
export class Reflector implements ExchangeHandler {
  private readonly client: ApiClient;
  private readonly spec: WatchSpec;
  private readonly handler: WatchHandler;
  private progress: WatchProgress;
  /** What is going on, or came last: a new one begins only when the one before has ended. */
  private current: Attempt;
  private exchange: Exchange | undefined;
  private waiting: TimerHandle | undefined;
  private listing = false;
  private stopped = false;

  constructor(client: ApiClient, spec: WatchSpec, handler: WatchHandler) {
    this.client = client;
    this.spec = spec;
    this.progress = { resourceVersion: '', backoffMs: this.backoffMsMin };
    this.handler = handler;
    this.current = this.newAttempt();
    this.attempt();
  }

  private get backoffMsMin(): number {
    return this.spec.backoffMsMin ?? backoffMsMin;
  }

  /** The last resourceVersion seen; empty before the first. */
  get resourceVersion(): string {
    return this.progress.resourceVersion;
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.waiting?.cancel();
    this.exchange?.cancel();
  }

  onResponse(status: number, contentType: string): void {
    const { current } = this;
    current.status = status;
    current.codec = codecOf(contentType);
    current.decoder = current.codec.watchDecoder();
    if (status !== 200 || !current.fresh || this.stopped) return;
    this.listing = true;
    this.handler.onListing();
  }

  onData(chunk: Buffer): void {
    const { current } = this;
    if (this.stopped || current.end !== undefined) return;
    if (current.status !== 200) {
      if (current.errorBody.length < errorBytesMax)
        current.errorBody = Buffer.concat([current.errorBody, chunk]);
      return;
    }
    try {
      for (const event of current.decoder.push(chunk)) {
        current.eventCount++;
        this.onEvent(current, event);
        if (this.stopped || current.end !== undefined) return;
      }
    } catch (error) {
      current.failure = error as Error;
      // Lists anew, but with the back-off: the same object may fail again.
      current.end = { type: 'failed', livedMs: 0 };
      this.progress = { ...this.progress, resourceVersion: '' };
      this.exchange?.cancel();
    }
  }

  onFailure(error: NoAnswerError): void {
    this.ended({ type: 'failed', livedMs: 0 }, error.message);
  }

  onEnd({ how, reason }: StreamEnd): void {
    const { current } = this;
    const complete = how === 'complete';
    const livedMs = (this.client.clock.nowUs() - current.startUs) / 1000;
    const why =
      current.status === 0 || current.status === 200
        ? (current.failure?.message ?? (complete ? 'closed' : reason))
        : `HTTP ${current.status} ${(refusal(current)?.message ?? current.errorBody.toString()).slice(0, 200)}`;
    this.ended(endOf(current, complete, livedMs), why);
  }

  private attempt(): void {
    const { client, spec } = this;
    const timeoutSeconds = Math.floor(spec.timeoutSecondsMin * (1 + client.prng.float()));
    this.exchange = client.stream(watchQuery(spec, this.progress.resourceVersion, timeoutSeconds), this);
  }

  private newAttempt(): Attempt {
    return {
      fresh: this.progress.resourceVersion === '',
      startUs: this.client.clock.nowUs(),
      codec: this.client.codec,
      decoder: this.client.codec.watchDecoder(),
      status: 0,
      eventCount: 0,
      end: undefined,
      errorBody: Buffer.alloc(0),
      failure: undefined,
    };
  }

  private onEvent(attempt: Attempt, event: RawWatchEvent): void {
    if (event.type === 'ERROR') {
      const status = readStatus(event.object(), 500);
      attempt.end = status.code === 410 ? { type: 'expired' } : { type: 'failed', livedMs: 0 };
      attempt.failure = new Error(`watch error ${status.code} ${status.reason}: ${status.message}`);
      this.exchange?.cancel();
      return;
    }
    if (event.resourceVersion !== '' && !this.listing) {
      // During the listing only its closing bookmark is a point to resume from: the objects come unordered.
      this.progress = { resourceVersion: event.resourceVersion, backoffMs: this.progress.backoffMs };
    }
    if (event.type !== 'BOOKMARK') {
      this.handler.onEvent(event);
      return;
    }
    if (this.listing && endsListing(event)) {
      this.listing = false;
      this.progress = { resourceVersion: event.resourceVersion, backoffMs: this.backoffMsMin };
      this.handler.onSynced();
    }
  }

  private ended(end: WatchEnd, reason: string): void {
    if (this.stopped) return;
    // A listing that broke off is no base to resume from.
    if (this.listing) {
      this.listing = false;
      this.progress = { resourceVersion: '', backoffMs: this.progress.backoffMs };
    }
    const next = afterWatchEnd(this.progress, end, this.client.prng.float(), this.backoffMsMin);
    this.progress = next.progress;
    if (end.type !== 'closed') this.handler.onInterrupted?.(reason, next.delayMs);
    this.waiting = this.client.clock.timer(next.delayMs, () => {
      this.waiting = undefined;
      if (this.stopped) return;
      this.current = this.newAttempt();
      this.attempt();
    });
  }
}

const annotations = new View({ metadata: { annotations: true } });

/** Whether this is the bookmark that closes a streaming list (KEP-3157). */
function endsListing(bookmark: RawWatchEvent): boolean {
  const object = bookmark.object(annotations) as { metadata?: { annotations?: Record<string, string> } };
  return object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/** What the server said in place of a watch; undefined when that is no object. */
function refusal({ codec, errorBody, status }: Attempt): ApiStatus | undefined {
  try {
    return readStatus(codec.decode(errorBody), status);
  } catch {
    return undefined;
  }
}

type Attempt = {
  /** Begins with a listing. */
  fresh: boolean;
  startUs: number;
  /** What the answer's Content-Type says. */
  codec: Codec;
  decoder: WatchDecoder;
  status: number;
  eventCount: number;
  /** Set when an event said how this watch ends. */
  end: WatchEnd | undefined;
  /** The beginning of what came in place of a watch. */
  errorBody: Buffer;
  failure: Error | undefined;
};

function endOf(attempt: Attempt, complete: boolean, livedMs: number): WatchEnd {
  if (attempt.end !== undefined)
    return attempt.end.type === 'failed' ? { ...attempt.end, livedMs } : attempt.end;
  if (attempt.status === 410) return { type: 'expired' };
  if (attempt.status === 200 && complete) {
    return { type: 'closed', livedMs, eventCount: attempt.eventCount };
  }
  return { type: 'failed', livedMs };
}
