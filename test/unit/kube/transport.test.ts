import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Prng } from '../../../src/base/prng.ts';
import { CertificateIssuer, createAuthority } from '../../../src/kube/certificates.ts';
import { ApiClient } from '../../../src/kube/client.ts';
import { HandshakeGate } from '../../../src/kube/handshake-gate.ts';
import {
  type ApiServerEndpoint,
  type ClientCertificate,
  CredentialsIdentity,
} from '../../../src/kube/identity.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { connectProxy, socksProxy } from './proxies.ts';

const kind = callClass('GET', 'things', '', 'resource');

let caPem: string;
let serving: ClientCertificate;
/** Not good for 127.0.0.1. */
let named: ClientCertificate;

beforeAll(async () => {
  const authority = await createAuthority('test-ca', () => systemClock.wallMs());
  caPem = authority.certPem;
  const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
  serving = await issuer.issueServing({ commonName: 'a', dnsNames: [], ipAddresses: ['127.0.0.1'] });
  named = await issuer.issueServing({
    commonName: 'b',
    dnsNames: ['api.example'],
    ipAddresses: ['10.0.0.1', '::1'],
  });
});

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

function opened<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

type Server = { port: number; paths: string[]; serverNames: (string | false)[] };

/** An HTTP/2 server that answers everything. */
async function serve(certificate: ClientCertificate): Promise<Server> {
  const server = createSecureServer({ cert: certificate.certPem, key: certificate.keyPem });
  const paths: string[] = [];
  const serverNames: (string | false)[] = [];
  server.on('secureConnection', (socket) => serverNames.push(socket.servername ?? false));
  server.on('session', (session) => open.push({ close: () => session.destroy() }));
  server.on('stream', (stream, headers) => {
    paths.push(headers[':path'] ?? '');
    stream.respond({ ':status': 200 });
    stream.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened({ close: () => new Promise<void>((resolve) => server.close(() => resolve())) });
  return { port: (server.address() as AddressInfo).port, paths, serverNames };
}

function clientOf(url: string, endpoint: Partial<ApiServerEndpoint> = {}): ApiClient {
  const whole: ApiServerEndpoint = { url, caPem, minTlsVersion: 'TLSv1.2', ...endpoint };
  return opened(
    new ApiClient({
      endpoint: whole,
      identity: new CredentialsIdentity(whole, { token: 'x' }),
      codec: jsonCodec,
      userAgent: 'test',
      clock: systemClock,
      prng: new Prng('test'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
    }),
  );
}

const get = async (client: ApiClient, path = '/version'): Promise<number> =>
  (await client.request({ method: 'GET', path, kind, timeoutMs: 5_000 })).status;

const local = (port: number): string => `https://127.0.0.1:${port}`;

describe('an endpoint', () => {
  it('may have another name in its certificate than in its URL', async () => {
    const { port, serverNames } = await serve(named);
    await expect(get(clientOf(local(port)))).rejects.toThrow(
      /^cannot connect to https:\/\/127\.0\.0\.1:\d+: Hostname\/IP does not match .*127\.0\.0\.1/,
    );
    expect(await get(clientOf(local(port), { serverName: 'api.example' }))).toBe(200);
    expect(serverNames.at(-1)).toBe('api.example');
    expect(await get(clientOf(local(port), { serverName: '10.0.0.1' }))).toBe(200);
    expect(serverNames.at(-1)).toBe(false);
    await expect(get(clientOf(local(port), { serverName: 'other.example' }))).rejects.toThrow(
      /does not match .*other\.example/,
    );
  });

  it('is looked at only when that is wanted', async () => {
    const { port } = await serve(named);
    await expect(get(clientOf(local(port), { caPem: undefined }))).rejects.toThrow(
      /cannot connect to .*: unable to verify the first certificate/,
    );
    expect(await get(clientOf(local(port), { caPem: undefined, insecure: true }))).toBe(200);
  });

  it('may lie below a path, for requests and for streams', async () => {
    const { port, paths } = await serve(serving);
    for (const prefix of ['', '/', '/k8s/clusters/c-1', '/k8s/clusters/c-1/']) {
      const client = clientOf(`${local(port)}${prefix}`);
      expect(await get(client, '/api/v1/nodes?limit=1')).toBe(200);
      await new Promise((resolve, reject) => {
        const handler = { onResponse: resolve, onData: () => {}, onEnd: () => {}, onFailure: reject };
        client.stream('/api/v1/pods?watch=true', handler);
      });
    }
    const plain = ['/api/v1/nodes?limit=1', '/api/v1/pods?watch=true'];
    const below = plain.map((path) => `/k8s/clusters/c-1${path}`);
    expect(paths).toEqual([...plain, ...plain, ...below, ...below]);
  });

  it('must speak HTTP/2, and is told so when it does not', async () => {
    const key = { cert: serving.certPem, key: serving.keyPem };
    for (const options of [{ ...key, ALPNProtocols: ['http/1.1'] }, key]) {
      const server = createHttpsServer(options, (_, response) => response.end('{}'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      opened({
        close: () => {
          server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        },
      });
      await expect(get(clientOf(local((server.address() as AddressInfo).port)))).rejects.toThrow(
        /cannot connect to .*: the server, or a proxy in front of it, does not speak HTTP\/2/,
      );
    }
  });

  it('says why there is no connection', async () => {
    const unused = createServer();
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
    const { port } = unused.address() as AddressInfo;
    await new Promise<void>((resolve) => unused.close(() => resolve()));
    await expect(get(clientOf(local(port)))).rejects.toThrow(/ECONNREFUSED 127\.0\.0\.1/);
    await expect(get(clientOf(`https://localhost:${port}`))).rejects.toThrow(/ECONNREFUSED/);
    await expect(get(clientOf('https://no-such-host.invalid:6443'))).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/);

    const dumb = createServer((socket) => {
      socket.on('error', () => {});
      socket.resume().end('SSH-2.0-OpenSSH\r\n');
    });
    await new Promise<void>((resolve) => dumb.listen(0, '127.0.0.1', resolve));
    opened({ close: () => new Promise<void>((resolve) => dumb.close(() => resolve())) });
    await expect(get(clientOf(local((dumb.address() as AddressInfo).port)))).rejects.toThrow(
      /cannot connect to .*: .*(wrong version number|ECONNRESET|EPROTO)/,
    );
  });
});

describe('a proxy', () => {
  const secret = { user: 'al+ice', password: 'p@ss/word' };
  const login = `${encodeURIComponent(secret.user)}:${encodeURIComponent(secret.password)}@`;

  it('leads to the server: CONNECT over HTTP and HTTPS, SOCKS 5; with a password and without', async () => {
    const { port, paths } = await serve(named);
    const certificate = serving;
    const endpoint = 'https://api.example:6443';
    for (const [scheme, proxy, userinfo] of [
      ['http', opened(await connectProxy({ leadsTo: port })), ''],
      ['http', opened(await connectProxy({ leadsTo: port, ...secret })), login],
      ['https', opened(await connectProxy({ leadsTo: port, certificate, ...secret })), login],
      ['socks5', opened(await socksProxy({ leadsTo: port })), ''],
      ['socks5', opened(await socksProxy({ leadsTo: port, ...secret })), login],
    ] as const) {
      const proxyUrl = `${scheme}://${userinfo}127.0.0.1:${proxy.port}`;
      const client = clientOf(endpoint, { proxyUrl });
      const answers = await Promise.all(Array.from({ length: 5 }, () => get(client)));
      expect(answers).toEqual([200, 200, 200, 200, 200]);
      // The name is the proxy's to resolve.
      expect(proxy.targets).toEqual(['api.example:6443']);
    }
    expect(paths).toHaveLength(25);
  });

  it('is asked again after a lost connection, and the port is 443 unless the URL says another', async () => {
    const { port } = await serve(named);
    const proxy = opened(await connectProxy({ leadsTo: port }));
    const client = clientOf('https://api.example', { proxyUrl: `http://127.0.0.1:${proxy.port}` });
    expect(await get(client)).toBe(200);
    client.dropConnections();
    expect(await get(client)).toBe(200);
    expect(proxy.targets).toEqual(['api.example:443', 'api.example:443']);
  });

  it('that goes away takes the connection with it, and no more', async () => {
    const { port } = await serve(named);
    const certificate = serving;
    for (const [scheme, proxy] of [
      ['http', await connectProxy({ leadsTo: port })],
      ['https', await connectProxy({ leadsTo: port, certificate })],
      ['socks5', await socksProxy({ leadsTo: port })],
    ] as const) {
      const client = clientOf('https://api.example', { proxyUrl: `${scheme}://127.0.0.1:${proxy.port}` });
      expect(await get(client)).toBe(200);
      await proxy.close();
      await expect(get(client)).rejects.toThrow(/connection lost|cannot connect .* ECONNREFUSED/);
    }
  });

  it('that refuses is named, with its reason and without the password', async () => {
    const { port } = await serve(named);
    const http = opened(await connectProxy({ leadsTo: port, ...secret }));
    const socks = opened(await socksProxy({ leadsTo: port, ...secret }));
    for (const [proxyUrl, why] of [
      [`http://bob:hidden@127.0.0.1:${http.port}`, /proxy http:\/\/127\.0\.0\.1:\d+: it answered 407 Proxy/],
      [`http://127.0.0.1:${http.port}`, /it answered 407/],
      [`socks5://bob:hidden@127.0.0.1:${socks.port}`, /proxy socks5:\/\/127\.0\.0\.1:\d+: .*uthentication/],
      ['http://bob:hidden@127.0.0.1:1', /proxy http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
      ['socks5://127.0.0.1:1', /proxy socks5:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
      [`https://127.0.0.1:${http.port}`, /proxy https:.*: .*(wrong version number|packet length|ECONNRESET)/],
    ] as const) {
      const failure = await get(clientOf('https://api.example', { proxyUrl })).catch(
        (error: Error) => error.message,
      );
      expect(failure).toMatch(/^cannot connect to https:\/\/api\.example: /);
      expect(failure).toMatch(why);
      expect(failure).not.toContain('hidden');
    }
  });

  it('that keeps silent is left when the client closes', async () => {
    for (const [scheme, proxy] of [
      ['http', opened(await connectProxy({ silent: true }))],
      ['socks5', opened(await socksProxy({ silent: true }))],
    ] as const) {
      const client = clientOf('https://api.example', { proxyUrl: `${scheme}://127.0.0.1:${proxy.port}` });
      const answer = get(client);
      while (proxy.connections() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      client.close();
      await expect(answer).rejects.toThrow(/client closed/);
      while (proxy.connections() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});
