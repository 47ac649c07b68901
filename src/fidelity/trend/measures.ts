import type { Call } from './calls.ts';
import type { DensityRound } from './density.ts';

/** Percentiles, and of how many: those that are too few for one have none. Milliseconds. */
export type Percentiles = { count: number } & Partial<Record<PercentileName, number>>;

/** Each with how many samples it takes: of a hundred, one lies beyond the 99th. */
export const percentiles = {
  p50: { share: 0.5, samplesMin: 20 },
  p90: { share: 0.9, samplesMin: 20 },
  p99: { share: 0.99, samplesMin: 100 },
} as const;

export type PercentileName = keyof typeof percentiles;
export const percentileNames = Object.keys(percentiles) as PercentileName[];

/** What is measured under one condition, by name: `pod startup`, `nodes: patch pods/status`, `others: create pods`. */
export type Measures = Record<string, Percentiles>;

export const podStartup = 'pod startup';

/**
 * The percentiles of rounds under the same condition. Calls count that came while one lasted, by who asked: what a kubelet's
 * DELETE costs is not what an administrator's does, and a percentile of both together would lie between the two. Pure.
 */
export function measuresOf(rounds: readonly DensityRound[], calls: readonly Call[]): Measures {
  const samples = new Map([[podStartup, rounds.flatMap(({ startupMs }) => startupMs)]]);
  const add = (name: string, latencyMs: number): void => {
    const list = samples.get(name);
    if (list === undefined) samples.set(name, [latencyMs]);
    else list.push(latencyMs);
  };
  for (const { byNode, kind, receivedUs, latencyMs } of calls) {
    if (!rounds.some(({ startUs, endUs }) => receivedUs >= startUs && receivedUs < endUs)) continue;
    add(`${byNode ? 'nodes' : 'others'}: ${kind}`, latencyMs);
  }
  return Object.fromEntries(
    [...samples].toSorted(([a], [b]) => byMeasure(a, b)).map(([name, list]) => [name, percentilesOf(list)]),
  );
}

/** The order of names: pods first, then nodes' requests, then others'. */
export function byMeasure(a: string, b: string): number {
  const ranked = (name: string): string => `${name === podStartup ? 0 : 1}${name}`;
  return ranked(a) < ranked(b) ? -1 : 1;
}

export function percentilesOf(samples: readonly number[]): Percentiles {
  const sorted = samples.toSorted((a, b) => a - b);
  const found: Percentiles = { count: sorted.length };
  for (const name of percentileNames) {
    const { share, samplesMin } = percentiles[name];
    if (sorted.length >= samplesMin) found[name] = quantile(sorted, share);
  }
  return found;
}

/** Between two samples, on the line from one to the other. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
