import { type ControlPlaneConfig, loopback, podCidr, podCidrMaskSize, serviceCidr } from './config.ts';

/** The flags of kube-controller-manager: every controller that Kubernetes turns on by default. */
export function kubeControllerManagerFlags(config: ControlPlaneConfig): string[] {
  const { pki } = config;
  const kubeconfigPath = config.kubeconfigs['kube-controller-manager'];
  return [
    '--allocate-node-cidrs=true',
    `--authentication-kubeconfig=${kubeconfigPath}`,
    `--authorization-kubeconfig=${kubeconfigPath}`,
    `--bind-address=${loopback}`,
    `--client-ca-file=${pki.clusterCa.certPath}`,
    `--cluster-cidr=${podCidr}`,
    '--cluster-name=hollowmark',
    `--cluster-signing-cert-file=${pki.clusterCa.certPath}`,
    `--cluster-signing-key-file=${pki.clusterCa.keyPath}`,
    // It makes this folder when it is not there, by default below /usr/libexec.
    `--flex-volume-plugin-dir=${config.flexVolumeDir}`,
    `--kubeconfig=${kubeconfigPath}`,
    // There is one of it; waiting for a lease only delays the start.
    '--leader-elect=false',
    `--node-cidr-mask-size=${podCidrMaskSize}`,
    `--requestheader-client-ca-file=${pki.frontProxyCa.certPath}`,
    // Published to every namespace as the ConfigMap kube-root-ca.crt, which each pod's token volume needs.
    `--root-ca-file=${pki.clusterCa.certPath}`,
    `--secure-port=${config.ports['kube-controller-manager']}`,
    `--service-account-private-key-file=${pki.serviceAccountKeyPath}`,
    `--service-cluster-ip-range=${serviceCidr}`,
    // Off: above 12,500 it would take ended pods of Jobs from a run that still counts them.
    '--terminated-pod-gc-threshold=0',
    `--tls-cert-file=${pki.localServer.certPath}`,
    `--tls-private-key-file=${pki.localServer.keyPath}`,
    // One identity per controller, so that priority and fairness sees them as on a production cluster.
    '--use-service-account-credentials=true',
    ...(config.profile === 'scale' ? scaleFlags : []),
    ...(config.extraFlags['kube-controller-manager'] ?? []),
  ];
}

/**
 * Kubernetes' own are 20 and 30 requests per second, with which 1,000 pods take 50 s at least: the controller
 * manager would be what is measured. The numbers of workers grow with them, for a worker waits for each answer.
 */
const scaleFlags = [
  '--kube-api-qps=1000',
  '--kube-api-burst=1500',
  '--concurrent-deployment-syncs=50',
  '--concurrent-replicaset-syncs=50',
  '--concurrent-rc-syncs=50',
  '--concurrent-statefulset-syncs=50',
  '--concurrent-daemonset-syncs=20',
  '--concurrent-job-syncs=50',
  '--concurrent-endpoint-syncs=50',
  '--concurrent-service-endpoint-syncs=50',
  '--concurrent-namespace-syncs=50',
  '--concurrent-gc-syncs=100',
  '--concurrent-resource-quota-syncs=20',
  '--concurrent-serviceaccount-token-syncs=20',
];
