import type { ComponentSpec, NumberSpec } from './spec.ts';

/** CPU, memory and garbage collection, as every component of Kubernetes and etcd tells them (client_golang's collectors). */
export function processSpec(component: string): ComponentSpec {
  const labels = (): Record<string, string> => ({ component });
  const figure = (rest: Omit<NumberSpec, 'labels'>): NumberSpec => ({ ...rest, labels });
  return {
    histograms: [],
    numbers: [
      figure({
        family: 'process_cpu_seconds_total',
        id: 'component-cpu',
        unit: 'ratio',
        kind: 'rate',
        definition: 'CPU time of the process, user and system, by the time that passed: 1 is one core.',
      }),
      figure({
        family: 'process_cpu_seconds_total',
        id: 'component-cpu-busiest',
        unit: 'ratio',
        kind: 'busiest',
        definition:
          'CPU time of the process by the time that passed, between the two readings in a row where that was most: 1 is one core.',
      }),
      figure({
        family: 'process_resident_memory_bytes',
        id: 'component-memory',
        unit: 'bytes',
        kind: 'largest',
        definition: 'Resident memory of the process, the largest reading.',
      }),
      figure({
        family: 'go_memstats_heap_inuse_bytes',
        id: 'component-heap',
        unit: 'bytes',
        kind: 'largest',
        definition:
          'Heap spans of the Go runtime that have objects in them, live or not yet collected, the largest reading.',
      }),
      figure({
        family: 'go_goroutines',
        id: 'component-goroutines',
        unit: 'count',
        kind: 'largest',
        definition: 'Goroutines that exist, the largest reading.',
      }),
      figure({
        family: 'go_gc_duration_seconds_count',
        id: 'component-gc',
        unit: 'count',
        kind: 'increase',
        alsoZero: true,
        definition: 'Garbage collections of the Go runtime over the run.',
      }),
      figure({
        family: 'go_gc_duration_seconds_sum',
        id: 'component-gc-pause',
        unit: 'us',
        kind: 'increase',
        alsoZero: true,
        factor: 1e6,
        definition: 'Time for which garbage collection stopped all goroutines, added up over the run.',
      }),
    ],
  };
}
