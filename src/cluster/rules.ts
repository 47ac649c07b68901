import {
  type Rule,
  type WorkloadKinds,
  grants,
  loadSubject,
  observerSubject,
  probeNames,
} from '../load/identity.ts';
import type { IdentityMode } from './cluster.ts';
import { cleaningRules } from './kinds.ts';

/** Something that the kubeconfig's user has to be allowed. */
export type Need = {
  rules: readonly Rule[];
  /** Who may do all of this needs no `rules`. */
  unless?: readonly Rule[];
};

const rbac = 'rbac.authorization.k8s.io';
const certificates = 'certificates.k8s.io';
const watch = ['get', 'list', 'watch'];

/** Everything that load and observer are granted, for any run: the names of what belongs to one are left out. */
function grantedRules(workloads: WorkloadKinds): Rule[] {
  return grants('', workloads)
    .flatMap(({ object }) => object.rules ?? [])
    .map(({ resourceNames = [], ...rule }) => {
      const names = resourceNames.filter((name) => !probeNames('').includes(name));
      return names.length === 0 ? rule : { ...rule, resourceNames: names };
    });
}

/**
 * To speak for nodes (`system:node:<name>`), proxies, load and observer. The users are not named, since nodes are many;
 * the groups are, and they are what gives rights beyond a user's own.
 */
const impersonation: readonly Rule[] = [
  { apiGroups: [''], resources: ['users'], verbs: ['impersonate'] },
  {
    apiGroups: [''],
    resources: ['groups'],
    resourceNames: ['system:nodes', ...loadSubject.groups, ...observerSubject.groups],
    verbs: ['impersonate'],
  },
];

/** To ask for a certificate, approve it, fetch it, and take the request away. */
const certificate: readonly Rule[] = [
  {
    apiGroups: [certificates],
    resources: ['certificatesigningrequests'],
    verbs: ['create', 'delete', 'get'],
  },
  { apiGroups: [certificates], resources: ['certificatesigningrequests/approval'], verbs: ['update'] },
  {
    apiGroups: [certificates],
    resources: ['signers'],
    resourceNames: ['kubernetes.io/kube-apiserver-client', 'kubernetes.io/kube-apiserver-client-kubelet'],
    verbs: ['approve'],
  },
];

