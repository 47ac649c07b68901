import type { Clock, TimerHandle } from '../base/clock.ts';
import { NoAnswerError } from '../kube/api-error.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { BoundedLatencies } from '../metrics/bounded-latencies.ts';
import type { Figure } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, Series, Told } from './instrument.ts';
import { type Threshold, objectiveFor } from './slo.ts';
import { countOf, durationText } from './words.ts';

/** One a second, as SIG Scalability's own load tests ask. An outage shows with that resolution. */
const probeIntervalMs = 1000;

/** A client would not wait longer than for the next probe, and a load balancer calls such a server unhealthy. */
const probeTimeoutMs = 1000;

/**
 * Of a loop that is later than this, timers run before answers that came long ago are read: what a probe finds then may be
 * this thread's own doing. A tenth of what a probe may take.
 */
const lateUsMax = (probeTimeoutMs / 10) * 1000;

const getReadyz = callClass('GET', 'readyz', '', 'cluster');

const source = "observer's clock, GET /readyz once a second on a connection of its own";
const definition =
  'every second on the second, whether GET /readyz is answered within 1 s and with no 5xx; after a probe without success the next one has a new connection.';

/** What came of a probe, once that is known; `late`: this thread was. Otherwise `failed` says why it was without success. */
type Outcome = 'success' | 'late' | { failed: string };

type Probe = { dueUs: number; outcome: Outcome | undefined };

/** What is under way on a client has its outcome by then. */
const clientCloseMs = 2 * probeTimeoutMs;

/**
 * Whether the API server can be used, asked at a fixed rate whatever it answers. `/readyz` is what load balancers ask,
 * it says no while the server starts, shuts down or has lost etcd, and priority and fairness exempts it: so throttling is
 * not taken for an outage, which a GET of an object would be.
 */
export class ApiAvailability implements Instrument {
  private readonly clock: Clock;
  private readonly newClient: () => ApiClient;
  private readonly delayNowUs: () => number;
  private client: ApiClient | undefined;
  private readonly clients = new Set<ApiClient>();
  private readonly latencies = new BoundedLatencies();
  /** Those without an outcome yet, in order, and those behind one that has none. */
  private readonly open: Probe[] = [];
  private readonly failures = new Map<string, number>();
  private successes = 0;
  private failed = 0;
  /** Instants that this thread slept through, and probes whose outcome it was late to see. */
  private skipped = 0;
  private startUs = 0;
  private next = 0;
  private downSinceUs: number | undefined;
  private longestUs = 0;
  private timer: TimerHandle | undefined;
  private stopped = false;

  /**
   * @param newClient of an identity that may GET /readyz; its calls are counted nowhere. Closed here.
   * @param delayNowUs how late this thread's event loop is
   */
  constructor(clock: Clock, newClient: () => ApiClient, delayNowUs: () => number) {
    this.clock = clock;
    this.newClient = newClient;
    this.delayNowUs = delayNowUs;
  }

  start(): void {
    this.startUs = this.clock.nowUs();
    this.arm();
  }

