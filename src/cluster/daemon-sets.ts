/** A node that a run is about to make, as far as scheduling looks at it. */
export type PlannedNode = {
  name: string;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
};

export type Taint = { key: string; value?: string; effect: string };

type Toleration = { key?: string; operator?: string; value?: string; effect?: string };

type Requirement = { key: string; operator: string; values?: string[] };

type SelectorTerm = { matchExpressions?: Requirement[]; matchFields?: Requirement[] };

/** The fields of a DaemonSet that say on which nodes its pods land. */
export type DaemonSet = {
  metadata: { name: string; namespace?: string };
  spec: {
    template: {
      spec: {
        nodeSelector?: Record<string, string>;
        tolerations?: Toleration[];
        affinity?: {
          nodeAffinity?: {
            requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: SelectorTerm[] };
          };
        };
      };
    };
  };
};

/**
 * Whether the DaemonSet controller would put a pod on this node: it tolerates the node's taints, and its node selector
 * and required affinity match.
 * Source: pkg/controller/daemon (NodeShouldRunDaemonPod) and component-helpers/scheduling, v1.36. The tolerations that
 * the controller adds are for the conditions of nodes, none of which a hollow node has for long.
 */
export function landsOn({ spec: { template } }: DaemonSet, node: PlannedNode): boolean {
  const { nodeSelector, tolerations = [], affinity } = template.spec;
  const labels = labelsOf(node);
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return (
    node.taints
      .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
      .every((taint) => tolerations.some((toleration) => tolerates(toleration, taint))) &&
    Object.entries(nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (terms === undefined || terms.some((term) => matches(term, labels, node.name)))
  );
}

/** The node's labels with those that every kubelet adds (`hollow/node-object.ts`). */
function labelsOf(node: PlannedNode): Readonly<Record<string, string>> {
  return {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': node.name,
    'kubernetes.io/os': 'linux',
    ...node.labels,
  };
}

/** An empty effect is any effect; an empty key with Exists is any taint. */
function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = '', operator = 'Equal', value = '', effect = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (operator === 'Exists') return key === '' || key === taint.key;
  return operator === 'Equal' && key === taint.key && value === (taint.value ?? '');
}

/** All requirements hold; a term without any matches no node. */
function matches(term: SelectorTerm, labels: Readonly<Record<string, string>>, name: string): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  return (
    matchExpressions.length + matchFields.length > 0 &&
    matchExpressions.every((requirement) => holds(requirement, labels[requirement.key])) &&
    matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, name))
  );
}

function holds({ operator, values = [] }: Requirement, actual: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return integer(actual) > integer(values[0]);
    case 'Lt':
      return integer(actual) < integer(values[0]);
    default:
      return false;
  }
}

/** NaN, with which no comparison holds, for what is no whole number. */
function integer(text: string | undefined): number {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
}
