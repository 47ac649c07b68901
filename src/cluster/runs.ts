import { runSelector } from '../load/requests.ts';
import { runLabel } from '../load/labels.ts';
import { Calls, type ClusterClient, type Metadata } from './calls.ts';
import { type RunKind, collectionPath, runKinds } from './kinds.ts';

/** An object that carries the label of a run. */
export type RunObject = {
  kind: RunKind;
  runId: string;
  /** Empty for objects that are in none. */
  namespace: string;
  name: string;
  uid: string;
  /** It has a deletionTimestamp: it goes as soon as its finalizers, or the node of a pod, let it. */
  deleting: boolean;
  /** When the server last wrote it, by its own clock; milliseconds since the epoch. */
  writtenMs: number;
  createdMs: number;
};

/** What a run has left, or has still, on a cluster. */
export type FoundRun = {
  runId: string;
  objects: readonly RunObject[];
  /** How long ago it last gave a sign of life, by the server's clock; undefined when that cannot be told. */
  silentMs: number | undefined;
  /** Whether it still runs; undefined when that cannot be told. */
  living: boolean | undefined;
};

export type FoundRuns = {
  /** By their ids, in order. */
  runs: readonly FoundRun[];
  /** Kinds that we may not list. */
  unlisted: readonly RunKind[];
};

/** A node's lease is good for this long; whoever has not renewed any in that time is gone. */
const livingMs = 40_000;

const nodeLeases = { group: 'coordination.k8s.io', resource: 'leases' };

/**
 * The objects of one run, or of all of them, of these kinds. An object counts only if its label, as it came, says so:
 * what a selector should have kept away stays away.
 * @returns undefined for the kinds that we may not list, but for those that few runs have: they count as none.
 * @throws HollowmarkError `cluster-unavailable`, `interrupted`.
 */
export async function listRunObjects(
  calls: Calls,
  kinds: readonly RunKind[],
  runId?: string,
): Promise<Map<RunKind, RunObject[] | undefined>> {
  const selector = runId === undefined ? `labelSelector=${encodeURIComponent(runLabel)}` : runSelector(runId);
  const found = new Map<RunKind, RunObject[] | undefined>();
  for (const kind of kinds) {
    const listed = (await calls.listMetadata(kind, selector)) ?? (kind.of === undefined ? undefined : []);
    found.set(
      kind,
      listed
        ?.filter(({ labels }) => {
          const value = labels?.[runLabel] ?? '';
          return runId === undefined ? value !== '' : value === runId;
        })
        .map((metadata) => runObject(kind, metadata)),
    );
  }
  return found;
}

/**
 * All runs on a cluster, and which of them live: one lives when the server has seen it renew a lease, or make something,
 * in the last 40 s.
 * @param serverWallMs the server's clock (`who-am-i.ts`): ours may be wrong. Without it nobody can tell who lives.
 * @throws HollowmarkError `cluster-unavailable`, `interrupted`.
 */
export async function findRuns(
  client: ClusterClient,
  serverWallMs: number | undefined,
  signal: AbortSignal,
): Promise<FoundRuns> {
  const calls = new Calls(client, signal);
  const found = await listRunObjects(calls, runKinds);
  const objects = [...found.values()].flatMap((some) => some ?? []);
  const unlisted = runKinds.filter((kind) => found.get(kind) === undefined);
  const leases = objects.length === 0 ? [] : await calls.listMetadata(nodeLeases, '', 'kube-node-lease');
  const renewedMs = new Map(leases?.map((lease) => [lease.name, writtenMs(lease)]));
  const blind =
    serverWallMs === undefined || leases === undefined || unlisted.some(({ madeByRun }) => madeByRun);
  const byRun = new Map<string, RunObject[]>();
  for (const object of objects) {
    const own = byRun.get(object.runId);
    if (own === undefined) byRun.set(object.runId, [object]);
    else own.push(object);
  }
  const runs = [...byRun].map(([runId, own]): FoundRun => {
    const silentMs =
      serverWallMs === undefined ? undefined : Math.max(0, serverWallMs - lastSignMs(own, renewedMs));
    const recent = silentMs !== undefined && silentMs <= livingMs;
    return { runId, objects: own, silentMs, living: recent ? true : blind ? undefined : false };
  });
  return { runs: runs.toSorted((a, b) => (a.runId < b.runId ? -1 : 1)), unlisted };
}

/** How many there are of each kind, in the order of the table. */
export function countByKind(objects: Iterable<{ kind: RunKind }>): Record<string, number> {
  const counts = new Map<RunKind, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return Object.fromEntries(
    runKinds.flatMap((kind) => (counts.has(kind) ? [[kind.resource, counts.get(kind) ?? 0]] : [])),
  );
}

/** Where an object is. */
export function objectPath({ kind, namespace, name }: RunObject): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`;
}

/** Leases are renewed; of everything else that the run makes itself, the making counts. */
function lastSignMs(objects: readonly RunObject[], renewedMs: ReadonlyMap<string, number>): number {
  let lastMs = 0;
  for (const { kind, name, writtenMs: written, createdMs } of objects) {
    if (kind.resource === 'leases') lastMs = Math.max(lastMs, written);
    else if (kind.madeByRun) lastMs = Math.max(lastMs, createdMs);
    if (kind.resource === 'nodes') lastMs = Math.max(lastMs, renewedMs.get(name) ?? 0);
  }
  return lastMs;
}

function runObject(kind: RunKind, metadata: Metadata): RunObject {
  return {
    kind,
    runId: metadata.labels?.[runLabel] ?? '',
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    deleting: metadata.deletionTimestamp !== undefined,
    writtenMs: writtenMs(metadata),
    createdMs: timeMs(metadata.creationTimestamp),
  };
}

/** managedFields carry the server's time of each writer's last change; renewTime would be the renewer's own clock. */
function writtenMs(metadata: Metadata): number {
  const times = metadata.managedFields?.map(({ time }) => timeMs(time)) ?? [];
  return Math.max(timeMs(metadata.creationTimestamp), ...times);
}

function timeMs(time: string | undefined): number {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}
