import {
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  createSecureServer,
} from 'node:http2';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { Prng } from '../../../src/base/prng.ts';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import { CertificateIssuer, createAuthority } from '../../../src/kube/certificates.ts';
import { ApiClient, type ApiClientOptions } from '../../../src/kube/client.ts';
import { HandshakeGate } from '../../../src/kube/handshake-gate.ts';
import {
  type ApiServerEndpoint,
  type ClientCertificate,
  type ClientIdentity,
  CredentialsIdentity,
  type SigningAuthority,
  certificateIdentity,
  impersonated,
} from '../../../src/kube/identity.ts';
import { Reflector } from '../../../src/kube/reflector.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';

const kind = callClass('GET', 'things', '', 'resource');

type Handler = (stream: ServerHttp2Stream, path: string, session: ServerHttp2Session) => void;

const ok: Handler = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('{}');
};

let authority: SigningAuthority;
let serving: ClientCertificate;
let clientCertificate: ClientCertificate;
let renewedCertificate: ClientCertificate;

beforeAll(async () => {
  authority = await createAuthority('test-ca', () => systemClock.wallMs());
  const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
  serving = await issuer.issueServing({ commonName: 'test', dnsNames: [], ipAddresses: ['127.0.0.1'] });
  clientCertificate = await issuer.issueClient({ user: 'tester', groups: [] });
  renewedCertificate = await issuer.issueClient({ user: 'tester', groups: [] });
});

/** A real HTTP/2 server with TLS on loopback, with answers by script. */
class Server {
  readonly sessions: ServerHttp2Session[] = [];
  private readonly server: Http2SecureServer;
  handler: Handler;

  constructor(handler: Handler, streamsMax = 100) {
    this.handler = handler;
    this.server = createSecureServer({
      cert: serving.certPem,
      key: serving.keyPem,
      ca: authority.certPem,
      requestCert: true,
      settings: { maxConcurrentStreams: streamsMax },
    });
    this.server.on('session', (session) => {
      this.sessions.push(session);
      session.on('error', () => {});
    });
    this.server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      this.handler(stream, headers[':path'] ?? '', stream.session as ServerHttp2Session);
    });
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function serve(handler: Handler, streamsMax?: number): Promise<{ server: Server; port: number }> {
  const server = new Server(handler, streamsMax);
  open.push(server);
  return { server, port: await server.listen() };
}

const endpointOf = (port: number): ApiServerEndpoint => ({
  url: `https://127.0.0.1:${port}`,
  caPem: authority.certPem,
});

function clientOf(
  port: number,
  metrics = new CallMetrics(),
  identity: ClientIdentity = certificateIdentity(endpointOf(port), clientCertificate),
  options: Partial<ApiClientOptions> = {},
): ApiClient {
  const client = new ApiClient({
    endpoint: endpointOf(port),
    identity,
    codec: jsonCodec,
    userAgent: 'test',
    clock: systemClock,
    prng: new Prng('test'),
    metrics,
    handshakes: new HandshakeGate(4),
    ...options,
  });
  open.push(client);
  return client;
}

/** A client that repeats requests, and seconds that are a fiftieth as long. */
function patientClientOf(port: number, metrics = new CallMetrics()): ApiClient {
  return clientOf(port, metrics, undefined, {
    repeats: true,
    clock: { ...systemClock, timer: (ms, run) => systemClock.timer(ms / 50, run) },
  });
}

const get = (client: ApiClient, path = '/', timeoutMs = 5_000): Promise<{ status: number; body: Buffer }> =>
  client.request({ method: 'GET', path, kind, timeoutMs });

