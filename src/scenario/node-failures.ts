import { formatDuration } from './duration.ts';
import type { Fault } from './file/fault.ts';
import { formatPath } from './file/path.ts';
import type { FailNodesPhase, NodeFailureName, Scenario } from './scenario.ts';

/** The taint that the node controller gives a node in this state. */
export const taintOf: Readonly<Record<NodeFailureName, string>> = {
  crash: 'node.kubernetes.io/unreachable',
  'kubelet-restart': 'node.kubernetes.io/unreachable',
  partition: 'node.kubernetes.io/unreachable',
  'slow-heartbeats': 'node.kubernetes.io/unreachable',
  'lost-heartbeats': 'node.kubernetes.io/unreachable',
  'memory-pressure': 'node.kubernetes.io/memory-pressure',
  'disk-pressure': 'node.kubernetes.io/disk-pressure',
  'pid-pressure': 'node.kubernetes.io/pid-pressure',
};

/** Pods that a node under pressure evicts before it has enough again: a kubelet takes one, and looks again. */
export const evictPodsDefault = 1;

export function isPressure(failure: NodeFailureName): boolean {
  return failure.endsWith('-pressure');
}

/** How many of `nodeCount` nodes fail: at least one. */
export function failedCount({ nodes }: FailNodesPhase, nodeCount: number): number {
  return 'count' in nodes ? nodes.count : Math.max(1, Math.round(nodes.share * nodeCount));
}

/** How many groups of nodes fail one after the other. */
export function waveCount(phase: FailNodesPhase, nodeCount: number): number {
  const count = failedCount(phase, nodeCount);
  return Math.ceil(count / (phase.concurrency ?? count));
}

export function failNodesSummary(phase: FailNodesPhase, nodeCount: number): string {
  const { failure, concurrency, durationMs } = phase;
  const atATime = concurrency === undefined ? '' : `, ${concurrency} at a time`;
  const until = durationMs === undefined ? '' : ` for ${formatDuration(durationMs)}`;
  return `${failure} of ${failedCount(phase, nodeCount)} nodes${until}${atATime}`;
}

/** What each value of the phase allows but all of them together do not. */
export function failNodesFaults(phase: FailNodesPhase, i: number, { nodes }: Scenario): Fault[] {
  const { failure, durationMs, staysReady } = phase;
  const { readyAgain: _, ...during } = phase.withinMs;
  const faults: Fault[] = [];
  const fault = (keys: string[], at: 'key' | 'value', what: string): void => {
    const path = ['phases', i, ...keys];
    faults.push({ path, at, message: `${formatPath(path)} ${what}` });
  };
  if (failedCount(phase, nodes.count) > nodes.count) {
    fault(['nodes'], 'value', `is more than the ${nodes.count} nodes that there are`);
  }
  if (phase.delayMs !== undefined && failure !== 'slow-heartbeats') {
    fault(['delay'], 'key', `is for slow-heartbeats, not for ${failure}`);
  }
  if (phase.delayMs === undefined && failure === 'slow-heartbeats') {
    fault(['failure'], 'value', 'needs a delay, such as delay: 2s');
  }
  if (phase.lossRate !== undefined && failure !== 'lost-heartbeats') {
    fault(['lossRate'], 'key', `is for lost-heartbeats, not for ${failure}`);
  }
  if (phase.evictPods !== undefined && !isPressure(failure)) {
    fault(['evictPods'], 'key', `is for pressures, not for ${failure}`);
  }
  if (phase.durationMs === undefined && (staysReady || Object.keys(during).length === 0)) {
    fault(['failure'], 'value', 'needs a duration, after which the nodes return, such as duration: 2m');
  }
  if (staysReady && during.notReady !== undefined) {
    fault(['expect', 'notReady'], 'key', 'contradicts staysReady');
  }
  if (isPressure(failure) && during.notReady !== undefined) {
    fault(['expect', 'notReady'], 'key', 'is no answer to pressure: such a node stays Ready');
  }
  for (const [answer, withinMs] of Object.entries(during)) {
    if (durationMs === undefined || withinMs <= durationMs) continue;
    fault(
      ['expect', answer],
      'value',
      `is longer than the nodes fail for (duration: ${formatDuration(durationMs)})`,
    );
  }
  return faults;
}
