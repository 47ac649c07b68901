import type { TimerHandle } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Codec, RawWatchEvent, WatchDecoder } from '../wire/codec.ts';
import { codecOf } from '../wire/negotiation.ts';
import { View } from '../wire/view.ts';
import { WireFault } from '../wire/wire-fault.ts';
import { type ApiStatus, type NoAnswerError, causeCode, readStatus } from './api-error.ts';
import type { ApiClient } from './client.ts';
import type { Exchange, ExchangeHandler, RateLimit } from './exchange.ts';
import type { StreamEnd } from './http2/stream.ts';
import { type Listing, listAll } from './listing.ts';
import {
  type AttemptEnd,
  type WatchProgress,
  type WatchSpec,
  afterAttempt,
  firstProgress,
  refusalOf,
  synced,
  watchQuery,
} from './watch-course.ts';

export type { WatchSpec } from './watch-course.ts';

const noBytes = Buffer.alloc(0);

/** Of an answer that is no watch, this much is kept. */
const errorBytesMax = 4096;

/** What happens to the objects that match. Called in order, never re-entrantly. */
export interface WatchHandler {
  /** A full listing begins: objects that are not among the events before {@link onSynced} are gone. */
  onListing(): void;
  onEvent(event: RawWatchEvent): void;
  /** The listing is complete. */
  onSynced(): void;
  /** The watch failed, or was lost, and will be tried again after `delayMs`. */
  onInterrupted?(reason: string, delayMs: number): void;
  /** One of the above threw: a fault of the handler's own. The watch goes on. */
  onFault(error: unknown): void;
}

/** Keeps one watch alive as client-go does: what comes after each attempt says `watch-course.ts`. */
export class Reflector implements ExchangeHandler {
  private readonly client: ApiClient;
  private readonly spec: WatchSpec;
  private readonly handler: WatchHandler;
  private readonly limit: RateLimit | undefined;
  private progress: WatchProgress;
  /** What is going on, or came last: a new one begins only when the one before has ended. */
  private current: Attempt;
  private exchange: Exchange | undefined;
  private waiting: TimerHandle | undefined;
  private stopped = false;

