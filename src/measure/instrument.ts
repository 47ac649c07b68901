import type { CallSnapshot } from '../metrics/call-metrics.ts';
import type { DeliverySnapshot } from '../metrics/delivery.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { Figure, Inventory, LatencyGrid, Sli } from '../result/result.ts';
import type { Threshold } from './slo.ts';

/**
 * One of the things that are measured beside load and pods, with all of its parts optional but what it tells. The order
 * of calls is start, sample, finish, tell, stop; `stop` may come at any time, and twice.
 */
export interface Instrument {
  /** Begins. What it waits for is there when it resolves; what it rejects with ends the run. */
  start?(): Promise<void> | void;
  /** About once a second, `nowUs` monotonic. Takes less than a tenth of a millisecond: load is being sent meanwhile. */
  sample?(nowUs: number): void;
  /** A phase of this name begins. */
  phase?(name: string): void;
  /** The requests of a phase have left: the first was due at `startUs`, monotonic. */
  sent?(phase: string, startUs: number): void;
  /** What a shard of hollow nodes tells, every five seconds and at the end; `callLatencies`: of all its `calls`. */
  shard?(figures: ShardFigures, callLatencies: Histogram): void;
  /** Load has ended; cluster, nodes and processes are still there. Rejects never: what is missing is a note. */
  finish?(): Promise<void>;
  /** Those of its distributions that a threshold may be set on, as far as they are there, for windows: at any time. */
  series?(): Series[];
  /** Whether what it asks gives no answer now, for live displays. */
  isDown?(): boolean;
  /** What was measured, after {@link finish}. */
  tell(thresholds: readonly Threshold[]): Told;
  /** Ends all activity. */
  stop?(): void;
}

/** A distribution that only grows, which is the SLI of this id and these labels. */
export type Series = { id: string; labels: Record<string, string>; histogram: Histogram };

/** What an instrument gives to the result. */
export type Told = {
  slis?: Sli[];
  figures?: Figure[];
  latencyGrids?: LatencyGrid[];
  inventory?: Inventory;
  /** What a reader must know to read them. */
  notes?: string[];
  /** Samples that found no room, and those beyond a histogram's range: a run that has any is not valid. */
  droppedCount?: number;
  clampedCount?: number;
};

/** What hollow nodes tell from time to time, since the last time; histograms are HDR V2 base64, microseconds. */
export type ShardFigures = {
  calls: readonly CallSnapshot[];
  loopDelay: string;
  gcPause: string;
  networkProgramming: { changes: string; proxyP99s: string; clampedCount: number; negativeCount: number };
  /** Of each node: start of its kubelet, its registration (monotonic microseconds), 1 where another kubelet was before. */
  nodeConnects: { nodes: readonly string[]; times: Float64Array };
  delivery?: DeliverySnapshot | undefined;
};
