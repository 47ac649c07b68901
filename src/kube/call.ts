import type { Clock, TimerHandle } from '../base/clock.ts';
import type { CallClass, CallMetrics } from '../metrics/call-metrics.ts';
import { NoAnswerError } from './api-error.ts';
import type { Exchange, ExchangeHandler, RateLimit, RequestVerb } from './exchange.ts';
import type { StreamEnd } from './http2/stream.ts';

/** Answers larger than this are refused: a list of 150,000 pods is some 900 MB and belongs in pages. */
const answerBytesMax = 256 * 1024 * 1024;

const defaultTimeoutMs = 60_000;

export type ApiRequest = {
  method: RequestVerb;
  /** Path with query. */
  path: string;
  kind: CallClass;
  body?: Buffer | undefined;
  /** Content type of `body`; the codec's own when absent. */
  contentType?: string;
  /** What is wanted, where that is not an object. */
  accept?: string;
  /** For all attempts together. */
  timeoutMs?: number;
  /** Of the client's repeats; the first attempt is for the caller to limit. */
  limit?: RateLimit | undefined;
  /** Latency counts from here when given (open-loop load); else from when the request is handed to the client. */
  intendedUs?: number;
  /** Nobody asks again: when it has no answer, its latency counts until it was given up. */
  lastAttempt?: boolean;
};

export type ApiResponse = {
  status: number;
  /** What the server chose among what was accepted; empty when it did not say. */
  contentType: string;
  /** The pause that the server asks for; undefined when it does not. */
  retryAfterSeconds?: number | undefined;
  /** When the server answered, by its clock, in whole seconds as HTTP writes it; empty when it did not say. */
  date?: string;
  /** The answer's bytes; empty when the caller asked for none. */
  body: Buffer;
};

/** One request from its hand-over to its answer, all of which is read. Every attempt is counted. */
export class Call implements ExchangeHandler {
  private readonly request: ApiRequest;
  private readonly clock: Clock;
  private readonly metrics: CallMetrics;
  private readonly resolve: (response: ApiResponse) => void;
  private readonly reject: (error: NoAnswerError) => void;
  private readonly deadline: TimerHandle;
  /** What it goes out by; set before it does. */
  exchange: Exchange | undefined;
  private settled = false;
  /** Latency of the present attempt counts from here. */
  private startUs: number;
  private status = 0;
  private contentType = '';
  private date = '';
  private retryAfterSeconds: number | undefined;
  private sizeBytes = 0;
  private readonly chunks: Buffer[] = [];

  constructor(
    request: ApiRequest,
    clock: Clock,
    metrics: CallMetrics,
    resolve: (response: ApiResponse) => void,
    reject: (error: NoAnswerError) => void,
  ) {
    this.request = request;
    this.clock = clock;
    this.metrics = metrics;
    this.resolve = resolve;
    this.reject = reject;
    this.startUs = request.intendedUs ?? clock.nowUs();
    const timeoutMs = request.timeoutMs ?? defaultTimeoutMs;
    this.deadline = clock.timer(timeoutMs, () => {
      const unsent = this.exchange?.underWay !== true;
      this.giveUp(new NoAnswerError(`no answer to ${this.what} in ${timeoutMs} ms`, unsent));
    });
  }

  onRepeat(status: number, pauseMs: number): void {
    const nowUs = this.clock.nowUs();
    this.metrics.record(this.request.kind, status, nowUs - this.startUs);
    this.startUs = nowUs + pauseMs * 1000;
  }

  onLimited(waitMs: number): void {
    this.startUs += waitMs * 1000;
  }

  onResponse(status: number, contentType: string, retryAfterSeconds: number | undefined, date = ''): void {
    this.status = status;
    this.date = date;
    this.contentType = contentType;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  onData(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes <= answerBytesMax) this.chunks.push(chunk);
    else {
      this.giveUp(new NoAnswerError(`the answer to ${this.what} exceeds ${answerBytesMax} bytes`, false));
    }
  }

  onEnd({ how, reason }: StreamEnd): void {
    if (this.settled) return;
    const { chunks, contentType, retryAfterSeconds, date, status } = this;
    if (how !== 'complete') {
      const unsent = how === 'refused' && status === 0;
      this.onFailure(new NoAnswerError(`connection lost during ${this.what}: ${reason}`, unsent));
      return;
    }
    this.settle();
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.sizeBytes);
    this.metrics.record(this.request.kind, status, this.clock.nowUs() - this.startUs);
    this.resolve({ status, contentType, retryAfterSeconds, date, body });
  }

  onFailure(error: NoAnswerError): void {
    if (this.settled) return;
    this.settle();
    const { kind, lastAttempt } = this.request;
    if (lastAttempt === true) this.metrics.recordGivenUp(kind, this.clock.nowUs() - this.startUs);
    else this.metrics.record(kind, 0, 0);
    this.reject(error);
  }

  private get what(): string {
    return `${this.request.method} ${this.request.path}`;
  }

  private giveUp(error: NoAnswerError): void {
    this.onFailure(error);
    this.exchange?.cancel();
  }

  private settle(): void {
    this.settled = true;
    this.deadline.cancel();
  }
}
