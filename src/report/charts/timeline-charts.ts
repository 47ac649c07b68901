import type { RunResult, TimelinePoint } from '../../result/result.ts';
import { type Axis, type ChartSpec, type Series, seriesColour } from './chart-spec.ts';
import { formatBytes, formatCount, formatDurationUs, formatNumber } from './format.js';

/**
 * The course of the run, on one time axis. Nothing without a timeline: a run that ended before its first second
 * has no course to show.
 */
export function timelineCharts(result: RunResult): ChartSpec[] {
  const points = result.timeline;
  if (points.length === 0) return [];
  const shared = { ...timeFrame(result), zoom: 'time' as const };
  return [
    { ...shared, ...podsChart(points) },
    { ...shared, ...rateChart(points) },
    { ...shared, ...latencyChart(points) },
    { ...shared, ...cpuChart(result, points) },
    { ...shared, ...memoryChart(points) },
  ];
}

type Part = Omit<ChartSpec, 'x' | 'bands'>;

/** The axis of the run's time, the same in all charts over it, and its phases. */
export function timeFrame(result: RunResult): Required<Pick<ChartSpec, 'x' | 'bands'>> {
  return { x: timeAxis(result.timeline), bands: bandsOf(result, result.timeline) };
}

function timeAxis(points: readonly TimelinePoint[]): Axis {
  // Whole seconds, so that the ticks fall on whole seconds too.
  const from = Math.floor((points[0]?.atMs ?? 0) / 1000) * 1000;
  const to = Math.max(Math.ceil((points.at(-1)?.atMs ?? 0) / 1000) * 1000, from + 1000);
  return {
    kind: 'linear',
    title: 'Since the start of the run',
    format: 'elapsedMs',
    min: from,
    max: to,
  };
}

function bandsOf(
  result: RunResult,
  points: readonly TimelinePoint[],
): { from: number; to: number; label: string }[] {
  if (result.run.phases.length > 0) {
    return result.run.phases.map((phase) => ({
      from: phase.startedAtMs,
      to: phase.finishedAtMs,
      label: phase.name,
    }));
  }
  const bands: { from: number; to: number; label: string }[] = [];
  for (const point of points) {
    const last = bands.at(-1);
    if (last?.label === point.phase) last.to = point.atMs;
    else bands.push({ from: last?.to ?? point.atMs, to: point.atMs, label: point.phase });
  }
  return bands;
}

function series(
  label: string,
  kind: Series['kind'],
  index: number,
  points: readonly TimelinePoint[],
  read: (point: TimelinePoint) => number | null,
): Series {
  return {
    label,
    kind,
    colour: seriesColour(index),
    points: points.map((point) => [point.atMs, read(point)]),
  };
}

function podsChart(points: readonly TimelinePoint[]): Part {
  const last = points.at(-1);
  const all = [
    series('pods created', 'line', 0, points, (point) => point.podsCreated),
    series('pods started', 'line', 2, points, (point) => point.podsStarted),
    series('pods deleted', 'line', 7, points, (point) => point.podsDeleted),
    {
      ...series('nodes ready (right axis)', 'line', 1, points, (point) => point.nodesReady),
      axis: 'right',
      dashed: true,
    } satisfies Series,
  ];
  return {
    id: 'timeline-pods',
    title: 'Pods and nodes',
    subtitle: 'How many so far; the gap between created and started is what waits.',
    description: `At the end: ${formatCount(last?.podsCreated ?? 0)} pods created, ${formatCount(last?.podsStarted ?? 0)} started, ${formatCount(last?.podsDeleted ?? 0)} deleted, ${formatCount(last?.nodesReady ?? 0)} nodes ready`,
    y: { kind: 'linear', title: 'Pods', format: 'count', min: 0 },
    right: { kind: 'linear', title: 'Nodes', format: 'count', min: 0 },
    series: all,
  };
}

function rateChart(points: readonly TimelinePoint[]): Part {
  const peak = largestOf(points.map((point) => point.requestsPerSecond));
  return {
    id: 'timeline-rate',
    title: 'Load: requested and achieved',
    subtitle: 'Requests per second of the load generator.',
    description: `Highest achieved rate ${formatNumber(peak)} per second`,
    y: { kind: 'linear', title: 'Requests per second', format: 'number', min: 0 },
    series: [
      { ...series('requested', 'steps', 1, points, (point) => point.requestedPerSecond), dashed: true },
      series('achieved', 'line', 0, points, (point) => point.requestsPerSecond),
    ],
  };
}

