import { type IncomingHttpHeaders, connect, createSecureServer } from 'node:http2';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { CertificateIssuer } from '../../src/kube/certificates.ts';
import { ApiClient, type RequestVerb } from '../../src/kube/client.ts';
import { HandshakeGate } from '../../src/kube/handshake-gate.ts';
import { type ApiServerEndpoint, type ClientIdentity, CredentialsIdentity } from '../../src/kube/identity.ts';
import { IdentityIssuer, type IdentityPlan } from '../../src/kube/identity-issuer.ts';
import { type Kubeconfig, readKubeconfig } from '../../src/kube/kubeconfig.ts';
import { CallMetrics, callClass } from '../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../src/wire/json-codec.ts';
import { connectProxy, socksProxy } from '../unit/kube/proxies.ts';
import { TestControlPlane } from './support.ts';

let cluster: TestControlPlane;
let dir: string;

beforeAll(async () => {
  cluster = await TestControlPlane.start();
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-identities-'));
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

function opened<T extends { close(): unknown }>(one: T): T {
  open.push(one);
  return one;
}

const environment = () => ({
  clock: systemClock,
  prng: new Prng('test'),
  metrics: new CallMetrics(),
  handshakes: new HandshakeGate(4),
  userAgent: 'hollowmark-test',
});

type Answer<T> = { status: number; body: T };

/** One request of its own client. */
async function call<T>(
  endpoint: ApiServerEndpoint,
  identity: ClientIdentity,
  method: RequestVerb,
  path: string,
  object?: unknown,
): Promise<Answer<T>> {
  const client = new ApiClient({ ...environment(), endpoint, identity, codec: jsonCodec });
  try {
    const { status, body } = await client.request({
      method,
      path,
      kind: callClass(method, 'any', '', 'resource'),
      body: object === undefined ? undefined : jsonCodec.encode(object),
    });
    return { status, body: jsonCodec.decode(body) as T };
  } finally {
    client.close();
  }
}

type UserInfo = { username: string; groups: string[] };

/** Who the API server takes a client for. */
async function whoIs(endpoint: ApiServerEndpoint, identity: ClientIdentity): Promise<UserInfo> {
  const { status, body } = await call<{ status: { userInfo: UserInfo } }>(
    endpoint,
    identity,
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  );
  expect(status).toBe(201);
  const { username, groups } = body.status.userInfo;
  return { username, groups: groups.toSorted() };
}

type Fields = Record<string, unknown>;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig of the control plane; the administrator's unless `user` says otherwise. */
function kubeconfigOf(clusterFields: Fields = {}, user: Fields = adminFields()): Promise<Kubeconfig> {
  const { url, caPem } = cluster.controlPlane.endpoint;
  const text = JSON.stringify({
    clusters: [
      {
        name: 'c',
        cluster: { server: url, 'certificate-authority-data': base64(caPem), ...clusterFields },
      },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'test',
  });
  const path = join(dir, 'kubeconfig');
  writeFileSync(path, text);
  return readKubeconfig(path);
}

function adminFields(): Fields {
  const { certPem, keyPem } = cluster.controlPlane.admin;
  return { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) };
}

async function whoReads(kubeconfig: Kubeconfig): Promise<UserInfo> {
  const { credentials } = await kubeconfig.credentials();
  return whoIs(kubeconfig.endpoint, new CredentialsIdentity(kubeconfig.endpoint, credentials));
}

const admin: UserInfo = {
  username: 'hollowmark-admin',
  groups: ['system:authenticated', 'system:masters'],
};

const labels = { 'hollowmark.dev/run': 'test' };

async function plans(): Promise<IdentityPlan[]> {
  const { credentials } = await (await kubeconfigOf()).credentials();
  return [
    { type: 'authority', authority: cluster.controlPlane.clientAuthority },
    { type: 'certificates-api', credentials, labels, nameSuffix: 'test-1' },
    { type: 'impersonation', credentials },
  ];
}

async function issuerOf(plan: IdentityPlan): Promise<IdentityIssuer> {
  return opened(await IdentityIssuer.open(plan, cluster.controlPlane.endpoint, environment()));
}

describe('identities', () => {
  it('are the same by authority, Certificates API and impersonation; pooled ones are those of the plan', async () => {
    const { endpoint } = cluster.controlPlane;
    const subjects = [
      { user: 'system:node:one', groups: ['system:nodes'] },
      { user: 'system:kube-proxy', groups: [] },
      { user: 'Somebody Else/2', groups: ['a', 'b:c'] },
    ];
    for (const plan of await plans()) {
      const issuer = await issuerOf(plan);
      for (const { user, groups } of subjects) {
        expect(await whoIs(endpoint, await issuer.identityOf({ user, groups }))).toEqual({
          username: user,
          groups: [...groups, 'system:authenticated'].toSorted(),
        });
      }
    }
    const { credentials } = await (await kubeconfigOf()).credentials();
    const pooled = await issuerOf({ type: 'pooled', credentials });
    const [one, other] = await Promise.all(subjects.slice(0, 2).map((subject) => pooled.identityOf(subject)));
    expect(one).toBe(other);
    expect(await whoIs(endpoint, one as ClientIdentity)).toEqual(admin);
  });

  it('let a node create its own Node and no other', async () => {
    for (const [index, plan] of (await plans()).entries()) {
      const issuer = await issuerOf(plan);
      const name = `node-${index}`;
      const identity = await issuer.identityOf({ user: `system:node:${name}`, groups: ['system:nodes'] });
      const create = (node: string): Promise<Answer<unknown>> =>
        call(cluster.controlPlane.endpoint, identity, 'POST', '/api/v1/nodes', {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: node },
        });
      expect((await create(name)).status).toBe(201);
      expect((await create(`${name}-not-mine`)).status).toBe(403);
    }
  });

  it('by the Certificates API leave no request behind, also when ten are made at once', async () => {
    const [, plan] = await plans();
    const issuer = await issuerOf(plan as IdentityPlan);
    const users = Array.from({ length: 10 }, (_, index) => `client-${index}`);
    const identities = await Promise.all(users.map((user) => issuer.identityOf({ user, groups: ['g'] })));
    const names = await Promise.all(
      identities.map(async (identity) => (await whoIs(cluster.controlPlane.endpoint, identity)).username),
    );
    expect(names).toEqual(users);
    const selector = encodeURIComponent('hollowmark.dev/run=test');
    const { body } = await cluster.admin.call<{ items: unknown[] }>(
      'GET',
      `/apis/certificates.k8s.io/v1/certificatesigningrequests?labelSelector=${selector}`,
    );
    expect(body.items).toEqual([]);
  });
});

describe('a kubeconfig', () => {
  /** A token of a new service account, which may do nothing in particular. */
  async function serviceAccountToken(name: string): Promise<string> {
    const path = '/api/v1/namespaces/default/serviceaccounts';
    await cluster.admin.call('POST', path, { metadata: { name } });
    const { body } = await cluster.admin.call<{ status: { token: string } }>(
      'POST',
      `${path}/${name}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      },
    );
    return body.status.token;
  }

  it('with a client certificate, a token, a token file or a plugin says who we are', async () => {
    expect(await whoReads(await kubeconfigOf())).toEqual(admin);
    const token = await serviceAccountToken('reader');
    writeFileSync(join(dir, 'token'), `${token}\n`);
    const apiVersion = 'client.authentication.k8s.io/v1';
    const output = JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token } });
    const print = `process.stdout.write(${JSON.stringify(output)})`;
    for (const user of [
      { token },
      { tokenFile: 'token' },
      { exec: { apiVersion, command: process.execPath, args: ['-e', print], interactiveMode: 'Never' } },
    ]) {
      expect(await whoReads(await kubeconfigOf({}, user))).toMatchObject({
        username: 'system:serviceaccount:default:reader',
      });
    }
  });

  it('without the rights for it gets no identities, and says what is missing', async () => {
    const token = await serviceAccountToken('nobody');
    const credentials = { token };
    const issuer = await issuerOf({ type: 'certificates-api', credentials, labels, nameSuffix: 'test-2' });
    await expect(issuer.identityOf({ user: 'x', groups: [] })).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: expect.stringMatching(/^no certificate for x: cannot create .*: HTTP 403 Forbidden .*nobody/),
    });
    const impersonation = await issuerOf({ type: 'impersonation', credentials });
    const identity = await impersonation.identityOf({ user: 'x', groups: [] });
    const { endpoint } = cluster.controlPlane;
    expect((await call(endpoint, identity, 'GET', '/api/v1/nodes')).status).toBe(403);
    impersonation.update({ certificate: cluster.controlPlane.admin });
    expect(await whoIs(endpoint, identity)).toMatchObject({ username: 'x' });
  });

  it('with a proxy, another name, or without verification leads to the server', async () => {
    const http = opened(await connectProxy({ user: 'u', password: 'p' }));
    const socks = opened(await socksProxy());
    const { url } = cluster.controlPlane.endpoint;
    for (const fields of [
      { 'proxy-url': `http://u:p@127.0.0.1:${http.port}` },
      { 'proxy-url': `socks5://127.0.0.1:${socks.port}` },
      { server: url.replace('127.0.0.1', 'localhost') },
      { 'tls-server-name': 'kubernetes.default.svc' },
      { 'certificate-authority-data': null, 'insecure-skip-tls-verify': true },
    ]) {
      expect(await whoReads(await kubeconfigOf(fields))).toEqual(admin);
    }
    const target = new URL(url).host;
    expect([http.targets, socks.targets]).toEqual([[target], [target]]);
    await expect(whoReads(await kubeconfigOf({ 'tls-server-name': 'other.example' }))).rejects.toThrow(
      /^cannot connect to https:\S+: Hostname\/IP does not match .*other\.example/,
    );
  });

  it('may lead through a reverse proxy below a path', async () => {
    const prefix = '/k8s/clusters/c-1';
    const { endpoint, clientAuthority } = cluster.controlPlane;
    const issuer = await CertificateIssuer.open(clientAuthority, () => systemClock.wallMs());
    const serving = await issuer.issueServing({ commonName: 'p', dnsNames: [], ipAddresses: ['127.0.0.1'] });
    const upstream = opened(connect(endpoint.url, { ca: endpoint.caPem }));
    const server = createSecureServer({ cert: serving.certPem, key: serving.keyPem });
    server.on('session', (session) => open.push({ close: () => session.destroy() }));
    server.on('stream', (stream, headers: IncomingHttpHeaders) => {
      const path = headers[':path'] ?? '';
      if (!path.startsWith(prefix)) {
        stream.respond({ ':status': 404 });
        stream.end('{}');
        return;
      }
      const { host: _, ':authority': __, ...rest } = headers;
      const request = upstream.request({ ...rest, ':path': path.slice(prefix.length) });
      request.once('response', (answer) => {
        stream.respond({ ':status': answer[':status'] });
        request.pipe(stream);
      });
      stream.pipe(request);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened({ close: () => new Promise<void>((resolve) => server.close(() => resolve())) });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const token = await serviceAccountToken('below');
    const fields = { 'certificate-authority-data': base64(clientAuthority.certPem) };
    expect(
      await whoReads(await kubeconfigOf({ ...fields, server: `${url}${prefix}` }, { token })),
    ).toMatchObject({ username: 'system:serviceaccount:default:below' });
    const { endpoint: plain } = await kubeconfigOf({ ...fields, server: url }, { token });
    const identity = new CredentialsIdentity(plain, { token });
    expect((await call(plain, identity, 'GET', '/version')).status).toBe(404);
  });
});
