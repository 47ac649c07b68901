import type { ComponentName, FlagProfile } from '../control-plane.ts';

/** Paths of a certificate and of its key. */
export type KeyPairPaths = { certPath: string; keyPath: string };

/** Where the PKI of one control plane lies on disk. */
export type PkiPaths = {
  clusterCa: KeyPairPaths;
  frontProxyCa: KeyPairPaths;
  frontProxyClient: KeyPairPaths;
  etcdCa: KeyPairPaths;
  etcdServer: KeyPairPaths;
  etcdClient: KeyPairPaths;
  apiServer: KeyPairPaths;
  /** The serving certificate of controller manager and scheduler. */
  localServer: KeyPairPaths;
  /** The key that signs service-account tokens. */
  serviceAccountKeyPath: string;
  /** Its public half, in a file of its own: the API server reads no public key out of PKCS #8. */
  serviceAccountPublicKeyPath: string;
};

export type KubeconfigPaths = Record<'admin' | 'kube-controller-manager' | 'kube-scheduler', string>;

/** All that decides the flags of the four processes: each builder is a pure function of it. */
export type ControlPlaneConfig = {
  profile: FlagProfile;
  etcdDataDir: string;
  /** Anywhere that is ours; see the controller manager's flags. */
  flexVolumeDir: string;
  pki: PkiPaths;
  kubeconfigs: KubeconfigPaths;
  ports: Readonly<Record<ComponentName, number>>;
  /** Where the API server finds etcd when that is not etcd's own port. */
  etcdViaPort?: number | undefined;
  /** Appended last, so that they win over ours. */
  extraFlags: Partial<Record<ComponentName, readonly string[]>>;
};

/** The network that Services get their IPs from; the API server's own Service has the first. */
export const serviceCidr = '10.0.0.0/16';
export const apiServerServiceIp = '10.0.0.1';
/** The network that nodes get their pod CIDRs from: 32,768 nodes of 254 pods. */
export const podCidr = '10.128.0.0/9';
export const podCidrMaskSize = 24;
/** All that listens does so here only. */
export const loopback = '127.0.0.1';
