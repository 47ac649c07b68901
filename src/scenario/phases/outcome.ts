import type { SendReport } from '../../load/sender.ts';
import type { PhaseRequests } from '../../result/result.ts';
import { formatDuration } from '../duration.ts';
import type { PhaseContext, PhaseOutcome, WaitResult } from './context.ts';

/** What sending alone says about a phase: failed requests, or an abort. */
export function outcomeOfSends(sent: SendReport): PhaseOutcome {
  if (sent.interrupted) {
    const message = `interrupted after ${sent.sentCount} of ${sent.plannedCount} requests`;
    return { outcome: 'interrupted', message, sent };
  }
  const first = sent.failures[0];
  if (sent.failedCount > 0) {
    const example = first === undefined ? '' : `; the first: ${first.what}: ${first.message}`;
    return {
      outcome: 'failed',
      message: `${sent.failedCount} of ${sent.plannedCount} requests failed${example}`,
      sent,
    };
  }
  return { outcome: 'completed', sent };
}

/** What the result says of a phase's requests. */
export function requestsOf(sent: SendReport): PhaseRequests {
  const { requestedPerSecond = null, achievedPerSecond = null } = sent;
  return {
    planned: sent.plannedCount,
    sent: sent.sentCount,
    done: sent.doneCount,
    failed: sent.failedCount,
    retries: sent.retryCount,
    heldBack: sent.heldBackCount,
    achievedRatio: sent.achievedRatio,
    requestedPerSecond,
    achievedPerSecond,
    latenessP99Us: sent.lateness.quantile(0.99),
  };
}

/** `912 of 1000 pods started after 5m`, for whatever ended a wait other than its end being met. */
export function outcomeOfWait(result: WaitResult, state: string, timeoutMs: number): PhaseOutcome {
  switch (result) {
    case 'met':
      return { outcome: 'completed' };
    case 'timed-out':
      return { outcome: 'timed-out', message: `${state} after ${formatDuration(timeoutMs)}` };
    case 'stalled':
      return { outcome: 'timed-out', message: `${state}, and no more are coming` };
    case 'interrupted':
      return { outcome: 'interrupted', message: `interrupted: ${state}` };
  }
}

/** The first that was not completed decides; the requests' report is kept. */
export function worse(first: PhaseOutcome, second: PhaseOutcome): PhaseOutcome {
  const decisive = first.outcome === 'completed' ? second : first;
  const sent = first.sent ?? second.sent;
  return sent === undefined ? decisive : { ...decisive, sent };
}

/** The display need not know more often. */
const reportEveryUs = 250_000;

/** Tells the reporter how far a wait is, four times a second at most. */
export function progressReports(context: PhaseContext): (text: string, fraction: number) => void {
  let lastUs = Number.NEGATIVE_INFINITY;
  return (text, fraction) => {
    const nowUs = context.clock.nowUs();
    if (nowUs - lastUs < reportEveryUs) return;
    lastUs = nowUs;
    context.reporter.progress(text, Math.min(1, Math.max(0, fraction)));
  };
}
