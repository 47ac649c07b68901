import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { joinAudit, readAuditLog } from '../../src/fidelity/audit.ts';
import { Recorder } from '../../src/fidelity/recorder/recorder.ts';
import { Shard } from '../../src/fleet/shard.ts';
import { CertificateIssuer } from '../../src/kube/certificates.ts';
import { TestControlPlane, eventually, testNodes } from './support.ts';

describe('the recorder in front of a real API server', () => {
  let cluster: TestControlPlane;
  let recorder: Recorder;

  beforeAll(async () => {
    cluster = await TestControlPlane.start({ audit: true });
    const { endpoint, frontProxyClient, clientAuthority } = cluster.controlPlane;
    recorder = await Recorder.start({
      upstream: { ...endpoint, frontProxyClient },
      authority: clientAuthority,
      clock: systemClock,
    });
  });

  afterAll(async () => {
    await recorder?.stop();
    await cluster?.stop();
  });

  async function whoAmI(
    client: { certPem: string; keyPem: string } | undefined,
    headers = {},
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const request = requestHttps(
        `${recorder.endpoint.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
        {
          method: 'POST',
          // The API server ends the connection of an anonymous client after an answer.
          agent: false,
          ca: recorder.endpoint.caPem,
          ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
          headers: { 'content-type': 'application/json', ...headers },
        },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      request.on('error', reject);
      request.end('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}');
    });
  }

  it('keeps who a client is, whatever it says of itself, also over HTTP/1.1', async () => {
    const issuer = await CertificateIssuer.open(cluster.controlPlane.clientAuthority, () =>
      systemClock.wallMs(),
    );
    const alice = await issuer.issueClient({ user: 'alice', groups: ['a', 'b'] });
    const { status, body } = await whoAmI(alice, { 'x-remote-user': 'mallory' });
    expect(status).toBe(201);
    expect((JSON.parse(body) as { status: { userInfo: unknown } }).status.userInfo).toMatchObject({
      username: 'alice',
      groups: ['a', 'b', 'system:authenticated'],
    });
  });

  it('speaks for nobody who has not shown who he is', async () => {
    expect((await whoAmI(undefined)).status).toBe(403);
    expect((await whoAmI(undefined, { 'x-remote-user': 'mallory' })).status).toBe(403);
    const stranger = cluster.controlPlane.etcd.client;
    await expect(whoAmI(stranger)).rejects.toThrow(/socket|ECONNRESET|closed/);
  });

  it('passes a token on', async () => {
    await eventually(
      'the service account is there',
      async () =>
        (await cluster.admin.call('GET', '/api/v1/namespaces/default/serviceaccounts/default')).status ===
        200,
    );
    const token = await cluster.admin.call<{ status: { token: string } }>(
      'POST',
      '/api/v1/namespaces/default/serviceaccounts/default/token',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    );
    const { body } = await whoAmI(undefined, { authorization: `Bearer ${token.body.status.token}` });
    expect(body).toContain('system:serviceaccount:default:default');
  });

  it('allows as many streams as the API server', async () => {
    const limit = (url: string, ca: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(url, { ca });
        session.once('error', reject);
        session.once('remoteSettings', (settings) => {
          resolve(settings.maxConcurrentStreams);
          session.close();
        });
      });
    const { url, caPem } = cluster.controlPlane.endpoint;
    const own = await limit(recorder.endpoint.url, recorder.endpoint.caPem);
    expect(own).toBeGreaterThan(0);
    expect(own).toBe(await limit(url, caPem));
  });

  it('writes down what a hollow node sends, each request of the audit log once', async () => {
    const shard = new Shard(
      {
        shard: 0,
        seed: 'recorder',
        nodes: testNodes(2),
        proxies: true,
        wire: 'json',
        endpoint: recorder.endpoint,
        identities: { type: 'authority', authority: cluster.controlPlane.clientAuthority },
        localAddress: undefined,
      },
      systemClock,
    );
    try {
      await shard.start();
      await eventually('the nodes are Ready', () => shard.report().totals.nodesReady === 2);
    } finally {
      shard.stop();
    }
    await eventually('all has ended', () => recorder.recording().connections.every(({ endUs }) => endUs));
    const { requests, connections } = recorder.recording();
    const events = readAuditLog(
      cluster
        .auditLines()
        .map((line) => JSON.stringify(line))
        .join('\n'),
    );
    const { joined, faults } = joinAudit(events, requests);
    expect(faults).toEqual([]);
    expect(joined.length).toBeGreaterThan(20);
    const created = joined.find(({ audit }) => audit.verb === 'create' && audit.resource === 'nodes');
    expect(created?.wire.body).toContain('"kind":"Node"');
    expect(created?.wire.upBytes).toBe(Buffer.byteLength(created?.wire.body ?? ''));
    expect(created?.wire.downBytes).toBeGreaterThan(created?.wire.upBytes ?? 0);
    // A connection for each kubelet and one for each proxy, as without the recorder.
    const ofNodes = connections.filter(({ user }) => /^system:(?:node:|kube-proxy)/.test(user));
    expect(ofNodes.map(({ user }) => user).toSorted()).toEqual([
      'system:kube-proxy',
      'system:kube-proxy',
      'system:node:hollow-1',
      'system:node:hollow-2',
    ]);
    for (const { protocol, readBytes, writtenBytes } of ofNodes) {
      expect(protocol).toBe('h2');
      expect(readBytes).toBeGreaterThan(1000);
      expect(writtenBytes).toBeGreaterThan(1000);
    }
  });
});
