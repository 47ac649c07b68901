import { type ControlPlaneConfig, loopback } from './config.ts';

/** The flags of kube-scheduler. */
export function kubeSchedulerFlags(config: ControlPlaneConfig): string[] {
  const { pki } = config;
  const kubeconfigPath = config.kubeconfigs['kube-scheduler'];
  return [
    `--authentication-kubeconfig=${kubeconfigPath}`,
    `--authorization-kubeconfig=${kubeconfigPath}`,
    `--bind-address=${loopback}`,
    `--client-ca-file=${pki.clusterCa.certPath}`,
    `--kubeconfig=${kubeconfigPath}`,
    // There is one of it; waiting for a lease only delays the start.
    '--leader-elect=false',
    `--requestheader-client-ca-file=${pki.frontProxyCa.certPath}`,
    `--secure-port=${config.ports['kube-scheduler']}`,
    `--tls-cert-file=${pki.localServer.certPath}`,
    `--tls-private-key-file=${pki.localServer.keyPath}`,
    // Kubernetes' own are 50 and 100: with two requests per pod, 25 pods per second at most.
    ...(config.profile === 'scale' ? ['--kube-api-qps=2000', '--kube-api-burst=2000'] : []),
    ...(config.extraFlags['kube-scheduler'] ?? []),
  ];
}
