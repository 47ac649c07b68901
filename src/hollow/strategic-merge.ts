import { isDeepStrictEqual } from 'node:util';

/*
 * What strategic merge patches of pods' and nodes' statuses have in common: objects merge, conditions merge by type with
 * only the changed fields, and a field that is no more is null.
 */

/** Their content type. */
export const strategicMergePatch = 'application/strategic-merge-patch+json';

export type Fields = Record<string, unknown>;
export type Condition = { type: string; [field: string]: unknown };

/** Most of what is compared are strings and numbers, for which Node's own way is a long one. */
export function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && isDeepStrictEqual(a, b));
}

/** What turns `current` into `desired`, both objects. */
export function mergePatch(current: Fields | undefined, desired: Fields): Fields {
  if (current === undefined) return desired;
  const patch: Fields = {};
  for (const [key, value] of Object.entries(desired)) {
    const before = current[key];
    if (isSame(before, value)) continue;
    patch[key] = isObject(value) && isObject(before) ? mergePatch(before, value) : value;
  }
  for (const key of Object.keys(current)) if (!(key in desired)) patch[key] = null;
  return patch;
}

/** Of the conditions that differ, the fields that do. Conditions of others stay. */
export function changedConditions(current: readonly Condition[], desired: readonly Condition[]): Condition[] {
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
      if (!isSame(before[field] ?? null, value)) changed[field] = value;
    }
    for (const field of Object.keys(before)) if (!(field in condition)) changed[field] = null;
    if (Object.keys(changed).length > 0) patch.push({ ...changed, type: condition.type });
  }
  return patch;
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
