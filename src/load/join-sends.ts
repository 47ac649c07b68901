import { Histogram } from '../metrics/histogram.ts';
import type { SendReport } from './sender.ts';

/** What became of the requests of a phase that sends twice, one part after the other. */
export function joinSends(first: SendReport, second: SendReport): SendReport {
  const sum = (key: 'plannedCount' | 'dueCount' | 'sentCount' | 'doneCount' | 'failedCount'): number =>
    first[key] + second[key];
  const lateness = new Histogram();
  lateness.merge(first.lateness);
  lateness.merge(second.lateness);
  const plannedCount = sum('plannedCount');
  const ratio = (key: 'achievedRatio' | 'keptUpRatio'): number =>
    plannedCount === 0
      ? 1
      : (first[key] * first.plannedCount + second[key] * second.plannedCount) / plannedCount;
  return {
    startUs: first.startUs,
    plannedCount,
    dueCount: sum('dueCount'),
    sentCount: sum('sentCount'),
    doneCount: sum('doneCount'),
    failedCount: sum('failedCount'),
    retryCount: first.retryCount + second.retryCount,
    heldBackCount: first.heldBackCount + second.heldBackCount,
    requestedPerSecond: first.requestedPerSecond,
    achievedRatio: ratio('achievedRatio'),
    keptUpRatio: ratio('keptUpRatio'),
    achievedPerSecond: joinedRate(first, second),
    lateness,
    failures: [...first.failures, ...second.failures],
    interrupted: first.interrupted || second.interrupted,
  };
}

/** That of both parts without the pause in between. */
function joinedRate(first: SendReport, second: SendReport): number | undefined {
  const parts = [first, second].filter(({ achievedPerSecond }) => achievedPerSecond !== undefined);
  const sent = parts.reduce((all, { sentCount }) => all + sentCount, 0);
  const seconds = parts.reduce((all, part) => all + part.sentCount / (part.achievedPerSecond ?? 1), 0);
  return seconds === 0 ? undefined : sent / seconds;
}
