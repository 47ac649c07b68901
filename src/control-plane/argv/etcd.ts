import { type ControlPlaneConfig, loopback } from './config.ts';

/** etcd's advice for the largest database; Kubernetes' scalability jobs use it too. The default is 2 GB. */
const scaleQuotaBytes = 8 * 1024 * 1024 * 1024;

/**
 * The flags of etcd: one member, TLS with client certificates on loopback.
 *
 * `--unsafe-no-fsync`: the cluster is thrown away after the run, and with fsync a laptop's disk would be what is
 * measured. etcd's own auto-compaction stays off: the API server compacts every 5 min
 * (`--etcd-compaction-interval`), and a second compactor would cut off list continuations it still honours.
 */
export function etcdFlags(config: ControlPlaneConfig): string[] {
  const { pki } = config;
  const clientUrl = `https://${loopback}:${config.ports.etcd}`;
  // Nobody speaks to the peer port of a cluster of one, so the kernel may choose it and its URL is never dialled.
  const peerUrl = `https://${loopback}:0`;
  return [
    '--name=hollowmark',
    `--data-dir=${config.etcdDataDir}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=hollowmark=${peerUrl}`,
    `--cert-file=${pki.etcdServer.certPath}`,
    `--key-file=${pki.etcdServer.keyPath}`,
    '--client-cert-auth=true',
    `--trusted-ca-file=${pki.etcdCa.certPath}`,
    `--peer-cert-file=${pki.etcdServer.certPath}`,
    `--peer-key-file=${pki.etcdServer.keyPath}`,
    '--peer-client-cert-auth=true',
    `--peer-trusted-ca-file=${pki.etcdCa.certPath}`,
    '--unsafe-no-fsync=true',
    // A lone member elects itself within one election timeout: 0.1 to 1 s of the start with the default of 1,000 ms.
    '--heartbeat-interval=50',
    '--election-timeout=250',
    ...(config.profile === 'scale' ? [`--quota-backend-bytes=${scaleQuotaBytes}`] : []),
    ...(config.extraFlags.etcd ?? []),
  ];
}
