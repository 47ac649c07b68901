import { ApiAvailability } from './api-availability.ts';
import { BurstStartup } from './burst-startup.ts';
import type { Instrument } from './instrument.ts';
import { NodesAndWorkloads } from './inventory.ts';
import { LatenciesOverTime } from './latencies-over-time.ts';
import { NodeConnect } from './node-connect.ts';
import type { NodeObserver, PodObserver } from './observer.ts';
import { OpenLoop } from './open-loop.ts';
import type { MeasurementOptions } from './options.ts';
import type { PodStartup } from './pod-startup.ts';
import { WatchDelivery } from './watch-delivery.ts';

/** What is known of pods and nodes anyhow: instruments may read it and listen to it, and change nothing in it. */
export type Observed = {
  pods: PodObserver;
  nodes: NodeObserver;
  startup: PodStartup;
  /** How late this thread's event loop is. */
  delayNowUs: () => number;
};

/** What is measured in every run beside load, pods and nodes. A new instrument is a line here. */
export function instrumentsOf(options: MeasurementOptions, observed: Observed): Instrument[] {
  const { clock, availabilityClient, bursts = [], delivery, loadMetrics, observerMetrics } = options;
  return [
    ...(availabilityClient === undefined
      ? []
      : [new ApiAvailability(clock, availabilityClient, observed.delayNowUs)]),
    ...(options.sends === undefined ? [] : [new OpenLoop(options.sends)]),
    new NodeConnect(observed.nodes),
    new BurstStartup(bursts, observed.pods),
    ...(delivery === undefined
      ? []
      : [
          new WatchDelivery({
            ...delivery,
            clock,
            client: options.probeClient,
            nodesReady: () => observed.nodes.ready,
            delayNowUs: observed.delayNowUs,
          }),
        ]),
    new LatenciesOverTime({ clock, startup: observed.startup, clientCalls: [loadMetrics, observerMetrics] }),
    new NodesAndWorkloads(clock, observed),
  ];
}
