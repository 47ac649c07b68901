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

/**
 * `slack`: by how much, a node or a pod, the reference's own runs have been seen to differ: a comparison of one run of
 * each side cannot find that out by itself. `mayBeAbsent`: a race that a side may well never lose.
 */
type Rule = { class: RowClass; row: RegExp; slack?: number; mayBeAbsent?: true; why: string };

/** The first that matches a row's phase and name decides; what no rule names is exact. */
const rules: readonly Rule[] = [
  {
    class: 'periodic',
    row: / update leases\.coordination/,
    why: 'a lease is renewed every 10 s from the start of the node, whatever goes on',
  },
  {
    class: 'racy',
    row: / (?:watch|list) configmaps metadata\.name=kube-root-ca\.crt /,
    slack: 5,
    mayBeAbsent: true,
    why: 'a watch that the Node authorizer refused, as it had not heard of the binding yet, is replaced by a list and a watch',
  },
  {
    class: 'drawn',
    row: / watch .*resourceVersion=<rv>/,
    why: 'watches end after 5 to 10 minutes, drawn for each, and go on from where they were',
  },
  {
    class: 'racy',
    row: / 403$/,
    slack: 1,
    mayBeAbsent: true,
    why: 'the Node authorizer may hear of a binding after the kubelet, which asks again',
  },
  {
    class: 'racy',
    row: /^(?:join|return) .* get .* 404$/,
    slack: 10,
    why: 'a kubelet asks for its node, CSINode and lease until they are there',
  },
  {
    class: 'drawn',
    row: /^(?!join|return|leave).* (?:get nodes|patch nodes\/status) /,
    why: 'a node’s status is written when it is some 5 minutes old, with a large jitter',
  },
  {
    class: 'racy',
    row: /^(?:join|return) .* (?:get nodes|patch nodes\/status) /,
    slack: 1,
    why: 'the status changes of a start merge when they come within one computation',
  },
  {
    class: 'racy',
    row: /^(?:deployments|trickle|burst|variety|delete) .* (?:get pods|patch pods\/status) /,
    slack: 0.5,
    why: 'changes of a status merge while they wait for the client’s rate limit',
  },
  {
    class: 'racy',
    row: /^return .* patch events /,
    slack: 6,
    why: 'three recordings of a real node have 3, 3 and 9: while its watch has not told of the node, a kubelet makes one up, twice, with three events each time',
  },
  {
    class: 'racy',
    row: /^(?:deployments|variety|delete) .* (?:create|patch) events /,
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

/** How a row is compared, and why not exactly. Pure. */
export function classOf(row: Row): {
  class: RowClass;
  slack: number;
  mayBeAbsent: boolean;
  why: string;
} {
  const name = `${row.phase} ${rowName(row)}`;
  const rule = rules.find(({ row: pattern }) => pattern.test(name));
  return rule === undefined
    ? { class: 'exact', slack: 0, mayBeAbsent: false, why: '' }
    : {
        class: rule.class,
        slack: rule.slack ?? 0,
        mayBeAbsent: rule.mayBeAbsent === true,
        why: rule.why,
      };
}
