import type { Clock, TimerHandle } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';

/** When silence counts. */
export type WatchdogLimits = {
  /** Between an answer and the next question. */
  intervalMs: number;
  /** Silence of this length is worth a warning. */
  warnAfterMs: number;
  /** Silence of this length ends the run. */
  lostAfterMs: number;
};

/**
 * Health probes are exempt from priority and fairness, so a server that is merely overloaded answers them within
 * seconds. For 30 s it is silent only when it hangs; waiting longer would only make the user wait.
 */
const defaultLimits: WatchdogLimits = { intervalMs: 2_000, warnAfterMs: 5_000, lostAfterMs: 30_000 };

/** How often silence is looked at. A longer time without a look was this process's own, and counts as two. */
const lookIntervalMs = 250;

const getLivez = callClass('GET', 'livez', '', 'cluster');

/** Why a server is silent, as far as this machine can tell, and the command that wakes it. */
export type Diagnosis = { reason: string; remedy: string };

export type WatchdogOptions = {
  /** On a connection of its own, so that no request queues before the probe; closed by {@link Watchdog.stop}. */
  client: ApiClient;
  clock: Clock;
  reporter: Reporter;
  diagnose: () => Diagnosis | undefined;
  limits?: Partial<WatchdogLimits> | undefined;
};

/**
 * Asks an API server whether it is alive, the whole run long: a dead one closes its connections, a hanging one says
 * nothing, and whoever waits for it would wait for ever. Answers with 5xx are no signs of life (etcd hangs).
 */
export class Watchdog {
  /** Rejects with `cluster-unavailable` when the server has been silent for too long. Never resolves. */
  readonly died: Promise<never>;
  private reject: (error: Error) => void = () => {};
  private readonly options: WatchdogOptions;
  private readonly limits: WatchdogLimits;
  private readonly timers = new Map<string, TimerHandle>();
  private silentMs = 0;
  private lookedUs: number;
  private warned = false;
  private lastFault = '';
  private stopped = false;

  constructor(options: WatchdogOptions) {
    this.options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.lookedUs = options.clock.nowUs();
    this.died = new Promise<never>((_resolve, reject) => {
      this.reject = reject;
    });
    // Nobody may be listening yet, or any more.
    this.died.catch(() => {});
    this.look();
    void this.ask();
  }

  /** Ends the questions. Safe to call twice. */
  stop(): void {
    this.stopped = true;
    for (const timer of this.timers.values()) timer.cancel();
    this.options.client.close();
  }

  private async ask(): Promise<void> {
    const { client } = this.options;
    const timeoutMs = this.limits.lostAfterMs;
    try {
      const { status, body } = await client.request({
        method: 'GET',
        path: '/livez',
        kind: getLivez,
        timeoutMs,
      });
      if (status < 500) this.answered();
      else this.lastFault = `HTTP ${status}: ${failedChecks(body.toString('utf8'))}`;
    } catch (error) {
      this.lastFault = errorMessage(error);
    }
    this.later('ask', this.limits.intervalMs, () => void this.ask());
  }

  private answered(): void {
    if (this.warned) this.options.reporter.info(`The API server answers again after ${this.silence()}`);
    this.warned = false;
    this.silentMs = 0;
    this.lastFault = '';
  }

  private look(): void {
    const { clock, reporter } = this.options;
    const nowUs = clock.nowUs();
    this.silentMs += Math.min((nowUs - this.lookedUs) / 1000, 2 * lookIntervalMs);
    this.lookedUs = nowUs;
    const diagnosis = this.silentMs < this.limits.warnAfterMs ? undefined : this.options.diagnose();
    if (this.silentMs >= this.limits.lostAfterMs) {
      this.reject(new HollowmarkError('cluster-unavailable', `the ${this.complaint(diagnosis)}`));
      return;
    }
    if (this.silentMs >= this.limits.warnAfterMs && !this.warned) {
      this.warned = true;
      const end = `the run ends after ${this.limits.lostAfterMs / 1000} s`;
      const remedy = diagnosis === undefined ? '' : `, unless you wake it: ${diagnosis.remedy}`;
      reporter.warn(`The ${this.complaint(diagnosis)}; ${end}${remedy}`);
    }
    this.later('look', lookIntervalMs, () => this.look());
  }

  private silence(): string {
    return `${Math.round(this.silentMs / 1000)} s`;
  }

  private complaint(diagnosis: Diagnosis | undefined): string {
    const reasons = [diagnosis?.reason ?? '', this.lastFault].filter((reason) => reason !== '');
    const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
    return `API server has not answered for ${this.silence()}${why}`;
  }

  private later(name: string, delayMs: number, callback: () => void): void {
    if (!this.stopped) this.timers.set(name, this.options.clock.timer(delayMs, callback));
  }
}

/** Of a verbose health answer, the lines that say what has failed: `[-]etcd failed: reason withheld`. */
function failedChecks(body: string): string {
  const failed = body.split('\n').filter((line) => line.startsWith('[-]'));
  return (failed.length === 0 ? body.slice(0, 200) : failed.map((line) => line.slice(3)).join(', ')).trim();
}
