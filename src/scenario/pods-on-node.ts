import type { ApiClient } from '../kube/client.ts';
import { runSelector } from '../load/requests.ts';
import { callClass } from '../metrics/call-metrics.ts';

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
};

type Pod = {
  metadata: {
    uid: string;
    namespace: string;
    name: string;
    deletionTimestamp?: string;
    ownerReferences?: { controller?: boolean }[];
  };
  status?: { phase?: string; conditions?: { type: string; status: string }[] };
};

const listPods = callClass('LIST', 'pods', '', 'cluster');

const timeoutMs = 10_000;

/** The run's pods on one node, out of the API server's cache; undefined when it does not answer. Never rejects. */
export async function podsOnNode(
  client: Pick<ApiClient, 'request' | 'codec'>,
  runId: string,
  node: string,
): Promise<PodOnNode[] | undefined> {
  const selectors = `fieldSelector=spec.nodeName%3D${node}&${runSelector(runId)}`;
  const path = `/api/v1/pods?${selectors}&resourceVersion=0`;
  try {
    const { status, body } = await client.request({ method: 'GET', path, kind: listPods, timeoutMs });
    if (status !== 200) return undefined;
    return ((client.codec.decode(body) as { items?: Pod[] | null }).items ?? []).map(factsOf);
  } catch {
    // It is asked again: an answer that is waited for has a time limit.
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
    ready: status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
  };
}
