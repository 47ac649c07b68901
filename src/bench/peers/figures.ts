import type { ChartSpec } from '../../report/charts/chart-spec.ts';
import { seriesColour } from '../../report/charts/chart-spec.ts';
import type { PeerSample } from './slopes.ts';

/** One figure of one contender: its median over the runs, and all runs. */
export type PeerFigure = { contender: string; median: number; runs: number[]; goal: number | undefined };

/** One row of the table: the same figure of all contenders that have it. */
export type PeerRow = { id: string; text: string; unit: string; figures: PeerFigure[] };

type Goals = Readonly<Record<string, number>>;

/** A fleet's own process has a size without any node: a slope between two fleets leaves it out. */
type Definition = {
  id: string;
  text: string;
  unit: string;
  of: (small: PeerSample, large: PeerSample) => number | undefined;
  /** By contender, from the issue that asked for them. */
  goals?: Goals;
};

const megabytes = (bytes: number): number => bytes / 1e6;

function slope(of: (sample: PeerSample) => number | undefined): Definition['of'] {
  return (small, large) => {
    const from = of(small);
    const to = of(large);
    if (from === undefined || to === undefined || large.nodes === small.nodes) return undefined;
    return (to - from) / (large.nodes - small.nodes);
  };
}

const definitions: readonly Definition[] = [
  {
    id: 'memory-node',
    text: 'memory per empty node',
    unit: 'MB',
    of: slope((s) => megabytes(s.idleRssBytes)),
    goals: { 'Hollowmark kubelet': 0.28, 'Hollowmark lite': 0.03 },
  },
  {
    id: 'memory-node-pods',
    text: 'memory per node with 8 pods of 8 namespaces',
    unit: 'MB',
    of: slope((s) => megabytes(s.podsRssBytes)),
    goals: { 'Hollowmark kubelet': 0.36 },
  },
  {
    id: 'memory-pod',
    text: 'memory per further running pod',
    unit: 'KB',
    of: (_, { moreRssBytes, podsRssBytes, morePods }) =>
      moreRssBytes === undefined ? undefined : (moreRssBytes - podsRssBytes) / morePods / 1000,
    goals: { 'Hollowmark kubelet': 2, 'Hollowmark kubemark': 2 },
  },
  {
    id: 'garbage',
    text: 'given back by a garbage collection after the last pods have started',
    unit: 'MB in all',
    of: (_, { garbageBytes }) => (garbageBytes === undefined ? undefined : megabytes(garbageBytes)),
  },
  {
    id: 'cpu-node',
    text: 'CPU per steady node',
    unit: 'ms/s',
    of: slope((s) => s.idleCpuMsPerSecond),
    goals: { 'Hollowmark kubelet': 0.04 },
  },
  {
    id: 'cpu-start',
    text: 'CPU per pod started, of a namespace that its node has pods of (a kubelet: ten requests)',
    unit: 'ms',
    of: (_, large) => large.moreStarted?.cpuMsPerPod,
    goals: { 'Hollowmark kubelet': 2.2, 'Hollowmark kubemark': 1.5 },
  },
  {
    id: 'cpu-start-first',
    text: 'CPU per pod started, the first of its namespace on its node (a watch more)',
    unit: 'ms',
    of: (_, large) => large.started.cpuMsPerPod,
  },
  {
    id: 'cpu-delete',
    text: 'CPU per pod deleted',
    unit: 'ms',
    of: (_, large) => large.deleted.cpuMsPerPod,
    goals: { 'Hollowmark kubelet': 1.8, 'Hollowmark kubemark': 1.2 },
  },
  {
    id: 'watches-node',
    text: 'watches per empty node',
    unit: '',
    of: (_, large) => large.watchesPerNode,
  },
  {
    id: 'watches-node-pods',
    text: 'watches per node with 8 pods of 8 namespaces',
    unit: '',
    of: (_, large) => large.watchesPerNodeWithPods,
  },
  {
    id: 'connections-node',
    text: 'connections per empty node',
    unit: '',
    of: slope((s) => s.connections),
  },
  {
    id: 'bring-up',
    text: 'CPU per node brought up',
    unit: 'ms',
    of: (_, large) => large.bringUpCpuMsPerNode,
  },
  {
    id: 'api-server-start',
    text: 'API server CPU per pod started',
    unit: 'ms',
    of: (_, large) => large.started.apiServerCpuMsPerPod,
  },
  {
    id: 'api-server-node',
    text: 'API server CPU per steady node',
    unit: 'ms/s',
    of: slope((s) => s.apiServerIdleCpuMsPerSecond),
  },
  {
    id: 'burst',
    text: 'pods of one Deployment started in a second (3,000 of them, at most 30 a node)',
    unit: 'pods',
    of: (_, { burst }) => (burst === undefined ? undefined : (burst.pods * 1000) / burst.elapsedMs),
  },
  {
    id: 'nodes-ready',
    text: 'all nodes of the large fleet Ready',
    unit: 's',
    of: (_, large) => large.nodesReadyMs / 1000,
  },
  {
    id: 'not-ready',
    text: 'NodeNotReady events',
    unit: '',
    of: (small, large) => small.notReadyEvents + large.notReadyEvents,
  },
  {
    id: 'pods-not-ready',
    text: 'pods that were not Ready at the end',
    unit: '',
    of: (small, large) => small.podsNotReady + large.podsNotReady,
  },
];

