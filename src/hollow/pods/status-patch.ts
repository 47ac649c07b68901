import { type Fields, changedConditions, isSame, mergePatch } from '../strategic-merge.ts';
import type { Condition, Status } from './pod-status.ts';

/**
 * The strategic merge patch that turns `current` (the API server's) into `desired` (the kubelet's), or undefined when
 * nothing differs. Conditions merge by type with only the changed fields, and others' conditions stay; `podIPs` merge by
 * ip; every other list is atomic; objects merge; a field the kubelet no longer has is null.
 * Source: k8s.io/api/core/v1 PodStatus patch strategies, and the samples of a real node.
 */
export function statusPatch(uid: string, current: Status, desired: Status): unknown {
  const status: Fields = {};
  const owned = desired.conditions ?? [];
  const conditionPatch = patchConditions(current.conditions ?? [], owned, desired);
  if (conditionPatch !== undefined) {
    // Others' come first; PodScheduled is the scheduler's, kept and stamped.
    const others = (current.conditions ?? []).filter(
      ({ type }) => type !== 'PodScheduled' && !owned.some((own) => own.type === type),
    );
    status['$setElementOrder/conditions'] = [...others, ...owned, { type: 'PodScheduled' }].map(
      ({ type }) => ({ type }),
    );
    status['conditions'] = conditionPatch;
  }
  for (const [field, value] of Object.entries(desired)) {
    if (field === 'conditions' || isSame(current[field], value)) continue;
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

function patchConditions(
  current: Condition[],
  desired: Condition[],
  status: Status,
): Condition[] | undefined {
  const patch: Condition[] = changedConditions(current, desired);
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
