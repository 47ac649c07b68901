import type { Clock, TimerHandle } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { ApiClient, ApiResponse } from '../kube/client.ts';
import { Reflector, type WatchHandler } from '../kube/reflector.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { toSli } from '../result/summarise.ts';
import { ClockSkew } from './clock-skew.ts';
import type { Instrument, Told } from './instrument.ts';
import { countOf, countText } from './words.ts';

/** 240 probes in a minute make a p99 of more than the two worst ones; they cost the API server 0.2 % of a core. */
const probeIntervalMs = 250;

/** Probes that are on their way, at most: a minute's worth. Beyond that the oldest counts as arrived now. */
const outstandingMax = 240;

/** A watch of the observer that was lost is tried again after this, doubling: what it misses counts as its lag. */
export const observerBackoffMsMin = 100;

const probeTimeoutMs = 10_000;

const postLease = callClass('POST', 'leases', '', 'resource');
const patchLease = callClass('PATCH', 'leases', '', 'resource');

/** The Lease that is written for nothing but being watched. */
export type ProbeLease = { namespace: string; name: string; labels: Record<string, string> };

export type WatchLagOptions = {
  /** The observer's own client: the probe's watch shares the connection and the decoder of its watches. */
  observerClient: ApiClient;
  /** A connection that carries the probes' writes and a second watch of them, and nothing else. */
  probeClient: ApiClient;
  /** Made and deleted here. Both may list and watch leases in its namespace, the second create and patch this one. */
  lease: ProbeLease;
  clock: Clock;
  /** How late this thread's event loop is. */
  delayNowUs: () => number;
};

/**
 * How late the observer is. A Lease of our own is patched four times a second, and watched twice: on the connection of
 * the observer's watches, and on one that carries nothing else. The observer's lag is how much later the first brings
 * an event than the second, 0 when it is not later: what queues up in front of the observer, or is lost while its watch
 * is down. A busy thread delays both, which is what the loop delay tells.
 *
 * From a write's answer to its event on the quiet connection is the API server's own watch latency: a result of the
 * run (on a machine whose CPUs are all busy it was 100 ms), not a fault of the observer.
 */
export class WatchLag implements Instrument {
  /** Of the observer, microseconds. */
  readonly lags = new Histogram();
  /** Of the API server, microseconds. */
  readonly watchLatency = new Histogram();
  /** Likewise, each less the event-loop delay at the arrival of its event. */
  readonly watchLatencyLower = new Histogram();
  /** Probes whose time has come: those that were sent, and those that were not as the one before had no answer yet. */
  dueCount = 0;
  private skippedCount = 0;
  private failedCount = 0;
  private firstFailure = '';
  /** Of the API server's clock, by the answers to the probes. */
  readonly skew = new ClockSkew();
  private readonly options: WatchLagOptions;
  /** Seen on the quiet connection, and not yet by the observer. */
  private readonly ahead: Passage;
  /** Acknowledged, and not yet seen on the quiet connection. */
  private readonly written: Passage;
  private sequence = 0;
  private writing = false;
  private created = false;
  private timer: TimerHandle | undefined;
  private reflectors: Reflector[] = [];
  private stopped = false;

  constructor(options: WatchLagOptions) {
    this.options = options;
    this.ahead = new Passage(this.lags);
    const { delayNowUs } = options;
    this.written = new Passage(this.watchLatency, { histogram: this.watchLatencyLower, delayNowUs });
  }

