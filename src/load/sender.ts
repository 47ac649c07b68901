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
  /** When sending began: the plan's offsets count from here. */
  startUs: number;
  plannedCount: number;
  /** Those whose intended time came while requests were being sent: all of them, unless interrupted. */
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
   * time. A sender that is 3 % too slow has 0.97. After an interruption, of those that had been due by then for 10 ms.
   */
  achievedRatio: number;
  /** The same, but those that were held back count as in time: what the sender itself has to answer for. */
  keptUpRatio: number;
  /**
   * The requested rate, as much lower or higher as the sends took more or less time than they were to; of requests that
   * were to leave all at once, the rate at which they did. Undefined of fewer than two.
   */
  achievedPerSecond: number | undefined;
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
  /** Sends up to here were late before there was none. */
  private lateUntil = 0;
  private onTimeCount = 0;
  /** Of those that were held back, the ones that were not on time. */
  private heldLateCount = 0;
  private firstSentUs = 0;
  private lastSentUs = 0;
  /** When the last request had left, or the abort came. */
  private endedUs: number | undefined;
  private wake: (() => void) | undefined;
  private dueSeen = 0;
  private abandoned = false;

  constructor(options: PacedSend) {
    this.options = options;
    this.startUs = options.clock.nowUs();
    this.report = {
      startUs: this.startUs,
      plannedCount: options.plan.offsetsUs.length,
      dueCount: 0,
      sentCount: 0,
      doneCount: 0,
      failedCount: 0,
      retryCount: 0,
      heldBackCount: 0,
      requestedPerSecond: options.plan.requestsPerSecond,
      achievedRatio: 1,
      keptUpRatio: 1,
      achievedPerSecond: undefined,
      lateness: new Histogram(),
      failures: [],
      interrupted: false,
    };
  }

  /** The report as it stands; only its counts mean something before {@link run} resolves, and not `dueCount`. */
  get soFar(): Readonly<SendReport> {
    return this.report;
  }

  /** What the report would be if the run ended here: of a phase that is not brought to its end. */
  brokenOff(): SendReport {
    this.endedUs ??= this.options.clock.nowUs();
    return { ...this.finish(), interrupted: true };
  }

  /** Requests whose intended time has come. */
  get dueCount(): number {
    const { clock, plan } = this.options;
    const sinceUs = (this.endedUs ?? clock.nowUs()) - this.startUs;
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
    this.endedUs = clock.nowUs();
    while (this.inFlight > 0 && !this.abandoned) await this.slotFree();
    signal.removeEventListener('abort', onAbort);
    return this.finish();
  }

  private async sendAll(): Promise<void> {
    const { plan, clock, signal } = this.options;
    for (let next = 0; next < plan.offsetsUs.length && !signal.aborted; ) {
      const nowUs = clock.nowUs();
      let turn = 0;
      while (next < plan.offsetsUs.length && this.intendedUs(next) <= nowUs) {
        if (this.isFull || turn >= sendsPerTurnMax) break;
        this.send(next++);
        turn++;
      }
      if (next >= plan.offsetsUs.length) break;
      if (this.isFull && this.intendedUs(next) <= nowUs) {
        this.markLate(next, nowUs);
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
    const owed = report.interrupted ? this.overdueCount() : report.plannedCount;
    const ratioOf = (count: number): number => (owed === 0 ? 1 : Math.min(1, count / owed));
    report.achievedRatio = ratioOf(this.onTimeCount);
    report.keptUpRatio = ratioOf(this.onTimeCount + this.heldLateCount + this.heldUnsent(owed));
    report.achievedPerSecond = this.achievedPerSecond();
    return report;
  }

  /** Requests that have left, and those that should have, {@link graceUsMin} before the end at the latest. */
  private overdueCount(): number {
    const { offsetsUs } = this.options.plan;
    const untilUs = (this.endedUs ?? 0) - this.startUs - graceUsMin;
    let count = this.report.sentCount;
    while (count < offsetsUs.length && (offsetsUs[count] ?? 0) <= untilUs) count++;
    return count;
  }

  /** Of those that should have left and have not, the ones that still wait for a slot. */
  private heldUnsent(owed: number): number {
    const { sentCount } = this.report;
    if (this.isFull) this.markHeld(sentCount);
    return Math.max(0, Math.min(this.heldUntil, owed) - Math.max(this.lateUntil, sentCount));
  }

  /** An interval is added to either time: n requests of one rate take n - 1 intervals from the first to the last. */
  private achievedPerSecond(): number | undefined {
    const { requestsPerSecond, intervalUs, offsetsUs } = this.options.plan;
    const { sentCount } = this.report;
    const tookUs = this.lastSentUs - this.firstSentUs;
    if (sentCount < 2) return undefined;
    if (requestsPerSecond === undefined) return tookUs === 0 ? undefined : ((sentCount - 1) * 1e6) / tookUs;
    const plannedUs = (offsetsUs[sentCount - 1] ?? 0) - (offsetsUs[0] ?? 0);
    return (requestsPerSecond * (plannedUs + intervalUs)) / (tookUs + intervalUs);
  }

  private get isFull(): boolean {
    return this.inFlight >= (this.options.concurrencyMax ?? concurrencyMaxDefault);
  }

  /** Later than this is not in time. */
  private get graceUs(): number {
    return Math.max(graceUsMin, this.options.plan.intervalUs);
  }

  private intendedUs(i: number): number {
    return this.startUs + (this.options.plan.offsetsUs[i] ?? 0);
  }

  /** All that are due by now waited for the slot that has just become free. */
  private markHeld(next: number): void {
    this.heldUntil = Math.max(this.heldUntil, next, this.dueCount);
  }

  /** Those that are too late already when the slots have just run out are the sender's: it was that which waited. */
  private markLate(next: number, nowUs: number): void {
    if (next < this.heldUntil || next < this.lateUntil) return;
    this.lateUntil = next;
    const { length } = this.options.plan.offsetsUs;
    while (this.lateUntil < length && this.intendedUs(this.lateUntil) + this.graceUs < nowUs)
      this.lateUntil++;
  }

  private send(i: number): void {
    const { clock, plan, signal } = this.options;
    const { report } = this;
    const intendedUs = this.intendedUs(i);
    const sentUs = clock.nowUs();
    const lastUs = this.intendedUs(plan.offsetsUs.length - 1);
    if (report.sentCount === 0) this.firstSentUs = sentUs;
    this.lastSentUs = sentUs;
    report.sentCount++;
    const isHeld = i >= this.lateUntil && i < this.heldUntil;
    if (isHeld) report.heldBackCount++;
    if (sentUs <= lastUs + this.graceUs) this.onTimeCount++;
    else if (isHeld) this.heldLateCount++;
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
