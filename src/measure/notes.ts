import type { StartupExclusions } from './pod-startup.ts';
import { churnPerSecondMax, sloWindowMs } from './slo.ts';
import { countOf, countText, durationText } from './words.ts';

/** What a reader of the figures may have to know. */
export type NoteInputs = {
  elapsedMs: number;
  /** The most pods created and deleted a second, as the mean of ten seconds. */
  churnPerSecondPeak: number;
  /** The kind of pods whose startup is judged; undefined when none started. */
  judgedKind: string | undefined;
  loopDelayP99Us: number;
  excluded: StartupExclusions;
  neverStarted: number;
  incomplete: number;
  relisted: number;
  interruptions: number;
  lastInterruption: string;
  /** Requests without success, see `refusalNote`. */
  refusals: string | undefined;
  /** Why there is no `api-call-server`; undefined when there is. */
  serverSideMissing: string | undefined;
  serverRestarted: boolean;
  hasProcfs: boolean;
};

/** Remarks in the order of their weight. Pure. */
export function notesOf(inputs: NoteInputs): string[] {
  return [...aboutSlos(inputs), ...aboutPods(inputs), ...aboutSources(inputs)];
}

function aboutSlos(inputs: NoteInputs): string[] {
  const notes: string[] = [];
  if (inputs.elapsedMs < sloWindowMs) {
    notes.push('The run was shorter than an SLO window (5 min): it is judged over its whole length.');
  }
  if (inputs.churnPerSecondPeak > churnPerSecondMax) {
    const judged =
      inputs.judgedKind === 'latency'
        ? ' Startup is judged on the latency pods, which are made apart from the others.'
        : '';
    notes.push(
      `Churn above the SLO's precondition: up to ${Math.round(inputs.churnPerSecondPeak)} pods a second were created and deleted, where the startup SLO presupposes ${churnPerSecondMax}.${judged}`,
    );
  }
  if (inputs.loopDelayP99Us > 10_000) {
    notes.push(
      `The harness was late by ${durationText(inputs.loopDelayP99Us)} at p99: latencies of API calls of load and observer are too long by up to that.`,
    );
  }
  return notes;
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
      `${countOf(incomplete, 'pod')} started without a complete path (no report of node or load generator): they are in the startup figures, and not in the phases.`,
    );
  }
  if (relisted > 0) {
    notes.push(
      `${countOf(relisted, 'pod')} were seen started only when the watch had been set up again: their startup includes the interruption.`,
    );
  }
  return notes;
}

function aboutSources(inputs: NoteInputs): string[] {
  const notes: string[] = [];
  if (inputs.interruptions > 0) {
    notes.push(
      `The observer's watch was interrupted (${countOf(inputs.interruptions, 'time')}, last by: ${inputs.lastInterruption}).`,
    );
  }
  if (inputs.refusals !== undefined) notes.push(inputs.refusals);
  if (inputs.serverRestarted) {
    notes.push(
      'The API server was restarted during the run: its own latencies (api-call-server) are those since its last start.',
    );
  }
  if (inputs.serverSideMissing !== undefined) {
    notes.push(
      `There are no latencies of the API server itself (${inputs.serverSideMissing}): API calls are judged by what the load generator measured.`,
    );
  }
  if (!inputs.hasProcfs) notes.push('CPU and memory of processes are known on Linux only.');
  return notes;
}
