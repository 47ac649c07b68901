import { type Socket, isIP } from 'node:net';
import { type ConnectionOptions, type TLSSocket, checkServerIdentity, connect } from 'node:tls';
import type { Clock, TimerHandle } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { bareHost, dialThroughProxy, portOf } from './dial.ts';
import type { HeaderValue } from './http2/hpack.ts';
import { Http2Session, type SessionEvents } from './http2/session.ts';
import type { Http2Stream, StreamHandler } from './http2/stream.ts';
import { type ApiServerEndpoint, type TlsIdentity, connectionContext } from './identity.ts';
import { type KeptAlive, keepAliveOf } from './keep-alive.ts';

const connectTimeoutMs = 30_000;

const notHttp2 = 'the server, or a proxy in front of it, does not speak HTTP/2';

/** What every connection of this thread reads into: what came is taken out before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** `h2`, in a form that Node.js copies to a buffer of its own size: an array's copy would keep 8 KB alive. */
const alpnH2 = new DataView(Uint8Array.of(2, 0x68, 0x32).buffer);

export type TransportOptions = {
  endpoint: ApiServerEndpoint;
  identity: TlsIdentity;
  /** Source address: spreads ephemeral ports over 127.0.0.x; undefined lets the kernel choose, as does a proxy. */
  localAddress: string | undefined;
};

export interface TransportEvents {
  onConnected(): void;
  /** A stream has ended, or the server says how many it allows. */
  onRoom(): void;
  /** The connection is gone, or never was; then the error's message says why as a user would want to know it. */
  onClosed(error: Error | undefined): void;
}

/** One TLS connection with one HTTP/2 session on it. */
export class Transport implements SessionEvents, KeptAlive {
  /** No new streams: GOAWAY was received, or the connection is gone. */
  draining = false;
  /** What it showed, or will show. */
  readonly identity: TlsIdentity;
  private readonly events: TransportEvents;
  private readonly clock: Clock;
  /** Until there is a connection. */
  private deadline: TimerHandle | undefined;
  /** Not there yet while a proxy is asked for the connection. */
  private socket: TLSSocket | undefined;
  /** Not there before the handshake is over. */
  private session: Http2Session | undefined;
  private dialling: AbortController | undefined;
  private failure: Error | undefined;
  private outgoing: Buffer[] = [];
  private hasHeard = false;
  private silent = false;
  private isCut = false;
  private isOver = false;

  constructor(options: TransportOptions, clock: Clock, events: TransportEvents) {
    this.events = events;
    this.clock = clock;
    this.identity = options.identity;
    this.deadline = clock.timer(connectTimeoutMs, () =>
      this.end(new Error(`no connection within ${connectTimeoutMs / 1000} s`)),
    );
    const { caPem, proxyUrl, url } = options.endpoint;
    const server = new URL(url);
    if (proxyUrl === undefined) {
      this.connect(options, server, undefined);
      return;
    }
    this.dialling = new AbortController();
    dialThroughProxy({
      proxyUrl,
      host: bareHost(server),
      port: portOf(server),
      caPem,
      signal: this.dialling.signal,
    }).then(
      (socket) => this.connect(options, server, socket),
      (error: Error) => {
        this.failure ??= error;
        this.closed();
      },
    );
  }

  get connected(): boolean {
    return this.session !== undefined;
  }

  /** How many more streams this connection can take. */
  get room(): number {
    return this.session === undefined || this.draining ? 0 : this.session.room;
  }

  /** Only while there is {@link room}. */
  open(
    method: string,
    path: string,
    headers: Readonly<Record<string, HeaderValue>>,
    body: Buffer | undefined,
    handler: StreamHandler,
  ): Http2Stream {
    return (this.session as Http2Session).request(method, path, headers, body, handler);
  }

  /** No new streams; the connection ends with its last one. */
  retire(): void {
    if (this.draining) return;
    this.draining = true;
    this.session?.retire();
  }

  destroy(): void {
    this.end(undefined);
  }

