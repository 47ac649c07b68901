import type { LatencyGrid, RunResult } from '../../result/result.ts';
import type { ChartSpec, Series } from './chart-spec.ts';
import { formatCount, formatDurationUs, formatElapsedMs } from './format.js';
import { timeFrame } from './timeline-charts.ts';

/** More are not shown: a run has one for each group of pods and one for each source of calls. */
const mapsMax = 8;

/** By SLI: the title, and the part of the chart's id that says which section of a report it belongs to. */
const subjects: Readonly<Record<string, { title: string; part: string }>> = {
  'pod-startup-precise': { title: 'Pod startup over time', part: 'startup' },
  'api-call': { title: 'API calls over time', part: 'api' },
};

/** Latency over time: how many samples lay where when. The phases and the axis of time are those of the timeline. */
export function heatMaps(result: RunResult): ChartSpec[] {
  if (result.timeline.length === 0) return [];
  const grids = result.latencyGrids.filter((grid) => grid.edges.length > 1 && grid.columns.length > 0);
  const startups = grids.filter((grid) => grid.id === 'pod-startup-precise');
  return grids.slice(0, mapsMax).map((grid, index) => {
    // The timeline's p99 is of all pods: it belongs to a map of all pods only.
    const line = startups.length === 1 && startups[0] === grid ? [p99Line(result)] : [];
    return heatMap(result, grid, index, line);
  });
}

function heatMap(result: RunResult, grid: LatencyGrid, index: number, series: Series[]): ChartSpec {
  const { edges, columns, stepMs } = grid;
  const frame = timeFrame(result);
  const labels = Object.values(grid.labels).join(', ');
  const { title, part } = subjects[grid.id] ?? { title: `${grid.id} over time`, part: 'other' };
  const largest = edges.at(-1) ?? 1;
  return {
    ...frame,
    id: `heat-map-${part}-${index + 1}`,
    title: labels === '' ? title : `${title}: ${labels}`,
    subtitle: `Each cell: how many ended in ${formatDurationUs(stepMs * 1000)} with that latency${series.length > 0 ? '; the line is their p99' : ''}.`,
    description: described(grid),
    x: { ...frame.x, max: Math.max(frame.x.max ?? 0, columns.length * stepMs) },
    y: {
      kind: 'logarithmic',
      title: 'Latency (log scale)',
      format: 'durationUs',
      min: Math.max(1, edges[0] ?? 1),
      // Room above the cells for the names of the phases.
      max: largest * 2,
    },
    zoom: 'time',
    cells: {
      xs: Array.from({ length: columns.length + 1 }, (_, column) => column * stepMs),
      ys: edges,
      values: columns,
      scale: 'logarithmic',
      format: 'count',
      noun: grid.id === 'api-call' ? 'calls' : 'pods',
    },
    series,
  };
}

function p99Line(result: RunResult): Series {
  return {
    label: 'p99',
    kind: 'line',
    colour: 'orange',
    points: result.timeline.map((point) => [point.atMs, point.podStartupP99Us]),
  };
}

/** When most ended, and when the largest were seen. */
function described({ columns, edges, stepMs }: LatencyGrid): string {
  const sums = columns.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  const busiest = sums.reduce((best, sum, at) => (sum > (sums[best] ?? 0) ? at : best), 0);
  const top = edges.length - 2;
  const slowest = columns.findIndex((counts) => (counts[top] ?? 0) > 0);
  const total = sums.reduce((sum, one) => sum + one, 0);
  return `${formatCount(total)} samples between ${formatDurationUs(edges[0] ?? 0)} and ${formatDurationUs(edges.at(-1) ?? 0)}; most at ${formatElapsedMs(busiest * stepMs)}, the slowest at ${formatElapsedMs(Math.max(0, slowest) * stepMs)}`;
}
