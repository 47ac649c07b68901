import type { Unit } from '../../result/result.ts';
import type { Objective } from '../slo.ts';

/** Labels of a series, as the component writes them. */
export type Labels = Readonly<Record<string, string>>;

/** What is told of a series. Those that are told alike are added up; undefined leaves one out. */
export type Telling = (labels: Labels) => Record<string, string> | undefined;

/** A histogram in seconds that a component tells, and the SLI in microseconds that is made of it. */
export type HistogramSpec = {
  /** Without `_bucket`. */
  family: string;
  id: string;
  labels: Telling;
  definition: string;
  /** What its buckets cannot tell. */
  resolution: string;
  /** The official objective, by what {@link labels} tells. */
  objective?: (told: Record<string, string>) => Objective | undefined;
};

/**
 * How one number comes of the readings: `increase` of a counter over the run, what it grew by a second (`rate`), the most it
 * grew by a second between two readings (`busiest`), the `largest` reading of a gauge, or the increase by that of another
 * counter (`ratio`).
 */
export type NumberKind = 'increase' | 'rate' | 'busiest' | 'largest' | 'ratio';

/** A counter or gauge that a component tells, and the figure that is made of it. */
export type NumberSpec = {
  family: string;
  id: string;
  labels: Telling;
  unit: Unit;
  kind: NumberKind;
  /** Of `ratio`: what it is divided by, of the same labels. */
  per?: string;
  /** By how much a reading is multiplied: 1e6 makes microseconds of seconds. */
  factor?: number;
  definition: string;
  /** Of `increase`: told also when it is 0, that nothing happened being a result. */
  alsoZero?: true;
  /** The same, and when no series of it is there, with no labels: counters of what never happened are not told. */
  always?: true;
};

/** What is made of the metrics of one component. */
export type ComponentSpec = { histograms: readonly HistogramSpec[]; numbers: readonly NumberSpec[] };

/** Nothing tells series apart: all of a family are added up. */
export const summed: Telling = () => ({});

/** These labels, under their own names. */
export function only(...names: readonly string[]): Telling {
  return (labels) => Object.fromEntries(names.map((name) => [name, labels[name] ?? '']));
}
