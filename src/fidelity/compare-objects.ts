import { formatAmount, resourceAmount } from '../hollow/pods/units.ts';
import { workLabel } from './work/objects.ts';
import type { SeenObject } from './work/work-client.ts';
import type { Snapshot } from './work/work.ts';

/** A field that is not the same on both sides. */
export type ObjectDifference = {
  /** `status.conditions[Ready].reason`; of `managedFields`, an entry: `metadata.managedFields[kubelet Update status]`. */
  path: string;
  /** `Node after join`, `Pod crashing after variety`: what the work made, and the phase that had ended. */
  objects: string[];
  /** The values that occurred, normalised; of `managedFields`, what only one side's entry has. */
  reference: string[];
  hollow: string[];
};

const absent = '(absent)';

/** Fields in which the reference has been seen to differ from itself. */
const racyFields: readonly { object: RegExp; path: RegExp; why: string }[] = [
  {
    object: /^Pod (?:job|overdue) /,
    path: /^status\.resources\.|^metadata\.managedFields\[kubelet Update status\].*\.f:resources\./,
    why: 'the resources of a container that has ended come from the runtime or from the spec, whichever is asked first',
  },
  {
    object: /^Pod /,
    path: /^status\.resources\.limits\.memory$|\.f:resources\.f:limits\.(?:\.|f:memory)$/,
    why: 'no limit reads as the largest number there is, once the kubelet has read it from the runtime (cgroup v1)',
  },
  {
    object: /^Pod unpulled /,
    path: /^status\.containerStatuses\[main\]\.state\.waiting\./,
    why: 'a failed pull is in back-off, or has just failed once more',
  },
  {
    object: /^Node /,
    path: /^metadata\.managedFields\[kubelet Update status\]\..*\.f:last(?:Heartbeat|Transition)Time$/,
    why: 'a time within the second in which the node was made is no change, so that it stays with who made it',
  },
  {
    object: /^Node after return$/,
    path: /^metadata\.managedFields\[(?:kube-controller-manager Update status\]|.*lastTransitionTime$)/,
    why: 'a transition within the second in which the node controller wrote is still its own',
  },
];

/** Values by path, of one object or of all of a kind. */
type Fields = Map<string, Set<string>>;
type Kind = { count: number; fields: Fields; seen: Map<string, number> };

/**
 * Fields in which hollow nodes and pods differ from the reference's, by moment and kind of object. What one side has must
 * occur on the other side too; where the reference's own objects differ, each of their values will do. Pure.
 */
