import type { Churn } from './churn.ts';
import type { StartupExclusions } from './pod-startup.ts';
import { churnPerSecondMax } from './slo.ts';
import { countOf, countText, durationText } from './words.ts';

/** What a reader of the figures may have to know. */
export type NoteInputs = {
  elapsedMs: number;
  windowLengthMs: number;
  churn: Pick<Churn, 'peak' | 'latencyPeak'>;
  /** The kind of pods whose startup is judged; undefined when none started. */
  judgedKind: string | undefined;
  loopDelayP99Us: number;
  excluded: StartupExclusions;
  neverStarted: number;
  incomplete: number;
  relisted: number;
  /** By how much the API server's wall clock was ahead of ours at least; less than 0 where it was behind. */
  clockAheadMs: number;
  /** Started pods whose start lay before their creation, by these clocks. */
  startedBeforeCreated: number;
  interruptions: number;
  lastInterruption: string;
  /** Requests without success, see `refusalNote`. */
  refusals: string | undefined;
  hasProcfs: boolean;
};

/** Remarks in the order of their weight. Pure. */
export function notesOf(inputs: NoteInputs): string[] {
  return [...aboutSlos(inputs), ...aboutPods(inputs), ...aboutSources(inputs)];
}

function aboutSlos(inputs: NoteInputs): string[] {
  const notes: string[] = [];
  if (inputs.elapsedMs < inputs.windowLengthMs) {
    notes.push(
      `The run was shorter than an SLO window (${lengthText(inputs.windowLengthMs)}): it is judged over its whole length.`,
    );
  }
  const { peak, latencyPeak } = inputs.churn;
  if (peak > churnPerSecondMax) {
    notes.push(
      `Churn above the SLO's precondition: up to ${rateText(peak)} a second (pods created and deleted, and what else the load asked for), where the startup SLO presupposes ${churnPerSecondMax}.${inputs.judgedKind === 'latency' ? aboutLatencyPods(latencyPeak) : ''}`,
    );
  }
  if (inputs.loopDelayP99Us > 10_000) {
    notes.push(
      `The harness was late by ${durationText(inputs.loopDelayP99Us)} at p99: latencies of API calls of load and observer are too long by up to that.`,
    );
  }
  return notes;
}

function aboutLatencyPods(peak: number): string {
  return peak > churnPerSecondMax
    ? ` There were up to ${rateText(peak)} also while the latency pods were made on which startup is judged: its SLO promises nothing of them.`
    : ` Startup is judged on the latency pods, which were made while there were ${rateText(peak)} at most.`;
}

/** Whole where that does not hide that it is more than the limit. */
function rateText(perSecond: number): string {
  return String(perSecond < 30 ? Number(perSecond.toFixed(1)) : Math.round(perSecond));
}

/** `5 min`, `90 s`. */
function lengthText(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}

function aboutPods({ excluded, neverStarted, incomplete, relisted }: NoteInputs): string[] {
  const notes: string[] = [];
  if (neverStarted > 0) {
    notes.push(
      `${countOf(neverStarted, 'pod')} never started and were late already: they count with the age they had reached.`,
    );
  }
  const reasons = [
    [excluded.unschedulable, 'could not be placed at once'],
    [excluded.initContainers, 'had init containers'],
    [excluded.failing, 'were made so as to fail'],
    [excluded.goneBeforeStart, 'were deleted before they started'],
    [excluded.unfinished, 'were still starting when the run ended'],
  ] as const;
  const left = reasons.filter(([count]) => count > 0).map(([count, why]) => `${countText(count)} ${why}`);
  if (left.length > 0) notes.push(`Pods left out of the startup figures: ${left.join(', ')}.`);
  if (incomplete > 0) {
    notes.push(
      `${countOf(incomplete, 'pod')} started without a complete path (no report of node or load generator, or a kubelet that was started anew meanwhile): they are in the startup figures, with image pulls that nobody told of, and not in the phases.`,
    );
  }
  if (relisted > 0) {
    notes.push(
      `${countOf(relisted, 'pod')} were seen started only when the watch had been set up again: their startup includes the interruption.`,
    );
  }
  return notes;
}

/** From here on a skew is told: less than what `pod-startup` cannot tell anyhow, and more than NTP leaves. */
const clockSkewMsMin = 100;

function aboutClocks({ clockAheadMs, startedBeforeCreated }: NoteInputs): string[] {
  const notes: string[] = [];
  if (Math.abs(clockAheadMs) >= clockSkewMsMin) {
    const [how, error] = clockAheadMs < 0 ? ['behind', 'long'] : ['ahead of', 'short'];
    notes.push(
      `The API server's wall clock was at least ${durationText(Math.abs(clockAheadMs) * 1000)} ${how} ours: pod-startup reads too ${error} by that.`,
    );
  }
  if (startedBeforeCreated > 0) {
    notes.push(
      `${countOf(startedBeforeCreated, 'pod')} started before they were created, by the clocks of observer and API server: they count as 0 in pod-startup, and the others are too short as well.`,
    );
  }
  return notes;
}

function aboutSources(inputs: NoteInputs): string[] {
  const notes: string[] = aboutClocks(inputs);
  if (inputs.interruptions > 0) {
    notes.push(
      `The observer's watch was interrupted (${countOf(inputs.interruptions, 'time')}, last by: ${inputs.lastInterruption}).`,
    );
  }
  if (inputs.refusals !== undefined) notes.push(inputs.refusals);
  if (!inputs.hasProcfs) notes.push('CPU and memory of processes are known on Linux only.');
  return notes;
}
