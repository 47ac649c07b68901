/** What an SLI is judged by: the value at `quantile` (0..1) must not exceed `threshold`, in the SLI's unit. */
export type Objective = { quantile: number; threshold: number };

/** A user's own objective, as a scenario states it. */
export type Threshold = {
  readonly sli: string;
  /** The SLI must have these labels, and may have others. */
  readonly labels: Readonly<Record<string, string>>;
  readonly quantile: number;
  readonly thresholdMs: number;
};

/**
 * The user's objective for an SLI: of those that match, the one with most labels, and of those the last; undefined
 * when there is none. With `labelsMin` 1, only those that name at least one label.
 */
export function objectiveFor(
  thresholds: readonly Threshold[],
  id: string,
  labels: Readonly<Record<string, string>>,
  labelsMin = 0,
): Objective | undefined {
  let found: Threshold | undefined;
  let foundLabels = labelsMin - 1;
  for (const threshold of thresholds) {
    const wanted = Object.entries(threshold.labels);
    if (threshold.sli !== id || wanted.length < Math.max(foundLabels, labelsMin)) continue;
    if (wanted.some(([key, value]) => labels[key] !== value)) continue;
    found = threshold;
    foundLabels = wanted.length;
  }
  return found === undefined
    ? undefined
    : { quantile: found.quantile, threshold: Math.round(found.thresholdMs * 1000) };
}

/** Whether an SLI's objective is what this threshold asks for. */
export function isFrom(objective: Objective, { quantile, thresholdMs }: Threshold): boolean {
  return objective.quantile === quantile && objective.threshold === Math.round(thresholdMs * 1000);
}

/** Sliding windows: how long they are, and from the end of one to that of the next. The first divides by the second. */
export type WindowSettings = { readonly lengthMs: number; readonly stepMs: number };

/** SIG Scalability's: the last five minutes, each minute. */
export const officialWindows: WindowSettings = { lengthMs: 300_000, stepMs: 60_000 };

/** The startup SLO holds for clusters with no more changes than this: pods made, updated and deleted, requests. */
export const churnPerSecondMax = 20;

export const podStartupObjective: Objective = { quantile: 0.99, threshold: 5_000_000 };
const singleObjectObjective: Objective = { quantile: 0.99, threshold: 1_000_000 };
const manyObjectsObjective: Objective = { quantile: 0.99, threshold: 30_000_000 };

/** Requests that stream: their length says nothing (clusterloader2 leaves out the same). */
const streamingSubresources = new Set(['log', 'exec', 'portforward', 'attach', 'proxy']);

const mutatingVerbs = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);
const readingVerbs = new Set(['GET', 'LIST']);

/** Groups of built-in resources; every other group is an aggregated API or a custom resource. */
const builtInGroups = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
  'storagemigration.k8s.io',
]);

/** A resource as SLIs name it: `pods` for a built-in one whatever its group, `things.example.com` for others. */
export function resourceName(group: string, resource: string): string {
  return builtInGroups.has(group) ? resource : `${resource}.${group}`;
}

/** Not stored: their answers are computed. */
const virtualResources = new Set([
  'componentstatuses',
  'tokenreviews',
  'selfsubjectreviews',
  'subjectaccessreviews',
  'localsubjectaccessreviews',
  'selfsubjectaccessreviews',
  'selfsubjectrulesreviews',
]);

/** One kind of API call; `resource` as {@link resourceName} gives it. */
export type CallKind = { verb: string; resource: string; subresource: string; scope: string };

/**
 * The official objective of a kind of API call: mutating calls on single objects 1 s, GET and LIST of scope `resource`
 * 1 s, of `namespace` and `cluster` 30 s; undefined for everything that the SLO leaves out (streams, calls on
 * collections, virtual, aggregated and custom resources, paths that are no resources).
 * Source: kubernetes/community sig-scalability/slos/api_call_latency.md.
 */
export function apiCallObjective(call: CallKind): Objective | undefined {
  const { verb, resource, subresource, scope } = call;
  if (resource === '' || resource.includes('.') || virtualResources.has(resource)) return undefined;
  if (streamingSubresources.has(subresource)) return undefined;
  if (mutatingVerbs.has(verb)) return scope === 'resource' ? singleObjectObjective : undefined;
  if (!readingVerbs.has(verb)) return undefined;
  if (scope === 'resource') return singleObjectObjective;
  return scope === 'namespace' || scope === 'cluster' ? manyObjectsObjective : undefined;
}
