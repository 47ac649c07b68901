import type { Fleet } from '../fleet/fleet.ts';
import type { ApiClient } from '../kube/client.ts';
import type { Measurement } from '../measure/measurement.ts';
import { leaseRenewedWallMs, podsOnNode } from './node-reads.ts';
import type { FailableNodes, Progress } from './phases/context.ts';

/** What the observer has seen, as phases read it. */
export function progressOf({ pods, nodes }: Measurement): Progress {
  return {
    nodesReady: () => nodes.ready,
    podsPresent: () => pods.present,
    podsStarted: () => pods.serving,
    hasStarted: (uid) => pods.hasStarted(uid),
    node: (name) => nodes.node(name),
  };
}

/** The run's nodes. @param client reads what the observer does not watch. */
export function failableNodes(
  names: readonly string[],
  fleet: Fleet,
  client: ApiClient,
  runId: string,
): FailableNodes {
  return {
    names,
    fail: (failed, failure) => fleet.fail(failed, failure),
    heal: (healed) => fleet.heal(healed),
    podsOn: (name) => podsOnNode(client, runId, name),
    leaseRenewedWallMs: (name) => leaseRenewedWallMs(client, name),
  };
}
