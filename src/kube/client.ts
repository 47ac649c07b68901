import { type ClientHttp2Stream, constants } from 'node:http2';
import { BoundedQueue } from '../base/bounded-queue.ts';
import type { Clock, TimerHandle } from '../base/clock.ts';
import type { Prng } from '../base/prng.ts';
import type { CallClass, CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import { NoAnswerError } from './api-error.ts';
import type { ConnectionGate } from './handshake-gate.ts';
import type { ApiServerEndpoint, ClientIdentity, IdentityHeaders } from './identity.ts';
import { Transport } from './transport.ts';

/** Answers larger than this are refused: a list of 150,000 pods is some 900 MB and belongs in pages. */
const answerBytesMax = 256 * 1024 * 1024;

/** Requests that wait for a connection; beyond that they fail at once instead of piling up. */
const pendingMax = 10_000;

const reconnectDelayMsMin = 100;
const reconnectDelayMsMax = 10_000;

export type RequestVerb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

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
  timeoutMs?: number;
  /** Latency counts from here when given (open-loop load); else from when the request is handed to the client. */
  intendedUs?: number;
};

export type ApiResponse = {
  status: number;
  /** The answer's bytes; empty when the caller asked for none. */
  body: Buffer;
};

export type ApiClientOptions = {
  endpoint: ApiServerEndpoint;
  /** Shared where several clients are the same identity. */
  identity: ClientIdentity;
  codec: Codec;
  userAgent: string;
  clock: Clock;
  prng: Prng;
  metrics: CallMetrics;
  /** Shared by the clients of a shard. */
  handshakes: ConnectionGate;
  localAddress?: string | undefined;
  /** Connections at most; streams beyond their limits wait. */
  transportsMax?: number;
};

type RequestHeaders = Record<string, IdentityHeaders[string]>;

type Pending = { open: (transport: Transport) => void; fail: (error: NoAnswerError) => void };

/**
 * One identity's client of one API server. Opens a connection when the first request needs it, a further one when the
 * server's stream limit is reached, a new one after GOAWAY while the old one drains.
 */
export class ApiClient {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly prng: Prng;
  private readonly options: ApiClientOptions;
  /** The path of a reverse proxy, which stands before that of every request; mostly empty. */
  private readonly pathPrefix: string;
  private transports: Transport[] = [];
  private readonly pending = new BoundedQueue<Pending>(pendingMax);
  private connecting = false;
  private failures = 0;
  private closed = false;
  /** GOAWAY frames and lost connections so far; for tests and the report. */
  reconnects = 0;

  constructor(options: ApiClientOptions) {
    this.options = options;
    this.pathPrefix = new URL(options.endpoint.url).pathname.replace(/\/+$/, '');
    this.codec = options.codec;
    this.clock = options.clock;
    this.prng = options.prng;
  }

  /**
   * Sends one request and reads the whole answer, whatever its status.
   * @throws NoAnswerError when there is none: connection lost, timed out, client closed.
   */
  request(request: ApiRequest): Promise<ApiResponse> {
    const { clock, metrics } = this.options;
    const startUs = request.intendedUs ?? clock.nowUs();
    return new Promise((resolve, reject) => {
      const call = new Call(
        request,
        clock,
        (response) => {
          metrics.record(request.kind, response.status, clock.nowUs() - startUs);
          if (response.status === 401) this.options.identity.refused?.();
          resolve(response);
        },
        (error) => {
          metrics.record(request.kind, 0, 0);
          reject(error);
        },
      );
      this.dispatch(call, this.headers(request));
    });
  }

  /**
   * Opens a stream for a watch. `onStream` gets it once there is a connection with room; `onFailure` is called instead
   * when there never was one.
   */
  stream(
    path: string,
    onStream: (stream: ClientHttp2Stream) => void,
    onFailure: (error: Error) => void,
  ): void {
    const headers = {
      ':method': 'GET',
      ':path': this.pathPrefix + path,
      accept: this.codec.watchAccept,
      'user-agent': this.options.userAgent,
      ...this.options.identity.headers(),
    };
    this.whenRoom({
      open: (transport) => onStream(transport.open(headers, undefined)),
      fail: onFailure,
    });
  }

  /** Closes all connections at once and connects anew when needed, as a kubelet does after failed heartbeats. */
  dropConnections(): void {
    for (const transport of [...this.transports]) transport.destroy();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.failPending(new NoAnswerError('client closed', true));
    for (const transport of this.transports) transport.destroy();
    this.transports = [];
  }

  private headers(request: ApiRequest): RequestHeaders {
    const headers: RequestHeaders = {
      ':method': request.method,
      ':path': this.pathPrefix + request.path,
      accept: request.accept ?? this.codec.accept,
      'user-agent': this.options.userAgent,
      ...this.options.identity.headers(),
    };
    if (request.body !== undefined) {
      headers['content-type'] = request.contentType ?? this.codec.contentType;
      headers['content-length'] = String(request.body.length);
    }
    return headers;
  }

  private dispatch(call: Call, headers: RequestHeaders): void {
    if (call.settled) return;
    this.whenRoom({
      open: (transport) => {
        if (call.settled) return;
        call.start(transport.open(headers, call.request.body), () => this.dispatch(call, headers));
      },
      fail: (error) => call.fail(error),
    });
  }

  private whenRoom(pending: Pending): void {
    if (this.closed) {
      pending.fail(new NoAnswerError('client closed', true));
      return;
    }
    const transport = this.transportWithRoom();
    if (transport !== undefined) {
      pending.open(transport);
      return;
    }
    if (!this.pending.push(pending)) {
      pending.fail(new NoAnswerError(`more than ${pendingMax} requests wait for a connection`, true));
      return;
    }
    this.connect();
  }

