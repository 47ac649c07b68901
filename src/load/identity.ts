import { HollowmarkError } from '../base/errors.ts';
import { NoAnswerError, readStatus } from '../kube/api-error.ts';
import type { ApiClient } from '../kube/client.ts';
import type { ClientSubject } from '../kube/identity.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { runLabel } from './labels.ts';
import type { WorkloadPlan } from './workloads.ts';

/** Who sends the load. Not `system:masters`: that group bypasses priority and fairness, and RBAC too. */
export const loadSubject: ClientSubject = { user: 'hollowmark:load', groups: ['hollowmark:load'] };

/** Who watches what becomes of the load, and reads metrics. Writes nothing but its own Lease and Service. */
export const observerSubject: ClientSubject = {
  user: 'hollowmark:observer',
  groups: ['hollowmark:observer'],
};

/** A rule of RBAC, as roles have it. */
export type Rule = {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: string[];
};

/** Exactly the requests of `requests.ts`; see {@link workloadRules} for more. */
export const loadRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['namespaces'], verbs: ['create', 'delete', 'get', 'list'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['create', 'delete', 'get', 'list'] },
  { apiGroups: [''], resources: ['services'], verbs: ['create', 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: ['create', 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
  // To see whether a new namespace is ready for pods.
  { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['default'], verbs: ['get'] },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['kube-root-ca.crt'], verbs: ['get'] },
];

const read = ['get', 'list', 'watch'];

/** What a scenario makes beside what every scenario may make: only then load and observer have rights on it. */
export type WorkloadKinds = readonly WorkloadPlan['kind'][];

/** The requests of `workload-requests.ts`, and what watches what becomes of them. */
const workloadRules: Readonly<Record<WorkloadPlan['kind'], { load: readonly Rule[]; observer: Rule }>> = {
  job: {
    load: [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] }],
    observer: { apiGroups: ['batch'], resources: ['jobs'], verbs: read },
  },
  statefulset: {
    load: [{ apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['create', 'delete'] }],
    observer: { apiGroups: ['apps'], resources: ['statefulsets'], verbs: read },
  },
  claim: {
    load: [
      { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['create', 'delete'] },
      { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['create', 'delete', 'list'] },
    ],
    observer: { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: read },
  },
};

export const observerRules: readonly Rule[] = [
  { apiGroups: [''], resources: ['events', 'namespaces', 'nodes', 'pods'], verbs: read },
  { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: read },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: read },
  {
    nonResourceURLs: ['/metrics', '/metrics/slis', '/livez', '/readyz', '/healthz', '/version'],
    verbs: ['get'],
  },
];

/**
 * The Lease that the observer writes to learn how late its watches are (`measure/watch-lag.ts`), in a namespace that no
 * run deletes.
 */
export function probeLease(runId: string): {
  namespace: string;
  name: string;
  labels: Record<string, string>;
} {
  return {
    namespace: 'default',
    name: `hollowmark-observer-${runId}`,
    labels: { [runLabel]: runId },
  };
}

/**
 * The Service that the observer writes to learn when every node has what is written (`measure/watch-delivery.ts`), where
 * the Lease is. Names of Services have 63 characters at most: it has the end of the run's id, which tells runs apart.
 */
export function deliveryService(runId: string): ReturnType<typeof probeLease> {
  return { ...probeLease(runId), name: `hollowmark-${runId.slice(-serviceNameRest)}` };
}

const serviceNameRest = 63 - 'hollowmark-'.length;

/** Names in rules that belong to one run. */
export function probeNames(runId: string): readonly string[] {
  return [probeLease(runId).name, deliveryService(runId).name];
}

function probeRules(lease: { name: string }, service: { name: string }): Rule[] {
  const lock = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  return [
    { ...lock, verbs: ['create'] },
    { ...lock, resourceNames: [lease.name], verbs: ['delete', 'patch'] },
    { apiGroups: [''], resources: ['services'], verbs: ['create'] },
    { apiGroups: [''], resources: ['services'], resourceNames: [service.name], verbs: ['patch'] },
  ];
}

/** Cluster-scoped objects of a run are named after it, so that two runs on one cluster do not touch each other's. */
export function roleName(subject: ClientSubject, runId: string): string {
  return `${subject.user}:${runId}`;
}

