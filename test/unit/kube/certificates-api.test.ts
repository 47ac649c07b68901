// Before @peculiar/x509, which does not load without it.
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import { CertificatesApi } from '../../../src/kube/certificates-api.ts';
import type { ApiClient, ApiRequest } from '../../../src/kube/client.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';

type Reply = { status: number; object?: unknown };
type Replies = Partial<Record<string, (Reply | Error)[]>>;
type Sent = { method: string; path: string; object: unknown };

/** A Certificates API by script: `replies` in turn for each method, the last one again and again. */
function apiOf(replies: Replies): { api: CertificatesApi; sent: Sent[] } {
  const sent: Sent[] = [];
  let nowMs = 0;
  // Time goes by as fast as it is waited for.
  const clock = {
    nowUs: () => nowMs * 1000,
    wallMs: () => nowMs,
    timer: (delayMs: number, run: () => void) => {
      nowMs += delayMs;
      return systemClock.timer(0, run);
    },
  };
  const client = {
    codec: jsonCodec,
    request: async ({ method, path, body }: ApiRequest) => {
      sent.push({ method, path, object: body === undefined ? undefined : jsonCodec.decode(body) });
      const list = replies[method] ?? [withStatus({})];
      const reply = list.length > 1 ? list.shift() : list[0];
      if (reply === undefined || reply instanceof Error) throw reply ?? new Error('no reply');
      return {
        status: reply.status,
        body: reply.object === undefined ? Buffer.alloc(0) : jsonCodec.encode(reply.object),
      };
    },
  } as unknown as ApiClient;
  const labels = { 'hollowmark.dev/run': 'run-1' };
  return { api: new CertificatesApi({ client, clock, labels, nameSuffix: 'run-1' }), sent };
}

const node = { user: 'system:node:n-1', groups: ['system:nodes'] };
const created = { status: 201, object: { metadata: { name: 'csr', resourceVersion: '1' } } };
const withStatus = (status: unknown): Reply => ({
  status: 200,
  object: { metadata: { name: 'csr', resourceVersion: '2' }, status },
});
const signed = withStatus({ certificate: Buffer.from('PEM').toString('base64') });
const methods = (sent: Sent[]): string => sent.map(({ method }) => method).join(' ');

describe('CertificatesApi', () => {
  it('asks the signer of kubelets for nodes, and that of clients for others, with labels and a name', async () => {
    const specs: Record<string, unknown>[] = [];
    const names = new Set<string>();
    for (const subject of [
      node,
      { user: 'load:A b', groups: ['g', 'h'] },
      { user: 'load-a-b', groups: [] },
    ]) {
      const { api, sent } = apiOf({ POST: [created], GET: [signed] });
      const { certPem, keyPem } = await api.issue(subject);
      expect(certPem).toBe('PEM');
      expect(keyPem).toMatch(/^-----BEGIN PRIVATE KEY-----/);
      expect(methods(sent)).toBe('POST PUT GET DELETE');
      const { metadata, spec } = (sent[0] as Sent).object as {
        metadata: { name: string; labels: unknown };
        spec: Record<string, unknown>;
      };
      expect(metadata.labels).toEqual({ 'hollowmark.dev/run': 'run-1' });
      expect(metadata.name).toMatch(/^hollowmark-[a-z0-9-]+-run-1$/);
      names.add(metadata.name);
      const pem = Buffer.from(spec['request'] as string, 'base64').toString('utf8');
      const request = new Pkcs10CertificateRequest(pem);
      expect(await request.verify()).toBe(true);
      specs.push({ ...spec, request: request.subject });
    }
    expect(names.size).toBe(3);
    const rest = { expirationSeconds: 8 * 86_400, usages: ['digital signature', 'client auth'] };
    expect(specs).toEqual([
      {
        ...rest,
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        request: 'O=system:nodes, CN=system:node:n-1',
      },
      { ...rest, signerName: 'kubernetes.io/kube-apiserver-client', request: 'O=g, O=h, CN=load:A b' },
      { ...rest, signerName: 'kubernetes.io/kube-apiserver-client', request: 'CN=load-a-b' },
    ]);
  });

  it('waits for the certificate, and reads anew when somebody else approves at the same time', async () => {
    const conditions = [{ type: 'Approved', status: 'True' }];
    const { api, sent } = apiOf({
      POST: [created],
      PUT: [{ status: 409 }, withStatus({})],
      GET: [withStatus({}), withStatus({ conditions }), withStatus({ conditions }), signed],
    });
    expect((await api.issue(node)).certPem).toBe('PEM');
    expect(methods(sent)).toBe('POST PUT GET PUT GET GET GET DELETE');
    expect(sent[3]?.object).toMatchObject({ metadata: { resourceVersion: '2' } });
    const approved = apiOf({
      POST: [created],
      PUT: [{ status: 409 }],
      GET: [withStatus({ conditions }), signed],
    });
    await approved.api.issue(node);
    expect(methods(approved.sent)).toBe('POST PUT GET GET DELETE');
  });

  it('makes way for itself after an attempt whose answer was lost', async () => {
    const { api, sent } = apiOf({ POST: [{ status: 409 }, created], GET: [signed] });
    await api.issue(node);
    expect(methods(sent)).toBe('POST DELETE POST PUT GET DELETE');
  });

  it('says why there is no certificate, and leaves no request behind', async () => {
    const forbidden = { status: 403, object: { reason: 'Forbidden', message: 'not you' } };
    const denied = { type: 'Denied', status: 'True', reason: 'Policy', message: 'no hollow nodes' };
    const failed = {
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message: 'bad usage',
    };
    const cases: [Replies, message: RegExp, requests: RegExp][] = [
      [{ POST: [forbidden] }, /cannot create the Cert.*: HTTP 403 Forbidden not you$/, /^POST$/],
      [{ PUT: [forbidden] }, /cannot approve the Cert.*: HTTP 403/, /^POST PUT DELETE$/],
      [
        { PUT: [{ status: 409 }], GET: [withStatus({})] },
        /cannot approve the Cert.*: HTTP 409/,
        /^POST PUT (GET PUT ){4}DELETE$/,
      ],
      [{ GET: [withStatus({ conditions: [denied] })] }, /was denied: Policy: no hollow nodes$/, /DELETE$/],
      [{ GET: [withStatus({ conditions: [failed] })] }, /not signed: Signer.*: bad usage$/, /DELETE$/],
      [{ GET: [withStatus({})] }, /approved, but not signed within 60 s$/, /^POST PUT (GET ){30,}DELETE$/],
      [{ POST: [{ status: 200 }] }, /answer is no CertificateSigningRequest$/, /^POST$/],
      [{ GET: [{ status: 404 }] }, /cannot read the Cert.*: HTTP 404/, /DELETE$/],
    ];
    for (const [replies, message, requests] of cases) {
      const { api, sent } = apiOf({ POST: [created], ...replies });
      await expect(api.issue(node)).rejects.toMatchObject({
        code: 'cluster-unavailable',
        message: expect.stringMatching(message) as string,
      });
      expect(methods(sent)).toMatch(requests);
    }
    const gone = apiOf({ POST: [new NoAnswerError('cannot connect', true)] });
    await expect(gone.api.issue(node)).rejects.toThrow(
      /^no answer from the Certificates API: cannot connect$/,
    );
  });
});
