import { webcrypto } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { type Server, type TLSSocket, connect, createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import 'reflect-metadata';
import { X509CertificateGenerator } from '@peculiar/x509';
import { systemClock } from '../../../src/base/clock.ts';
import { CertificateIssuer, createAuthority } from '../../../src/kube/certificates.ts';
import {
  type ApiServerEndpoint,
  type ClientCertificate,
  type ClientIdentity,
  CredentialsIdentity,
  RelayedIdentity,
  certificateIdentity,
  connectionContext,
  impersonated,
  shownBy,
} from '../../../src/kube/identity.ts';

const wallMs = (): number => systemClock.wallMs();

let server: Server;
let endpoint: ApiServerEndpoint;
let issuer: CertificateIssuer;
let intermediatePem: string;
/** What the server was shown: the common names of a connection, the client's own first. */
let onShown: (names: string[]) => void = () => {};

beforeAll(async () => {
  const authority = await createAuthority('test-ca', wallMs);
  issuer = await CertificateIssuer.open(authority, wallMs);
  intermediatePem = (await createAuthority('an-intermediate', wallMs)).certPem;
  const serving = await issuer.issueServing({ commonName: 's', dnsNames: [], ipAddresses: ['127.0.0.1'] });
  server = createServer(
    {
      cert: serving.certPem,
      key: serving.keyPem,
      requestCert: true,
      rejectUnauthorized: false,
      // Go's order, in which RSA comes first.
      sigalgs: 'rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha384',
    },
    (socket: TLSSocket) => {
      onShown([String(socket.getPeerCertificate().subject?.CN)]);
      socket.on('error', () => {});
      socket.end();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  endpoint = { url: `https://127.0.0.1:${port}`, caPem: authority.certPem };
});

afterAll(() => {
  server.close();
});

async function rsaCertificate(name: string): Promise<ClientCertificate> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }],
    notBefore: new Date(wallMs() - 60_000),
    notAfter: new Date(wallMs() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const body = key.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    certPem: certificate.toString('pem'),
    keyPem: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  };
}

type Handshake = { shown: string[]; sentBytes: number };

/** Connects with this certificate and says what the server saw. */
function handshake(certificate: ClientCertificate): Promise<Handshake> {
  return handshakeAs(certificateIdentity(endpoint, certificate), endpoint);
}

function handshakeAs(client: ClientIdentity, to: ApiServerEndpoint): Promise<Handshake> {
  const identity = client.tls();
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(to.url);
    const socket = connect({
      host: hostname,
      port: Number(port),
      secureContext: connectionContext(to, identity),
    });
    onShown = (shown) => resolve({ shown, sentBytes: socket.bytesWritten });
    socket.on('error', reject);
    socket.resume();
  });
}

describe('a connection', () => {
  it('shows the certificate of its own identity, whatever others of the endpoint have', async () => {
    const certificates = {
      'node-a': await issuer.issueClient({ user: 'node-a', groups: [] }),
      admin: await rsaCertificate('admin'),
      'node-b': await issuer.issueClient({ user: 'node-b', groups: [] }),
    };
    for (const name of ['node-a', 'admin', 'node-b', 'admin', 'node-a', 'node-b'] as const) {
      expect((await handshake(certificates[name])).shown).toEqual([name]);
    }
  });

  it('shows intermediate certificates of its own identity only, and each once', async () => {
    const plain = await issuer.issueClient({ user: 'plain', groups: [] });
    const leaf = await issuer.issueClient({ user: 'plain', groups: [] });
    const chained = { ...leaf, certPem: leaf.certPem + intermediatePem };
    const before = await handshake(plain);
    const sizes: number[] = [];
    for (let i = 0; i < 5; i++) sizes.push((await handshake(chained)).sentBytes);
    // Signatures of one kind differ by a few bytes; an intermediate certificate is some hundreds.
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(50);
    expect(Math.abs((await handshake(plain)).sentBytes - before.sentBytes)).toBeLessThan(50);
  });
});

describe('an identity of another thread', () => {
  it('shows what the original shows, also when that changes', async () => {
    const first = await issuer.issueClient({ user: 'first', groups: [] });
    const original = new CredentialsIdentity(endpoint, { certificate: first, token: 'old' });
    const acting = impersonated(original, { user: 'observer', groups: ['observers'] });
    // As they come through a message.
    const there = structuredClone(endpoint);
    let refusals = 0;
    const relayed = new RelayedIdentity(there, structuredClone(shownBy(acting)), () => refusals++);
    expect((await handshakeAs(relayed, there)).shown).toEqual(['first']);
    expect(relayed.headers()).toEqual({
      authorization: 'Bearer old',
      'impersonate-user': 'observer',
      'impersonate-group': ['observers'],
    });
    const shown = relayed.tls();
    original.update({ certificate: first, token: 'new' });
    relayed.update(structuredClone(shownBy(acting)));
    expect(relayed.headers()).toMatchObject({ authorization: 'Bearer new' });
    // The same certificate is no reason to connect anew.
    expect(relayed.tls()).toBe(shown);
    original.update({ certificate: await rsaCertificate('second') });
    relayed.update(structuredClone(shownBy(acting)));
    expect((await handshakeAs(relayed, there)).shown).toEqual(['second']);
    expect(relayed.headers()).not.toHaveProperty('authorization');
    relayed.refused();
    expect(refusals).toBe(1);
  });
});