  /** @param limit of plain lists, and of what is repeated: a watch takes no token (client-go, rest/request.go, Watch). */
  constructor(client: ApiClient, spec: WatchSpec, handler: WatchHandler, limit?: RateLimit) {
    this.client = client;
    this.limit = limit;
    this.spec = spec;
    this.progress = firstProgress(spec, client.clock.nowUs());
    this.handler = handler;
    this.current = this.newAttempt();
    this.attempt();
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
    if (status === 200 && this.progress.next === 'stream') this.tell(() => this.handler.onListing());
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
        this.onEvent(event);
        if (this.stopped || current.end !== undefined) return;
      }
    } catch (error) {
      this.giveUp({ type: 'failed' }, errorMessage(error));
    }
  }

  onEnd({ how, reason }: StreamEnd): void {
    const { current } = this;
    const { eventCount, status } = current;
    if (current.end !== undefined) this.ended(current.end, current.why);
    else if (status !== 0 && status !== 200) {
      const refusal = readRefusal(current);
      const text = refusal.message === '' ? current.errorBody.toString() : refusal.message;
      this.ended(refusalOf(refusal), `HTTP ${status} ${text.slice(0, 200)}`);
    } else if (how === 'complete' || how === 'closed') {
      // client-go takes a connection that was closed for a watch that was (net.IsProbableEOF).
      const livedMs = (this.client.clock.nowUs() - current.startUs) / 1000;
      this.ended({ type: 'closed', livedMs, eventCount }, how === 'closed' ? reason : '');
    } else this.ended({ type: 'failed' }, reason);
  }

  onFailure(error: NoAnswerError): void {
    this.ended({ type: causeCode(error) === 'ECONNREFUSED' ? 'throttled' : 'failed' }, error.message);
  }

  private attempt(): void {
    const { client, progress, spec } = this;
    if (progress.next === 'list') {
      listAll(client, spec, progress, this.limit).then(
        (listing) => this.listed(listing),
        (error: unknown) => this.ended({ type: 'failed' }, errorMessage(error)),
      );
      return;
    }
    const timeoutSeconds = Math.floor(spec.timeoutSecondsMin * (1 + client.prng.float()));
    this.exchange = client.stream(watchQuery(spec, progress, timeoutSeconds), this, this.limit);
  }

  private newAttempt(): Attempt {
    const { clock, codec } = this.client;
    return {
      startUs: clock.nowUs(),
      codec,
      decoder: codec.watchDecoder(),
      status: 0,
      eventCount: 0,
      end: undefined,
      why: '',
      errorBody: noBytes,
    };
  }

  /** Throws when the event cannot be read. */
  private onEvent(event: RawWatchEvent): void {
    if (event.type === 'ERROR') {
      const status = readStatus(event.object(), 500);
      this.giveUp(refusalOf(status), `watch error ${status.code} ${status.reason}: ${status.message}`);
      return;
    }
    // During the listing only its closing bookmark is a point to resume from: the objects come unordered.
    const isListing = this.progress.next === 'stream';
    if (event.resourceVersion !== '' && !isListing) {
      this.progress = { ...this.progress, resourceVersion: event.resourceVersion };
    }
    if (event.type !== 'BOOKMARK') {
      this.tell(() => this.handler.onEvent(event));
    } else if (isListing && endsListing(event)) {
      this.progress = synced(this.progress, event.resourceVersion);
      // From here on it is a watch.
      this.current.startUs = this.client.clock.nowUs();
      this.current.eventCount = 0;
      this.tell(() => this.handler.onSynced());
    }
  }

  private listed(listing: Listing): void {
    if (this.stopped) return;
    const { handler } = this;
    if (listing.type === 'refused') {
      const { code, message } = listing.status;
      this.ended(refusalOf(listing.status), `HTTP ${code} ${message.slice(0, 200)}`);
      return;
    }
    this.tell(() => handler.onListing());
    for (const event of listing.events) {
      this.tell(() => handler.onEvent(event));
      if (this.stopped) return;
    }
    this.progress = synced(this.progress, listing.resourceVersion);
    this.tell(() => handler.onSynced());
    this.ended({ type: 'listed' }, '');
  }

  private tell(what: () => void): void {
    if (this.stopped) return;
    try {
      what();
    } catch (error) {
      // What the handler cannot read is not its fault.
      if (error instanceof WireFault) this.giveUp({ type: 'failed' }, error.message);
      else this.handler.onFault(error);
    }
  }

  private giveUp(end: AttemptEnd, why: string): void {
    this.current.end = end;
    this.current.why = why;
    this.exchange?.cancel();
  }

  /** `why`: empty where all went well. */
  private ended(end: AttemptEnd, why: string): void {
    if (this.stopped) return;
    const { client, spec } = this;
    const nowUs = client.clock.nowUs();
    const next = afterAttempt(this.progress, end, { jitter: client.prng.float(), nowUs, spec });
    this.progress = next.progress;
    if (why !== '') this.handler.onInterrupted?.(why, next.delayMs);
    this.waiting = client.clock.timer(next.delayMs, () => {
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

/** What the server said in place of a watch; its status alone when that is no object. */
function readRefusal({ codec, errorBody, status }: Attempt): ApiStatus {
  try {
    return readStatus(codec.decode(errorBody), status);
  } catch {
    return readStatus(undefined, status);
  }
}

type Attempt = {
  startUs: number;
  /** What the answer's Content-Type says. */
  codec: Codec;
  decoder: WatchDecoder;
  status: number;
  eventCount: number;
  /** Set when what came said how this attempt ends, and why. */
  end: AttemptEnd | undefined;
  why: string;
  /** The beginning of what came in place of a watch. */
  errorBody: Buffer;
};
