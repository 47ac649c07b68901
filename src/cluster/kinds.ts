import type { Rule, WorkloadKinds } from '../load/identity.ts';

/** When objects go: the load while kubelets still run and can end its pods; nodes and rights after that. */
export type RemovalStage = 'load' | 'rest';

/** A kind of object that a run makes. All are of version v1. */
export type RunKind = {
  /** Plural, as in paths and in RBAC: `nodes`. */
  resource: string;
  /** API group; empty for the core one. */
  group: string;
  namespaced: boolean;
  stage: RemovalStage;
  /**
   * Whether the run itself makes it, so that a new one is a sign of life. Pods, say, are also made by controllers, which
   * go on after a run has crashed.
   */
  madeByRun: boolean;
  /**
   * Only runs that make such workloads have any. It takes no rights where there are none: whoever may not list the kind is
   * taken to have none of it.
   */
  of?: WorkloadKinds[number];
};

const row = (
  group: string,
  resource: string,
  scope: 'cluster' | 'namespace',
  stage: RemovalStage,
  maker: 'run' | 'others',
  of?: WorkloadKinds[number],
): RunKind => ({
  group,
  resource,
  namespaced: scope === 'namespace',
  stage,
  madeByRun: maker === 'run',
  ...(of === undefined ? {} : { of }),
});

const rbac = 'rbac.authorization.k8s.io';

/**
 * All that may carry the label of a run, in the order in which it is removed: what makes others before what it makes,
 * bindings before what they bind.
 */
export const runKinds: readonly RunKind[] = [
  row('', 'namespaces', 'cluster', 'load', 'run'),
  row('apps', 'deployments', 'namespace', 'load', 'run'),
  row('apps', 'replicasets', 'namespace', 'load', 'others'),
  row('apps', 'statefulsets', 'namespace', 'load', 'run', 'statefulset'),
  // Controllers give them the labels of the pods of their StatefulSet.
  row('apps', 'controllerrevisions', 'namespace', 'load', 'others', 'statefulset'),
  row('batch', 'jobs', 'namespace', 'load', 'run', 'job'),
  row('', 'pods', 'namespace', 'load', 'others'),
  // One that is mounted goes when its pod has gone, and a volume when its claim has.
  row('', 'persistentvolumeclaims', 'namespace', 'load', 'run', 'claim'),
  row('', 'persistentvolumes', 'cluster', 'load', 'run', 'claim'),
  row('', 'services', 'namespace', 'load', 'run'),
  // Controllers give them the labels of their Service.
  row('', 'endpoints', 'namespace', 'load', 'others'),
  row('discovery.k8s.io', 'endpointslices', 'namespace', 'load', 'others'),
  row('', 'nodes', 'cluster', 'rest', 'run'),
  row('storage.k8s.io', 'csinodes', 'cluster', 'rest', 'run'),
  row('coordination.k8s.io', 'leases', 'namespace', 'rest', 'run'),
  row('node.k8s.io', 'runtimeclasses', 'cluster', 'rest', 'run'),
  row('', 'events', 'namespace', 'rest', 'others'),
  row('certificates.k8s.io', 'certificatesigningrequests', 'cluster', 'rest', 'run'),
  row(rbac, 'rolebindings', 'namespace', 'rest', 'run'),
  row(rbac, 'roles', 'namespace', 'rest', 'run'),
  row(rbac, 'clusterrolebindings', 'cluster', 'rest', 'run'),
  row(rbac, 'clusterroles', 'cluster', 'rest', 'run'),
];

/** What finding and removing runs with such workloads takes: nothing but listing and deleting, kind by kind. */
export function cleaningRules(workloads: WorkloadKinds = []): Rule[] {
  return runKinds
    .filter(({ of }) => of === undefined || workloads.includes(of))
    .map(({ group, resource }) => ({ apiGroups: [group], resources: [resource], verbs: ['delete', 'list'] }));
}

/** Where objects of a kind are: in one namespace, or in all of them and in none when it is left out. */
export function collectionPath(kind: Pick<RunKind, 'group' | 'resource'>, namespace = ''): string {
  const base = kind.group === '' ? '/api/v1' : `/apis/${kind.group}/v1`;
  return `${base}/${namespace === '' ? '' : `namespaces/${namespace}/`}${kind.resource}`;
}