/** Rows in the order of the table. Each contender's samples are pairs of a small and a large fleet, run by run. */
export function peerRows(samples: readonly PeerSample[]): PeerRow[] {
  const contenders = [...new Set(samples.map(({ contender }) => contender))];
  return definitions.map(({ id, text, unit, of, goals }) => ({
    id,
    text,
    unit,
    figures: contenders.flatMap((contender) => {
      const runs = pairs(samples.filter((sample) => sample.contender === contender))
        .map(([small, large]) => of(small, large))
        .filter((value) => value !== undefined);
      if (runs.length === 0) return [];
      return [{ contender, median: median(runs), runs, goal: goals?.[contender] }];
    }),
  }));
}

function pairs(samples: PeerSample[]): [PeerSample, PeerSample][] {
  const sizes = samples.map(({ nodes }) => nodes);
  const small = samples.filter(({ nodes }) => nodes === Math.min(...sizes));
  const large = samples.filter(({ nodes }) => nodes === Math.max(...sizes));
  return large.flatMap((sample, run) => {
    const other = small[run];
    return other === undefined ? [] : [[other, sample] satisfies [PeerSample, PeerSample]];
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A Markdown table: medians, the ratio to `reference` in parentheses, goals with whether they were met. */
export function renderRows(rows: readonly PeerRow[], reference: string): string {
  const contenders = [...new Set(rows.flatMap(({ figures }) => figures.map(({ contender }) => contender)))];
  const lines = [
    `| | unit | ${contenders.join(' | ')} |`,
    `|---|---|${contenders.map(() => '---').join('|')}|`,
    ...rows.map(({ text, unit, figures }) => {
      const base = figures.find(({ contender }) => contender === reference)?.median;
      const cells = contenders.map((name) => {
        const figure = figures.find(({ contender }) => contender === name);
        return figure === undefined ? '–' : cell(figure, name === reference ? undefined : base);
      });
      return `| ${text} | ${unit} | ${cells.join(' | ')} |`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function cell({ median: value, goal }: PeerFigure, base: number | undefined): string {
  // A slope below nothing: too little for these fleets to show.
  if (value < 0) return '≈ 0';
  const ratio = base === undefined || base <= 0 ? '' : ` (× ${digits(value / base)})`;
  if (goal === undefined) return `${digits(value)}${ratio}`;
  // As many digits as it takes to see which side of its goal it is on.
  return `${digits(value, 3)}${ratio}, ≤ ${goal} ${value <= goal ? 'met' : 'missed'}`;
}

function digits(value: number, precision = 2): string {
  return value < 100 ? String(Number(value.toPrecision(precision))) : String(Math.round(value));
}

/** What costs memory and CPU, as multiples of `reference`; not what costs that one nothing. */
export function peerChart(rows: readonly PeerRow[], reference: string): ChartSpec {
  const of = (row: PeerRow, name: string): number | undefined =>
    row.figures.find(({ contender }) => contender === name)?.median;
  const base = (row: PeerRow): number => of(row, reference) ?? 0;
  const shown = rows.filter((row) => /^(?:memory|cpu)-/.test(row.id) && base(row) > 0);
  const contenders = [...new Set(shown.flatMap(({ figures }) => figures.map(({ contender }) => contender)))];
  const value = (row: PeerRow, contender: string): number | null => {
    const own = of(row, contender);
    return own === undefined ? null : Math.max(0.01, own / base(row));
  };
  return {
    id: 'peers',
    title: 'What a node and a pod cost',
    subtitle: `Multiples of ${reference}, on the same machine and control plane. Lower is cheaper.`,
    description: renderRows(shown, reference),
    x: { kind: 'logarithmic', title: `× ${reference} (log scale)`, format: 'number' },
    y: { kind: 'category', title: '', format: 'number' },
    horizontal: true,
    categories: shown.map(({ text }) => text),
    series: contenders.map((contender, index) => ({
      label: contender,
      kind: 'dots',
      colour: seriesColour(index),
      points: shown.map((row, at) => [at, value(row, contender)]),
    })),
  };
}