  /** From now on packets get lost: nothing goes out and nothing comes in, not even word of the end of either side. */
  cut(): void {
    if (this.session === undefined) {
      this.destroy();
      return;
    }
    this.isCut = true;
    this.socket?.pause();
  }

  /** What was lost is sent again, as TCP does; a connection that has ended meanwhile is closed. */
  restore(): void {
    this.isCut = false;
    if (this.isOver) {
      this.socket?.destroy();
      return;
    }
    this.socket?.resume();
    this.flush();
  }

  heard(): boolean {
    const { hasHeard } = this;
    this.hasHeard = false;
    return hasHeard;
  }

  ping(): void {
    this.session?.ping();
  }

  lost(): void {
    this.silent = true;
    this.end(new Error('no answer to a PING'));
  }

  /** All that is said in one go goes out in one piece. */
  send(bytes: Buffer): void {
    if (this.isOver) return;
    this.outgoing.push(bytes);
    if (this.outgoing.length === 1) queueMicrotask(() => this.flush());
  }

  onRoom(): void {
    this.events.onRoom();
  }

  onGoAway(): void {
    this.draining = true;
  }

  onDrained(): void {
    this.flush();
    if (this.isCut) this.closed();
    else this.socket?.end();
  }

  onBroken(error: Error): void {
    this.flush();
    this.end(error);
  }

  /** `through`: the way through a proxy; undefined connects directly. */
  private connect(
    { endpoint, localAddress }: TransportOptions,
    server: URL,
    through: Socket | undefined,
  ): void {
    const host = bareHost(server);
    const socket = connect({
      host,
      port: portOf(server),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      secureContext: connectionContext(endpoint, this.identity),
      ...tlsOptions(endpoint),
      ALPNProtocols: alpnH2,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(through === undefined
        ? { onread: { buffer: readBuffer, callback: (lengthBytes: number) => this.read(lengthBytes) } }
        : { socket: through }),
    });
    this.socket = socket;
    if (through !== undefined) socket.on('data', (chunk) => this.receive(chunk));
    socket.setNoDelay(true);
    socket.once('secureConnect', () => this.onSecure(socket, server));
    socket.on('error', (error) => {
      this.failure ??= error;
    });
    socket.once('close', () => this.closed());
  }

  private onSecure(socket: TLSSocket, server: URL): void {
    if (socket.alpnProtocol !== 'h2') {
      this.end(new Error(notHttp2));
      return;
    }
    this.endDeadline();
    this.session = new Http2Session(server.host, this);
    if (this.draining) this.session.retire();
    keepAliveOf(this.clock).add(this);
    this.events.onConnected();
  }

  private endDeadline(): void {
    this.deadline?.cancel();
    this.deadline = undefined;
  }

  private read(lengthBytes: number): boolean {
    this.receive(readBuffer.subarray(0, lengthBytes));
    return true;
  }

  private receive(chunk: Buffer): void {
    this.hasHeard = true;
    this.session?.receive(chunk);
  }

  private flush(): void {
    const { outgoing, socket } = this;
    if (outgoing.length === 0 || this.isCut) return;
    this.outgoing = [];
    if (socket === undefined || socket.destroyed || !socket.writable) return;
    socket.write(outgoing.length === 1 ? (outgoing[0] as Buffer) : Buffer.concat(outgoing));
  }

  private end(error: Error | undefined): void {
    this.failure ??= error;
    this.draining = true;
    if (this.socket === undefined) this.dialling?.abort(error);
    else if (this.isCut) this.closed();
    else this.socket.destroy();
  }

  private closed(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.outgoing = [];
    this.endDeadline();
    keepAliveOf(this.clock).remove(this);
    this.draining = true;
    this.session?.close(
      this.silent ? 'silent' : 'closed',
      this.failure === undefined ? 'the connection was closed' : errorMessage(this.failure),
    );
    this.events.onClosed(this.connected ? this.failure : connectError(this.failure));
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
