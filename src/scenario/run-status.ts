import type { Clock } from '../base/clock.ts';
import type { Measurement } from '../measure/measurement.ts';
import type { PhaseRecord } from '../result/result.ts';
import { estimatePhasesMs, totalPods } from './estimate.ts';
import type { RunReporter } from './run-reporter.ts';
import type { Scenario } from './scenario.ts';

/** Live displays hear from a run this often. */
const statusIntervalMs = 250;

export type StatusOptions = {
  scenario: Scenario;
  clock: Clock;
  reporter: RunReporter;
  /** The phases so far; the last one goes on. */
  records: readonly PhaseRecord[];
  measurement: Measurement;
  /** Milliseconds since the run's start. */
  atMs: () => number;
};

/** Tells the reporter how the run stands, until it is stopped. */
export function reportStatus(options: StatusOptions): { stop(): void } {
  const { scenario, clock, reporter, records, measurement, atMs } = options;
  const estimatesMs = estimatePhasesMs(scenario);
  const podsExpected = totalPods(scenario);
  let lastStarted = 0;
  let lastUs = clock.nowUs();
  let podsPerSecond = 0;
  const tick = (): void => {
    timer = clock.timer(statusIntervalMs, tick);
    const nowUs = clock.nowUs();
    if (nowUs - lastUs >= 1_000_000) {
      podsPerSecond = ((measurement.pods.started - lastStarted) * 1e6) / (nowUs - lastUs);
      lastStarted = measurement.pods.started;
      lastUs = nowUs;
    }
    const index = Math.max(0, records.length - 1);
    const record = records[index];
    const inPhaseMs = record === undefined ? 0 : atMs() - record.startedAtMs;
    const thisPhaseMs = Math.max(0, (estimatesMs[index] ?? 0) - inPhaseMs);
    const laterMs = estimatesMs.slice(index + 1).reduce((sum, ms) => sum + ms, 0);
    reporter.status({
      phase: record?.name ?? '',
      phaseIndex: index,
      phaseCount: scenario.phases.length,
      elapsedMs: atMs(),
      remainingMs: thisPhaseMs + laterMs,
      nodesReady: measurement.nodes.ready,
      nodesRequested: scenario.nodes.count,
      podsCreated: measurement.pods.created,
      podsStarted: measurement.pods.started,
      podsDeleted: measurement.pods.deleted,
      podsExpected,
      podsPerSecond,
      podStartupP99Us: measurement.podStartupP99Us(),
    });
  };
  let timer = clock.timer(statusIntervalMs, tick);
  return { stop: () => timer.cancel() };
}
