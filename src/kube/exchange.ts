import type { Clock, TimerHandle } from '../base/clock.ts';
import { type NoAnswerError, causeCode } from './api-error.ts';
import type { HeaderValue } from './http2/hpack.ts';
import type { Http2Stream, StreamEnd, StreamHandler } from './http2/stream.ts';
import type { Transport } from './transport.ts';

export type RequestVerb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** client-go repeats a request so often at most (rest/request.go, maxRetries). */
const repeatsMax = 10;

/** What a lost connection counts for: as if the server had asked for this (rest/with_retry.go, retryAfterResponse). */
const lostPauseSeconds = 1;

/** client-go's rate limiter: takes a token, and says how long to wait for it. */
export interface RateLimit {
  reserveMs(nowMs: number): number;
}

/** A request as it goes out. */
export type Outgoing = {
  method: RequestVerb;
  /** Path with query, behind that of a reverse proxy. */
  path: string;
  /** Asked for with each attempt: credentials may have been renewed. */
  headers: () => Record<string, HeaderValue>;
  body: Buffer | undefined;
  /** Each further attempt takes a token of it; the first one is for the caller to limit. */
  limit?: RateLimit | undefined;
};

/** What becomes of a request. What comes of attempts that are made again, {@link StreamHandler} is not told. */
export interface ExchangeHandler extends StreamHandler {
  /** There was no connection for it. Nothing follows. */
  onFailure(error: NoAnswerError): void;
  /** An attempt was answered with `status` (0: not at all) and will be made again in `pauseMs`. */
  onRepeat?(status: number, pauseMs: number): void;
  /** That attempt waits so much longer for its token. */
  onLimited?(waitMs: number): void;
}

/** The client behind an exchange. */
export interface ExchangeOwner {
  readonly clock: Clock;
  /** Whether requests are repeated as client-go does. */
  readonly repeats: boolean;
  /** Calls `open` or `fail`, as soon as it is known which. */
  whenRoom(exchange: Exchange): void;
}

/**
 * One request from its hand-over to the answer that counts. One that the server has not looked at goes to the next
 * connection, once. Where the client repeats, an answer 429 or 5xx with Retry-After is followed by another attempt after
 * as many seconds, and so is a GET whose connection was lost before an answer. Further attempts count for the rate limit.
 * Source: client-go rest/with_retry.go and rest/request.go, v0.36.
 */
export class Exchange implements StreamHandler {
  private readonly owner: ExchangeOwner;
  /** Until there is an answer that counts: a watch then goes on for minutes without it. */
  private outgoing: Outgoing | undefined;
  private readonly handler: ExchangeHandler;
  private stream: Http2Stream | undefined;
  private pause: TimerHandle | undefined;
  private repeatCount = 0;
  private hasMoved = false;
  private cancelled = false;
  /** Of the present attempt; 0 before its answer. */
  private status = 0;
  /** Set when the present attempt's answer is not the last. */
  private pauseMs: number | undefined;

  constructor(owner: ExchangeOwner, outgoing: Outgoing, handler: ExchangeHandler) {
    this.owner = owner;
    this.outgoing = outgoing;
    this.handler = handler;
  }

  /** Whether the server may be at it. */
  get underWay(): boolean {
    return this.stream !== undefined;
  }

  start(): void {
    this.owner.whenRoom(this);
  }

  /** Ends it: one that is under way with `onEnd` before this returns, one that waits without a word. */
  cancel(): void {
    this.cancelled = true;
    this.pause?.cancel();
    this.stream?.cancel();
  }

  /** There is a connection with room. */
  open(transport: Transport): void {
    if (this.cancelled || this.outgoing === undefined) return;
    const { method, path, headers, body } = this.outgoing;
    this.status = 0;
    this.pauseMs = undefined;
    this.stream = transport.open(method, path, headers(), body, this);
  }

  /** There is none. */
  fail(error: NoAnswerError): void {
    if (this.cancelled) return;
    const pauseMs = causeCode(error) === 'ECONNRESET' ? this.pauseAfterLoss() : undefined;
    if (pauseMs === undefined) this.handler.onFailure(error);
    else this.repeat(pauseMs);
  }

  onResponse(
    status: number,
    contentType: string,
    retryAfterSeconds: number | undefined,
    date?: string,
  ): void {
    this.status = status;
    if (status === 429 || status >= 500) this.pauseMs = this.nextPauseMs(retryAfterSeconds);
    if (this.pauseMs !== undefined) return;
    this.outgoing = undefined;
    this.handler.onResponse(status, contentType, retryAfterSeconds, date);
  }

  onData(chunk: Buffer): void {
    if (this.pauseMs === undefined) this.handler.onData(chunk);
  }

  onEnd(end: StreamEnd): void {
    this.stream = undefined;
    if (this.cancelled) {
      this.handler.onEnd(end);
      return;
    }
    if (this.status === 0 && end.how === 'refused' && !this.hasMoved) {
      this.hasMoved = true;
      this.start();
      return;
    }
    const lost = this.status === 0 && (end.how === 'closed' || end.how === 'silent');
    const pauseMs = lost ? this.pauseAfterLoss() : this.pauseMs;
    if (pauseMs === undefined) this.handler.onEnd(end);
    else this.repeat(pauseMs);
  }

  private repeat(pauseMs: number): void {
    this.handler.onRepeat?.(this.status, pauseMs);
    this.after(pauseMs, () => {
      const { clock } = this.owner;
      const waitMs = this.outgoing?.limit?.reserveMs(clock.nowUs() / 1000) ?? 0;
      if (waitMs <= 0) {
        this.start();
        return;
      }
      this.handler.onLimited?.(waitMs);
      this.after(waitMs, () => this.start());
    });
  }

  private after(delayMs: number, act: () => void): void {
    this.pause = this.owner.clock.timer(delayMs, () => {
      this.pause = undefined;
      act();
    });
  }

  /** Only reading is safe to do twice. */
  private pauseAfterLoss(): number | undefined {
    return this.outgoing?.method === 'GET' ? this.nextPauseMs(lostPauseSeconds) : undefined;
  }

  private nextPauseMs(seconds: number | undefined): number | undefined {
    if (!this.owner.repeats || seconds === undefined || this.repeatCount >= repeatsMax) return undefined;
    this.repeatCount++;
    return seconds * 1000;
  }
}
