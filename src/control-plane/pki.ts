import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CertificateIssuer,
  type ServingNames,
  createAuthority,
  createRsaAuthority,
  createSigningKey,
} from '../kube/certificates.ts';
import type { ClientCertificate, SigningAuthority } from '../kube/identity.ts';
import { type KeyPairPaths, type PkiPaths, apiServerServiceIp, loopback } from './argv/config.ts';

/** Every key and certificate of one control plane. PEM texts, ECDSA P-256 but for the cluster's authority. */
export type Pki = {
  /**
   * Signs the API server's certificate and every client certificate that it accepts. RSA 2048 like kubeadm's: the API
   * server verifies a client's certificate with each request (docs/decisions/client-ca.md).
   */
  clusterCa: SigningAuthority;
  /** Vouches for the API server towards extension API servers. */
  frontProxyCa: SigningAuthority;
  frontProxyClient: ClientCertificate;
  /** Apart from the cluster's: a node's certificate must not open etcd. */
  etcdCa: SigningAuthority;
  etcdServer: ClientCertificate;
  etcdClient: ClientCertificate;
  apiServer: ClientCertificate;
  localServer: ClientCertificate;
  /** Signs service-account tokens. */
  serviceAccountKey: { privatePem: string; publicPem: string };
  /** `system:masters`. */
  admin: ClientCertificate;
  controllerManager: ClientCertificate;
  scheduler: ClientCertificate;
};

const localNames = { dnsNames: ['localhost'], ipAddresses: [loopback] };

const apiServerNames: ServingNames = {
  commonName: 'kube-apiserver',
  dnsNames: [
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ],
  ipAddresses: [loopback, apiServerServiceIp],
};

/** Makes a PKI in memory: about 0.2 s. @param wallMs milliseconds since the epoch. */
export async function createPki(wallMs: () => number): Promise<Pki> {
  const [clusterCa, frontProxyCa, etcdCa] = await Promise.all([
    createRsaAuthority('hollowmark-cluster-ca', wallMs),
    createAuthority('hollowmark-front-proxy-ca', wallMs),
    createAuthority('hollowmark-etcd-ca', wallMs),
  ]);
  const cluster = await CertificateIssuer.open(clusterCa, wallMs);
  const frontProxy = await CertificateIssuer.open(frontProxyCa, wallMs);
  const etcd = await CertificateIssuer.open(etcdCa, wallMs);
  return {
    clusterCa,
    frontProxyCa,
    etcdCa,
    frontProxyClient: await frontProxy.issueClient({ user: 'front-proxy-client', groups: [] }),
    etcdServer: await etcd.issuePeer({ commonName: 'etcd', ...localNames }),
    etcdClient: await etcd.issueClient({ user: 'kube-apiserver-etcd-client', groups: [] }),
    apiServer: await cluster.issueServing(apiServerNames),
    localServer: await cluster.issueServing({ commonName: 'hollowmark-control-plane', ...localNames }),
    serviceAccountKey: await createSigningKey(),
    admin: await cluster.issueClient({ user: 'hollowmark-admin', groups: ['system:masters'] }),
    controllerManager: await cluster.issueClient({ user: 'system:kube-controller-manager', groups: [] }),
    scheduler: await cluster.issueClient({ user: 'system:kube-scheduler', groups: [] }),
  };
}

/**
 * Writes what the processes read from files: keys with mode 0600 into a folder with mode 0700.
 * @param dir is made; its parent must be there.
 */
export async function writePki(pki: Pki, dir: string): Promise<PkiPaths> {
  await mkdir(dir, { mode: 0o700 });
  const pair = async (name: string, pem: ClientCertificate): Promise<KeyPairPaths> => {
    const paths = { certPath: join(dir, `${name}.crt`), keyPath: join(dir, `${name}.key`) };
    await writeFile(paths.certPath, pem.certPem, { mode: 0o644 });
    await writePrivate(paths.keyPath, pem.keyPem);
    return paths;
  };
  const serviceAccountKeyPath = join(dir, 'service-account.key');
  const serviceAccountPublicKeyPath = join(dir, 'service-account.pub');
  await writePrivate(serviceAccountKeyPath, pki.serviceAccountKey.privatePem);
  await writeFile(serviceAccountPublicKeyPath, pki.serviceAccountKey.publicPem, { mode: 0o644 });
  return {
    clusterCa: await pair('cluster-ca', pki.clusterCa),
    frontProxyCa: await pair('front-proxy-ca', pki.frontProxyCa),
    frontProxyClient: await pair('front-proxy-client', pki.frontProxyClient),
    etcdCa: await pair('etcd-ca', pki.etcdCa),
    etcdServer: await pair('etcd-server', pki.etcdServer),
    etcdClient: await pair('etcd-client', pki.etcdClient),
    apiServer: await pair('kube-apiserver', pki.apiServer),
    localServer: await pair('local-server', pki.localServer),
    serviceAccountKeyPath,
    serviceAccountPublicKeyPath,
  };
}

/** Writes a file that only its owner may read; fails when it is there already. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flag: 'wx' });
}