describe('ApiClient', () => {
  it('opens a further connection when the stream limit of one is reached', async () => {
    const { server, port } = await serve(ok, 10);
    const client = clientOf(port);
    await get(client);
    const waiting: ServerHttp2Stream[] = [];
    server.handler = (stream, path, session): void => {
      waiting.push(stream);
      // None is answered before all have arrived: over fewer connections they never would.
      if (waiting.length === 25) for (const each of waiting) ok(each, path, session);
    };
    const answers = await Promise.all(Array.from({ length: 25 }, () => get(client)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(server.sessions).toHaveLength(3);
  });

  it('shows a renewed certificate at once: connections with the old one take nothing more, and end', async () => {
    const { server, port } = await serve(ok);
    const identity = new CredentialsIdentity(endpointOf(port), { certificate: clientCertificate });
    const client = clientOf(port, new CallMetrics(), identity);
    await get(client);
    const [old] = server.sessions;
    const ended = new Promise<void>((resolve) => old?.once('close', resolve));
    let answer: (() => void) | undefined;
    server.handler = (stream, path, session): void => {
      answer = (): void => ok(stream, path, session);
    };
    const underWay = get(client);
    await vi.waitFor(() => expect(answer).toBeDefined());
    server.handler = ok;
    identity.update({ certificate: clientCertificate, token: 'renewed' });
    expect((await get(client)).status).toBe(200);
    expect(server.sessions).toHaveLength(1);
    identity.update({ certificate: renewedCertificate });
    expect((await get(client)).status).toBe(200);
    expect(server.sessions).toHaveLength(2);
    // What was on its way over the old one is still answered.
    answer?.();
    expect((await underWay).status).toBe(200);
    await ended;
  });

  it('tells its identity of each 401', async () => {
    let refusals = 0;
    const { port } = await serve((stream) => {
      stream.respond({ ':status': 401 });
      stream.end();
    });
    const base = new CredentialsIdentity(
      endpointOf(port),
      { certificate: clientCertificate, token: 'old' },
      () => refusals++,
    );
    const client = clientOf(
      port,
      new CallMetrics(),
      impersonated(base, { user: 'system:node:a', groups: [] }),
    );
    expect((await get(client)).status).toBe(401);
    expect(refusals).toBe(1);
  });

  it('answers every request although the server says GOAWAY again and again', async () => {
    let count = 0;
    const { server, port } = await serve((stream, path, session) => {
      if (++count % 10 === 0) session.goaway();
      ok(stream, path, session);
    });
    const client = clientOf(port);
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => get(client)));
      expect(answers.every(({ status }) => status === 200)).toBe(true);
    }
    expect(server.sessions.length).toBeGreaterThan(5);
  });

  it('says that there was no answer: refused, cut off, timed out, closed', async () => {
    const { server, port } = await serve((stream, path) => {
      if (path === '/cut') {
        stream.respond({ ':status': 200 });
        stream.write('{"half":');
        setTimeout(() => (stream.session as ServerHttp2Session).destroy(), 20);
      }
      // Everything else is never answered.
    });
    const metrics = new CallMetrics();
    const client = clientOf(port, metrics);
    await expect(get(client, '/cut')).rejects.toThrow(/connection lost during GET \/cut/);
    await expect(get(client, '/never', 100)).rejects.toThrow(/no answer to GET \/never in 100 ms/);
    await server.close();
    await expect(get(client, '/', 2_000)).rejects.toBeInstanceOf(NoAnswerError);
    client.close();
    await expect(get(client)).rejects.toThrow(/client closed/);
    const [entry] = [...metrics.entries()];
    expect(entry?.statuses.get(0)).toBe(4);
    expect(entry?.histogram.count).toBe(0);
  });

  it('is back when the server is, and closes its connections on request', async () => {
    const first = new Server(ok);
    const port = await first.listen();
    const client = clientOf(port);
    expect((await get(client)).status).toBe(200);
    await first.close();
    const second = new Server(ok);
    open.push(second);
    await second.listen(port);
    let status = 0;
    for (let attempt = 0; status !== 200 && attempt < 50; attempt++) {
      status = (await get(client).catch(() => ({ status: 0 }))).status;
    }
    expect(status).toBe(200);
    client.dropConnections();
    expect((await get(client)).status).toBe(200);
    expect(second.sessions).toHaveLength(2);
  });

  it('notices by a PING that the other side has gone without a word, and connects anew', async () => {
    const { port } = await serve(ok);
    const wires: Socket[] = [];
    const relay = createServer((socket) => {
      const further = connect(port, '127.0.0.1');
      wires.push(socket, further);
      for (const one of [socket, further]) one.on('error', () => {});
      socket.pipe(further).pipe(socket);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    open.push({
      close: () => {
        for (const wire of wires) wire.destroy();
        relay.close();
      },
    });
    /** A hundred times as fast: 30 s without a frame are 0.3 s. */
    const clock: Clock = { ...systemClock, timer: (ms, run) => systemClock.timer(ms / 100, run) };
    const endpoint = endpointOf((relay.address() as AddressInfo).port);
    const client = new ApiClient({
      endpoint,
      identity: certificateIdentity(endpoint, clientCertificate),
      codec: jsonCodec,
      userAgent: 'test',
      clock,
      prng: new Prng('test'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    });
    open.push(client);
    expect((await get(client, '/', 500_000)).status).toBe(200);
    // Answered PINGs keep a quiet connection.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await get(client, '/', 500_000)).status).toBe(200);
    expect(wires).toHaveLength(2);
    for (const wire of wires) {
      wire.unpipe();
      wire.pause();
    }
    await expect(get(client, '/', 500_000)).rejects.toThrow(
      /connection lost during GET \/: no answer to a PING/,
    );
    expect((await get(client, '/', 500_000)).status).toBe(200);
    expect(wires).toHaveLength(4);
  });

  it('counts latency from the intended send when there is one', async () => {
    const { port } = await serve(ok);
    const metrics = new CallMetrics();
    const client = clientOf(port, metrics);
    await client.request({ method: 'GET', path: '/', kind, intendedUs: systemClock.nowUs() - 700_000 });
    const [entry] = [...metrics.entries()];
    expect(entry?.histogram.max).toBeGreaterThanOrEqual(700_000);
  });
});

/** Answers `status` with Retry-After so many times, and then {@link ok}. */
const refusing = (times: number, status: number, retryAfter?: string): Handler => {
  let left = times;
  return (stream, path, session) => {
    if (left-- <= 0) {
      ok(stream, path, session);
      return;
    }
    stream.respond({ ':status': status, ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) });
    stream.end('not now');
  };
};

describe('a client that repeats requests as client-go does', () => {
  const put = (client: ApiClient, timeoutMs = 60_000): Promise<{ status: number }> =>
    client.request({ method: 'PUT', path: '/', kind, body: Buffer.from('{}'), timeoutMs });

  it('does so after as many seconds as the server asks for, and counts each answer', async () => {
    const { port } = await serve(refusing(3, 429, '2'));
    const metrics = new CallMetrics();
    const startUs = systemClock.nowUs();
    expect((await put(patientClientOf(port, metrics))).status).toBe(200);
    expect(systemClock.nowUs() - startUs).toBeGreaterThan(3 * 40_000 - 5_000);
    const [entry] = [...metrics.entries()];
    expect(Object.fromEntries(entry?.statuses ?? [])).toEqual({ 200: 1, 429: 3 });
  });

  it('takes a token for each further attempt, and waits for it after the pause', async () => {
    const { port } = await serve(refusing(3, 429, '1'));
    const metrics = new CallMetrics();
    const waitsMs = [0, 10_000, 0];
    let taken = 0;
    const limit = { reserveMs: (): number => waitsMs[taken++] ?? 0 };
    const client = patientClientOf(port, metrics);
    const startUs = systemClock.nowUs();
    const answer = await client.request({ method: 'PUT', path: '/', kind, body: Buffer.from('{}'), limit });
    expect([answer.status, taken]).toEqual([200, 3]);
    // A fiftieth of 3 s of pauses, and of 10 s for the second token, which no attempt's latency has in it.
    expect(systemClock.nowUs() - startUs).toBeGreaterThan(260_000 - 10_000);
    expect([...metrics.entries()][0]?.histogram.max).toBeLessThan(200_000);
  });

  it('takes the eleventh refusal for an answer', async () => {
    const { port } = await serve(refusing(100, 503, '1'));
    const metrics = new CallMetrics();
    expect(await put(patientClientOf(port, metrics))).toMatchObject({ status: 503, retryAfterSeconds: 1 });
    expect([...metrics.entries()][0]?.statuses.get(503)).toBe(11);
  });

  it.each([
    [429, undefined],
    [503, undefined],
    [503, 'Fri, 31 Dec 1999 23:59:59 GMT'],
    [409, '1'],
  ])('does not repeat after %i with Retry-After %s', async (status, retryAfter) => {
    const { port } = await serve(refusing(1, status, retryAfter));
    expect((await put(patientClientOf(port))).status).toBe(status);
  });

  it('does so within the deadline, which holds for all attempts', async () => {
    const { port } = await serve(refusing(100, 429, '10'));
    const client = patientClientOf(port);
    await expect(put(client, 15_000)).rejects.toThrow('no answer to PUT / in 15000 ms');
  });

  it('repeats what was lost when it only reads', async () => {
    const { server, port } = await serve(ok);
    const client = patientClientOf(port);
    for (const method of ['GET', 'PUT'] as const) {
      server.handler = (_stream, _path, session): void => {
        server.handler = ok;
        session.destroy();
      };
      const answer = client.request({ method, path: '/', kind });
      if (method === 'GET') expect((await answer).status).toBe(200);
      else await expect(answer).rejects.toThrow(/connection lost/);
    }
  });

  it('ends at once what is under way when it is closed', async () => {
    const { server, port } = await serve(() => {});
    const client = patientClientOf(port);
    let repeated = false;
    const handler = { onResponse: () => {}, onData: () => {}, onFailure: () => {} };
    const ended = new Promise<string>((resolve) => {
      client.stream('/', {
        ...handler,
        onEnd: ({ how }) => resolve(how),
        onRepeat: () => {
          repeated = true;
        },
      });
    });
    await vi.waitFor(() => expect(server.sessions).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.close();
    expect(await ended).toBe('closed');
    expect(repeated).toBe(false);
  });

  it('is not every client: others hear of each refusal, and of the pause', async () => {
    const { port } = await serve(refusing(1, 429, '7'));
    expect(await get(clientOf(port))).toMatchObject({ status: 429, retryAfterSeconds: 7 });
  });

  it('repeats streams likewise, and does not send what was cancelled while it waited', async () => {
    const paths: string[] = [];
    const refuse = refusing(2, 429, '1');
    const { port } = await serve((stream, path, session) => {
      paths.push(path);
      refuse(stream, path, session);
    });
    const client = patientClientOf(port);
    const handler = {
      onResponse: vi.fn<(status: number) => void>(),
      onData: () => {},
      onEnd: vi.fn<() => void>(),
      onFailure: vi.fn<() => void>(),
    };
    // There is no connection yet: this one waits for it.
    client.stream('/cancelled', handler).cancel();
    const limit = { reserveMs: vi.fn<(nowMs: number) => number>(() => 0) };
    client.stream('/watch', handler, limit);
    await vi.waitFor(() => expect(handler.onEnd).toHaveBeenCalledTimes(1));
    expect(limit.reserveMs).toHaveBeenCalledTimes(2);
    expect(handler.onResponse.mock.calls.map(([status]) => status)).toEqual([200]);
    expect(paths).toEqual(['/watch', '/watch', '/watch']);
    expect(handler.onFailure).not.toHaveBeenCalled();
  });
});

describe('Reflector on a real connection', () => {
  const line = (type: string, name: string, version: number, annotations = {}): string =>
    `${JSON.stringify({ type, object: { metadata: { name, uid: name, resourceVersion: String(version), annotations } } })}\n`;
  const listed = { 'k8s.io/initial-events-end': 'true' };

  it('lists, resumes after a timeout from the last bookmark, and lists anew from there after 410', async () => {
    const paths: string[] = [];
    const { port } = await serve((stream, path) => {
      paths.push(path);
      stream.respond({ ':status': 200 });
      const write = (...lines: string[]): void => void stream.write(lines.join(''));
      switch (paths.length) {
        case 1:
          write(line('ADDED', 'a', 5), line('ADDED', 'b', 3), line('BOOKMARK', '', 7, listed));
          write(line('MODIFIED', 'a', 8), line('BOOKMARK', '', 12));
          stream.end();
          break;
        case 2:
          write(`${JSON.stringify({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })}\n`);
          break;
        default:
          write(line('ADDED', 'b', 20), line('BOOKMARK', '', 21, listed));
      }
    });
    const seen: string[] = [];
    const client = clientOf(port);
    await new Promise<void>((resolve, reject) => {
      let syncs = 0;
      const reflector = new Reflector(
        client,
        { path: '/things', selector: '', timeoutSecondsMin: 300, sendsTimeout: false, backoffMsMin: 10 },
        {
          onListing: () => seen.push('listing'),
          onEvent: (event) => seen.push(`${event.type} ${event.metadata().uid}`),
          onSynced: () => {
            seen.push('synced');
            if (++syncs === 2) resolve();
          },
          onFault: reject,
        },
      );
      open.push({ close: () => reflector.stop() });
    });
    expect(seen).toEqual([
      'listing',
      'ADDED a',
      'ADDED b',
      'synced',
      'MODIFIED a',
      'listing',
      'ADDED b',
      'synced',
    ]);
    expect(paths.map((path) => /resourceVersion=(\d+)/.exec(path)?.[1])).toEqual([undefined, '12', '12']);
    expect(paths[2]).toContain('sendInitialEvents=true');
  });
});

describe('a client whose packets get lost', () => {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  /** Whether the client answers the server's PING within a moment. */
  const answers = (session: ServerHttp2Session): Promise<boolean> =>
    Promise.race([
      new Promise<boolean>((resolve) => session.ping((error) => resolve(error === null))),
      pause(150).then(() => false),
    ]);
  /** A client with a stream open, and the server's session with it. */
  async function streaming(clock: Clock = systemClock): Promise<{
    client: ApiClient;
    session: ServerHttp2Session;
    server: Server;
    ended: string[];
    received: string[];
    write: (text: string) => void;
  }> {
    let write: (text: string) => void = () => {};
    const { server, port } = await serve((stream, path) => {
      stream.respond({ ':status': 200 });
      if (path === '/watch') write = (text) => stream.write(text);
      else stream.end(`${path} done`);
    });
    const client = clientOf(port, undefined, undefined, { clock });
    const ended: string[] = [];
    const received: string[] = [];
    await new Promise<void>((resolve, reject) => {
      client.stream('/watch', {
        onResponse: () => resolve(),
        onData: (chunk) => received.push(chunk.toString()),
        onEnd: ({ how }) => ended.push(how),
        onFailure: reject,
      });
    });
    const [session] = server.sessions;
    if (session === undefined) throw new Error('no session');
    return { client, session, server, ended, received, write: (text) => write(text) };
  }

  it('leaves the server alone with a connection that says nothing, not even that it is closed', async () => {
    const { client, session, ended } = await streaming();
    expect(await answers(session)).toBe(true);
    client.cut();
    client.close();
    expect(ended).toEqual(['closed']);
    expect(await answers(session)).toBe(false);
    expect(session.closed || session.destroyed).toBe(false);
    client.restore();
    await vi.waitFor(() => expect(session.destroyed).toBe(true));
  });

  it('sends and receives what was lost when it can', async () => {
    const { client, server, ended, received, write } = await streaming();
    client.cut();
    const answer = get(client, '/late');
    let answered = false;
    void answer.then(() => (answered = true));
    write('event');
    await pause(150);
    expect([answered, received]).toEqual([false, []]);
    client.restore();
    expect((await answer).body.toString()).toBe('/late done');
    expect([received, ended, server.sessions.length]).toEqual([['event'], [], 1]);
  });

  it('gives the connection up by itself, which the server hears of later', async () => {
    const { client, session, server, ended } = await streaming({
      ...systemClock,
      timer: (ms, run) => systemClock.timer(ms / 100, run),
    });
    client.cut();
    await vi.waitFor(() => expect(ended).toEqual(['silent']), 3_000);
    expect(session.destroyed).toBe(false);
    client.restore();
    await vi.waitFor(() => expect(session.destroyed).toBe(true));
    expect((await get(client, '/', 500_000)).status).toBe(200);
    expect(server.sessions).toHaveLength(2);
  });
});