  private get collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.options.lease.namespace}/leases`;
  }

  start(): void {
    const { observerClient, probeClient, clock } = this.options;
    this.reflectors = [
      this.watch(probeClient, (version) => {
        this.written.leave(version, clock.nowUs());
        this.ahead.enter(version, clock.nowUs());
      }),
      this.watch(observerClient, (version) => this.ahead.leave(version, clock.nowUs())),
    ];
    this.arm();
  }

  /** Ends probing. Probes that never arrived count with their age. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.cancel();
    for (const reflector of this.reflectors) reflector.stop();
    const nowUs = this.options.clock.nowUs();
    this.written.close(nowUs);
    this.ahead.close(nowUs);
  }

  finish(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  /** `watch-latency`, in work at SIG Scalability, so reported and not judged; and the lag, which is the harness's own. */
  tell(): Told {
    const sli = toSli(this.watchLatency, {
      id: 'watch-latency',
      labels: { resource: 'leases' },
      unit: 'us',
      definition:
        'From the answer to a write until its event on a watch that has a connection to itself, 0 when the event comes first; a Lease, patched four times a second.',
      source: "observer's clock; includes the loop delay of its thread",
      resolution: '1 µs',
      lowerBound: this.watchLatencyLower,
    });
    const lag = toSli(this.lags, {
      id: 'harness-watch-lag',
      labels: {},
      unit: 'us',
      definition:
        "How much later the observer's connection brings an event than one that carries nothing else, 0 when it is not later; the Lease of watch-latency.",
      source: "observer's clock; a delay of its thread's loop is in both and so in neither",
      resolution: '1 µs',
    });
    return {
      slis: this.lags.count === 0 ? [sli] : [sli, lag],
      notes: this.notes(),
      clampedCount: this.lags.clampedCount + this.watchLatency.clampedCount,
    };
  }

  private notes(): string[] {
    const probes = countOf(this.dueCount, 'probe');
    const notes: string[] = [];
    if (this.failedCount > 0) {
      notes.push(
        `Lag of the observer and watch latency: ${countText(this.failedCount)} of ${probes} were without success, the first: ${this.firstFailure}.`,
      );
    }
    if (this.skippedCount > 0) {
      notes.push(
        `Lag of the observer and watch latency: ${countText(this.skippedCount)} of ${probes} were left out, as the one before had no answer yet.`,
      );
    }
    return notes;
  }

  private fail(reason: string): void {
    // The end of the run ends what is on its way.
    if (this.stopped) return;
    this.failedCount++;
    if (this.firstFailure === '') this.firstFailure = reason;
  }

  private watch(client: ApiClient, onVersion: (version: number) => void): Reflector {
    const handler: WatchHandler = {
      onListing() {},
      onSynced() {},
      onEvent: (event) => onVersion(Number(event.resourceVersion)),
      onFault: (error) => this.fail(errorMessage(error)),
    };
    return new Reflector(
      client,
      {
        path: this.collection,
        selector: `fieldSelector=${encodeURIComponent(`metadata.name=${this.options.lease.name}`)}`,
        timeoutSecondsMin: 300,
        sendsTimeout: false,
        backoffMsMin: observerBackoffMsMin,
      },
      handler,
    );
  }

  private arm(): void {
    this.timer = this.options.clock.timer(probeIntervalMs, () => {
      if (this.stopped) return;
      this.arm();
      this.dueCount++;
      if (this.writing) this.skippedCount++;
      else void this.probe();
    });
  }

  private async probe(): Promise<void> {
    this.writing = true;
    const { clock } = this.options;
    try {
      const sentWallMs = clock.wallMs();
      const { status, date = '', body } = await this.write();
      this.skew.add(date, sentWallMs, clock.wallMs());
      if (status !== 200 && status !== 201) {
        if (status === 409) this.created = true;
        else this.fail(`HTTP ${status}`);
        return;
      }
      this.created = true;
      const answer = this.options.probeClient.codec.decode(body) as {
        metadata?: { resourceVersion?: string };
      };
      const version = Number(answer.metadata?.resourceVersion ?? 0);
      if (!this.stopped) this.written.enter(version, clock.nowUs());
    } catch (error) {
      // No answer: whether the write happened is not known, and it is a result of the run, not of this probe.
      this.fail(errorMessage(error));
    } finally {
      this.writing = false;
    }
  }

  private write(): Promise<ApiResponse> {
    const { probeClient } = this.options;
    const annotations = { 'hollowmark.dev/probe': String(this.sequence++) };
    if (this.created) {
      return probeClient.request({
        method: 'PATCH',
        path: `${this.collection}/${this.options.lease.name}`,
        kind: patchLease,
        contentType: 'application/merge-patch+json',
        body: Buffer.from(JSON.stringify({ metadata: { annotations } })),
        timeoutMs: probeTimeoutMs,
      });
    }
    return probeClient.request({
      method: 'POST',
      path: this.collection,
      kind: postLease,
      body: probeClient.codec.encode({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { ...this.options.lease, annotations },
        spec: { holderIdentity: 'hollowmark' },
      }),
      timeoutMs: probeTimeoutMs,
    });
  }
}

/** Where times are recorded a second time, less the event-loop delay. */
type LowerBound = { histogram: Histogram; delayNowUs: () => number };

/**
 * The time that versions of one object take from one place to another: 0 for one that comes to the second place first.
 * An event stands for all versions up to its own: a listing shows the newest only. Versions of a resource grow.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 */
export class Passage {
  private readonly histogram: Histogram;
  private readonly lower: LowerBound | undefined;
  private readonly under: { version: number; atUs: number }[] = [];
  private left = 0;

  constructor(histogram: Histogram, lower?: LowerBound) {
    this.histogram = histogram;
    this.lower = lower;
  }

  enter(version: number, atUs: number): void {
    if (version <= this.left) {
      this.record(0);
      return;
    }
    this.under.push({ version, atUs });
    if (this.under.length > outstandingMax) this.leave(this.under[0]?.version ?? 0, atUs);
  }

  leave(version: number, atUs: number): void {
    this.left = Math.max(this.left, version);
    for (let first = this.under[0]; first !== undefined && first.version <= version; first = this.under[0]) {
      this.under.shift();
      this.record(atUs - first.atUs);
    }
  }

  /** Those that never arrived count with their age; the youngest may just be on its way. */
  close(atUs: number): void {
    for (const { atUs: enteredUs } of this.under.slice(0, -1)) this.record(atUs - enteredUs);
    this.under.length = 0;
  }

  private record(us: number): void {
    this.histogram.record(us);
    this.lower?.histogram.record(us - this.lower.delayNowUs());
  }
}