export function compareObjects(
  reference: readonly (readonly Snapshot[])[],
  hollow: readonly (readonly Snapshot[])[],
): ObjectDifference[] {
  const theirs = kindsOf(reference);
  const ours = kindsOf(hollow);
  const differences = new Map<string, ObjectDifference>();
  const add = (object: string, difference: Omit<ObjectDifference, 'objects'>): void => {
    const id = JSON.stringify(difference);
    const known = differences.get(id);
    if (known === undefined) differences.set(id, { ...difference, objects: [object] });
    else known.objects.push(object);
  };
  for (const object of new Set([...theirs.keys(), ...ours.keys()])) {
    const their = theirs.get(object);
    const our = ours.get(object);
    if (their === undefined || our === undefined) {
      const say = (kind: Kind | undefined): string[] => [kind === undefined ? absent : 'present'];
      add(object, { path: '', reference: say(their), hollow: say(our) });
      continue;
    }
    const paths = new Set([...their.fields.keys(), ...our.fields.keys()]);
    const found = [...paths].toSorted().flatMap((path) => {
      const values = { reference: valuesAt(their, path), hollow: valuesAt(our, path) };
      const racy = racyFields.some((field) => field.object.test(object) && field.path.test(path));
      return racy || agree(values) ? [] : [{ path, ...values }];
    });
    for (const difference of withManagedFieldsTogether(found)) add(object, difference);
  }
  return [...differences.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

type Difference = Omit<ObjectDifference, 'objects'>;

/** Each entry of `managedFields` that differs, once, with the names of the fields that only one side has. */
function withManagedFieldsTogether(differences: readonly Difference[]): Difference[] {
  const entries = new Map<string, Difference>();
  const others: Difference[] = [];
  for (const difference of differences) {
    const [, entry, field] = /^(metadata\.managedFields\[[^\]]*\])\.(.*)$/.exec(difference.path) ?? [];
    if (entry === undefined || field === undefined) {
      others.push(difference);
      continue;
    }
    const sum = entries.get(entry) ?? { path: entry, reference: [], hollow: [] };
    entries.set(entry, sum);
    const name = field.replace('fieldsV1.', '');
    if (!difference.hollow.includes(absent)) sum.hollow.push(name);
    if (!difference.reference.includes(absent)) sum.reference.push(name);
  }
  return [...entries.values(), ...others];
}

function agree({ reference, hollow }: { reference: string[]; hollow: string[] }): boolean {
  if (hollow.some((value) => !reference.includes(value))) return false;
  // Of what is always the same on the reference, nothing can be missing here but by never occurring.
  return reference.length > 1 || hollow.length > 0;
}

function valuesAt({ fields, seen, count }: Kind, path: string): string[] {
  const values = [...(fields.get(path) ?? [])];
  if ((seen.get(path) ?? 0) < count) values.push(absent);
  return values.toSorted();
}

function kindsOf(runs: readonly (readonly Snapshot[])[]): Map<string, Kind> {
  const kinds = new Map<string, Kind>();
  for (const { moment, nodes, pods } of runs.flat()) {
    const nodeNames = new Set(nodes.map(({ metadata }) => metadata.name));
    for (const node of nodes) note(kinds, `Node after ${moment}`, node, nodeNames);
    for (const pod of pods) {
      note(kinds, `Pod ${pod.metadata.labels?.[workLabel] ?? 'of others'} after ${moment}`, pod, nodeNames);
    }
  }
  return kinds;
}

function note(
  kinds: Map<string, Kind>,
  id: string,
  object: SeenObject,
  nodeNames: ReadonlySet<string>,
): void {
  let kind = kinds.get(id);
  if (kind === undefined) {
    kind = { count: 0, fields: new Map(), seen: new Map() };
    kinds.set(id, kind);
  }
  kind.count++;
  for (const [path, value] of fieldsOf(object, nodeNames)) {
    const values = kind.fields.get(path) ?? new Set<string>();
    values.add(value);
    kind.fields.set(path, values);
    kind.seen.set(path, (kind.seen.get(path) ?? 0) + 1);
  }
}

/** Every field of an object by its path, normalised. Pure. */
export function fieldsOf(object: unknown, nodeNames: ReadonlySet<string>): Map<string, string> {
  const fields = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) walk(item, `${path}[${elementKey(item, index)}]`);
      if (value.length === 0) fields.set(path, '[]');
    } else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value);
      for (const [name, item] of entries) walk(item, path === '' ? name : `${path}.${name}`);
      if (entries.length === 0) fields.set(normalPath(path), '{}');
    } else {
      fields.set(normalPath(path), normalValue(normalPath(path), String(value), nodeNames));
    }
  };
  walk(withoutMachineFacts(object), '');
  return fields;
}

/** What names an element of a list, as the API's merge keys do, so that order alone makes no difference. */
function elementKey(item: unknown, index: number): string {
  if (typeof item !== 'object' || item === null) return String(index);
  const { type, name, manager, operation, subresource, key, mountPath } = item as Partial<
    Record<string, string>
  >;
  if (manager !== undefined) {
    // Kubemark's kubelet goes by another name.
    const program = manager.replace(/^hollow-kubelet$/, 'kubelet');
    return [program, operation, subresource].filter((part) => part !== undefined).join(' ');
  }
  const found = type ?? name ?? mountPath ?? key;
  // A generated name says nothing.
  return typeof found === 'string'
    ? found.replace(/^kube-api-access-\w+$/, 'kube-api-access-<id>')
    : String(index);
}

