import { type Amounts, type PodSpec, podAmounts } from './pod-record.ts';
import type { Pressure } from '../node-failure.ts';
import { type Raw, list, map, text } from './raw.ts';
import { resourceAmount } from './units.ts';

/** The node as a kubelet sees it when it decides whether to take a pod. */
export type NodeView = {
  name: string;
  labels: Record<string, string>;
  taints: readonly { key: string; value?: string; effect: string }[];
  /** Quantities that pods may use, by resource. */
  allocatable: Record<string, string>;
  /** Its pressures. */
  conditions: readonly Pressure[];
};

/** Why a node does not take a pod: the reason and message of its status and of its event. */
export type Rejection = { reason: string; message: string };

const criticalPriority = 2_000_000_000;

export function isCritical({ priority }: PodSpec): boolean {
  return priority >= criticalPriority;
}

/**
 * Whether the node takes the pod beside what runs on it (`used`, `podCount`).
 * Source: pkg/kubelet/eviction/eviction_manager.go (Admit), pkg/kubelet/lifecycle/predicate.go, v1.36.
 */
export function rejection(
  pod: unknown,
  spec: PodSpec,
  node: NodeView,
  used: Amounts,
  podCount: number,
): Rejection | undefined {
  const raw = map(map(pod)['spec']);
  return (
    underPressure(raw, spec, node) ??
    insufficient(spec, node, used, podCount) ??
    predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector", !selects(raw, node)) ??
    predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate", !toleratesAll(raw, node))
  );
}

function predicate(name: string, why: string, failed: boolean): Rejection | undefined {
  return failed ? { reason: name, message: `Predicate ${name} failed: ${why}` } : undefined;
}

function underPressure(raw: Raw, spec: PodSpec, node: NodeView): Rejection | undefined {
  const { conditions } = node;
  if (conditions.length === 0 || isCritical(spec)) return undefined;
  const bestEffort = isBestEffort(spec);
  const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };
  // Short of anything else than memory, a node takes none.
  const onlyMemory = conditions.length === 1 && conditions[0] === 'MemoryPressure';
  if (onlyMemory && (!bestEffort || tolerates(list(raw['tolerations']), taint))) return undefined;
  return { reason: 'Evicted', message: `The node had condition: [${conditions.join(' ')}]. ` };
}

/**
 * Whether a pod's QoS class is BestEffort: no container asks for any CPU or memory, or has a limit on them.
 * Source: pkg/apis/core/v1/helper/qos/qos.go (ComputePodQOS), v1.36, without resources of the pod as a whole.
 */
export function isBestEffort({ containers }: Pick<PodSpec, 'containers'>): boolean {
  return containers.every(({ kind, requests, limits }) => {
    if (kind === 'ephemeral') return true;
    return [requests, limits].every((quantities) =>
      ['cpu', 'memory'].every((resource) => resourceAmount(resource, quantities?.[resource] ?? '0') === 0),
    );
  });
}

function insufficient(spec: PodSpec, node: NodeView, used: Amounts, podCount: number): Rejection | undefined {
  const short = (resource: string, requested: number, inUse: number, capacity: number): Rejection => ({
    reason: `OutOf${resource}`,
    message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${inUse}, capacity: ${capacity}`,
  });
  const podsMax = resourceAmount('pods', node.allocatable['pods'] ?? '0');
  if (podCount + 1 > podsMax) return short('pods', 1, podCount, podsMax);
  for (const [resource, requested] of inOrder(podAmounts(spec, 'requests'))) {
    const quantity = node.allocatable[resource];
    // What the node knows nothing of may be a resource of the whole cluster.
    if (requested === 0 || (quantity === undefined && isExtended(resource))) continue;
    const capacity = resourceAmount(resource, quantity ?? '0');
    const inUse = used[resource] ?? 0;
    if (inUse + requested > capacity) return short(resource, requested, inUse, capacity);
  }
  return undefined;
}

/** The scheduler's own resources come first: the first that is short is the one reported. */
function inOrder(amounts: Amounts): [string, number][] {
  const first = ['cpu', 'memory', 'ephemeral-storage'];
  const rank = (name: string): number => (first.indexOf(name) + first.length + 1) % (first.length + 1);
  return Object.entries(amounts).toSorted(([a], [b]) => rank(a) - rank(b));
}

function isExtended(resource: string): boolean {
  return resource.includes('/') && !resource.includes('kubernetes.io/');
}

// ---- selectors and tolerations ----

function selects(raw: Raw, node: NodeView): boolean {
  for (const [key, value] of Object.entries(map(raw['nodeSelector']))) {
    if (node.labels[key] !== value) return false;
  }
  const affinity = map(map(raw['affinity'])['nodeAffinity']);
  const required = affinity['requiredDuringSchedulingIgnoredDuringExecution'];
  if (required === undefined) return true;
  return list(map(required)['nodeSelectorTerms']).some((term) => {
    const labels = list(term['matchExpressions']);
    const fields = list(term['matchFields']);
    if (labels.length + fields.length === 0) return false;
    return (
      labels.every((expression) => matches(expression, node.labels[text(expression['key'])])) &&
      fields.every((expression) => matches(expression, node.name))
    );
  });
}

function matches(expression: Raw, value: string | undefined): boolean {
  const values = Array.isArray(expression['values']) ? (expression['values'] as unknown[]) : [];
  switch (expression['operator']) {
    case 'In':
      return values.includes(value);
    case 'NotIn':
      return !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number(value) > Number(values[0]);
    case 'Lt':
      return Number(value) < Number(values[0]);
    default:
      return false;
  }
}

/** A kubelet minds taints of the effect NoExecute only. */
function toleratesAll(raw: Raw, node: NodeView): boolean {
  const tolerations = list(raw['tolerations']);
  return node.taints.every((taint) => taint.effect !== 'NoExecute' || tolerates(tolerations, taint));
}

function tolerates(tolerations: Raw[], taint: { key: string; value?: string; effect: string }): boolean {
  return tolerations.some((toleration) => {
    const { effect, key, operator, value } = toleration;
    if (effect !== undefined && effect !== '' && effect !== taint.effect) return false;
    if (key !== undefined && key !== '' && key !== taint.key) return false;
    return operator === 'Exists' || (text(key) !== '' && text(value) === (taint.value ?? ''));
  });
}
