import type { Sample } from './measure-nodes.ts';

/** One row: what it is, its median over the runs, all runs, the goal of the issue, and the peers where they have it. */
export type Figure = {
  id: string;
  text: string;
  unit: string;
  median: number;
  runs: number[];
  goal: number | undefined;
  kubemark: string;
  kwok: string;
};

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/**
 * Slopes between the two fleets of each run, and the large fleet's own figures. Peers: measured on one two-core machine
 * with real kubemark v1.36.3 and KWOK v0.8.0 (kubemark: 76 + 67 MB and 11 ms/s with 30 pods a node; KWOK without proxies).
 */
export function figures(samples: Sample[], from: number, to: number): Figure[] {
  const small = samples.filter(({ nodes }) => nodes === from);
  const large = samples.filter(({ nodes }) => nodes === to);
  const slope = (of: (sample: Sample) => number): number[] =>
    large.map((sample, run) => (of(sample) - of(small[run] ?? sample)) / (to - from));
  const base = (of: (sample: Sample) => number): number[] =>
    small.map((sample, run) => of(sample) - from * (slope(of)[run] ?? 0));
  const row = (
    id: string,
    text: string,
    unit: string,
    runs: number[],
    goal?: number,
    kubemark = '–',
    kwok = '–',
  ): Figure => ({ id, text, unit, median: median(runs), runs, goal, kubemark, kwok });
  const mb = (bytes: number): number => bytes / 1e6;
  return [
    row(
      'memory-node',
      'memory per idle node (kubelet and proxy)',
      'MB',
      slope((s) => mb(s.fleetRssBytes)),
      0.35,
      '143',
      '0.081',
    ),
    row(
      'memory-base',
      'memory of a fleet without nodes',
      'MB',
      base((s) => mb(s.fleetRssBytes)),
    ),
    row(
      'cpu-node',
      'CPU per idle node',
      'ms/s',
      slope((s) => s.fleetIdleCpuMsPerSecond),
      0.05,
      '11',
      '0.085',
    ),
    row(
      'cpu-base',
      'CPU of a fleet without nodes',
      'ms/s',
      base((s) => s.fleetIdleCpuMsPerSecond),
    ),
    row(
      'watches',
      'watches per idle node',
      '',
      large.map((s) => s.watchesPerNode),
      undefined,
      '8',
      '3 in all',
    ),
    row(
      'cpu-pod-start',
      'CPU per pod started',
      'ms',
      large.map((s) => s.startCpuMsPerPod),
      3,
      '50',
      '2.8',
    ),
    row(
      'cpu-pod-delete',
      'CPU per pod deleted',
      'ms',
      large.map((s) => s.deleteCpuMsPerPod),
    ),
    row(
      'control-plane-ready',
      'control plane ready',
      's',
      large.map((s) => s.controlPlaneReadyMs / 1000),
      5,
    ),
    row(
      'nodes-ready',
      `${to} nodes Ready, from nothing`,
      's',
      large.map((s) => s.nodesReadyMs / 1000),
      20,
    ),
    row(
      'proxies-ready',
      `${to} proxies watching, from nothing`,
      's',
      large.map((s) => s.proxiesReadyMs / 1000),
    ),
    row(
      'pods-started',
      `${large[0]?.pods ?? 0} pods started`,
      's',
      large.map((s) => s.podsStartedMs / 1000),
    ),
    row(
      'pods-deleted',
      `${large[0]?.pods ?? 0} pods deleted`,
      's',
      large.map((s) => s.podsDeletedMs / 1000),
    ),
    row(
      'not-ready',
      'NodeNotReady events, and nodes not Ready at the end',
      '',
      large.map((s) => s.notReadyEvents),
      0,
    ),
    row(
      'api-server-cpu',
      'API server CPU per pod started',
      'ms',
      large.map((s) => s.apiServerStartCpuMsPerPod),
    ),
    row(
      'api-server-memory',
      'API server memory with all pods',
      'MB',
      large.map((s) => mb(s.apiServerRssBytes)),
    ),
  ];
}

export function renderTable(
  table: Figure[],
  options: { from: number; to: number; runs: number; podsPerNode: number; idle: number },
  machine: { cpu: string; cores: number; node: string },
): string {
  const number = (value: number): string =>
    value === 0 ? '0' : Math.abs(value) < 10 ? value.toPrecision(3) : value.toFixed(1);
  const lines = [
    `${machine.cpu}, ${machine.cores} cores with the control plane on them, Node ${machine.node}.`,
    `Slopes from ${options.from} to ${options.to} nodes over ${options.idle} s, medians of ${options.runs} runs; ${options.podsPerNode} pods a node.`,
    '',
    '| | unit | median | runs | goal | kubemark | KWOK |',
    '|---|---|---|---|---|---|---|',
    ...table.map((figure) => {
      const verdict = figure.goal === undefined ? '' : ` ${figure.median <= figure.goal ? 'met' : 'missed'}`;
      const goal = figure.goal === undefined ? '–' : `≤ ${figure.goal}${verdict}`;
      return `| ${figure.text} | ${figure.unit} | **${number(figure.median)}** | ${figure.runs.map(number).join(', ')} | ${goal} | ${figure.kubemark} | ${figure.kwok} |`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}
