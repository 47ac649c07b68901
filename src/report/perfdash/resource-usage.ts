import type { RunResult, TimelinePoint } from '../../result/result.ts';

/** CPU in cores, memory in bytes. Names and their case are clusterloader2's. */
type Usage = { Name: string; Cpu: number; Mem: number };

const percentiles = [50, 90, 99, 100] as const;

/**
 * CPU and memory of every process, as percentiles over the timeline's points: a document of its own form, by percentile.
 * perfdash takes what stands before the `/` for a pod and what follows for its container.
 */
export function resourceUsage(result: RunResult): [summary: string, document: Record<string, Usage[]>][] {
  const names = [...new Set(result.timeline.flatMap((point) => Object.keys(point.rssBytes)))];
  if (names.length === 0) return [];
  const ours = new Set(result.resources.harness.map(({ name }) => name));
  const processes = names.map((name) => ({
    Name: `${ours.has(name) ? 'hollowmark' : name}/${name}`,
    cpuCores: sortedValues(result.timeline, ({ cpuCores }) => cpuCores[name]),
    rssBytes: sortedValues(result.timeline, ({ rssBytes }) => rssBytes[name]),
  }));
  const usage = (percentile: number): Usage[] =>
    processes.map(({ Name, cpuCores, rssBytes }) => ({
      Name,
      Cpu: at(cpuCores, percentile),
      // Whole bytes: its reader has an integer here.
      Mem: Math.round(at(rssBytes, percentile)),
    }));
  const document = Object.fromEntries(
    percentiles.map((percentile) => [String(percentile), usage(percentile)]),
  );
  return [['ResourceUsageSummary', document]];
}

/** Of the points that tell it, in rising order. */
function sortedValues(
  timeline: readonly TimelinePoint[],
  value: (point: TimelinePoint) => number | undefined,
): number[] {
  const values = timeline.map(value).filter((each): each is number => each !== undefined);
  return values.toSorted((a, b) => a - b);
}

/** The nearest rank; 0 without values. */
function at(sorted: readonly number[], percentile: number): number {
  return sorted[Math.ceil((sorted.length * percentile) / 100) - 1] ?? 0;
}
