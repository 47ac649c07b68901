import { pauseImage } from './images.ts';

/** Where containerd listens; the kubelet's and ctr's default too. */
export const containerdSocket = '/run/containerd/containerd.sock';

/** Folders that a real node has for itself, below which kubelet, containerd and CNI plugins keep their state. */
export const coveredFolders = ['/run', '/var/lib', '/var/log'] as const;

/**
 * Sysctls that a kubelet sets for the whole machine, with the values that it wants. A real node finds files in their
 * place that have these values already.
 * @see https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/ `--protect-kernel-defaults`
 */
export const kubeletSysctls: Readonly<Record<string, string>> = {
  '/proc/sys/vm/overcommit_memory': '1',
  '/proc/sys/vm/panic_on_oom': '0',
  '/proc/sys/kernel/panic': '10',
  '/proc/sys/kernel/panic_on_oops': '1',
  '/proc/sys/kernel/keys/root_maxkeys': '1000000',
  '/proc/sys/kernel/keys/root_maxbytes': '25000000',
};

/** containerd's configuration, as TOML. @param cni folders of the plugins and of their configuration. */
export function containerdConfig(cni: { binDir: string; confDir: string }): string {
  const text = (value: string): string => JSON.stringify(value);
  return [
    'version = 2',
    '[plugins."io.containerd.internal.v1.opt"]',
    'path = "/var/lib/containerd/opt"',
    '[plugins."io.containerd.grpc.v1.cri"]',
    `sandbox_image = ${text(pauseImage)}`,
    // Where a negative score is refused, runc fails with 'EOF' and nothing else.
    'restrict_oom_score_adj = true',
    // A profile would stay in the kernel.
    'disable_apparmor = true',
    '[plugins."io.containerd.grpc.v1.cri".containerd]',
    // Plain copies: works on every file system, also on an overlay.
    'snapshotter = "native"',
    '[plugins."io.containerd.grpc.v1.cri".cni]',
    `bin_dir = ${text(cni.binDir)}`,
    `conf_dir = ${text(cni.confDir)}`,
    '',
  ].join('\n');
}

/** The network of a real node's pods: a pair of interfaces for each, and nowhere to go. */
export const cniConfig = {
  cniVersion: '0.4.0',
  name: 'hollowmark',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: '10.88.0.0/16' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
  ],
} as const;

/** What differs between the kubelets of two nodes. */
export type KubeletPlace = { cgroupRoot: string; port: number; resolvConf: string };

/** A kubelet's configuration: Kubernetes' defaults but for what keeps the node to itself. */
export function kubeletConfig({ cgroupRoot, port, resolvConf }: KubeletPlace): Record<string, unknown> {
  const evictOnlyWhenFull = '1%';
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    // The kubelet is on the machine's own network, where the API server is.
    address: '127.0.0.1',
    port,
    healthzPort: 0,
    makeIPTablesUtilChains: false,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    resolvConf,
    clusterDNS: ['10.0.0.10'],
    clusterDomain: 'cluster.local',
    // Our images cannot be pulled again, and how full the machine's disk is says nothing about the node.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': evictOnlyWhenFull,
      'nodefs.inodesFree': evictOnlyWhenFull,
      'imagefs.available': evictOnlyWhenFull,
      'imagefs.inodesFree': evictOnlyWhenFull,
    },
  };
}

/** A kubelet's argv, without the program. @param paths of its configuration and kubeconfig. */
export function kubeletArgs(nodeName: string, paths: { config: string; kubeconfig: string }): string[] {
  return [`--config=${paths.config}`, `--kubeconfig=${paths.kubeconfig}`, `--hostname-override=${nodeName}`];
}
