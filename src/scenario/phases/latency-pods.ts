import type { CreatedPod } from '../../load/generator.ts';
import type { SendReport } from '../../load/sender.ts';
import { formatDuration } from '../duration.ts';
import type { LatencyPodsPhase } from '../scenario.ts';
import { type PhaseContext, type PhaseOutcome, waitUntil } from './context.ts';
import { outcomeOfSends, outcomeOfWait, progressReports, worse } from './outcome.ts';
import { planLatencyPods } from './plan.ts';

/**
 * Creates pods one by one and waits until each was seen started. By default each is then deleted, so that the
 * cluster keeps the same size; its going is not waited for.
 */
export async function runLatencyPods(phase: LatencyPodsPhase, context: PhaseContext): Promise<PhaseOutcome> {
  const { load, signal, scenario, reporter } = context;
  const { plans, sends } = planLatencyPods(scenario, phase);
  const lastMs = (sends.offsetsUs[sends.offsetsUs.length - 1] ?? 0) / 1000;
  reporter.step(`${phase.name}: creating ${plans.length} latency pods in ${formatDuration(lastMs)}`);
  await load.ensureNamespaces(signal);
  const pods = new LatencyPods(phase, context);
  const sending = load.createPods(plans, sends, signal, (pod) => pods.add(pod));
  const watching = pods.watchWhile(sending, lastMs);
  const sent = await sending;
  return worse(outcomeOfSends(sent), await watching);
}

/** The pods of the phase from their creation until they were seen started. */
class LatencyPods {
  private readonly phase: LatencyPodsPhase;
  private readonly context: PhaseContext;
  private readonly waiting = new Set<CreatedPod>();
  private readonly deletions = new Set<Promise<void>>();
  private started = 0;
  private failedDeletions = 0;
  private firstFailure = '';

  constructor(phase: LatencyPodsPhase, context: PhaseContext) {
    this.phase = phase;
    this.context = context;
  }

  add(pod: CreatedPod): void {
    this.waiting.add(pod);
  }

  /** Looks after the pods until all were created and have started. */
  async watchWhile(sending: Promise<SendReport>, sendingMs: number): Promise<PhaseOutcome> {
    const { clock, signal } = this.context;
    const { timeoutMs, count } = this.phase;
    let sentAll = false;
    const sent = sending.finally(() => {
      sentAll = true;
    });
    const report = progressReports(this.context);
    const look = (): number => {
      this.look();
      report(`${this.started} of ${count} latency pods started`, this.started / count);
      return this.waiting.size;
    };
    // While sending lasts, its own bounds (attempts, time limits) hold; the phase's time limit starts after it.
    await waitUntil(look, () => sentAll, { clock, signal, timeoutMs: sendingMs + sendingSlackMs });
    await sent;
    const result = await waitUntil(look, (left) => left === 0, { clock, signal, timeoutMs });
    await Promise.all(this.deletions);
    const state = `${this.started} of ${this.started + this.waiting.size} latency pods started`;
    return worse(outcomeOfWait(result, state, timeoutMs), this.deletionOutcome());
  }

  private look(): void {
    for (const pod of this.waiting) {
      if (!this.context.progress.hasStarted(pod.uid)) continue;
      this.waiting.delete(pod);
      this.started++;
      if (this.phase.deleteAfterStart) this.delete(pod);
    }
  }

  private delete(pod: CreatedPod): void {
    const deletion = this.context.load.deletePodNow(pod, this.context.signal).then((failure) => {
      this.deletions.delete(deletion);
      if (failure === undefined) return;
      this.failedDeletions++;
      if (this.firstFailure === '') this.firstFailure = failure;
    });
    this.deletions.add(deletion);
  }

  private deletionOutcome(): PhaseOutcome {
    if (this.failedDeletions === 0) return { outcome: 'completed' };
    const message = `${this.failedDeletions} latency pods could not be deleted; the first: ${this.firstFailure}`;
    return { outcome: 'failed', message };
  }
}

/** Sending ends by itself: the last request's attempts with their time limits take less than this. */
const sendingSlackMs = 10 * 60_000;
