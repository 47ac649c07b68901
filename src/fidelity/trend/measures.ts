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

/** What is measured under one condition, by name: `pod startup`, `nodes: patch pods/status`, `all: create pods`. */
export type Measures = Record<string, Percentiles>;

export const podStartup = 'pod startup';

/** The percentiles of rounds under the same condition. Calls count that came while one lasted. Pure. */
export function measuresOf(rounds: readonly DensityRound[], calls: readonly Call[]): Measures {
  const samples = new Map([[podStartup, rounds.flatMap(({ startupMs }) => startupMs)]]);
  const add = (name: string, latencyMs: number): void => {
    const list = samples.get(name);
    if (list === undefined) samples.set(name, [latencyMs]);
    else list.push(latencyMs);
  };
  for (const { byNode, kind, receivedUs, latencyMs } of calls) {
    if (!rounds.some(({ startUs, endUs }) => receivedUs >= startUs && receivedUs < endUs)) continue;
    add('all: any request', latencyMs);
    add(`all: ${kind}`, latencyMs);
    if (!byNode) continue;
    add('nodes: any request', latencyMs);
    add(`nodes: ${kind}`, latencyMs);
  }
  for (const [name, { length }] of samples) {
    // What only nodes ask for would be there twice.
    const ofAll = name.replace('nodes: ', 'all: ');
    if (ofAll !== name && samples.get(ofAll)?.length === length) samples.delete(ofAll);
  }
  return Object.fromEntries(
    [...samples].toSorted(([a], [b]) => order(a, b)).map(([name, list]) => [name, percentilesOf(list)]),
  );
}

/** Pods first, then nodes' requests, then everybody's. */
function order(a: string, b: string): number {
  const rank = (name: string): string => {
    const group = name === podStartup ? 0 : name.startsWith('nodes: ') ? 1 : 2;
    return `${group}${name.endsWith(': any request') ? 0 : 1}${name}`;
  };
  return rank(a) < rank(b) ? -1 : 1;
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
