import type { ApiClient } from '../kube/client.ts';
import { purposeLabel } from '../load/labels.ts';
import { runSelector } from '../load/requests.ts';
import { type CallClass, callClass } from '../metrics/call-metrics.ts';

/** What matters of a pod when its node fails. */
export type PodOnNode = {
  uid: string;
  /** `namespace/name`. */
  name: string;
  /** Of a controller, which makes another one in its place. */
  controlled: boolean;
  deleting: boolean;
  /** Succeeded or Failed. */
  ended: boolean;
  ready: boolean;
  /** Made so as to fail: nobody may expect it to be Ready. */
  failing: boolean;
};

type Pod = {
  metadata: {
    uid: string;
    namespace: string;
    name: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    ownerReferences?: { controller?: boolean }[];
  };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
};

const listPods = callClass('LIST', 'pods', '', 'cluster');

const getLease = callClass('GET', 'leases', '', 'resource');

const timeoutMs = 10_000;

type Client = Pick<ApiClient, 'request' | 'codec'>;

/** The run's pods on one node, out of the API server's cache; undefined when it does not answer. Never rejects. */
export async function podsOnNode(
  client: Client,
  runId: string,
  node: string,
): Promise<PodOnNode[] | undefined> {
  const selectors = `fieldSelector=spec.nodeName%3D${node}&${runSelector(runId)}`;
  const path = `/api/v1/pods?${selectors}&resourceVersion=0`;
  const list = (await read(client, path, listPods)) as { items?: Pod[] | null } | undefined;
  return list === undefined ? undefined : (list.items ?? []).map(factsOf);
}

/** When the node's kubelet renewed its lease last, wall clock; undefined when nobody can say. Never rejects. */
export async function leaseRenewedWallMs(client: Client, node: string): Promise<number | undefined> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`;
  const lease = (await read(client, path, getLease)) as { spec?: { renewTime?: string } } | undefined;
  const renewTime = lease?.spec?.renewTime;
  return renewTime === undefined ? undefined : Date.parse(renewTime);
}

/** The object, or nothing: it is asked for again, and an answer that is waited for has a time limit. */
async function read(client: Client, path: string, kind: CallClass): Promise<unknown> {
  try {
    const { status, body } = await client.request({ method: 'GET', path, kind, timeoutMs });
    return status === 200 ? client.codec.decode(body) : undefined;
  } catch {
    return undefined;
  }
}

function factsOf({ metadata, status }: Pod): PodOnNode {
  return {
    uid: metadata.uid,
    name: `${metadata.namespace}/${metadata.name}`,
    controlled: metadata.ownerReferences?.some(({ controller }) => controller === true) ?? false,
    deleting: metadata.deletionTimestamp !== undefined,
    ended: status?.phase === 'Failed' || status?.phase === 'Succeeded',
    failing: metadata.labels?.[purposeLabel] === 'failing',
    ready: status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
  };
}
