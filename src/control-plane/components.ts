import type { ComponentName } from './control-plane.ts';

/** Every component, in the order in which they start; they stop in the reverse order. */
export const componentNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
] as const satisfies readonly ComponentName[];

/** One value per component, made by `value`. */
export function perComponent<T>(value: (name: ComponentName) => T): Record<ComponentName, T> {
  return {
    etcd: value('etcd'),
    'kube-apiserver': value('kube-apiserver'),
    'kube-controller-manager': value('kube-controller-manager'),
    'kube-scheduler': value('kube-scheduler'),
  };
}
