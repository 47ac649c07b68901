import { type Http2SecureServer, type ServerHttp2Session, createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { CertificateIssuer, createAuthority } from '../../src/kube/certificates.ts';
import { type ApiServerEndpoint, type ClientIdentity, certificateIdentity } from '../../src/kube/identity.ts';

/** As many streams a connection as the API server allows. */
const streamsMaxDefault = 100;

/** A server that answers after a delay that it is told for each request, over TLS with client certificates. */
export class EchoServer {
  readonly port: number;
  readonly identity: ClientIdentity;
  /**
   * How long each answer was really held, in µs: what was injected. A timer is late by a millisecond and, on a busy machine,
   * by more; that is no fault of who measures it.
   */
  readonly heldUs: number[] = [];
  private readonly server: Http2SecureServer;
  private readonly sessions = new Set<ServerHttp2Session>();
  private readonly caPem: string;

  private constructor(server: Http2SecureServer, caPem: string, identity: ClientIdentity, delayMs: DelayOf) {
    this.server = server;
    this.caPem = caPem;
    this.identity = identity;
    this.port = (server.address() as AddressInfo).port;
    server.on('session', (session) => {
      this.sessions.add(session);
      session.on('error', () => {});
      session.once('close', () => this.sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      const arrivedUs = systemClock.nowUs();
      stream.on('error', () => {});
      const answer = (): void => {
        if (stream.destroyed) return;
        this.heldUs.push(systemClock.nowUs() - arrivedUs);
        stream.respond({ ':status': 200, 'content-type': 'application/json' });
        stream.end('{}');
      };
      const ms = delayMs(Number(headers[':path']?.split('/').at(-1)));
      if (ms === 0) answer();
      else setTimeout(answer, ms);
    });
  }

  /**
   * @param delayMs by the number at the end of a request's path
   * @param streamsMax on one connection
   */
  static async start(delayMs: DelayOf, streamsMax = streamsMaxDefault): Promise<EchoServer> {
    const wallMs = (): number => systemClock.wallMs();
    const authority = await createAuthority('echo-ca', wallMs);
    const issuer = await CertificateIssuer.open(authority, wallMs);
    const serving = await issuer.issueServing({
      commonName: 'echo',
      dnsNames: [],
      ipAddresses: ['127.0.0.1'],
    });
    const client = await issuer.issueClient({ user: 'tester', groups: [] });
    const server = createSecureServer({
      cert: serving.certPem,
      key: serving.keyPem,
      ca: authority.certPem,
      requestCert: true,
      rejectUnauthorized: true,
      settings: { maxConcurrentStreams: streamsMax },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const identity = certificateIdentity({ url: 'https://127.0.0.1', caPem: authority.certPem }, client);
    return new EchoServer(server, authority.certPem, identity, delayMs);
  }

  /** @param port of what stands before it. */
  endpoint(port = this.port): ApiServerEndpoint {
    return { url: `https://127.0.0.1:${port}`, caPem: this.caPem };
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const session of this.sessions) session.destroy();
    await closed;
  }
}

export type DelayOf = (index: number) => number;
