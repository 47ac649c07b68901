import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { SecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
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

export type TransportOptions = {
  endpoint: ApiServerEndpoint;
  secureContext: SecureContext;
  /** Source address: spreads ephemeral ports over 127.0.0.x; undefined lets the kernel choose. */
  localAddress: string | undefined;
};

export interface TransportEvents {
  onConnected(): void;
  onStreamClosed(): void;
  onDraining(): void;
  onClosed(error: Error | undefined): void;
}

/** One TLS connection with one HTTP/2 session on it. */
export class Transport {
  readonly session: ClientHttp2Session;
  /** Streams that are open: node:http2 queues those beyond the peer's limit without a word, so we count. */
  activeStreams = 0;
  /** No new streams: GOAWAY was received, or the connection is gone. */
  draining = false;
  connected = false;
  private readonly events: TransportEvents;

  constructor(options: TransportOptions, clock: Clock, events: TransportEvents) {
    this.events = events;
    const session = connect(options.endpoint.url, {
      secureContext: options.secureContext,
      ALPNProtocols: ['h2'],
      timeout: 0,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
      maxSessionMemory: 64,
    });
    this.session = session;
    let failure: Error | undefined;
    const deadline = clock.timer(connectTimeoutMs, () => session.destroy(new Error('connect timed out')));
    session.once('connect', () => {
      deadline.cancel();
      this.connected = true;
      session.setLocalWindowSize(connectionWindowBytes);
      events.onConnected();
    });
    session.on('error', (error) => {
      failure = error;
    });
    session.on('goaway', () => this.drain());
    session.once('close', () => {
      deadline.cancel();
      this.drain();
      events.onClosed(failure);
    });
  }

  /** How many more streams this connection can take. */
  get room(): number {
    if (this.draining || this.session.destroyed || this.session.closed) return 0;
    const peer = this.connected ? this.session.remoteSettings.maxConcurrentStreams : undefined;
    return (peer ?? streamsMaxAssumed) - this.activeStreams;
  }

  open(headers: Record<string, IdentityHeaders[string]>, body: Buffer | undefined): ClientHttp2Stream {
    const stream = this.session.request(headers, { endStream: body === undefined });
    this.activeStreams++;
    stream.once('close', () => {
      this.activeStreams--;
      this.events.onStreamClosed();
    });
    if (body !== undefined) stream.end(body);
    return stream;
  }

  destroy(): void {
    this.session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
  }

  private drain(): void {
    if (this.draining) return;
    this.draining = true;
    this.events.onDraining();
  }
}
