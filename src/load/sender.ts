import { type Clock, sleep } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { type CallOutcome, type LoadClient, type LoadRequest, callUntilDone } from './call.ts';

/** When requests are to leave, decided before the first one is sent. */
export type SendPlan = {
  /** µs after the start, never falling; one for each request. */
  offsetsUs: ArrayLike<number>;
  /** Undefined when all are sent at once. */
  requestsPerSecond: number | undefined;
  /** The time after the last intended one in which every request should have left. */
  intervalUs: number;
};

/**
 * Connections of the load generator: the API server allows 100 streams on each, and more requests than that would
 * queue in the client without a word.
 */
export const loadTransportsMax = 10;

/** Requests that wait for answers: as many as {@link loadTransportsMax} connections carry. Later ones are held back. */
export const concurrencyMaxDefault = loadTransportsMax * 100;

/** Requests that are sent in one turn of the event loop: some 150 µs each, so that others are heard every 5 ms. */
const sendsPerTurnMax = 32;

/** Late by this much counts as on time in {@link SendReport.achievedRatio}: timers have whole milliseconds. */
const graceUsMin = 10_000;

/** After an abort, requests in flight are given this long to be answered; then they count as interrupted. */
const abortGraceMs = 1_000;

/** Failures that are listed one by one; all are counted. */
const failuresListedMax = 20;

/** What became of a phase's requests. */
export type SendReport = {
  plannedCount: number;
  /** Those whose intended time came before the end: all of them, unless interrupted. */
  dueCount: number;
  /** First attempts that left. */
  sentCount: number;
  doneCount: number;
  failedCount: number;
  /** Attempts beyond the first, after 429, 5xx or a lost answer. Results, not faults of the run. */
  retryCount: number;
  /**
   * Sends that were late because {@link concurrencyMaxDefault} requests waited for answers: the server was slow,
   * not the sender.
   */
  heldBackCount: number;
  requestedPerSecond: number | undefined;
  /**
   * 0..1: the share of the planned requests that had left one interval (10 ms at least) after the last one's intended
   * time. A sender that is 3 % too slow has 0.97.
   */
  achievedRatio: number;
  /** µs from the intended to the actual send. */
  lateness: Histogram;
  /** The first {@link failuresListedMax}. */
  failures: { what: string; message: string }[];
  interrupted: boolean;
};

export type PacedSend = {
  client: LoadClient;
  clock: Clock;
  raw: CallMetrics;
  /** µs from intended to actual send, of all phases together. */
  lateness: Histogram;
  plan: SendPlan;
  /** Makes the i-th request, shortly before it is sent. */
  make(i: number): LoadRequest;
  /** Called with each outcome, in the order of the answers. */
  onOutcome?: (i: number, outcome: CallOutcome, intendedUs: number) => void;
  concurrencyMax?: number;
  signal: AbortSignal;
};

/** Sends requests at their intended times, whatever the answers do (open loop). */
export class PacedSender {
  private readonly options: PacedSend;
  private readonly startUs: number;
  private readonly report: SendReport;
  private inFlight = 0;
  /** Sends up to here were due while there was no free slot. */
  private heldUntil = 0;
  private onTimeCount = 0;
  private wake: (() => void) | undefined;
  private dueSeen = 0;
  private abandoned = false;

  constructor(options: PacedSend) {
    this.options = options;
    this.startUs = options.clock.nowUs();
    this.report = {
      plannedCount: options.plan.offsetsUs.length,
      dueCount: 0,
      sentCount: 0,
      doneCount: 0,
      failedCount: 0,
      retryCount: 0,
      heldBackCount: 0,
      requestedPerSecond: options.plan.requestsPerSecond,
      achievedRatio: 1,
      lateness: new Histogram(),
      failures: [],
      interrupted: false,
    };
  }

  /** The report as it stands; `dueCount` and `achievedRatio` are not final before {@link run} resolves. */
  get soFar(): Readonly<SendReport> {
    return this.report;
  }

