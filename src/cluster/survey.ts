import { HollowmarkError } from '../base/errors.ts';
import { hollowTaintKey } from '../load/labels.ts';
import { Calls, type ClusterClient, unavailable } from './calls.ts';
import { type DaemonSet, type PlannedNode, landsOn } from './daemon-sets.ts';
import type { OwnPodRanges } from './cluster.ts';
import { type FoundRun, findRuns } from './runs.ts';
import { whoAmI } from './who-am-i.ts';
import { someOf } from './words.ts';

/** Where a cluster is and by which words the user chose it. */
export type Target = {
  client: ClusterClient;
  server: string;
  context: string;
  /** Nothing vouches that the server is the one that it says it is. */
  insecure: boolean;
  /** Host of the proxy that leads to it. */
  proxy: string | undefined;
};

/** What a run is about to put on a cluster. */
export type Intent = {
  nodes: readonly PlannedNode[];
  namespaces: readonly string[];
  /** Pods that will have ended and are not deleted, at most at one time. */
  endedPods?: number;
};

/** What is on a cluster. What may not be read, or is not said, is undefined. */
export type Survey = Pick<Target, 'server' | 'context' | 'insecure' | 'proxy'> & {
  /** Who the API server takes us for. */
  user: string | undefined;
  /** `v1.36.3`. */
  version: string | undefined;
  nodeCount: number | undefined;
  podCount: number | undefined;
  /** Pods that have ended; counted only where the run adds some. */
  endedPodCount: number | undefined;
  /** Runs of Hollowmark that are on it or have left something; undefined when nothing of any may be listed. */
  runs: readonly FoundRun[] | undefined;
  /** Names that the run would use and that are taken. */
  takenNodes: readonly string[] | undefined;
  takenNamespaces: readonly string[] | undefined;
  /** `namespace/name` of DaemonSets that would put a pod on hollow nodes in spite of their taint. */
  daemonSets: readonly string[] | undefined;
  /** What the nodes' spec.providerID begin with (`aws`, `gce`): its controller may delete nodes that it does not know. */
  cloudProviders: readonly string[] | undefined;
  /** Whether any of the nodes has a `spec.podCIDR`; undefined also when there are none. */
  podCidrs: boolean | undefined;
  /** Of the Service `kubernetes`, and so what pods need to have to be found behind Services. */
  ipFamily: 4 | 6 | undefined;
};

/** Enough to see whether nodes come from a cloud, and whether they are given addresses for their pods. */
const sampleLimit = 20;

/** Local clusters (kind, and Hollowmark's own kin) give their nodes a providerID, and have no cloud to ask. */
const cloudless = new Set(['kind', 'kwok']);

/**
 * Looks at a cluster. Only reads; what it may not read it leaves out.
 * @throws HollowmarkError `cluster-unavailable` when the server cannot be reached or fails, `bad-input` when it does not
 * accept the credentials, `interrupted`.
 */
export async function survey(target: Target, intent: Intent, signal: AbortSignal): Promise<Survey> {
  const { client, server, context, insecure, proxy } = target;
  const who = await whoAmI(client);
  const calls = new Calls(client, signal);
  const nodes = await calls.listMetadata({ group: '', resource: 'nodes' });
  const namespaces = await calls.listMetadata({ group: '', resource: 'namespaces' });
  const sample = await sampleOf(calls);
  const { runs, unlisted } = await findRuns(client, who?.serverWallMs, signal);
  return {
    server,
    context,
    insecure,
    proxy,
    user: who?.user,
    version: await versionOf(calls),
    nodeCount: nodes?.length,
    podCount: await podCount(calls),
    endedPodCount: (intent.endedPods ?? 0) === 0 ? undefined : await endedPodCount(calls),
    runs: runs.length === 0 && unlisted.length > 0 ? undefined : runs,
    takenNodes: taken(
      nodes,
      intent.nodes.map(({ name }) => name),
    ),
    takenNamespaces: taken(namespaces, intent.namespaces),
    daemonSets: await daemonSetsOn(calls, intent.nodes),
    cloudProviders: cloudProviders(sample),
    podCidrs: sample === undefined || sample.length === 0 ? undefined : sample.some(hasPodCidr),
    ipFamily: await ipFamilyOf(calls),
  };
}

/** Where controllers give some nodes ranges, hollow ones may get theirs too, and are given time for it. */
const patienceMs = 60_000;

/** What hollow nodes make of it that the cluster gives ranges of addresses to nodes, or does not. */
export function podRangesFor({ podCidrs, ipFamily }: Pick<Survey, 'podCidrs' | 'ipFamily'>): OwnPodRanges {
  return { family: ipFamily ?? 4, afterMs: podCidrs === false ? 0 : patienceMs };
}