/** What hollow kubelets and proxies send (`hollow/`), which as `system:nodes` they may anyway. */
const nodeRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['nodes'], verbs: [...watch, 'create'] },
  { apiGroups: [''], resources: ['nodes/status', 'pods/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['pods'], verbs: [...watch, 'delete'] },
  { apiGroups: [''], resources: ['services', 'configmaps', 'secrets'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update'] },
  { apiGroups: ['storage.k8s.io'], resources: ['csinodes'], verbs: ['create', 'get'] },
  { apiGroups: ['storage.k8s.io'], resources: ['csidrivers'], verbs: ['list', 'watch'] },
  { apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'], verbs: ['list', 'watch'] },
  { apiGroups: ['resource.k8s.io'], resources: ['resourceslices'], verbs: ['deletecollection'] },
  { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: ['list', 'watch'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
];

/** And what kubelets read for pods with claims. */
const claimRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['persistentvolumeclaims', 'persistentvolumes'], verbs: ['get'] },
];

/** To give load and observer roles of their own: nobody may hand out rights that he has not, without leave to. */
const granting = (workloads: WorkloadKinds): readonly Need[] => [
  {
    rules: [
      {
        apiGroups: [rbac],
        resources: ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'],
        verbs: ['create', 'delete'],
      },
    ],
  },
  {
    rules: grantedRules(workloads),
    unless: [{ apiGroups: [rbac], resources: ['clusterroles', 'roles'], verbs: ['bind', 'escalate'] }],
  },
];

/** What each way to an identity takes, apart from what the identity is then used for. */
export const identityRules: Readonly<Record<IdentityMode, readonly Rule[]>> = {
  impersonation,
  certificate,
  pooled: nodeRules,
};

/** What looking at a cluster takes beyond {@link cleaningRules}. Without it the survey has gaps, and the run goes on. */
export const surveyRules: readonly Rule[] = [
  { apiGroups: ['apps'], resources: ['daemonsets'], verbs: ['list'] },
  { apiGroups: [''], resources: ['services'], resourceNames: ['kubernetes'], verbs: ['get'] },
  { nonResourceURLs: ['/version'], verbs: ['get'] },
];

/** To make the RuntimeClasses of a run's nodes. */
const runtimeClassRules: readonly Rule[] = [
  { apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'], verbs: ['create', 'get'] },
];

/**
 * What a run comes with: only nodes, without load and observer; nodes with runtimes that are chosen by RuntimeClass;
 * workloads beside Deployments and single pods.
 */
export type RunParts = { nodesOnly?: boolean; runtimeClasses?: boolean; workloads?: WorkloadKinds };

/** All that a run needs of the kubeconfig's user: identities, their rights, and making and removing what is its own. */
export function neededForRun(
  mode: IdentityMode,
  { nodesOnly = false, runtimeClasses = false, workloads = [] }: RunParts = {},
): readonly Need[] {
  const load: readonly Need[] =
    mode === 'pooled' ? [{ rules: grantedRules(workloads) }] : granting(workloads);
  const rights = nodesOnly ? [] : load;
  const classes = runtimeClasses ? [{ rules: runtimeClassRules }] : [];
  const claims = mode === 'pooled' && workloads.includes('claim') ? [{ rules: claimRules }] : [];
  const own = [{ rules: identityRules[mode] }, ...claims];
  return [...own, ...rights, ...classes, { rules: cleaningRules(workloads) }];
}

/** One thing that a rule allows. Either the resource or the URL is set. */
export type Access = {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  /** Empty: whatever the name. */
  name: string;
  url: string;
};

/** A rule, taken apart. */
export function accessesOf(rule: Rule): Access[] {
  const urls = (rule.nonResourceURLs ?? []).flatMap((url) =>
    rule.verbs.map((verb) => ({ verb, group: '', resource: '', subresource: '', name: '', url })),
  );
  const resources = (rule.resources ?? []).flatMap((path) => {
    const [resource = '', subresource = ''] = path.split('/');
    return (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resourceNames ?? ['']).flatMap((name) =>
        rule.verbs.map((verb) => ({ verb, group, resource, subresource, name, url: '' })),
      ),
    );
  });
  return [...resources, ...urls];
}

/** The same accesses once each, without those to a name where any name is allowed. */
export function distinct(accesses: Iterable<Access>): Access[] {
  const byKey = new Map<string, Access>();
  for (const access of accesses) byKey.set(accessKey(access), access);
  return [...byKey.values()].filter(
    (access) => access.name === '' || !byKey.has(accessKey({ ...access, name: '' })),
  );
}

export function accessKey({ verb, group, resource, subresource, name, url }: Access): string {
  return JSON.stringify([url, group, resource, subresource, name, verb]);
}

/** Few rules that allow exactly these accesses: what has the same verbs stands together. */
export function mergeRules(accesses: Iterable<Access>): Rule[] {
  const path = (access: Access): string =>
    access.subresource === '' ? access.resource : `${access.resource}/${access.subresource}`;
  const units = distinct(accesses).map((access) => ({
    urls: access.url === '' ? [] : [access.url],
    group: access.group,
    resources: access.url === '' ? [path(access)] : [],
    names: access.name === '' ? [] : [access.name],
    verbs: [access.verb],
  }));
  const byVerbs = gather(units, 'verbs');
  const byNames = gather(byVerbs, 'names');
  const merged = gather(gather(byNames, 'resources'), 'urls');
  return merged.map(({ urls, group, resources, names, verbs }) =>
    urls.length > 0
      ? { nonResourceURLs: urls, verbs }
      : {
          apiGroups: [group],
          resources,
          ...(names.length === 0 ? {} : { resourceNames: names }),
          verbs,
        },
  );
}

type Unit = { urls: string[]; group: string; resources: string[]; names: string[]; verbs: string[] };

/** Makes one of those that differ in `field` only, and where all or none of them have any. */
function gather(units: readonly Unit[], field: 'verbs' | 'names' | 'resources' | 'urls'): Unit[] {
  const byRest = new Map<string, Unit>();
  for (const unit of units) {
    const key = JSON.stringify([{ ...unit, [field]: [] }, unit[field].length > 0]);
    const found = byRest.get(key);
    if (found === undefined) byRest.set(key, { ...unit });
    else found[field] = [...new Set([...found[field], ...unit[field]])].toSorted();
  }
  return [...byRest.values()];
}

/** `delete/list nodes, pods`: a rule in words. */
export function ruleText(rule: Rule): string {
  const verbs = rule.verbs.join('/');
  if (rule.nonResourceURLs !== undefined) return `${verbs} ${rule.nonResourceURLs.join(', ')}`;
  const group = rule.apiGroups?.[0] ?? '';
  const resources = (rule.resources ?? []).map((resource) =>
    group === '' ? resource : `${resource}.${group}`,
  );
  const names = rule.resourceNames === undefined ? '' : ` (${rule.resourceNames.join(', ')})`;
  return `${verbs} ${resources.join(', ')}${names}`;
}
