import {
  type ClientHttp2Session,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  createSecureServer,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { CertificateIssuer } from '../../kube/certificates.ts';
import type { SigningAuthority } from '../../kube/identity.ts';
import { type Sender, forward } from './forward.ts';
import type { RecordedConnection, RecordedRequest, Recording } from './recording.ts';
import {
  type Upstream,
  type UpstreamContexts,
  connectUpstream,
  streamLimitOf,
  upstreamContexts,
} from './upstream.ts';

export type RecorderOptions = {
  upstream: Upstream;
  /** The cluster's: it signs the recorder's own certificate, and has signed those of the clients. */
  authority: SigningAuthority;
  clock: Clock;
};

const loopback = '127.0.0.1';

/** What belongs to one client connection. */
type Connection = {
  record: RecordedConnection;
  sender: Sender;
  socket: TLSSocket;
  upstream: ClientHttp2Session;
};

/**
 * A proxy in front of an API server that writes down what goes by. It keeps identities by front-proxy authentication: a
 * client shows its certificate to the recorder, which tells the API server who it was. Each connection of a client is one
 * connection of the recorder, so that numbers and limits stay as they were; the end of one is the end of the other.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
 */
export class Recorder {
  /** Where clients find it, in place of the API server. */
  readonly endpoint: { url: string; caPem: string };
  private readonly options: RecorderOptions;
  private readonly server: Http2SecureServer;
  private readonly contexts: UpstreamContexts;
  /** By the client's port. */
  private readonly connections = new Map<number, Connection>();
  /** By the client's port: TLS hides the socket below, which alone knows TLS' own bytes. */
  private readonly raw = new Map<number, Socket>();
  private readonly requests: RecordedRequest[] = [];
  private readonly seen: RecordedConnection[] = [];
  /** What to add to the monotonic clock, which knows microseconds, for the time since the epoch. */
  private readonly epochUs: number;

  private constructor(options: RecorderOptions, server: Http2SecureServer, contexts: UpstreamContexts) {
    this.options = options;
    this.server = server;
    this.contexts = contexts;
    this.epochUs = options.clock.wallMs() * 1000 - options.clock.nowUs();
    const { port } = server.address() as AddressInfo;
    this.endpoint = { url: `https://${loopback}:${port}`, caPem: options.authority.certPem };
  }

  /** Starts it on a free port of loopback. @throws when the API server cannot be reached. */
  static async start(options: RecorderOptions): Promise<Recorder> {
    const { upstream, authority, clock } = options;
    const contexts = upstreamContexts(upstream);
    const maxConcurrentStreams = await streamLimitOf(upstream, contexts);
    const issuer = await CertificateIssuer.open(authority, () => clock.wallMs());
    const own = await issuer.issueServing({
      commonName: 'hollowmark-recorder',
      dnsNames: ['localhost'],
      ipAddresses: [loopback],
    });
    const server = createSecureServer({
      allowHTTP1: true,
      cert: own.certPem,
      key: own.keyPem,
      ca: authority.certPem,
      requestCert: true,
      // Clients with a bearer token have no certificate; one that is there and wrong is turned away below.
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams },
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, loopback, resolve);
    });
    const recorder = new Recorder(options, server, contexts);
    recorder.listen();
    return recorder;
  }

  /** What has gone by so far; of what still goes on, what there is of it. */
  recording(): Recording {
    return { requests: [...this.requests], connections: [...this.seen] };
  }

  /** Ends all connections at once. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const { socket, upstream } of this.connections.values()) {
      upstream.destroy();
      socket.destroy();
    }
    await closed;
  }

  private listen(): void {
    const { server } = this;
    server.on('connection', (socket: Socket) => {
      const port = socket.remotePort;
      if (port === undefined) return;
      this.raw.set(port, socket);
      socket.once('close', () => this.raw.delete(port));
    });
    server.on('secureConnection', (socket: TLSSocket) => this.connected(socket));
    server.on('session', (session: ServerHttp2Session) => {
      session.on('error', () => {});
      this.connectionOf(session.socket)?.upstream.once('goaway', () => session.close());
    });
    server.on('sessionError', () => {});
    server.on('tlsClientError', () => {});
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) =>
      this.onRequest(request, response),
    );
  }

  private connectionOf(socket: { remotePort?: number | undefined }): Connection | undefined {
    return this.connections.get(socket.remotePort ?? 0);
  }

  private connected(socket: TLSSocket): void {
    const certificate = socket.getPeerCertificate();
    const shown = Object.keys(certificate ?? {}).length > 0;
    const port = socket.remotePort;
    if ((shown && !socket.authorized) || port === undefined) {
      socket.destroy();
      return;
    }
    const sender = shown ? senderOf(certificate.subject) : undefined;
    const upstream = connectUpstream(
      this.options.upstream,
      sender === undefined ? this.contexts.plain : this.contexts.vouching,
    );
    const record: RecordedConnection = {
      id: this.seen.length + 1,
      user: sender?.user ?? '',
      protocol: socket.alpnProtocol === false ? '' : (socket.alpnProtocol ?? ''),
      readBytes: 0,
      writtenBytes: 0,
      startUs: this.nowUs(),
      endUs: undefined,
    };
    this.seen.push(record);
    this.connections.set(port, { record, sender, socket, upstream });
    const raw = this.raw.get(port);
    upstream.on('error', () => {});
    upstream.once('close', () => socket.destroy());
    socket.on('error', () => {});
    socket.once('close', () => {
      record.endUs = this.nowUs();
      record.readBytes = raw?.bytesRead ?? 0;
      record.writtenBytes = raw?.bytesWritten ?? 0;
      this.connections.delete(port);
      upstream.destroy();
    });
  }

  private onRequest(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const connection = this.connectionOf(request.socket);
    if (connection === undefined) {
      response.destroy();
      return;
    }
    const [path = '', query = ''] = request.url.split('?');
    const record: RecordedRequest = {
      connection: connection.record.id,
      method: request.method,
      path,
      query,
      user: connection.sender?.user ?? '',
      userAgent: headerText(request.headers['user-agent']),
      requestType: headerText(request.headers['content-type']),
      accept: headerText(request.headers.accept),
      responseType: '',
      upBytes: 0,
      downBytes: 0,
      status: 0,
      auditId: '',
      startUs: this.nowUs(),
      endUs: undefined,
    };
    this.requests.push(record);
    forward(request, response, connection.upstream, connection.sender, record, () => this.nowUs());
  }

  private nowUs(): number {
    return Math.round(this.options.clock.nowUs() + this.epochUs);
  }
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** Kubernetes reads the user from CN and the groups from O, of which there may be none or many. */
function senderOf(subject: { CN?: string | string[]; O?: string | string[] }): Sender {
  const groups = subject.O ?? [];
  return { user: headerText(subject.CN), groups: Array.isArray(groups) ? groups : [groups] };
}
