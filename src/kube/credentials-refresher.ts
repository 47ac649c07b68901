import type { Clock, TimerHandle } from '../base/clock.ts';
import type { Credentials } from './identity.ts';

/** Credentials, and how long they are good for. */
export type FreshCredentials = {
  credentials: Credentials;
  /** Milliseconds since the epoch; undefined where that is not known. */
  expiresAtMs?: number;
  /** They come from files that somebody else renews: worth another look after this long. */
  recheckAfterMs?: number;
};

/** Renewed at this part of the remaining life, and this long before its end. */
const renewAtPart = 0.8;
const renewAheadMs = 30_000;

/** Between two attempts, whatever asks for them; doubled while they bring nothing. */
const attemptGapMsMin = 5_000;
const retryDelayMsMax = 60_000;
/** The longest timer; a renewal a day does no harm, and a clock that is set meanwhile is noticed. */
const delayMsMax = 24 * 60 * 60 * 1000;

export type RefresherOptions = {
  /** Gives the credentials anew; one call at a time. */
  source: (signal: AbortSignal) => Promise<FreshCredentials>;
  /** What `source` gave last. */
  first: FreshCredentials;
  clock: Clock;
  /** Called with credentials that differ from the last ones. */
  onUpdate: (credentials: Credentials) => void;
  /** An attempt has failed; the next one follows by itself, with a back-off up to a minute. */
  onFailure: (error: unknown) => void;
};

/** Keeps credentials fresh until {@link stop}. Those that neither expire nor lie in files are left alone. */
export class CredentialsRefresher {
  private readonly options: RefresherOptions;
  private current: string;
  private timer: TimerHandle | undefined;
  private renewing: Promise<void> | undefined;
  private attemptedMs = Number.NEGATIVE_INFINITY;
  private failures = 0;
  /** Renewals in a row that brought the same credentials again. */
  private vain = 0;
  private readonly ended = new AbortController();

  constructor(options: RefresherOptions) {
    this.options = options;
    this.current = JSON.stringify(options.first.credentials);
    this.schedule(options.first);
  }

  /**
   * For a 401: asks for other credentials now, unless that was done in the last seconds. Resolves when the attempt
   * is over, whatever came of it; calls in the meantime share it.
   */
  renewNow(): Promise<void> {
    if (this.ended.signal.aborted) return Promise.resolve();
    if (this.renewing !== undefined) return this.renewing;
    if (this.nowMs() - this.attemptedMs < this.gapMs()) return Promise.resolve();
    return this.attempt();
  }

  stop(): void {
    this.ended.abort();
    this.timer?.cancel();
  }

  private attempt(): Promise<void> {
    this.timer?.cancel();
    this.renewing = this.renew().finally(() => {
      this.attemptedMs = this.nowMs();
      this.renewing = undefined;
    });
    return this.renewing;
  }

  private async renew(): Promise<void> {
    const { source, onUpdate, onFailure } = this.options;
    try {
      const fresh = await source(this.ended.signal);
      if (this.ended.signal.aborted) return;
      this.failures = 0;
      const text = JSON.stringify(fresh.credentials);
      const changed = text !== this.current;
      this.vain = changed ? 0 : this.vain + 1;
      if (changed) {
        this.current = text;
        onUpdate(fresh.credentials);
      }
      this.schedule(fresh);
    } catch (error) {
      if (this.ended.signal.aborted) return;
      this.failures++;
      onFailure(error);
      this.arm(this.gapMs());
    }
  }

  private schedule({ expiresAtMs, recheckAfterMs }: FreshCredentials): void {
    const delaysMs = recheckAfterMs === undefined ? [] : [recheckAfterMs];
    if (expiresAtMs !== undefined) {
      const remainingMs = expiresAtMs - this.options.clock.wallMs();
      delaysMs.push(Math.min(remainingMs * renewAtPart, remainingMs - renewAheadMs));
    }
    if (delaysMs.length > 0) this.arm(Math.min(...delaysMs));
  }

  private arm(delayMs: number): void {
    this.timer = this.options.clock.timer(
      Math.min(delayMsMax, Math.max(attemptGapMsMin, delayMs)),
      () => void this.attempt(),
    );
  }

  /** Between attempts: longer when they are of no use. */
  private gapMs(): number {
    const useless = Math.max(this.failures, this.vain);
    return Math.min(retryDelayMsMax, attemptGapMsMin * 2 ** Math.min(Math.max(0, useless - 1), 10));
  }

  private nowMs(): number {
    return this.options.clock.nowUs() / 1000;
  }
}
