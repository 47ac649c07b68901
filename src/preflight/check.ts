/**
 * `fail`: a run cannot work; `warn`: it can, but something is too small or will disturb it; `unknown`: this machine
 * does not tell.
 */
export type Verdict = 'ok' | 'warn' | 'fail' | 'unknown';

/** One thing that a run needs, held against what the machine has. */
export type Check = {
  /** Stable: `memory`, `open-files`. */
  id: string;
  title: string;
  verdict: Verdict;
  /** One sentence without its full stop: what was found and, where it is not enough, what is needed. */
  finding: string;
  /** Hollow nodes that this is enough for, each with its share of the pods; absent where nodes make no difference. */
  nodesMax?: number;
  /** The command that mends it, or what to do where no command does. */
  fix?: string;
};

/** What is to run. */
export type Size = {
  nodes: number;
  /** All pods that are there at once. */
  pods: number;
  /** Whether each node has a kube-proxy, with a connection of its own. */
  proxies: boolean;
  /** Whether the control plane runs on this machine, too. */
  ownControlPlane: boolean;
};

/** Nodes that every check allows, and the check that allows no more; undefined when none of them knows. */
export function enoughFor(checks: readonly Check[]): { nodes: number; limitedBy: Check } | undefined {
  let least: { nodes: number; limitedBy: Check } | undefined;
  for (const check of checks) {
    if (check.nodesMax === undefined || (least !== undefined && check.nodesMax >= least.nodes)) continue;
    least = { nodes: check.nodesMax, limitedBy: check };
  }
  return least;
}
