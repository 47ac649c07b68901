import { isDeepStrictEqual } from 'node:util';
import type { Condition, Status } from './pod-status.ts';

/**
 * The strategic merge patch that turns `current` (the API server's) into `desired` (the kubelet's), or undefined when
 * nothing differs. Conditions merge by type with only the changed fields, and others' conditions stay; `podIPs` merge by
 * ip; every other list is atomic; objects merge; a field the kubelet no longer has is null.
 * Source: k8s.io/api/core/v1 PodStatus patch strategies, and the samples of a real node.
 */
export function statusPatch(uid: string, current: Status, desired: Status): unknown {
  const status: Record<string, unknown> = {};
  const owned = desired.conditions ?? [];
  const conditionPatch = patchConditions(current.conditions ?? [], owned, desired);
  if (conditionPatch !== undefined) {
    // PodScheduled is the scheduler's, kept and stamped.
    status['$setElementOrder/conditions'] = [...owned, { type: 'PodScheduled' }].map(({ type }) => ({
      type,
    }));
    status['conditions'] = conditionPatch;
  }
  for (const [field, value] of Object.entries(desired)) {
    if (field === 'conditions' || isDeepStrictEqual(current[field], value)) continue;
    status[field] =
      field === 'resources' ? mergePatch(current[field] as Fields | undefined, value as Fields) : value;
  }
  for (const field of ownedFields) {
    if (current[field] !== undefined && desired[field] === undefined) status[field] = null;
  }
  return Object.keys(status).length === 0 ? undefined : { metadata: { uid }, status };
}

/** Fields that a kubelet takes away again. */
const ownedFields = ['podIP', 'podIPs', 'resources', 'allocatedResources'];

type Fields = Record<string, unknown>;

function mergePatch(current: Fields | undefined, desired: Fields): Fields {
  if (current === undefined) return desired;
  const patch: Fields = {};
  for (const [key, value] of Object.entries(desired)) {
    const before = current[key];
    if (isDeepStrictEqual(before, value)) continue;
    patch[key] =
      typeof value === 'object' && typeof before === 'object'
        ? mergePatch(before as Fields, value as Fields)
        : value;
  }
  for (const key of Object.keys(current)) if (!(key in desired)) patch[key] = null;
  return patch;
}

function patchConditions(
  current: Condition[],
  desired: Condition[],
  status: Status,
): Condition[] | undefined {
  const patch: Condition[] = [];
  for (const condition of desired) {
    const before = current.find((other) => other.type === condition.type);
    if (before === undefined) {
      patch.push(condition);
      continue;
    }
    const changed: Fields = {};
    for (const [field, value] of Object.entries(condition)) {
      // The API server leaves out what is null.
      if (!isDeepStrictEqual(before[field] ?? null, value)) changed[field] = value;
    }
    for (const field of Object.keys(before)) if (!(field in condition)) changed[field] = null;
    if (Object.keys(changed).length > 0) patch.push({ ...changed, type: condition.type });
  }
  const scheduled = current.find((condition) => condition.type === 'PodScheduled');
  if (
    desired.length > 0 &&
    scheduled !== undefined &&
    scheduled['observedGeneration'] !== status['observedGeneration']
  ) {
    patch.push({ observedGeneration: status['observedGeneration'], type: 'PodScheduled' });
  }
  return patch.length === 0 ? undefined : patch;
}