  /** Connections that showed a certificate which has been replaced since take nothing more: it may have expired. */
  private transportWithRoom(): Transport | undefined {
    const current = this.options.identity.secureContext();
    for (const transport of this.transports) if (transport.secureContext !== current) transport.retire();
    return this.transports.find((candidate) => candidate.connected && candidate.room > 0);
  }

  private connect(): void {
    if (this.connecting || this.closed) return;
    const live = this.transports.filter((transport) => !transport.draining).length;
    if (live >= (this.options.transportsMax ?? 4)) return;
    this.connecting = true;
    if (this.failures === 0) this.handshake();
    else {
      const delayMs = Math.min(
        reconnectDelayMsMax,
        reconnectDelayMsMin * 2 ** Math.min(this.failures - 1, 10),
      );
      this.clock.timer(delayMs * this.prng.between(0.5, 1.5), () => this.handshake());
    }
  }

  private handshake(): void {
    const { handshakes, endpoint, identity, localAddress } = this.options;
    handshakes.enter(() => {
      if (this.closed) {
        this.connecting = false;
        handshakes.leave();
        return;
      }
      let handshaking = true;
      const done = (): void => {
        if (!handshaking) return;
        handshaking = false;
        this.connecting = false;
        handshakes.leave();
      };
      const secureContext = identity.secureContext();
      const transport = new Transport({ endpoint, secureContext, localAddress }, this.clock, {
        onConnected: () => {
          done();
          this.failures = 0;
          this.flush();
        },
        onRoom: () => {
          if (this.pending.length > 0) this.flush();
        },
        onDraining: () => {
          this.reconnects++;
        },
        onClosed: (error) => {
          const wasConnecting = handshaking;
          done();
          this.transports = this.transports.filter((other) => other !== transport);
          if (wasConnecting) this.connectFailed(error);
          else this.failures = Math.max(this.failures, 1);
        },
      });
      this.transports.push(transport);
    });
  }

  private connectFailed(cause: Error | undefined): void {
    this.failures++;
    // Those that waited fail now: each caller has its own back-off, and none may wait without bound.
    const why = cause === undefined ? '' : `: ${cause.message}`;
    this.failPending(new NoAnswerError(`cannot connect to ${this.options.endpoint.url}${why}`, true, cause));
  }

  private failPending(error: NoAnswerError): void {
    for (let next = this.pending.shift(); next !== undefined; next = this.pending.shift()) next.fail(error);
  }

  private flush(): void {
    for (;;) {
      const transport = this.transportWithRoom();
      if (transport === undefined) {
        if (this.pending.length > 0) this.connect();
        return;
      }
      const next = this.pending.shift();
      if (next === undefined) return;
      next.open(transport);
    }
  }
}

const defaultTimeoutMs = 60_000;

/** One request from its hand-over to its answer. */
class Call {
  readonly request: ApiRequest;
  settled = false;
  private retried = false;
  private readonly resolve: (response: ApiResponse) => void;
  private readonly reject: (error: NoAnswerError) => void;
  private readonly deadline: TimerHandle;
  private stream: ClientHttp2Stream | undefined;

  constructor(
    request: ApiRequest,
    clock: Clock,
    resolve: (response: ApiResponse) => void,
    reject: (error: NoAnswerError) => void,
  ) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
    const timeoutMs = request.timeoutMs ?? defaultTimeoutMs;
    this.deadline = clock.timer(timeoutMs, () => {
      const unsent = this.stream === undefined;
      this.stream?.close();
      this.fail(
        new NoAnswerError(`no answer to ${request.method} ${request.path} in ${timeoutMs} ms`, unsent),
      );
    });
  }

  start(stream: ClientHttp2Stream, again: () => void): void {
    this.stream = stream;
    let status = 0;
    let sizeBytes = 0;
    let chunks: Buffer[] | undefined;
    let only: Buffer | undefined;
    let failure: Error | undefined;
    let complete = false;
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > answerBytesMax) stream.close();
      else if (only === undefined) only = chunk;
      else (chunks ??= [only]).push(chunk);
    });
    stream.on('end', () => {
      complete = status !== 0;
    });
    stream.on('error', (error) => {
      failure = error;
    });
    stream.on('close', () => {
      if (this.settled) return;
      // A connection that is lost ends its streams as if they were complete; only the code tells (8, CANCEL).
      if (complete && failure === undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
        this.settle();
        const body = chunks === undefined ? (only ?? Buffer.alloc(0)) : Buffer.concat(chunks);
        this.resolve({ status, body });
        return;
      }
      const unsent = status === 0 && wasRefused(failure);
      if (unsent && !this.retried) {
        // The server said that it has not looked at this request: it goes to the next connection.
        this.retried = true;
        this.stream = undefined;
        again();
        return;
      }
      const { method, path } = this.request;
      this.fail(new NoAnswerError(`connection lost during ${method} ${path}`, unsent, failure));
    });
  }

  fail(error: NoAnswerError): void {
    if (this.settled) return;
    this.settle();
    this.reject(error);
  }

  private settle(): void {
    this.settled = true;
    this.deadline.cancel();
  }
}

/** Whether the error says that the request was not processed (RFC 9113, 8.7). */
function wasRefused(error: Error | undefined): boolean {
  if (error === undefined) return false;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return (
    code === 'ERR_HTTP2_GOAWAY_SESSION' ||
    code === 'ERR_HTTP2_INVALID_SESSION' ||
    code === 'ERR_HTTP2_STREAM_CANCEL' ||
    (code === 'ERR_HTTP2_STREAM_ERROR' && error.message.includes('REFUSED_STREAM'))
  );
}