  /** Ends probing. A probe that is under way is none. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.cancel();
    this.settle();
    for (const client of this.clients) client.close();
    // An outage that has not ended is as long as it is known to be.
    if (this.downSinceUs !== undefined) this.endOutage(this.clock.nowUs());
  }

  finish(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  series(): Series[] {
    return [{ id: 'api-probe', labels: {}, histogram: this.latencies.samples }];
  }

  isDown(): boolean {
    return this.downSinceUs !== undefined;
  }

  tell(thresholds: readonly Threshold[]): Told {
    const count = this.successes + this.failed;
    if (count === 0)
      return this.skipped === 0 ? {} : { figures: [this.skippedFigure()], notes: this.notes(0) };
    const slo = objectiveFor(thresholds, 'api-probe', {});
    const sli = toSli(this.latencies.samples, {
      id: 'api-probe',
      labels: {},
      unit: 'us',
      definition:
        'From the second at which a probe (GET /readyz) was due until the last byte of its answer; those without success (they count in api-availability) and those that count as not asked (api-probes-skipped) are left out.',
      source: `${source}; includes the loop delay of its thread`,
      resolution: '1 µs',
      lowerBound: this.latencies.lower,
      ...(slo === undefined ? {} : { slo }),
    });
    const figure = (id: string, unit: Figure['unit'], what: string, value: number): Figure => ({
      id,
      labels: {},
      unit,
      definition: `${what}: ${definition}`,
      source,
      resolution: `one probe in ${countOf(count, 'probe')}; an outage shorter than 1 s may lie between two probes`,
      value,
    });
    const figures = [
      figure('api-availability', 'ratio', 'Share of probes with success', this.successes / count),
      figure(
        'api-unavailable-longest',
        'us',
        'Longest time from a probe without success to the next with success',
        Math.round(this.longestUs),
      ),
      this.skippedFigure(),
    ];
    return {
      slis: [sli],
      figures,
      notes: this.notes(count),
      clampedCount: this.latencies.samples.clampedCount,
    };
  }

  private skippedFigure(): Figure {
    return {
      id: 'api-probes-skipped',
      labels: {},
      unit: 'count',
      definition: `Probes that count as not asked, neither as success nor as failure: they were due, or had their outcome, while the thread that asks was late by more than ${lateUsMax / 1000} ms.`,
      source: "observer's event-loop delay",
      resolution: '1; what held the loop between two looks, 10 ms at most, is not seen',
      value: this.skipped,
    };
  }

  private notes(count: number): string[] {
    const notes: string[] = [];
    if (this.failed > 0) {
      const reasons = [...this.failures].map(([reason, times]) => `${times} × ${reason}`).join(', ');
      notes.push(
        `The API server was not available for up to ${durationText(this.longestUs)}: ${this.failed} of ${countOf(count, 'probe')} were without success (${reasons}).`,
      );
    }
    if (this.skipped > 0) {
      notes.push(
        `${countOf(this.skipped, 'probe')} of the API server's availability left out: the harness was busy when they were due or answered.`,
      );
    }
    return notes;
  }

  private get dueUs(): number {
    return this.startUs + this.next * probeIntervalMs * 1000;
  }

  private arm(): void {
    const delayMs = Math.max(0, Math.ceil((this.dueUs - this.clock.nowUs()) / 1000));
    this.timer = this.clock.timer(delayMs, () => {
      if (this.stopped) return;
      const { dueUs } = this;
      this.next++;
      // What was due while this thread slept says nothing of the server.
      for (; this.dueUs <= this.clock.nowUs(); this.next++) this.skipped++;
      void this.probe(dueUs);
      this.arm();
    });
  }

  private async probe(dueUs: number): Promise<void> {
    const client = this.client ?? this.newClient();
    this.client = client;
    this.clients.add(client);
    const probe: Probe = { dueUs, outcome: undefined };
    this.open.push(probe);
    let failed: string | undefined;
    try {
      const { status } = await client.request({
        method: 'GET',
        path: '/readyz',
        kind: getReadyz,
        intendedUs: dueUs,
        timeoutMs: probeTimeoutMs,
      });
      if (status >= 500) failed = `HTTP ${status}`;
    } catch (error) {
      // To whoever asks it is the same; to who looks for the cause it is not.
      failed = error instanceof NoAnswerError && error.unsent ? 'no connection' : 'no answer in time';
    }
    if (this.stopped) return;
    if (failed !== undefined) this.retire(client);
    const delayUs = this.delayNowUs();
    if (delayUs > lateUsMax) probe.outcome = 'late';
    else if (failed !== undefined) probe.outcome = { failed };
    else {
      probe.outcome = 'success';
      this.latencies.record(this.clock.nowUs() - dueUs, delayUs);
    }
    this.settle();
  }

  /** The next probe gets a new connection at once: a user who comes for the first time waits for no back-off of ours. */
  private retire(client: ApiClient): void {
    if (this.client !== client) return;
    this.client = undefined;
    this.clock.timer(clientCloseMs, () => {
      client.close();
      this.clients.delete(client);
    });
  }

  /** Answers may come in another order than they were asked for. */
  private settle(): void {
    for (let first = this.open[0]; first !== undefined; first = this.open[0]) {
      const { outcome, dueUs } = first;
      if (outcome === undefined) return;
      this.open.shift();
      if (outcome === 'late') this.skipped++;
      else if (outcome === 'success') {
        this.successes++;
        if (this.downSinceUs !== undefined) this.endOutage(dueUs);
      } else {
        const { failed } = outcome;
        this.failed++;
        this.failures.set(failed, (this.failures.get(failed) ?? 0) + 1);
        this.downSinceUs ??= dueUs;
      }
    }
  }

  private endOutage(atUs: number): void {
    this.longestUs = Math.max(this.longestUs, atUs - (this.downSinceUs ?? atUs));
    this.downSinceUs = undefined;
  }
}
