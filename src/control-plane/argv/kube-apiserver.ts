import { type ControlPlaneConfig, loopback, serviceCidr } from './config.ts';

/**
 * The address that the `kubernetes` Service's endpoint names. A loopback address is not a legal endpoint, and
 * without this flag the API server takes the host's default route, and fails where there is none
 * (apimachinery `ResolveBindAddress`). Nothing in a hollow cluster can follow a Service IP, so an address from
 * TEST-NET-3 (RFC 5737) gives watchers the EndpointSlice that a real cluster has without exposing the machine.
 */
const advertiseAddress = '203.0.113.1';

/** The flags of kube-apiserver. The audit log is off: it would cost time inside of every request. */
export function kubeApiServerFlags(config: ControlPlaneConfig): string[] {
  const { pki } = config;
  return [
    `--advertise-address=${advertiseAddress}`,
    '--allow-privileged=true',
    '--authorization-mode=Node,RBAC',
    `--bind-address=${loopback}`,
    `--client-ca-file=${pki.clusterCa.certPath}`,
    '--enable-admission-plugins=NodeRestriction',
    `--etcd-cafile=${pki.etcdCa.certPath}`,
    `--etcd-certfile=${pki.etcdClient.certPath}`,
    `--etcd-keyfile=${pki.etcdClient.keyPath}`,
    `--etcd-servers=https://${loopback}:${config.etcdViaPort ?? config.ports.etcd}`,
    `--proxy-client-cert-file=${pki.frontProxyClient.certPath}`,
    `--proxy-client-key-file=${pki.frontProxyClient.keyPath}`,
    '--requestheader-allowed-names=front-proxy-client',
    `--requestheader-client-ca-file=${pki.frontProxyCa.certPath}`,
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--secure-port=${config.ports['kube-apiserver']}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki.serviceAccountPublicKeyPath}`,
    `--service-account-signing-key-file=${pki.serviceAccountKeyPath}`,
    `--service-cluster-ip-range=${serviceCidr}`,
    `--tls-cert-file=${pki.apiServer.certPath}`,
    `--tls-private-key-file=${pki.apiServer.keyPath}`,
    ...(config.profile === 'scale' ? scaleFlags : []),
    ...(config.extraFlags['kube-apiserver'] ?? []),
  ];
}

/** Kubernetes' own are 400, 200 and 1: thousands of kubelets on one machine queue behind those. */
const scaleFlags = [
  '--max-requests-inflight=3000',
  '--max-mutating-requests-inflight=1000',
  // Deleting a namespace with 10,000 pods one by one would outlast the run.
  '--delete-collection-workers=16',
];