/** In paths: addresses and ids by which `managedFields` names list elements. */
function normalPath(path: string): string {
  return path
    .replace(/\d+\.\d+\.\d+\.\d+/g, '<ip>')
    .replace(/kube-api-access-\w{5}/g, 'kube-api-access-<id>')
    .replace(/"uid":"[-\da-f]{36}"/g, '"uid":"<uid>"');
}

/** Fields whose values belong to the machine, the moment or the object, and not to what the node is. By path. */
const anyValue: readonly RegExp[] = [
  /(?:^|\.)(?:uid|resourceVersion|generateName|generation|observedGeneration)$/,
  /(?:Time|Timestamp|\.time|At)$/,
  /\.(?:containerID|imageID|lastState\.terminated\.containerID)$/,
  /^status\.capacity\./,
  /^status\.nodeInfo\.(?:machineID|systemUUID|bootID|kernelVersion|osImage|containerRuntimeVersion)$/,
  /^status\.nodeInfo\.swap\.capacity$/,
  /^metadata\.managedFields\[.*\]\.manager$/,
  /^status\.daemonEndpoints\.kubeletEndpoint\.Port$/,
  /^metadata\.labels\.pod-template-hash$/,
];

function normalValue(path: string, value: string, nodeNames: ReadonlySet<string>): string {
  if (anyValue.some((pattern) => pattern.test(path))) return '<any>';
  if (nodeNames.has(value)) return '<node>';
  return value
    .replace(/\b\d+\.\d+\.\d+\.\d+(?=$|[/\s"])/g, '<ip>')
    .replace(/[-\da-f]{8}-[-\da-f]{4}-[-\da-f]{4}-[-\da-f]{4}-[-\da-f]{12}/g, '<uid>')
    .replace(/\b(?:plain|job)-(?:[a-z\d]{4,10}-)?[a-z\d]{5}\b/g, '<pod>')
    .replace(/\bplain-[a-z\d]{6,10}\b/g, '<replicaset>')
    .replace(/kube-api-access-\w{5}/g, 'kube-api-access-<id>')
    .replace(/\bfidelity-\d+\b/g, '<namespace>')
    .replace(/containerd:\/\/[\da-f]+/g, 'containerd://<id>');
}

/**
 * Images lie on a machine in numbers and sizes of its own; what is said of each is the kubelet's. So is what it keeps of the
 * machine's memory; of the disk, the reference is told to keep less than kubelets do.
 */
function withoutMachineFacts(object: unknown): unknown {
  const { status, ...rest } = object as {
    status?: { images?: object[]; allocatable?: Record<string, string>; capacity?: Record<string, string> };
  };
  if (status === undefined) return object;
  const { images, allocatable, capacity } = status;
  const said = new Set(images?.map((image) => Object.keys(image).toSorted().join()));
  return {
    ...rest,
    status: {
      ...status,
      ...(images === undefined ? {} : { images: [...said].toSorted() }),
      ...(allocatable === undefined ? {} : { allocatable: relation(allocatable, capacity ?? {}) }),
    },
  };
}

/** What a node has for pods, as what it keeps of its capacity. */
function relation(allocatable: Record<string, string>, capacity: Record<string, string>): object {
  return Object.fromEntries(
    Object.entries(allocatable).map(([resource, quantity]) => {
      const all = capacity[resource];
      if (all === undefined || resource === 'ephemeral-storage') return [resource, '<any>'];
      if (quantity === all) return [resource, 'all'];
      const kept = resourceAmount(resource, all) - resourceAmount(resource, quantity);
      return [resource, `all but ${formatAmount(resource, kept)}`];
    }),
  );
}
