import { BoundedQueue } from '../base/bounded-queue.ts';
import type { Clock, TimerHandle } from '../base/clock.ts';
import type { Prng } from '../base/prng.ts';
import type { CallClass, CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import { NoAnswerError } from './api-error.ts';
import type { ConnectionGate } from './handshake-gate.ts';
import type { HeaderValue } from './http2/hpack.ts';
import type { Http2Stream, StreamEnd, StreamHandler } from './http2/stream.ts';
import type { ApiServerEndpoint, ClientIdentity } from './identity.ts';
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
  /** What the server chose among what was accepted; empty when it did not say. */
  contentType: string;
  /** The answer's bytes; empty when the caller asked for none. */
  body: Buffer;
};

export type ApiClientOptions = {
  endpoint: ApiServerEndpoint;
  /** Shared where several clients are the same identity. */
  identity: ClientIdentity;
  codec: Codec;
  /** Accepts whatever the server has when it has not the codec's: client-go's way unless told otherwise, as kube-proxy's. */
  acceptsAll?: boolean | undefined;
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

type RequestHeaders = Record<string, HeaderValue>;

type Pending = { open: (transport: Transport) => void; fail: (error: NoAnswerError) => void };

/**
 * One identity's client of one API server. Opens a connection when the first request needs it, a further one when the
 * server's stream limit is reached, a new one after GOAWAY while the old one drains.
 */
export class ApiClient {
  readonly codec: Codec;
  private readonly accept: string;
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
    this.accept = options.acceptsAll === true ? `${options.codec.contentType}, */*` : options.codec.accept;
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
    handler: StreamHandler,
    onStream: (stream: Http2Stream) => void,
    onFailure: (error: Error) => void,
  ): void {
    const headers: RequestHeaders = {
      accept: this.accept,
      'user-agent': this.options.userAgent,
      ...this.options.identity.headers(),
    };
    this.whenRoom({
      open: (transport) =>
        onStream(transport.open('GET', this.pathPrefix + path, headers, undefined, handler)),
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
      accept: request.accept ?? this.accept,
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
        const { method, path, body } = call.request;
        call.again = () => this.dispatch(call, headers);
        call.stream = transport.open(method, this.pathPrefix + path, headers, body, call);
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
    const current = this.options.identity.tls();
    for (const transport of this.transports) if (transport.identity !== current) transport.retire();
    return this.transports.find((candidate) => candidate.room > 0);
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
      const transport = new Transport({ endpoint, identity: identity.tls(), localAddress }, this.clock, {
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
          // Those that waited for room on the lost one.
          if (this.pending.length > 0) this.connect();
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
class Call implements StreamHandler {
  readonly request: ApiRequest;
  settled = false;
  stream: Http2Stream | undefined;
  /** Sends it once more, over another connection. */
  again: (() => void) | undefined;
  private retried = false;
  private status = 0;
  private contentType = '';
  private sizeBytes = 0;
  private readonly chunks: Buffer[] = [];
  private readonly resolve: (response: ApiResponse) => void;
  private readonly reject: (error: NoAnswerError) => void;
  private readonly deadline: TimerHandle;

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
      const { stream } = this;
      const { method, path } = request;
      this.fail(new NoAnswerError(`no answer to ${method} ${path} in ${timeoutMs} ms`, stream === undefined));
      stream?.cancel();
    });
  }

  onResponse(status: number, contentType: string): void {
    this.status = status;
    this.contentType = contentType;
  }

  onData(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes <= answerBytesMax) {
      this.chunks.push(chunk);
      return;
    }
    const { method, path } = this.request;
    this.fail(new NoAnswerError(`the answer to ${method} ${path} exceeds ${answerBytesMax} bytes`, false));
    this.stream?.cancel();
  }

  onEnd({ complete, refused, reason }: StreamEnd): void {
    if (this.settled) return;
    const { chunks, contentType, status } = this;
    if (complete) {
      this.settle();
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.sizeBytes);
      this.resolve({ status, contentType, body });
      return;
    }
    const unsent = refused && status === 0;
    if (unsent && !this.retried) {
      // The server said that it has not looked at this request: it goes to the next connection.
      this.retried = true;
      this.stream = undefined;
      this.again?.();
      return;
    }
    const { method, path } = this.request;
    this.fail(new NoAnswerError(`connection lost during ${method} ${path}: ${reason}`, unsent));
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
