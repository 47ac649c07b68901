import type { Clock } from '../base/clock.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Histogram } from '../metrics/histogram.ts';
import type { LatencyGrid } from '../result/result.ts';
import type { Instrument, ShardFigures, Told } from './instrument.ts';
import { GridRecorder } from './latency-grid.ts';
import type { PodStartup, StartupGroup } from './pod-startup.ts';

const secondUs = 1_000_000;

/** Hollow nodes tell their calls every five seconds: a finer column would show when they tell. */
const nodeCallsStepUs = 5 * secondUs;

export type LatencySources = {
  clock: Clock;
  startup: PodStartup;
  /** Of the load generator and the observer; `onLatency` of each is set. */
  clientCalls: readonly CallMetrics[];
};

/** The data of heat maps: startup of each group of pods, calls of the harness's clients, calls of the nodes. */
export class LatenciesOverTime implements Instrument {
  private readonly startups = new Map<StartupGroup, GridRecorder>();
  private readonly clientCalls = new GridRecorder(secondUs);
  private readonly nodeCalls = new GridRecorder(nodeCallsStepUs);
  private readonly clock: Clock;
  private originUs: number | undefined;

  constructor(sources: LatencySources) {
    this.clock = sources.clock;
    sources.startup.settledListeners.push((group, _pod, totalUs) => {
      let recorder = this.startups.get(group);
      if (recorder === undefined) this.startups.set(group, (recorder = new GridRecorder(secondUs)));
      recorder.record(this.elapsedUs(), totalUs);
    });
    for (const metrics of sources.clientCalls) {
      metrics.onLatency = (latencyUs) => this.clientCalls.record(this.elapsedUs(), latencyUs);
    }
  }

  /** The first phase begins when measuring does. */
  phase(): void {
    this.originUs ??= this.clock.nowUs();
  }

  shard(_figures: ShardFigures, callLatencies: Histogram): void {
    this.nodeCalls.recordAll(this.elapsedUs(), callLatencies);
  }

  tell(): Told {
    const grids = [
      ...[...this.startups].map(([group, recorder]) =>
        recorder.grid('pod-startup-precise', { kind: group.kind, class: group.class }),
      ),
      this.clientCalls.grid('api-call', { source: 'load and observer' }),
      this.nodeCalls.grid('api-call', { source: 'nodes' }),
    ];
    return { latencyGrids: grids.filter((grid): grid is LatencyGrid => grid !== undefined) };
  }

  private elapsedUs(): number {
    const nowUs = this.clock.nowUs();
    return nowUs - (this.originUs ?? nowUs);
  }
}
