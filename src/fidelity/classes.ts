import type { Row } from './rows.ts';
import { rowName } from './rows.ts';

/**
 * How a kind of request is compared.
 * - `exact`: as many on each side, each time.
 * - `racy`: within the reference's own spread or 10 %, whichever is wider.
 * - `periodic`: sent by time and not for a reason of the phase: counted over all phases, per minute and node, then as
 *   `racy`.
 * - `drawn`: sent after times that are drawn at random: as `periodic`, within two standard deviations of a count.
 */
export type RowClass = 'exact' | 'racy' | 'periodic' | 'drawn';

/** What a row's requests and bytes are held to, beside its class. */
export type RowRule = {
  class: RowClass;
  /**
   * By how much, a node or a pod, recordings have been seen to differ: a comparison of one run of each side cannot find
   * that out by itself.
   */
  slack: number;
  /** Between which values, both possible, recordings of the reference lie; null where `slack` says enough. */
  seen: readonly [from: number, to: number] | null;
  /** A race that a side may well never lose. */
  mayBeAbsent: boolean;
  /** By what share lengths may differ because several changes may be in one request; 0 where they never are. */
  merges: number;
  /** Why it is not `exact`; empty when it is. */
  why: string;
};

type Rule = Pick<RowRule, 'class' | 'why'> & Partial<RowRule> & { row: RegExp };

/** The first that matches a row's phase and name decides; what no rule names is exact. */
const rules: readonly Rule[] = [
  {
    class: 'periodic',
    row: / update leases\.coordination.* 200$/,
    why: 'a lease is renewed every 10 s from the start of the node, whatever goes on',
  },
  {
    class: 'racy',
    row: / (?:watch|list) configmaps metadata\.name=kube-root-ca\.crt /,
    slack: 5,
    mayBeAbsent: true,
    why: 'a watch that the Node authorizer refused, as it had not heard of the binding yet, is replaced by a list and a watch: recorded for 1 to 5 of the 8 namespaces of a node',
  },
  {
    class: 'drawn',
    row: / watch .*resourceVersion=<rv>.* 200$/,
    why: 'watches end after 5 to 10 minutes, drawn for each, and go on from where they were',
  },
  {
    class: 'racy',
    row: /^(?:deployments|trickle|burst|variety) \S+ (?:get pods|create serviceaccounts\/token) 403$/,
    slack: 0.5,
    mayBeAbsent: true,
    why: 'the Node authorizer may hear of a binding after the kubelet, which asks again: recorded for none to a third of the pods, and tokens of 0.35 of them',
  },
  {
    class: 'racy',
    row: /^join \S+ get nodes 404$/,
    slack: 3,
    why: 'a kubelet asks for its node, after growing pauses, until it is there: recorded 2 or 3 times, of kubemark none to once for three nodes, of hollow nodes of its profile up to twice',
  },
  {
    class: 'racy',
    row: /^join \S+ get (?:nodes|leases\.coordination\.k8s\.io) \?timeout=10s 404$/,
    slack: 1,
    why: 'the loops for status and lease begin before the node is there, or after: recorded once and twice, of kubemark up to once less',
  },
  {
    class: 'drawn',
    row: /^(?!join|return|leave).* (?:get nodes|patch nodes\/status) .*200$/,
    why: 'a node’s status is written when it is some 5 minutes old, with a large jitter',
  },
  {
    class: 'racy',
    row: /^(?:join|return) .* (?:get nodes|patch nodes\/status) .*200$/,
    slack: 1,
    merges: 0.75,
    why: 'the two status changes of a start, a long one and a short one, merge when they come within one computation: of three nodes of kubemark, and of hollow ones, recordings have a mean length of 452 to 606 bytes, of nodes that merge all it is 740',
  },
  {
    class: 'racy',
    row: /^idle .* (?:get pods|patch pods\/status) 200$/,
    slack: 2,
    mayBeAbsent: true,
    why: 'a status that the watch has shown to be another is written again up to 10 s later, which may be after the phase: recorded for 1 pod of a node in 10 s, for 26 to 28 in 5 min',
  },
  {
    class: 'racy',
    row: /^delete .* patch pods\/status 200$/,
    seen: [2, 3],
    slack: 0.5,
    merges: 0.25,
    why: 'a pod’s last status has lost what its cgroup told, or has not: of pods that go together recordings have 2.00, 2.07, 2.34, 2.41, 2.64, 2.71, 2.94 and 2.96 changes, and 3 of one pod by itself',
  },
  {
    class: 'racy',
    row: /^(?:deployments|trickle|burst|variety|delete) .* (?:get pods|patch pods\/status) 200$/,
    slack: 0.5,
    merges: 0.25,
    why: 'changes of a status merge while they wait for the client’s rate limit',
  },
  {
    class: 'racy',
    row: /^return .* patch events 200$/,
    seen: [3, 13],
    why: 'eleven recordings of a real node have 3, 3, 3, 6, 6, 6, 9, 9, 10, 10 and 13: while its watch has not told of the node, a kubelet makes one up, and says its three conditions again each time, and once more that it is Ready',
  },
  {
    class: 'racy',
    row: /^(?:deployments|variety|delete) .* (?:create|patch) events 20[01]$/,
    slack: 0.4,
    why: 'how often a container was restarted or pulled when the phase ends; a volume whose ConfigMap was refused at first',
  },
  {
    class: 'racy',
    row: /^leave /,
    slack: 1,
    why: 'which requests were under way when the processes were killed',
  },
];

const exact: RowRule = {
  class: 'exact',
  slack: 0,
  seen: null,
  mayBeAbsent: false,
  merges: 0,
  why: '',
};

/** How a row is compared, and why not exactly. Pure. */
export function classOf(row: Row): RowRule {
  const name = `${row.phase} ${rowName(row)}`;
  const found = rules.find(({ row: pattern }) => pattern.test(name));
  if (found === undefined) return exact;
  const { row: _, ...rule } = found;
  return { ...exact, ...rule };
}