const rbac = 'rbac.authorization.k8s.io';
const rbacPath = `/apis/${rbac}/v1`;

/** An object of RBAC (roles have rules, bindings none) and where it is created. */
type Grant = { path: string; object: { metadata: { name: string }; rules?: readonly Rule[] } };

/**
 * What gives the identities their rights for a run, in order of creation. Its Lease and its Service are the only things
 * that the observer may write. Pure.
 */
export function grants(runId: string, workloads: WorkloadKinds = []): Grant[] {
  const lease = probeLease(runId);
  const probes = `namespaces/${lease.namespace}/`;
  return [
    ...grant(
      loadSubject,
      [...loadRules, ...workloads.flatMap((kind) => workloadRules[kind].load)],
      runId,
      '',
    ),
    ...grant(
      observerSubject,
      [...observerRules, ...workloads.map((kind) => workloadRules[kind].observer)],
      runId,
      '',
    ),
    ...grant(observerSubject, probeRules(lease, deliveryService(runId)), runId, probes),
  ];
}

/** A role and its binding; cluster-wide with an empty `scope`, else in `namespaces/<name>/`. */
function grant(subject: ClientSubject, rules: readonly Rule[], runId: string, scope: string): Grant[] {
  const metadata = { name: roleName(subject, runId), labels: { [runLabel]: runId } };
  const apiVersion = `${rbac}/v1`;
  const [kind, plural] = scope === '' ? ['ClusterRole', 'clusterrole'] : ['Role', 'role'];
  const binding = {
    apiVersion,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: rbac, kind, name: metadata.name },
    subjects: [{ apiGroup: rbac, kind: 'User', name: subject.user }],
  };
  const role = { apiVersion, kind, metadata, rules };
  return [
    { path: `${rbacPath}/${scope}${plural}s`, object: role },
    { path: `${rbacPath}/${scope}${plural}bindings`, object: binding },
  ];
}

type AdminClient = Pick<ApiClient, 'request' | 'codec'>;

/**
 * Gives {@link loadSubject} and {@link observerSubject} their rights for this run. Calling it again does no harm.
 * @param admin may create roles and bindings with these rules.
 * @throws HollowmarkError `cluster-unavailable` when the server refuses or cannot be reached.
 */
export async function ensureLoadIdentity(
  admin: AdminClient,
  runId: string,
  workloads: WorkloadKinds = [],
): Promise<void> {
  for (const { path, object } of grants(runId, workloads)) {
    // 409: from an earlier call of the same run.
    await send(admin, 'POST', path, [409], object);
  }
}

/** Takes the rights back. Calling it again does no harm. @throws as {@link ensureLoadIdentity}. */
export async function removeLoadIdentity(admin: AdminClient, runId: string): Promise<void> {
  for (const { path, object } of grants(runId).toReversed()) {
    await send(admin, 'DELETE', `${path}/${encodeURIComponent(object.metadata.name)}`, [404]);
  }
}

async function send(
  admin: AdminClient,
  method: 'POST' | 'DELETE',
  path: string,
  acceptable: readonly number[],
  object?: unknown,
): Promise<void> {
  const resource = /(?:cluster)?role(?:binding)?s/.exec(path)?.[0] ?? '';
  const kind = callClass(method, resource, '', 'resource');
  const body = object === undefined ? undefined : admin.codec.encode(object);
  const failure = (why: string, cause?: unknown): HollowmarkError =>
    new HollowmarkError(
      'cluster-unavailable',
      `cannot set up the load's identity: ${method} ${path}: ${why}`,
      {
        hint: 'the user must be allowed to create roles and role bindings',
        ...(cause === undefined ? {} : { cause }),
      },
    );
  let answer: { status: number; body: Buffer };
  try {
    answer = await admin.request({ method, path, kind, body });
  } catch (error) {
    if (error instanceof NoAnswerError) throw failure(error.message, error);
    throw error;
  }
  if ((answer.status >= 200 && answer.status < 300) || acceptable.includes(answer.status)) return;
  const status = readStatus(decoded(admin, answer.body), answer.status);
  throw failure(`HTTP ${answer.status} ${status.reason} ${status.message}`.trim());
}

function decoded(admin: AdminClient, body: Buffer): unknown {
  try {
    return admin.codec.decode(body);
  } catch {
    return undefined;
  }
}
