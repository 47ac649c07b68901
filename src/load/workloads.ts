import { phaseLabel, runLabel } from './labels.ts';
import {
  type ObjectContext,
  type PodShape,
  exitCodeAnnotation,
  labelsOf,
  podSpec,
  runDurationAnnotation,
} from './objects.ts';

export type JobPlan = {
  kind: 'job';
  namespace: string;
  name: string;
  phase: string;
  completions: number;
  parallelism: number;
  /** How long each of its pods runs. */
  durationMs: number;
  /** The code with which they end; absent: 0, with success. */
  exitCode?: number;
  shape: PodShape;
};

export type StatefulSetPlan = {
  kind: 'statefulset';
  namespace: string;
  name: string;
  phase: string;
  replicas: number;
  podManagementPolicy: 'OrderedReady' | 'Parallel';
  shape: PodShape;
};

export type ClaimPlan = {
  kind: 'claim';
  namespace: string;
  name: string;
  phase: string;
  /** A Kubernetes quantity: of the claim, and of the volume that is made for it. */
  size: string;
  /** The pod of the same name that mounts it, if there is one. */
  pod: PodShape | undefined;
};

/** What a phase makes beside Deployments and single pods, one request each. */
export type WorkloadPlan = JobPlan | StatefulSetPlan | ClaimPlan;

/** How many pods there are of it in the end, whether they run or have ended. Those of claims are created one by one. */
export function podsOf(plan: WorkloadPlan): number {
  if (plan.kind === 'job') return plan.completions;
  return plan.kind === 'statefulset' ? plan.replicas : 0;
}

/** How long a Job takes if nothing but its pods takes any time. */
export function jobMs({
  completions,
  parallelism,
  durationMs,
}: Pick<JobPlan, 'completions' | 'parallelism' | 'durationMs'>): number {
  return Math.ceil(completions / parallelism) * durationMs;
}

export function workloadObject(plan: WorkloadPlan, context: ObjectContext): unknown {
  switch (plan.kind) {
    case 'job':
      return jobObject(plan, context);
    case 'statefulset':
      return statefulSetObject(plan, context);
    case 'claim':
      return claimObject(plan, context);
  }
}

/** A pod for each index, not tried again unless it was taken away (evicted, its node gone): since Kubernetes 1.29. */
const failingSpec = {
  completionMode: 'Indexed',
  backoffLimitPerIndex: 0,
  podFailurePolicy: {
    rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
  },
};

/**
 * Its pods end by themselves: a hollow node reads from annotations when, and with which code. A Job that is made so as to
 * fail has as many pods as any other, and fails when all have ended.
 */
function jobObject(plan: JobPlan, context: ObjectContext): unknown {
  const { namespace, name, completions, parallelism, durationMs, exitCode } = plan;
  const labels = labelsOf(plan.phase, exitCode === undefined ? 'load' : 'failing', context);
  const annotations = {
    [runDurationAnnotation]: `${durationMs}ms`,
    ...(exitCode === undefined ? {} : { [exitCodeAnnotation]: String(exitCode) }),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace, labels },
    spec: {
      completions,
      parallelism,
      ...(exitCode === undefined ? {} : failingSpec),
      template: {
        metadata: { labels, annotations },
        spec: { ...podSpec(plan.shape, context), restartPolicy: 'Never' },
      },
    },
  };
}

/** Without a governing Service, which its pods would need for names of their own only. */
function statefulSetObject(plan: StatefulSetPlan, context: ObjectContext): unknown {
  const { namespace, name, replicas, podManagementPolicy } = plan;
  const labels = { ...labelsOf(plan.phase, 'load', context), app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace, labels },
    spec: {
      replicas,
      podManagementPolicy,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels }, spec: podSpec(plan.shape, context) },
    },
  };
}

/**
 * The class of a phase's volumes, and of its claims: they find each other and nobody else's. There is no StorageClass of
 * that name, nor does it take one to bind what is there.
 */
function storageClassName(phase: string, { runId }: Pick<ObjectContext, 'runId'>): string {
  return `hollowmark-${phase}-${runId}`;
}

const accessModes = ['ReadWriteOnce'];

function claimObject({ namespace, name, phase, size }: ClaimPlan, context: ObjectContext): unknown {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace, labels: { [runLabel]: context.runId, [phaseLabel]: phase } },
    spec: {
      accessModes,
      storageClassName: storageClassName(phase, context),
      resources: { requests: { storage: size } },
    },
  };
}

export function volumeName({ name }: ClaimPlan, { runId }: Pick<ObjectContext, 'runId'>): string {
  return `${name}-${runId}`;
}

/**
 * The volume that is made for a claim before it: a folder of a host that no node has to have, since hollow ones mount
 * nothing. It is retained, so that no controller ever deletes what it points to.
 */
export function volumeObject(plan: ClaimPlan, context: ObjectContext): unknown {
  const { phase, size } = plan;
  const name = volumeName(plan, context);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { [runLabel]: context.runId, [phaseLabel]: phase } },
    spec: {
      accessModes,
      capacity: { storage: size },
      hostPath: { path: `/hollowmark/${name}` },
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: storageClassName(phase, context),
    },
  };
}
