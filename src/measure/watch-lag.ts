import type { Clock, TimerHandle } from '../base/clock.ts';
import type { ApiClient } from '../kube/client.ts';
import { Reflector, type WatchHandler } from '../kube/reflector.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { RawWatchEvent } from '../wire/codec.ts';

/** 240 probes in a minute make a p99 of more than the two worst ones; they cost the API server 0.2 % of a core. */
const probeIntervalMs = 250;

/** Probes written and not yet seen, at most: a minute's worth. Beyond that the oldest counts as seen now. */
const outstandingMax = 240;

const probeTimeoutMs = 10_000;

export const probeLeaseName = 'hollowmark-observer';

const postLease = callClass('POST', 'leases', '', 'resource');
const patchLease = callClass('PATCH', 'leases', '', 'resource');

export type WatchLagOptions = {
  /** The observer's own client: the probe's watch shares the connection, the decoder and the thread of its watches. */
  watchClient: ApiClient;
  /** A connection of its own, so that answers do not queue behind watch events. */
  writeClient: ApiClient;
  /** Where the Lease lives; must exist. The writer may create and patch leases there, the watcher list and watch. */
  namespace: string;
  clock: Clock;
};

/**
 * How late the observer is: a Lease of our own is patched four times a second on one connection, and its event comes
 * back on the connection of the observer's watches. Lag is the time from reading the write's answer to reading the
 * event, 0 when the event comes first. A slow server delays both and so does a busy thread (which the loop delay
 * tells); what is left is what queues up in front of this observer, or is lost while its watch is down.
 */
export class WatchLag implements WatchHandler {
  readonly lags = new Histogram();
  /** Probes that were due while the one before had no answer yet. */
  skipped = 0;
  failed = 0;
  private readonly options: WatchLagOptions;
  /** Acknowledged and not yet seen, by rising resourceVersion. */
  private readonly outstanding: { version: number; ackedUs: number }[] = [];
  private lastSeenVersion = 0;
  private sequence = 0;
  private writing = false;
  private created = false;
  private timer: TimerHandle | undefined;
  private reflector: Reflector | undefined;
  private stopped = false;

  constructor(options: WatchLagOptions) {
    this.options = options;
  }

  private get collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.options.namespace}/leases`;
  }

  start(): void {
    this.reflector = new Reflector(
      this.options.watchClient,
      {
        path: this.collection,
        selector: `fieldSelector=${encodeURIComponent(`metadata.name=${probeLeaseName}`)}`,
        timeoutSecondsMin: 300,
        sendsTimeout: false,
      },
      this,
    );
    this.arm();
  }

  /** Ends probing. Probes that were never seen count with their age. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.cancel();
    this.reflector?.stop();
    const nowUs = this.options.clock.nowUs();
    // The youngest may just be on its way.
    for (const probe of this.outstanding.slice(0, -1)) this.lags.record(nowUs - probe.ackedUs);
    this.outstanding.length = 0;
  }

  onListing(): void {}

  onSynced(): void {}

  onEvent(event: RawWatchEvent): void {
    // Versions of one resource grow: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    const version = Number(event.resourceVersion);
    const nowUs = this.options.clock.nowUs();
    this.lastSeenVersion = Math.max(this.lastSeenVersion, version);
    for (let first = this.outstanding[0]; first !== undefined; first = this.outstanding[0]) {
      if (first.version > version) break;
      this.outstanding.shift();
      this.lags.record(nowUs - first.ackedUs);
    }
  }

  private arm(): void {
    this.timer = this.options.clock.timer(probeIntervalMs, () => {
      if (this.stopped) return;
      this.arm();
      if (this.writing) this.skipped++;
      else void this.probe();
    });
  }

  private async probe(): Promise<void> {
    this.writing = true;
    try {
      const { status, body } = await this.write();
      if (status !== 200 && status !== 201) {
        if (status === 409) this.created = true;
        else this.failed++;
        return;
      }
      this.created = true;
      const answer = this.options.writeClient.codec.decode(body) as {
        metadata?: { resourceVersion?: string };
      };
      this.acknowledged(Number(answer.metadata?.resourceVersion ?? 0));
    } catch {
      // No answer: whether the write happened is not known, and it is a result of the run, not of this probe.
      this.failed++;
    } finally {
      this.writing = false;
    }
  }

  private acknowledged(version: number): void {
    if (this.stopped) return;
    if (version <= this.lastSeenVersion) {
      this.lags.record(0);
      return;
    }
    const nowUs = this.options.clock.nowUs();
    this.outstanding.push({ version, ackedUs: nowUs });
    if (this.outstanding.length <= outstandingMax) return;
    const oldest = this.outstanding.shift();
    if (oldest !== undefined) this.lags.record(nowUs - oldest.ackedUs);
  }

  private write(): Promise<{ status: number; body: Buffer }> {
    const { writeClient } = this.options;
    const annotations = { 'hollowmark.dev/probe': String(this.sequence++) };
    if (this.created) {
      return writeClient.request({
        method: 'PATCH',
        path: `${this.collection}/${probeLeaseName}`,
        kind: patchLease,
        contentType: 'application/merge-patch+json',
        body: Buffer.from(JSON.stringify({ metadata: { annotations } })),
        timeoutMs: probeTimeoutMs,
      });
    }
    return writeClient.request({
      method: 'POST',
      path: this.collection,
      kind: postLease,
      body: writeClient.codec.encode({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: probeLeaseName, namespace: this.options.namespace, annotations },
        spec: { holderIdentity: 'hollowmark' },
      }),
      timeoutMs: probeTimeoutMs,
    });
  }
}
