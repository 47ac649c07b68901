import type { PodSpec } from './pod-record.ts';
import { list, map, text } from './raw.ts';

/**
 * Which of the pod's readiness gates are not open, as a kubelet says it; undefined when all are. `pod` is the API server's.
 * Source: pkg/kubelet/status/generate.go (GeneratePodReadyCondition), v1.36.
 */
export function shutGates({ readinessGates }: PodSpec, pod: unknown): string | undefined {
  if (readinessGates.length === 0) return undefined;
  const conditions = list(map(map(pod)['status'])['conditions']);
  const shut = readinessGates.flatMap((gate) => {
    const condition = conditions.find(({ type }) => type === gate);
    if (condition === undefined)
      return [`corresponding condition of pod readiness gate ${JSON.stringify(gate)} does not exist.`];
    const status = text(condition['status']);
    return status === 'True'
      ? []
      : [`the status of pod readiness gate ${JSON.stringify(gate)} is not "True", but ${status}`];
  });
  return shut.length === 0 ? undefined : shut.join(', ');
}
