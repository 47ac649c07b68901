import type { Prng } from '../../../src/base/prng.ts';
import { GridRecorder } from '../../../src/measure/latency-grid.ts';
import type { Inventory, LatencyGrid, PodState, PodTally } from '../../../src/result/result.ts';

type Kept = Inventory['nodes'][number]['kept'];

/** Nodes with their pods, and Deployments of ten; the slowest pods are on few nodes, as where a machine is slow. */
export function sampleInventory(
  prng: Prng,
  counts: { nodes: number; pods: number; deleted: number },
  hostileName: string | undefined,
): Inventory {
  const workloads = Array.from({ length: Math.ceil(counts.pods / 10) }, (_, index) => ({
    namespace: hostileName ?? `density-${1 + (index % 3)}`,
    kind: index % 7 === 6 ? 'latency' : 'deployment',
    name: index === 0 && hostileName !== undefined ? hostileName : `density-deployment-${index}`,
    pods: emptyTally(),
  }));
  const nodes = Array.from({ length: counts.nodes }, (_, index) => ({
    name: index % 41 === 40 && hostileName !== undefined ? hostileName : `hollow-node-${index}`,
    state: index % 41 === 40 ? ('not-ready' as const) : ('ready' as const),
    lapses: index % 41 === 40 ? 2 : index % 23 === 22 ? 1 : 0,
    readyAtMs: Math.round((index / counts.nodes) * 8000),
    pods: emptyTally(),
    kept: { names: [], workloads: [], states: [], startupUs: [] } as Kept,
  }));
  for (let index = 0; index < counts.pods && nodes.length > 0; index++) {
    const at = index % workloads.length;
    const workload = workloads[at];
    const node = nodes[prng.below(nodes.length)];
    if (workload === undefined || node === undefined) continue;
    const slow = nodes.indexOf(node) % 17 === 3 ? 1.8 : 1;
    const us = Math.round(slow * prng.between(400_000, 900_000));
    const state: PodState = index < counts.deleted ? 'deleted' : index % 97 === 96 ? 'failed' : 'started';
    for (const tally of [workload.pods, node.pods]) add(tally, us, state);
    const { kept } = node;
    kept.names.push(
      index === 0 && hostileName !== undefined
        ? hostileName
        : `${workload.name}-${(7919 * (at + 3)).toString(36)}-${(104_729 * (index + 11)).toString(36)}`,
    );
    kept.workloads.push(at);
    kept.states.push(state);
    kept.startupUs.push(us);
  }
  return { nodes, nodesOmitted: 0, workloads };
}

function emptyTally(): PodTally {
  return { total: 0, started: 0, failed: 0, deleted: 0, startupMeanUs: null, startupMaxUs: null };
}

function add(tally: PodTally, us: number, state: PodState): void {
  const sumUs = (tally.startupMeanUs ?? 0) * tally.started + us;
  tally.total++;
  tally.started++;
  if (state === 'failed' || state === 'deleted') tally[state]++;
  tally.startupMeanUs = Math.round(sumUs / tally.started);
  tally.startupMaxUs = Math.max(tally.startupMaxUs ?? 0, us);
}

/** A minute of startups and calls, with a stall of three seconds in the middle. */
export function sampleGrids(prng: Prng, sample: (meanUs: number) => number, pods: number): LatencyGrid[] {
  const startups = new GridRecorder(1_000_000);
  const clients = new GridRecorder(1_000_000);
  const nodes = new GridRecorder(5_000_000);
  const stall = (second: number): number => (second >= 24 && second < 27 ? 5 : 1);
  for (let index = 0; index < pods; index++) {
    const second = 11 + (index / pods) * 26;
    startups.record(second * 1e6, sample(726_000 * stall(second)));
  }
  for (let index = 0; index < 4000; index++) {
    const second = prng.between(0, 60);
    clients.record(second * 1e6, sample(5_000 * stall(second)));
    nodes.record(second * 1e6, sample(3_200 * stall(second)), 3);
  }
  return [
    startups.grid('pod-startup-precise', { kind: 'latency', class: 'stateless' }),
    clients.grid('api-call', { source: 'load and observer' }),
    nodes.grid('api-call', { source: 'nodes' }),
  ].filter((grid): grid is LatencyGrid => grid !== undefined);
}
