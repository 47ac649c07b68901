import type { Clock } from '../base/clock.ts';
import type { ApiClient } from '../kube/client.ts';
import type { ComponentEndpoint } from '../kube/component-endpoint.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Burst } from './burst-startup.ts';
import type { Sends } from './open-loop.ts';
import type { Pids } from './resources.ts';
import type { Threshold, WindowSettings } from './slo.ts';
import type { WatchDeliveryOptions } from './watch-delivery.ts';
import type { ProbeLease } from './watch-lag.ts';
import type { WorkloadKind } from './workload-state.ts';

/** What the conductor gives. Nothing is changed in it but `recent` and `delayNowUs` of `loadMetrics` and `observerMetrics`. */
export type MeasurementOptions = {
  clock: Clock;
  runId: string;
  /**
   * A connection of its own, read-only: list and watch pods and nodes of the cluster, and leases in its namespace.
   */
  observerClient: ApiClient;
  /**
   * A further connection, for nothing else: create, patch, list and watch `probeLease`, create and patch the Service of
   * `delivery`.
   */
  probeClient: ApiClient;
  /** Of both clients. */
  observerMetrics: CallMetrics;
  /** Exists from {@link Measurement.start} to {@link Measurement.finish}, in a namespace that stays. */
  probeLease: ProbeLease;
  /** Makes a client that may GET /readyz, counted nowhere. Without it the API server's availability is not measured. */
  availabilityClient?: () => ApiClient;
  /** Without it the way of writes to every node is not measured. */
  delivery?: Pick<WatchDeliveryOptions, 'service' | 'proxies'>;
  /** Phases that ask for all their pods at once. */
  bursts?: readonly Burst[];
  /** Lists and watches Jobs, StatefulSets and claims, as far as the scenario makes them. */
  workloads?: { client: ApiClient; kinds: readonly WorkloadKind[] };
  loadMetrics: CallMetrics;
  /** Absent where nothing is sent at intended times. */
  sends?: Sends;
  /** Rising counts: requests of paced phases that were due so far, and those that have left. */
  loadCounters: () => { dueCount: number; sentCount: number };
  /** Components that tell their metrics; may be empty. */
  components: readonly ComponentEndpoint[];
  /** `harness` (this process) and `fleet`. */
  harnessPids: Pids;
  /** Empty for a cluster that is not ours. */
  controlPlanePids: Pids;
  /** Cores that are for us: those that we see, or what a quota leaves of them, which need not be whole. */
  cpuCount: number;
  /** The scenario's own; without them the official SLOs hold. */
  thresholds?: readonly Threshold[];
  /** The official ones when absent. */
  windows?: WindowSettings;
  /** The run's folder of state, for windows that are over; when absent, a folder for temporary files. */
  stateDir?: string | undefined;
};

export type FinishOptions = {
  /** Of each phase that sent at a rate: the share of its requests that left in time or that the server held back, 0..1. */
  achieved: readonly { phase: string; ratio: number }[];
  /** The run was stopped or lost its cluster: what the cluster does not tell any more is no fault of the measuring. */
  cutShort?: boolean;
};
