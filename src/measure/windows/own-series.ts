import type { CallMetrics } from '../../metrics/call-metrics.ts';
import type { Histogram } from '../../metrics/histogram.ts';
import { type CallSource, callSources, isStream } from '../api-calls.ts';
import type { PodStartup, StartupGroup } from '../pod-startup.ts';
import {
  type Objective,
  type Threshold,
  apiCallObjective,
  objectiveFor,
  podStartupObjective,
} from '../slo.ts';
import type { Bucket } from '../buckets.ts';
import type { Instrument } from '../instrument.ts';
import type { StepSamples } from './window-set.ts';

/** What came into distributions that only grow, since one looked last. */
export class Differences {
  private readonly last = new Map<string, { count: number; buckets: Map<number, number> }>();

  /** Buckets are HDR's own: the highest value of each stands for its samples, as in the quantiles of the whole run. */
  since(key: string, histogram: Histogram): Bucket[] {
    const before = this.last.get(key);
    if (before?.count === histogram.count) return [];
    const now = new Map(histogram.buckets().map(({ value, count }) => [value, count]));
    this.last.set(key, { count: histogram.count, buckets: now });
    const came: Bucket[] = [];
    for (const [value, total] of now) {
      const count = total - (before?.buckets.get(value) ?? 0);
      if (count > 0) came.push({ low: value, high: value, count });
    }
    return came;
  }
}

export type OwnSources = {
  startup: PodStartup;
  calls: Readonly<Record<CallSource, CallMetrics>>;
  /** Judged by thresholds alone. */
  instruments: readonly Pick<Instrument, 'series'>[];
  thresholds: readonly Threshold[];
};

/**
 * What this process measures itself and may be judged by, step by step: startup of each group of pods and of all stateless
 * ones together, API calls of the load, and what of the instruments has a threshold. Which of the first two is judged is known at the end only (the group that the startup SLO is
 * judged on, whether the API server tells its latencies), so all of them are kept.
 */
export class OwnSeries {
  private readonly sources: OwnSources;
  private readonly differences = new Differences();

  constructor(sources: OwnSources) {
    this.sources = sources;
  }

  /** What came since the last call. */
  drain(): StepSamples[] {
    return [...this.startups(), ...this.apiCalls(), ...this.ofInstruments()];
  }

  private startups(): StepSamples[] {
    const { startup, thresholds } = this.sources;
    const found: StepSamples[] = [];
    for (const id of ['pod-startup', 'pod-startup-precise'] as const) {
      const official = id === 'pod-startup' ? podStartupObjective : undefined;
      const together = { kind: 'all', class: 'stateless' };
      const common = objectiveFor(thresholds, id, together) ?? official;
      const all: Bucket[] = [];
      for (const group of startup.groups.values()) {
        const labels = { kind: group.kind, class: group.class };
        const objective = objectiveFor(thresholds, id, labels) ?? official;
        const isInCommon = common !== undefined && group.class === 'stateless';
        if (objective === undefined && !isInCommon) continue;
        const buckets = this.differences.since(JSON.stringify([id, labels]), histogramOf(id, group));
        if (isInCommon) all.push(...buckets);
        if (objective !== undefined) found.push({ id, labels, objective, buckets });
      }
      if (common !== undefined) found.push({ id, labels: together, objective: common, buckets: all });
    }
    return found;
  }

  private apiCalls(): StepSamples[] {
    const { calls, thresholds } = this.sources;
    const found: StepSamples[] = [];
    for (const source of callSources) {
      for (const { kind, histogram } of calls[source].entries()) {
        if (isStream(kind)) continue;
        const { verb, resource, subresource, scope } = kind;
        const labels = { verb, resource, subresource, scope, source };
        const isLoad = source === 'load';
        const objective: Objective | undefined =
          objectiveFor(thresholds, 'api-call', labels, isLoad ? 0 : 1) ??
          (isLoad ? apiCallObjective(kind) : undefined);
        if (objective === undefined) continue;
        const buckets = this.differences.since(JSON.stringify(['api-call', labels]), histogram);
        found.push({ id: 'api-call', labels, objective, buckets });
      }
    }
    return found;
  }

  private ofInstruments(): StepSamples[] {
    const { instruments, thresholds } = this.sources;
    const found: StepSamples[] = [];
    for (const { id, labels, histogram } of instruments.flatMap((one) => one.series?.() ?? [])) {
      const objective = objectiveFor(thresholds, id, labels);
      if (objective === undefined) continue;
      found.push({
        id,
        labels,
        objective,
        buckets: this.differences.since(JSON.stringify([id, labels]), histogram),
      });
    }
    return found;
  }
}

function histogramOf(id: 'pod-startup' | 'pod-startup-precise', group: StartupGroup): Histogram {
  return id === 'pod-startup' ? group.official : group.precise;
}
