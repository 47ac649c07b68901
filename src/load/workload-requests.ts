import { callClass } from '../metrics/call-metrics.ts';
import type { LoadClient, LoadRequest } from './call.ts';
import type { ObjectContext } from './objects.ts';
import { listLimit, runSelector, timeoutMs } from './requests.ts';
import { type ClaimPlan, type WorkloadPlan, volumeName, volumeObject, workloadObject } from './workloads.ts';

const resources = {
  job: { name: 'Job', plural: 'jobs', base: '/apis/batch/v1' },
  statefulset: { name: 'StatefulSet', plural: 'statefulsets', base: '/apis/apps/v1' },
  claim: { name: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', base: '/api/v1' },
} as const;

const kinds = {
  job: {
    create: callClass('POST', 'jobs', '', 'resource'),
    delete: callClass('DELETE', 'jobs', '', 'resource'),
  },
  statefulset: {
    create: callClass('POST', 'statefulsets', '', 'resource'),
    delete: callClass('DELETE', 'statefulsets', '', 'resource'),
  },
  claim: {
    create: callClass('POST', 'persistentvolumeclaims', '', 'resource'),
    delete: callClass('DELETE', 'persistentvolumeclaims', '', 'resource'),
  },
  createVolume: callClass('POST', 'persistentvolumes', '', 'resource'),
  deleteVolume: callClass('DELETE', 'persistentvolumes', '', 'resource'),
  listVolumes: callClass('LIST', 'persistentvolumes', '', 'cluster'),
} as const;

const volumes = '/api/v1/persistentvolumes';

function collection({ kind, namespace }: WorkloadPlan): string {
  const { base, plural } = resources[kind];
  return `${base}/namespaces/${namespace}/${plural}`;
}

export function createWorkload(client: LoadClient, plan: WorkloadPlan, context: ObjectContext): LoadRequest {
  return {
    what: `create ${resources[plan.kind].name} ${plan.namespace}/${plan.name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: collection(plan),
      kind: kinds[plan.kind].create,
      body: client.codec.encode(workloadObject(plan, context)),
      timeoutMs,
    },
  };
}

/** Background propagation, which of a Job is not what happens unless it is said: its pods would stay. */
export function deleteWorkload(client: LoadClient, plan: WorkloadPlan): LoadRequest {
  return {
    what: `delete ${resources[plan.kind].name} ${plan.namespace}/${plan.name}`,
    verb: 'delete',
    request: {
      method: 'DELETE',
      path: `${collection(plan)}/${plan.name}`,
      kind: kinds[plan.kind].delete,
      body: client.codec.encode({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }),
      timeoutMs,
    },
  };
}

export function createVolume(client: LoadClient, plan: ClaimPlan, context: ObjectContext): LoadRequest {
  return {
    what: `create PersistentVolume ${volumeName(plan, context)}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: volumes,
      kind: kinds.createVolume,
      body: client.codec.encode(volumeObject(plan, context)),
      timeoutMs,
    },
  };
}

export function deleteVolume(plan: ClaimPlan, context: ObjectContext): LoadRequest {
  const name = volumeName(plan, context);
  return {
    what: `delete PersistentVolume ${name}`,
    verb: 'delete',
    request: { method: 'DELETE', path: `${volumes}/${name}`, kind: kinds.deleteVolume, timeoutMs },
  };
}

/** One page of the run's volumes. @param token of the page before; empty for the first. */
export function listVolumes({ runId }: ObjectContext, token: string): LoadRequest {
  const query = `${runSelector(runId)}&limit=${listLimit}`;
  const next = token === '' ? '' : `&continue=${encodeURIComponent(token)}`;
  return {
    what: 'list PersistentVolumes',
    verb: 'read',
    request: { method: 'GET', path: `${volumes}?${query}${next}`, kind: kinds.listVolumes, timeoutMs },
  };
}
