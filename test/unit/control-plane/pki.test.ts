import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigText } from '../../../src/control-plane/kubeconfig.ts';
import { type Pki, createPki, writePki } from '../../../src/control-plane/pki.ts';
import { CertificateIssuer } from '../../../src/kube/certificates.ts';
import { makeTempDir } from './fixtures.ts';

const nowMs = Date.parse('2026-05-01T12:00:00Z');
let pki: Pki;

beforeAll(async () => {
  pki = await createPki(() => nowMs);
});

const parse = (pem: { certPem: string }): X509Certificate => new X509Certificate(pem.certPem);

describe('authorities', () => {
  it.each(['clusterCa', 'frontProxyCa', 'etcdCa'] as const)('%s may sign and has signed itself', (name) => {
    const certificate = parse(pki[name]);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(pki[name].keyPem))).toBe(true);
    // As kubeadm's: what it signs is verified with every request.
    const key = name === 'clusterCa' ? { modulusLength: 2048 } : { namedCurve: 'prime256v1' };
    expect(certificate.publicKey.asymmetricKeyDetails).toMatchObject(key);
  });
});

describe('certificates', () => {
  it.each([
    ['apiServer', 'clusterCa'],
    ['localServer', 'clusterCa'],
    ['admin', 'clusterCa'],
    ['controllerManager', 'clusterCa'],
    ['scheduler', 'clusterCa'],
    ['frontProxyClient', 'frontProxyCa'],
    ['etcdServer', 'etcdCa'],
    ['etcdClient', 'etcdCa'],
  ] as const)('%s is signed by %s and by no other', (name, authority) => {
    const certificate = parse(pki[name]);
    expect(certificate.checkIssued(parse(pki[authority]))).toBe(true);
    for (const ca of ['clusterCa', 'frontProxyCa', 'etcdCa'] as const) {
      expect(certificate.verify(parse(pki[ca]).publicKey)).toBe(ca === authority);
    }
    expect(certificate.ca).toBe(false);
    expect(certificate.checkPrivateKey(createPrivateKey(pki[name].keyPem))).toBe(true);
  });

  it('are valid now, from a little earlier, for a year', () => {
    const certificate = parse(pki.apiServer);
    expect(new Date(certificate.validFrom).toISOString()).toBe('2026-05-01T11:00:00.000Z');
    expect(new Date(certificate.validTo).toISOString()).toBe('2027-05-01T12:00:00.000Z');
  });

  it("of the API server names loopback, the Service's names and its IP", () => {
    const certificate = parse(pki.apiServer);
    for (const name of ['localhost', 'kubernetes.default.svc'])
      expect(certificate.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '10.0.0.1']) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('of the components name the users that RBAC knows', () => {
    expect(parse(pki.controllerManager).subject).toBe('CN=system:kube-controller-manager');
    expect(parse(pki.scheduler).subject).toBe('CN=system:kube-scheduler');
    expect(parse(pki.admin).subject).toBe('O=system:masters\nCN=hollowmark-admin');
    expect(parse(pki.admin).keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  it('of one issuer differ in key and serial number', async () => {
    const issuer = await CertificateIssuer.open(pki.clusterCa, () => nowMs);
    const subject = { user: 'system:node:n1', groups: ['system:nodes', 'others'] };
    const [first, second] = (
      await Promise.all([issuer.issueClient(subject), issuer.issueClient(subject)])
    ).map(parse);
    expect(first?.subject).toBe('O=system:nodes\nO=others\nCN=system:node:n1');
    expect(first?.serialNumber).not.toBe(second?.serialNumber);
    expect(first?.publicKey.equals(second?.publicKey as never)).toBe(false);
  });

  it('carry a token key whose halves belong together', () => {
    const { privatePem, publicPem } = pki.serviceAccountKey;
    const derived = createPublicKey(createPrivateKey(privatePem));
    expect(derived.equals(createPublicKey(publicPem))).toBe(true);
  });
});

describe('files', () => {
  it('keep keys from others: 0600 in a folder of 0700', async () => {
    const { dir, remove } = await makeTempDir();
    const paths = await writePki(pki, join(dir, 'pki'));
    expect((await stat(join(dir, 'pki'))).mode & 0o777).toBe(0o700);
    const names = await readdir(join(dir, 'pki'));
    const keys = names.filter((name) => name.endsWith('.key'));
    expect(keys).toHaveLength(9);
    for (const name of keys) expect((await stat(join(dir, 'pki', name))).mode & 0o777).toBe(0o600);
    expect(paths.apiServer.certPath).toBe(join(dir, 'pki', 'kube-apiserver.crt'));
    await remove();
  });
});

it('a kubeconfig holds everything inline', () => {
  const endpoint = { url: 'https://127.0.0.1:20002', caPem: pki.clusterCa.certPem };
  const parsed = JSON.parse(kubeconfigText(endpoint, 'admin', pki.admin)) as {
    clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
    users: [{ name: string; user: { 'client-certificate-data': string } }];
  };
  const decode = (text: string): string => Buffer.from(text, 'base64').toString();
  expect(parsed.clusters[0].cluster.server).toBe(endpoint.url);
  expect(decode(parsed.clusters[0].cluster['certificate-authority-data'])).toBe(pki.clusterCa.certPem);
  expect(parsed.users[0].name).toBe('admin');
  expect(decode(parsed.users[0].user['client-certificate-data'])).toBe(pki.admin.certPem);
});
