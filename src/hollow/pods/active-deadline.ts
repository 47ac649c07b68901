import type { PodLife } from './pod-life.ts';
import type { PodSpec } from './pod-record.ts';

/** What becomes of a pod that has been active for longer than it may. Source: pkg/kubelet/active_deadline.go, v1.36. */
export const overdue = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** How much longer the pod may be active, at least 0; undefined without an end. Its start is told in whole seconds. */
export function activeLeftMs(
  { activeDeadlineMs }: PodSpec,
  { startWallMs }: PodLife,
  wallMs: number,
): number | undefined {
  if (activeDeadlineMs === undefined) return undefined;
  return Math.max(0, Math.floor(startWallMs / 1000) * 1000 + activeDeadlineMs - wallMs);
}
