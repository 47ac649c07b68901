import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Told } from './instrument.ts';
import type { PodStartup } from './pod-startup.ts';

/** Samples of load and pods that lay beyond what a histogram tells apart, and count as its largest value. */
export function clampedCount(startup: PodStartup, calls: Readonly<Record<string, CallMetrics>>): number {
  let count = startup.statusWrites.clampedCount;
  for (const group of startup.groups.values()) {
    count += group.official.clampedCount + group.precise.clampedCount;
  }
  for (const metrics of Object.values(calls)) {
    for (const { histogram } of metrics.entries()) count += histogram.clampedCount;
  }
  return count;
}

/** What all instruments lost together. */
export function sumOf(told: readonly Told[], key: 'droppedCount' | 'clampedCount'): number {
  return told.reduce((sum, one) => sum + (one[key] ?? 0), 0);
}
