import { View } from '../wire/view.ts';
import { failingPurpose, purposeLabel } from './pod-facts.ts';

/** Resources whose completion is timed, as paths call them. */
export type WorkloadKind = 'jobs' | 'statefulsets' | 'persistentvolumeclaims';

/** Where all of a kind are. */
export const workloadPaths: Readonly<Record<WorkloadKind, string>> = {
  jobs: '/apis/batch/v1/jobs',
  statefulsets: '/apis/apps/v1/statefulsets',
  persistentvolumeclaims: '/api/v1/persistentvolumeclaims',
};

/** What {@link isDone} reads, of either kind. */
export const workloadView = new View({
  metadata: { namespace: true, name: true, generation: true, labels: true },
  spec: { replicas: true },
  status: {
    phase: true,
    conditions: { type: true, status: true },
    observedGeneration: true,
    readyReplicas: true,
  },
});

type Workload = {
  metadata?: { generation?: number; labels?: Record<string, string> };
  spec?: { replicas?: number };
  status?: {
    phase?: string;
    conditions?: { type?: string; status?: string }[];
    observedGeneration?: number;
    readyReplicas?: number;
  };
};

/**
 * Whether an object has come to what is waited for: complete (a Job that is made so as to fail: failed), all replicas ready,
 * bound. Never throws.
 */
export function isDone(kind: WorkloadKind, object: unknown): boolean {
  const { metadata = {}, spec = {}, status = {} } = (object ?? {}) as Workload;
  switch (kind) {
    case 'jobs': {
      const wanted = metadata.labels?.[purposeLabel] === failingPurpose ? 'Failed' : 'Complete';
      return (status.conditions ?? []).some(({ type, status: is }) => type === wanted && is === 'True');
    }
    case 'statefulsets':
      // A status that is older than the spec speaks of other replicas.
      return (
        (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
        (status.readyReplicas ?? 0) >= (spec.replicas ?? 1)
      );
    case 'persistentvolumeclaims':
      return status.phase === 'Bound';
  }
}
