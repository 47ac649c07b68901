import type { ComponentName } from '../control-plane.ts';
import type { ControlPlaneConfig } from './config.ts';
import { etcdFlags } from './etcd.ts';
import { kubeApiServerFlags } from './kube-apiserver.ts';
import { kubeControllerManagerFlags } from './kube-controller-manager.ts';
import { kubeSchedulerFlags } from './kube-scheduler.ts';

/**
 * The whole command line of each process.
 * @param command program of each component, followed by the component's name where the binary is a multi-call one.
 */
export function buildArgv(
  config: ControlPlaneConfig,
  command: Readonly<Record<ComponentName, readonly string[]>>,
): Record<ComponentName, string[]> {
  return {
    etcd: [...command.etcd, ...etcdFlags(config)],
    'kube-apiserver': [...command['kube-apiserver'], ...kubeApiServerFlags(config)],
    'kube-controller-manager': [...command['kube-controller-manager'], ...kubeControllerManagerFlags(config)],
    'kube-scheduler': [...command['kube-scheduler'], ...kubeSchedulerFlags(config)],
  };
}
