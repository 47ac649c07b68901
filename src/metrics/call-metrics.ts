import { Histogram } from './histogram.ts';

/** The scope of a request as the SLIs tell them apart (KEP: API call latency). */
export type CallScope = 'resource' | 'namespace' | 'cluster';

/** What kind of request this is: one histogram for each. `verb` as the API server counts it (LIST is not GET). */
export type CallClass = {
  readonly key: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: CallScope;
};

const interned = new Map<string, CallClass>();

/** The one object for a kind of request; made once, so that recording needs no string work. */
export function callClass(verb: string, resource: string, subresource: string, scope: CallScope): CallClass {
  const key = `${verb}|${resource}|${subresource}|${scope}`;
  let found = interned.get(key);
  if (found === undefined) {
    found = { key, verb, resource, subresource, scope };
    interned.set(key, found);
  }
  return found;
}

/** Latencies and outcomes of one kind of request, encoded for another process. */
export type CallSnapshot = {
  verb: string;
  resource: string;
  subresource: string;
  scope: CallScope;
  /** HDR V2 base64, microseconds. */
  histogram: string;
  clampedCount: number;
  /** By HTTP status; 0 stands for no answer (connection lost, timed out). */
  statuses: Record<number, number>;
};

type CallRecord = { histogram: Histogram; lower: Histogram | undefined; statuses: Map<number, number> };

/** Client-side API latencies by kind of request. */
export class CallMetrics {
  private readonly records = new Map<CallClass, CallRecord>();
  /** Requests answered or failed, of all kinds. */
  total = 0;
  /** When set, latencies of all kinds are recorded here too: whoever set it reads and resets it. */
  recent: Histogram | undefined;
  /**
   * When set, how late the event loop is: each latency is recorded a second time less that. The truth lies between the
   * two. Latencies that are merged have no such second.
   */
  delayNowUs: (() => number) | undefined;
  /** When set, called with each latency that is recorded here. Must be cheap. */
  onLatency: ((latencyUs: number) => void) | undefined;

  /** `status` is 0 when there was no answer: counted, but no latency is recorded. */
  record(kind: CallClass, status: number, latencyUs: number): void {
    const record = this.count(kind, status);
    if (status !== 0) this.time(record, latencyUs);
  }

  /** There was no answer, and nobody asks any more: counted, with the age at which that was so. */
  recordGivenUp(kind: CallClass, ageUs: number): void {
    this.time(this.count(kind, 0), ageUs);
  }

  /** Everything since the last call, and starts anew. */
  drain(): CallSnapshot[] {
    const snapshots: CallSnapshot[] = [];
    for (const [kind, record] of this.records) {
      if (record.statuses.size === 0) continue;
      snapshots.push({
        verb: kind.verb,
        resource: kind.resource,
        subresource: kind.subresource,
        scope: kind.scope,
        histogram: record.histogram.toBase64(),
        clampedCount: record.histogram.clampedCount,
        statuses: Object.fromEntries(record.statuses),
      });
      record.histogram.reset();
      record.statuses.clear();
    }
    return snapshots;
  }

  merge(snapshots: readonly CallSnapshot[]): void {
    for (const snapshot of snapshots) {
      const kind = callClass(snapshot.verb, snapshot.resource, snapshot.subresource, snapshot.scope);
      const record = this.recordOf(kind);
      const histogram = Histogram.fromBase64(snapshot.histogram);
      histogram.clampedCount = snapshot.clampedCount;
      record.histogram.merge(histogram);
      this.recent?.merge(histogram);
      for (const [status, count] of Object.entries(snapshot.statuses)) {
        record.statuses.set(Number(status), (record.statuses.get(Number(status)) ?? 0) + count);
        this.total += count;
      }
    }
  }

  /** Every kind of request seen, with its histograms (not copies) and its outcomes. */
  *entries(): Generator<{ kind: CallClass } & Readonly<CallRecord>> {
    for (const [kind, record] of this.records) yield { kind, ...record };
  }

  private count(kind: CallClass, status: number): CallRecord {
    const record = this.recordOf(kind);
    this.total++;
    record.statuses.set(status, (record.statuses.get(status) ?? 0) + 1);
    return record;
  }

  private time(record: CallRecord, latencyUs: number): void {
    record.histogram.record(latencyUs);
    this.recent?.record(latencyUs);
    this.onLatency?.(latencyUs);
    if (this.delayNowUs === undefined) return;
    record.lower ??= new Histogram();
    record.lower.record(latencyUs - this.delayNowUs());
  }

  private recordOf(kind: CallClass): CallRecord {
    let record = this.records.get(kind);
    if (record === undefined) {
      record = { histogram: new Histogram(), lower: undefined, statuses: new Map() };
      this.records.set(kind, record);
    }
    return record;
  }
}