function latencyChart(points: readonly TimelinePoint[]): Part {
  const both = points
    .flatMap((point) => [point.podStartupP99Us ?? 0, point.apiCallP99Us ?? 0])
    .filter((us) => us > 0);
  const smallest = both.reduce((least, us) => Math.min(least, us), Number.POSITIVE_INFINITY);
  const largest = Math.max(largestOf(both), 1);
  // Two curves that are a factor of 20 apart cannot share a linear axis.
  const logarithmic = largest / smallest > 20;
  const positive = (us: number | null): number | null => (logarithmic && us !== null && us <= 0 ? null : us);
  return {
    id: 'timeline-latency',
    title: 'Latency over time',
    subtitle:
      'p99 of the pods that started since the last point, and of the API calls that ended in about the last 5 s. Gaps: none did.',
    description: `p99 between ${formatDurationUs(Number.isFinite(smallest) ? smallest : 0)} and ${formatDurationUs(largest)}`,
    y: {
      kind: logarithmic ? 'logarithmic' : 'linear',
      title: logarithmic ? 'p99 (log scale)' : 'p99',
      format: 'durationUs',
      // Room above the curves for the names of the phases.
      ...(logarithmic ? { min: smallest / 1.5, max: largest * 2.5 } : {}),
    },
    series: [
      series('pod startup p99', 'line', 0, points, (point) => positive(point.podStartupP99Us)),
      series('API calls p99', 'line', 1, points, (point) => positive(point.apiCallP99Us)),
    ],
  };
}

function cpuChart(result: RunResult, points: readonly TimelinePoint[]): Part {
  const names = processNames(points, (point) => point.cpuCores);
  const total = points.map((point) => Object.values(point.cpuCores).reduce((sum, cores) => sum + cores, 0));
  const cores = result.machine.cpuCount;
  return {
    id: 'resources-cpu',
    title: 'CPU',
    subtitle: `Cores in use by each process, stacked${cores > 0 ? `; the machine has ${cores}` : ''}.`,
    description: `Highest total ${formatNumber(largestOf(total))} cores`,
    y: { kind: 'linear', title: 'Cores', format: 'number', stacked: true, min: 0 },
    series: names.map((name, index) =>
      series(name, 'area', index, points, (point) => point.cpuCores[name] ?? 0),
    ),
    ...(cores > 0 && largestOf(total) * 2.5 > cores
      ? { markers: [{ axis: 'y', value: cores, label: `all ${cores} cores`, role: 'threshold' } as const] }
      : {}),
  };
}

function memoryChart(points: readonly TimelinePoint[]): Part {
  const names = processNames(points, (point) => point.rssBytes);
  const total = points.map((point) => Object.values(point.rssBytes).reduce((sum, bytes) => sum + bytes, 0));
  return {
    id: 'resources-memory',
    title: 'Memory',
    subtitle: 'Resident memory of each process, stacked.',
    description: `Highest total ${formatBytes(largestOf(total))}`,
    y: {
      kind: 'linear',
      title: 'Resident memory',
      format: 'bytes',
      stacked: true,
      min: 0,
      // Four to eight ticks at powers of two: 256 MiB, not 238 MiB.
      step: 2 ** Math.floor(Math.log2(Math.max(4, largestOf(total)) / 4)),
    },
    series: names.map((name, index) =>
      series(name, 'area', index, points, (point) => point.rssBytes[name] ?? 0),
    ),
  };
}

/** In the order in which they first appear, so that a process keeps its colour in both charts. */
function processNames(
  points: readonly TimelinePoint[],
  read: (point: TimelinePoint) => Record<string, number>,
): string[] {
  const names = new Set<string>();
  for (const point of points) for (const name of Object.keys(read(point))) names.add(name);
  return [...names];
}

/** 0 for none. Not `Math.max(...values)`: a long run has more points than a call can have arguments. */
function largestOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0);
}
