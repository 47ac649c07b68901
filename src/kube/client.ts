import { BoundedQueue } from '../base/bounded-queue.ts';
import type { Clock } from '../base/clock.ts';
import type { Prng } from '../base/prng.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import { NoAnswerError } from './api-error.ts';
import { type ApiRequest, type ApiResponse, Call } from './call.ts';
import { Exchange, type ExchangeHandler, type ExchangeOwner, type RateLimit } from './exchange.ts';
import type { ConnectionGate } from './handshake-gate.ts';
import type { HeaderValue } from './http2/hpack.ts';
import type { ApiServerEndpoint, ClientIdentity } from './identity.ts';
import { Transport } from './transport.ts';

export type { ApiRequest, ApiResponse } from './call.ts';
export type { RequestVerb } from './exchange.ts';

/** Requests that wait for a connection; beyond that they fail at once instead of piling up. */
const pendingMax = 10_000;

const reconnectDelayMsMin = 100;
const reconnectDelayMsMax = 10_000;

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
  /** Repeats requests as client-go does, which is what a node's clients do; others are for their callers to repeat. */
  repeats?: boolean | undefined;
  /** Connections at most; streams beyond their limits wait. */
  transportsMax?: number;
};

type RequestHeaders = Record<string, HeaderValue>;

/**
 * One identity's client of one API server. Opens a connection when the first request needs it, a further one when the
 * server's stream limit is reached, a new one after GOAWAY while the old one drains.
 */
export class ApiClient implements ExchangeOwner {
  readonly codec: Codec;
  private readonly accept: string;
  readonly clock: Clock;
  readonly prng: Prng;
  private readonly options: ApiClientOptions;
  /** The path of a reverse proxy, which stands before that of every request; mostly empty. */
  private readonly pathPrefix: string;
  private transports: Transport[] = [];
  private cutOff: Transport[] = [];
  private readonly pending = new BoundedQueue<Exchange>(pendingMax);
  private connecting = false;
  private failures = 0;
  private closed = false;

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
    const { clock, identity, metrics } = this.options;
    const { method, body, limit } = request;
    return new Promise((resolve, reject) => {
      const answered = (response: ApiResponse): void => {
        if (response.status === 401) identity.refused?.();
        resolve(response);
      };
      const call = new Call(request, clock, metrics, answered, reject);
      const path = this.pathPrefix + request.path;
      call.exchange = new Exchange(
        this,
        { method, path, headers: () => this.headers(request), body, limit },
        call,
      );
      call.exchange.start();
    });
  }

  /** Sends a GET whose answer is a stream: a watch. It may be cancelled at any time, also while it waits. */
  stream(path: string, handler: ExchangeHandler, limit?: RateLimit): Exchange {
    const headers = (): RequestHeaders => this.headers({});
    const outgoing = {
      method: 'GET',
      path: this.pathPrefix + path,
      headers,
      body: undefined,
      limit,
    } as const;
    const exchange = new Exchange(this, outgoing, handler);
    exchange.start();
    return exchange;
  }

  /** Closes all connections at once and connects anew when needed, as a kubelet does after failed heartbeats. */
  dropConnections(): void {
    for (const transport of [...this.transports]) transport.destroy();
  }

  /**
   * From now on packets of the open connections get lost, either way, until {@link restore}. Those that are dropped
   * meanwhile, or closed with the client, stay open to the server. New ones are for the gate to keep back.
   */
  cut(): void {
    this.cutOff = [...this.transports];
    for (const transport of this.cutOff) transport.cut();
  }

  restore(): void {
    const { cutOff } = this;
    this.cutOff = [];
    for (const transport of cutOff) transport.restore();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.failPending(new NoAnswerError('client closed', true));
    for (const transport of this.transports) transport.destroy();
    this.transports = [];
  }

  private headers(request: Pick<ApiRequest, 'accept' | 'body' | 'contentType'>): RequestHeaders {
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

  /** For {@link Exchange}: not once it is closed. */
  get repeats(): boolean {
    return this.options.repeats === true && !this.closed;
  }

  /** For {@link Exchange}: gives it a connection with room, or an error. */
  whenRoom(exchange: Exchange): void {
    if (this.closed) {
      exchange.fail(new NoAnswerError('client closed', true));
      return;
    }
    const transport = this.transportWithRoom();
    if (transport !== undefined) {
      exchange.open(transport);
      return;
    }
    if (!this.pending.push(exchange)) {
      exchange.fail(new NoAnswerError(`more than ${pendingMax} requests wait for a connection`, true));
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
