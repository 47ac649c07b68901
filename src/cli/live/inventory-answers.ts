import {
  type LiveNodeAnswer,
  type LiveNodesAnswer,
  type LiveQuestion,
  type LiveSnapshot,
  type LiveWorkloadRow,
  answerRowsMax,
} from '../../dashboard/live/snapshot.ts';
import type { LiveInventory, LiveWorkload } from '../../measure/live-inventory.ts';

/** Workloads of a snapshot: those that are not through come first. */
const workloadRowsMax = 100;

/** The part of a snapshot that an inventory tells. */
export function workloadsOf(inventory: LiveInventory): Pick<LiveSnapshot, 'workloads' | 'workloadsOmitted'> {
  const unfinished: LiveWorkloadRow[] = [];
  const others: LiveWorkloadRow[] = [];
  for (const workload of inventory.workloads.values()) {
    const rows = isThrough(workload) ? others : unfinished;
    if (rows.length < workloadRowsMax) rows.push(workload);
  }
  const workloads = [...unfinished, ...others].slice(0, workloadRowsMax);
  return { workloads, workloadsOmitted: inventory.workloads.size - workloads.length };
}

/** All of its pods have started, have failed, or are gone. */
function isThrough({ total, started, failed, deleted }: LiveWorkload): boolean {
  return started + failed >= total || deleted >= total;
}

/** Nodes by name and state, in the order in which they came. At 5,000 nodes a third of a millisecond. */
export function nodesAnswer(
  inventory: LiveInventory,
  { state, text, offset }: Extract<LiveQuestion, { what: 'nodes' }>,
): LiveNodesAnswer {
  const answer: LiveNodesAnswer = { total: 0, rows: [] };
  for (const { name, ready, lapses, pods } of inventory.nodes.values()) {
    if (state !== '' && ready !== (state === 'ready')) continue;
    if (!name.includes(text)) continue;
    const index = answer.total++;
    if (index >= offset && index < offset + answerRowsMax) {
      answer.rows.push({ name, ready, lapses, pods: pods.size });
    }
  }
  return answer;
}

/** The pods of one node. */
export function nodeAnswer(
  inventory: LiveInventory,
  { name: nodeName, offset }: Extract<LiveQuestion, { what: 'node' }>,
): LiveNodeAnswer {
  const node = inventory.nodes.get(nodeName);
  if (node === undefined) return { isThere: false, total: 0, rows: [] };
  const rows = [...node.pods]
    .slice(offset, offset + answerRowsMax)
    .map(({ namespace, name, workload, state }) => ({
      namespace,
      name,
      kind: workload.kind,
      workload: workload.name,
      state,
    }));
  return { isThere: true, total: node.pods.size, rows };
}

/** Of what a node is expected to be: those that are not Ready are there and are not, or are not there yet. */
export function nodesOf(expected: number, ready: number, present: number): LiveSnapshot['nodes'] {
  return { expected, ready, notReady: Math.max(0, present - ready) };
}
