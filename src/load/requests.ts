import type { LoadClient, LoadRequest } from './call.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { runLabel } from './labels.ts';
import {
  type DeploymentPlan,
  type ObjectContext,
  type PodPlan,
  deploymentObject,
  podObject,
  namespaceObject,
  serviceObject,
} from './objects.ts';

/** A request whose answer takes longer has none: the API server itself gives up after 60 s. */
export const timeoutMs = 60_000;

/** Objects a LIST asks for at most, as kubectl does. */
export const listLimit = 500;

/** The kinds of request that load makes, once each. */
const kinds = {
  createNamespace: callClass('POST', 'namespaces', '', 'resource'),
  getNamespace: callClass('GET', 'namespaces', '', 'resource'),
  deleteNamespace: callClass('DELETE', 'namespaces', '', 'resource'),
  listNamespaces: callClass('LIST', 'namespaces', '', 'cluster'),
  getServiceAccount: callClass('GET', 'serviceaccounts', '', 'resource'),
  getConfigMap: callClass('GET', 'configmaps', '', 'resource'),
  createDeployment: callClass('POST', 'deployments', '', 'resource'),
  scaleDeployment: callClass('PATCH', 'deployments', 'scale', 'resource'),
  deleteDeployment: callClass('DELETE', 'deployments', '', 'resource'),
  createService: callClass('POST', 'services', '', 'resource'),
  deleteService: callClass('DELETE', 'services', '', 'resource'),
  createPod: callClass('POST', 'pods', '', 'resource'),
  getPod: callClass('GET', 'pods', '', 'resource'),
  deletePod: callClass('DELETE', 'pods', '', 'resource'),
  listPods: callClass('LIST', 'pods', '', 'namespace'),
} as const;

/** Where an object is, and what it is called. */
export type ObjectKey = { namespace: string; name: string };

const deployments = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments`;
const services = (namespace: string): string => `/api/v1/namespaces/${namespace}/services`;
const pods = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/** The label selector for everything that a run made, encoded. */
export function runSelector(runId: string): string {
  return `labelSelector=${encodeURIComponent(`${runLabel}=${runId}`)}`;
}

export function createNamespace(client: LoadClient, name: string, context: ObjectContext): LoadRequest {
  return {
    what: `create Namespace ${name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: '/api/v1/namespaces',
      kind: kinds.createNamespace,
      body: client.codec.encode(namespaceObject(name, context)),
      timeoutMs,
    },
  };
}

export function deleteNamespace(name: string): LoadRequest {
  return {
    what: `delete Namespace ${name}`,
    verb: 'delete',
    request: { method: 'DELETE', path: `/api/v1/namespaces/${name}`, kind: kinds.deleteNamespace, timeoutMs },
  };
}

export function listNamespaces(runId: string): LoadRequest {
  return {
    what: 'list Namespaces',
    verb: 'read',
    request: {
      method: 'GET',
      path: `/api/v1/namespaces?${runSelector(runId)}`,
      kind: kinds.listNamespaces,
      timeoutMs,
    },
  };
}

export function getNamespace(name: string): LoadRequest {
  return get(`Namespace ${name}`, `/api/v1/namespaces/${name}`, kinds.getNamespace);
}

/** The two objects without which no pod of a new namespace can start; controllers make them. */
export function getDefaultServiceAccount(namespace: string): LoadRequest {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
  return get(`ServiceAccount ${namespace}/default`, path, kinds.getServiceAccount);
}

export function getRootCa(namespace: string): LoadRequest {
  const path = `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`;
  return get(`ConfigMap ${namespace}/kube-root-ca.crt`, path, kinds.getConfigMap);
}

export function createDeployment(
  client: LoadClient,
  plan: DeploymentPlan,
  context: ObjectContext,
): LoadRequest {
  return {
    what: `create Deployment ${plan.namespace}/${plan.name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: deployments(plan.namespace),
      kind: kinds.createDeployment,
      body: client.codec.encode(deploymentObject(plan, context)),
      timeoutMs,
    },
  };
}

/** PATCH of the scale subresource: JSON under every codec. */
export function scaleDeployment({ namespace, name }: ObjectKey, replicas: number): LoadRequest {
  return {
    what: `scale Deployment ${namespace}/${name}`,
    verb: 'update',
    request: {
      method: 'PATCH',
      path: `${deployments(namespace)}/${name}/scale`,
      kind: kinds.scaleDeployment,
      body: Buffer.from(JSON.stringify({ spec: { replicas } })),
      contentType: 'application/merge-patch+json',
      timeoutMs,
    },
  };
}

/** Background propagation, as kube-burner and clusterloader2 delete: the garbage collector takes the pods. */
export function deleteDeployment(client: LoadClient, { namespace, name }: ObjectKey): LoadRequest {
  return {
    what: `delete Deployment ${namespace}/${name}`,
    verb: 'delete',
    request: {
      method: 'DELETE',
      path: `${deployments(namespace)}/${name}`,
      kind: kinds.deleteDeployment,
      body: client.codec.encode({ apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' }),
      timeoutMs,
    },
  };
}

export function createService(client: LoadClient, plan: DeploymentPlan, context: ObjectContext): LoadRequest {
  return {
    what: `create Service ${plan.namespace}/${plan.name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: services(plan.namespace),
      kind: kinds.createService,
      body: client.codec.encode(serviceObject(plan, context)),
      timeoutMs,
    },
  };
}

export function deleteService({ namespace, name }: ObjectKey): LoadRequest {
  return {
    what: `delete Service ${namespace}/${name}`,
    verb: 'delete',
    request: {
      method: 'DELETE',
      path: `${services(namespace)}/${name}`,
      kind: kinds.deleteService,
      timeoutMs,
    },
  };
}

export function createPod(client: LoadClient, plan: PodPlan, context: ObjectContext): LoadRequest {
  return {
    what: `create Pod ${plan.namespace}/${plan.name}`,
    verb: 'create',
    request: {
      method: 'POST',
      path: pods(plan.namespace),
      kind: kinds.createPod,
      body: client.codec.encode(podObject(plan, context)),
      timeoutMs,
    },
  };
}

export function getPod({ namespace, name }: ObjectKey): LoadRequest {
  return get(`Pod ${namespace}/${name}`, `${pods(namespace)}/${name}`, kinds.getPod);
}

export function deletePod({ namespace, name }: ObjectKey): LoadRequest {
  return {
    what: `delete Pod ${namespace}/${name}`,
    verb: 'delete',
    request: { method: 'DELETE', path: `${pods(namespace)}/${name}`, kind: kinds.deletePod, timeoutMs },
  };
}

export function listPods(namespace: string): LoadRequest {
  return {
    what: `list Pods in ${namespace}`,
    verb: 'read',
    request: {
      method: 'GET',
      path: `${pods(namespace)}?limit=${listLimit}`,
      kind: kinds.listPods,
      timeoutMs,
    },
  };
}

function get(what: string, path: string, kind: LoadRequest['request']['kind']): LoadRequest {
  return { what: `get ${what}`, verb: 'read', request: { method: 'GET', path, kind, timeoutMs } };
}
