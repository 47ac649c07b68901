import type { Inventory, PodTally } from '../../result/result.ts';

/** The inventory as the page's script reads it: by columns, as keys that are repeated for 40,000 pods are megabytes. */
export type InventoryData = {
  states: readonly string[];
  nodes: TallyData & {
    name: string[];
    /** Index into `states`, as for pods. */
    state: number[];
    lapses: number[];
    readyAtMs: (number | null)[];
    /** How many of `pods` are this node's; they lie in the order of the nodes. */
    kept: number[];
  };
  workloads: TallyData & { namespace: string[]; kind: string[]; name: string[] };
  pods: { name: string[]; workload: number[]; state: number[]; startupUs: (number | null)[] };
};

type TallyData = {
  total: number[];
  started: number[];
  failed: number[];
  deleted: number[];
  startupMeanUs: (number | null)[];
  startupMaxUs: (number | null)[];
};

const states = ['ready', 'not-ready', 'gone', 'pending', 'started', 'failed', 'deleted'] as const;

export function inventoryData({ nodes, workloads }: Inventory): InventoryData {
  const kept = nodes.map((node) => node.kept);
  const index = (state: (typeof states)[number]): number => states.indexOf(state);
  return {
    states,
    nodes: {
      name: nodes.map((node) => node.name),
      state: nodes.map((node) => index(node.state)),
      lapses: nodes.map((node) => node.lapses),
      readyAtMs: nodes.map((node) => node.readyAtMs),
      kept: kept.map((pods) => pods.names.length),
      ...tallyData(nodes.map((node) => node.pods)),
    },
    workloads: {
      namespace: workloads.map((workload) => workload.namespace),
      kind: workloads.map((workload) => workload.kind),
      name: workloads.map((workload) => workload.name),
      ...tallyData(workloads.map((workload) => workload.pods)),
    },
    pods: {
      name: kept.flatMap((pods) =>
        pods.names.map((name, at) => shortName(name, workloads[pods.workloads[at] ?? -1]?.name ?? '')),
      ),
      workload: kept.flatMap((pods) => pods.workloads),
      state: kept.flatMap((pods) => pods.states.map(index)),
      startupUs: kept.flatMap((pods) => pods.startupUs),
    },
  };
}

/** `-…`: behind the name of its workload; `=…`: as it is. The script of the page puts it together again. */
function shortName(name: string, workload: string): string {
  return workload !== '' && name.startsWith(`${workload}-`) ? name.slice(workload.length) : `=${name}`;
}

function tallyData(tallies: readonly PodTally[]): TallyData {
  return {
    total: tallies.map((tally) => tally.total),
    started: tallies.map((tally) => tally.started),
    failed: tallies.map((tally) => tally.failed),
    deleted: tallies.map((tally) => tally.deleted),
    startupMeanUs: tallies.map((tally) => tally.startupMeanUs),
    startupMaxUs: tallies.map((tally) => tally.startupMaxUs),
  };
}
