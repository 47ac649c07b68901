import { deliveryService, probeLease } from '../load/identity.ts';
import type { MeasurementOptions } from '../measure/options.ts';
import type { RunClients } from './access.ts';
import { burstsOf } from './bursts.ts';
import { watchedKinds } from './cluster-view.ts';
import type { Scenario } from './scenario.ts';
import { workloadKinds } from './workloads.ts';

/** What is measured with which of the clients, and what because a scenario is as it is. */
export function measuringOptions(
  scenario: Scenario,
  runId: string,
  clients: RunClients,
): Omit<
  MeasurementOptions,
  'clock' | 'sends' | 'loadCounters' | 'harnessPids' | 'controlPlanePids' | 'cpuCount' | 'stateDir'
> {
  return {
    runId,
    observerClient: clients.observer,
    probeClient: clients.probe,
    observerMetrics: clients.observerMetrics,
    probeLease: probeLease(runId),
    availabilityClient: clients.availability,
    delivery: { service: deliveryService(runId), proxies: scenario.nodes.proxies },
    bursts: burstsOf(scenario),
    workloads: { client: clients.workloads, kinds: watchedKinds(workloadKinds(scenario)) },
    loadMetrics: clients.loadMetrics,
    components: clients.components,
    thresholds: scenario.thresholds,
    windows: scenario.windows,
  };
}

/** `<namespace>/<name>` of what is written for nothing but being watched by all nodes. */
export function deliveryKey(runId: string): string {
  const { namespace, name } = deliveryService(runId);
  return `${namespace}/${name}`;
}