  /** Requests whose intended time has come. */
  get dueCount(): number {
    const { clock, plan } = this.options;
    const sinceUs = clock.nowUs() - this.startUs;
    while (this.dueSeen < plan.offsetsUs.length && (plan.offsetsUs[this.dueSeen] ?? 0) <= sinceUs)
      this.dueSeen++;
    return this.dueSeen;
  }

  /**
   * Resolves when every request has its outcome; after an abort when those in flight have theirs, or after
   * {@link abortGraceMs}. Never rejects.
   */
  async run(): Promise<SendReport> {
    const { clock, signal } = this.options;
    const onAbort = (): void => {
      clock.timer(abortGraceMs, () => {
        this.abandoned = true;
        this.wakeUp();
      });
      this.wakeUp();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await this.sendAll();
    while (this.inFlight > 0 && !this.abandoned) await this.slotFree();
    signal.removeEventListener('abort', onAbort);
    return this.finish();
  }

  private async sendAll(): Promise<void> {
    const { plan, clock, signal, concurrencyMax = concurrencyMaxDefault } = this.options;
    for (let next = 0; next < plan.offsetsUs.length && !signal.aborted; ) {
      const nowUs = clock.nowUs();
      let turn = 0;
      while (next < plan.offsetsUs.length && this.intendedUs(next) <= nowUs) {
        if (this.inFlight >= concurrencyMax || turn >= sendsPerTurnMax) break;
        this.send(next++);
        turn++;
      }
      if (next >= plan.offsetsUs.length) break;
      if (this.inFlight >= concurrencyMax && this.intendedUs(next) <= nowUs) {
        await this.slotFree();
        this.markHeld(next);
      } else {
        const delayMs = Math.max(0, Math.ceil((this.intendedUs(next) - clock.nowUs()) / 1000));
        await sleep(clock, delayMs, signal).catch(() => {});
      }
    }
  }

  private finish(): SendReport {
    const { report } = this;
    report.interrupted = report.sentCount < report.plannedCount || this.options.signal.aborted;
    report.dueCount = report.interrupted ? this.dueCount : report.plannedCount;
    report.achievedRatio = report.dueCount === 0 ? 1 : Math.min(1, this.onTimeCount / report.dueCount);
    return report;
  }

  private intendedUs(i: number): number {
    return this.startUs + (this.options.plan.offsetsUs[i] ?? 0);
  }

  /** All that are due by now waited for the slot that has just become free. */
  private markHeld(next: number): void {
    this.heldUntil = Math.max(this.heldUntil, next, this.dueCount);
  }

  private send(i: number): void {
    const { clock, plan, signal } = this.options;
    const { report } = this;
    const intendedUs = this.intendedUs(i);
    const sentUs = clock.nowUs();
    const lastUs = this.intendedUs(plan.offsetsUs.length - 1);
    report.sentCount++;
    if (i < this.heldUntil) report.heldBackCount++;
    if (sentUs <= lastUs + Math.max(graceUsMin, plan.intervalUs)) this.onTimeCount++;
    report.lateness.record(sentUs - intendedUs);
    this.options.lateness.record(sentUs - intendedUs);
    this.inFlight++;
    const load = this.options.make(i);
    callUntilDone(this.options, load, intendedUs, signal)
      .then((outcome) => this.settle(i, load, outcome, intendedUs))
      .catch((error: unknown) => this.fail(load.what, errorMessage(error)))
      .finally(() => {
        this.inFlight--;
        this.wakeUp();
      });
  }

  private settle(i: number, load: LoadRequest, outcome: CallOutcome, intendedUs: number): void {
    if (outcome.type !== 'interrupted') this.report.retryCount += outcome.retries;
    if (outcome.type === 'done') this.report.doneCount++;
    if (outcome.type === 'failed') this.fail(load.what, outcome.message);
    this.options.onOutcome?.(i, outcome, intendedUs);
  }

  private fail(what: string, message: string): void {
    this.report.failedCount++;
    if (this.report.failures.length < failuresListedMax) this.report.failures.push({ what, message });
  }

  private slotFree(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private wakeUp(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