/**
 * Refuses a cluster on which names are taken: a hollow kubelet takes a node of its name for its own, whoever made it.
 * @throws HollowmarkError `bad-input` that names them.
 */
export function refuseTaken({ takenNodes = [], takenNamespaces = [] }: Survey): void {
  const all = [
    ...(takenNodes.length === 0 ? [] : [`nodes ${someOf(takenNodes)}`]),
    ...(takenNamespaces.length === 0 ? [] : [`namespaces ${someOf(takenNamespaces)}`]),
  ];
  if (all.length === 0) return;
  throw new HollowmarkError('bad-input', `names that the run would use are taken: ${all.join('; ')}`, {
    hint: 'choose others with --set nodes.namePrefix=… and --set namespaces.prefix=…; what an earlier run has left goes with hollowmark clean',
  });
}

function taken(
  there: readonly { name: string }[] | undefined,
  wanted: readonly string[],
): string[] | undefined {
  if (there === undefined) return undefined;
  const names = new Set(there.map(({ name }) => name));
  return wanted.filter((name) => names.has(name));
}

/**
 * What tells a cluster from others behind the same URL (tunnels share theirs): the uid of its namespace kube-system.
 * @returns undefined where that may not be read.
 */
export async function clusterIdOf(client: ClusterClient, signal: AbortSignal): Promise<string | undefined> {
  const { body } = await new Calls(client, signal).get('/api/v1/namespaces/kube-system', 'namespaces');
  return (body as { metadata?: { uid?: string } } | undefined)?.metadata?.uid;
}

async function versionOf(calls: Calls): Promise<string | undefined> {
  const { body } = await calls.get('/version', 'version');
  return (body as { gitVersion?: string } | undefined)?.gitVersion;
}

/** One pod is fetched; the server says how many remain. Those that do not say are asked for all. */
async function podCount(calls: Calls): Promise<number | undefined> {
  const reply = await calls.get('/api/v1/pods?limit=1', 'pods');
  if (reply.status === 403) return undefined;
  if (reply.body === undefined) throw unavailable('cannot count pods', reply.message);
  const { items, metadata } = reply.body as {
    items?: unknown[];
    metadata?: { continue?: string; remainingItemCount?: number };
  };
  if ((metadata?.continue ?? '') === '') return items?.length ?? 0;
  if (metadata?.remainingItemCount !== undefined) return (items?.length ?? 0) + metadata.remainingItemCount;
  return (await calls.listMetadata({ group: '', resource: 'pods' }))?.length;
}

/** What the pod garbage collector takes for ended. The server does not count what is selected by a field. */
const endedSelector = `fieldSelector=${encodeURIComponent('status.phase!=Pending,status.phase!=Running,status.phase!=Unknown')}`;

async function endedPodCount(calls: Calls): Promise<number | undefined> {
  return (await calls.listMetadata({ group: '', resource: 'pods' }, endedSelector))?.length;
}

/** The hollow taint counts whether or not it is among the nodes' own. */
async function daemonSetsOn(calls: Calls, nodes: readonly PlannedNode[]): Promise<string[] | undefined> {
  const tainted = nodes.map((node) => ({
    ...node,
    taints: [...node.taints, { key: hollowTaintKey, effect: 'NoSchedule' }],
  }));
  const listed = await calls.list<DaemonSet>('/apis/apps/v1/daemonsets', 'daemonsets', '');
  return listed
    ?.filter((daemonSet) => tainted.some((node) => landsOn(daemonSet, node)))
    .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
}

type SampleNode = { spec?: { providerID?: string; podCIDR?: string } };

async function sampleOf(calls: Calls): Promise<SampleNode[] | undefined> {
  const { body } = await calls.get(`/api/v1/nodes?limit=${sampleLimit}`, 'nodes');
  return (body as { items?: SampleNode[] } | undefined)?.items;
}

function hasPodCidr({ spec }: SampleNode): boolean {
  return (spec?.podCIDR ?? '') !== '';
}

async function ipFamilyOf(calls: Calls): Promise<4 | 6 | undefined> {
  const { body } = await calls.get('/api/v1/namespaces/default/services/kubernetes', 'services');
  const families = (body as { spec?: { ipFamilies?: string[] } } | undefined)?.spec?.ipFamilies;
  if (families === undefined) return undefined;
  return families[0] === 'IPv6' ? 6 : 4;
}

function cloudProviders(nodes: readonly SampleNode[] | undefined): string[] | undefined {
  const providers = nodes?.map(({ spec }) => spec?.providerID?.split(':')[0] ?? '');
  return providers === undefined
    ? undefined
    : [...new Set(providers)].filter((provider) => provider !== '' && !cloudless.has(provider)).toSorted();
}
