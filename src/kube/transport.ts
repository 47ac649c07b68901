import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { type Socket, isIP } from 'node:net';
import { type ConnectionOptions, type SecureContext, checkServerIdentity } from 'node:tls';
import type { Clock, TimerHandle } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { bareHost, dialThroughProxy, portOf } from './dial.ts';
import type { ApiServerEndpoint, IdentityHeaders } from './identity.ts';

/**
 * HTTP/2 windows as Go's client sets them in spirit: far above the default of 65,535 bytes, with which a burst of
 * watch events on one stream would stall all the others on the connection. They bound memory only when a reader is
 * slow, and ours never stops reading.
 */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 4 * 1024 * 1024;

/** What the API server allows on one connection until its SETTINGS frame says otherwise. */
const streamsMaxAssumed = 100;

const connectTimeoutMs = 30_000;

const notHttp2 = 'the server, or a proxy in front of it, does not speak HTTP/2';

export type TransportOptions = {
  endpoint: ApiServerEndpoint;
  secureContext: SecureContext;
  /** Source address: spreads ephemeral ports over 127.0.0.x; undefined lets the kernel choose, as does a proxy. */
  localAddress: string | undefined;
};

export interface TransportEvents {
  onConnected(): void;
  /** A stream has ended, or the server says how many it allows. */
  onRoom(): void;
  onDraining(): void;
  /** The connection is gone, or never was; then the error's message says why as a user would want to know it. */
  onClosed(error: Error | undefined): void;
}

/** One TLS connection with one HTTP/2 session on it. */
export class Transport {
  /** Streams that are open: node:http2 queues those beyond the peer's limit without a word, so we count. */
  activeStreams = 0;
  /** No new streams: GOAWAY was received, or the connection is gone. */
  draining = false;
  connected = false;
  /** What it showed, or will show. */
  readonly secureContext: SecureContext;
  private readonly events: TransportEvents;
  private readonly deadline: TimerHandle;
  /** Not there yet while a proxy is asked for the connection. */
  private session: ClientHttp2Session | undefined;
  private dialling: AbortController | undefined;
  private failure: Error | undefined;

  constructor(options: TransportOptions, clock: Clock, events: TransportEvents) {
    this.events = events;
    this.secureContext = options.secureContext;
    this.deadline = clock.timer(connectTimeoutMs, () =>
      this.end(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
    );
    const { caPem, proxyUrl, url } = options.endpoint;
    if (proxyUrl === undefined) {
      this.openSession(options, undefined);
      return;
    }
    const server = new URL(url);
    this.dialling = new AbortController();
    dialThroughProxy({
      proxyUrl,
      host: bareHost(server),
      port: portOf(server),
      caPem,
      signal: this.dialling.signal,
    }).then(
      (socket) => this.openSession(options, socket),
      (error: Error) => {
        this.failure ??= error;
        this.closed();
      },
    );
  }

  /** How many more streams this connection can take. */
  get room(): number {
    const { session } = this;
    if (session === undefined || this.draining || session.destroyed || session.closed) return 0;
    const peer = this.connected ? session.remoteSettings.maxConcurrentStreams : undefined;
    return (peer ?? streamsMaxAssumed) - this.activeStreams;
  }

  /** Only while there is {@link room}. */
  open(headers: Record<string, IdentityHeaders[string]>, body: Buffer | undefined): ClientHttp2Stream {
    const stream = (this.session as ClientHttp2Session).request(headers, { endStream: body === undefined });
    this.activeStreams++;
    stream.once('close', () => {
      this.activeStreams--;
      this.events.onRoom();
    });
    if (body !== undefined) stream.end(body);
    return stream;
  }

  destroy(): void {
    this.end(undefined);
  }

  /** `socket`: the way through a proxy; undefined connects directly. */
  private openSession(options: TransportOptions, socket: Socket | undefined): void {
    const session = connect(options.endpoint.url, {
      secureContext: options.secureContext,
      ...tlsOptions(options.endpoint),
      ALPNProtocols: ['h2'],
      timeout: 0,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      ...(socket === undefined ? {} : { socket }),
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: 64,
    });
    this.session = session;
    session.once('connect', () => {
      if (session.alpnProtocol !== 'h2') {
        this.end(new Error(notHttp2));
        return;
      }
      this.deadline.cancel();
      this.connected = true;
      session.setLocalWindowSize(connectionWindowBytes);
      this.events.onConnected();
    });
    session.on('remoteSettings', () => this.events.onRoom());
    session.on('error', (error) => {
      this.failure ??= error;
    });
    session.on('goaway', () => this.drain());
    session.once('close', () => this.closed());
  }

  private end(error: Error | undefined): void {
    this.failure ??= error;
    if (this.session === undefined) this.dialling?.abort(error);
    else this.session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  private closed(): void {
    this.deadline.cancel();
    this.drain();
    this.events.onClosed(this.connected ? this.failure : connectError(this.failure));
  }

  /** No new streams; the connection ends with its last one. */
  retire(): void {
    if (this.draining) return;
    this.drain();
    this.session?.close();
  }

  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    this.events.onDraining();
  }
}

/** How the server's certificate is looked at, where that is not the usual way. */
function tlsOptions({ insecure, serverName }: ApiServerEndpoint): ConnectionOptions {
  return {
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
    ...(serverName === undefined
      ? {}
      : // An address is a name that a certificate may have, but not one that TLS may ask for (RFC 6066, 3).
        isIP(serverName) === 0
        ? { servername: serverName }
        : { checkServerIdentity: (_, certificate) => checkServerIdentity(serverName, certificate) }),
  };
}

/** Why there is no connection, in the words of the layer that knows. */
function connectError(error: Error | undefined): Error {
  if (error === undefined) return new Error('the connection was closed before it was ready');
  // All addresses of a name were tried, and each has an error of its own.
  if (error instanceof AggregateError) {
    return new Error(error.errors.map(errorMessage).join(', '), { cause: error });
  }
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') return new Error(notHttp2, { cause: error });
  return error;
}
