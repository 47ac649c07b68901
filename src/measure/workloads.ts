import type { Clock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { Reflector, type WatchHandler } from '../kube/reflector.ts';
import { BoundedLatencies } from '../metrics/bounded-latencies.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import type { Changes } from './changes.ts';
import type { Instrument, Series, Told } from './instrument.ts';
import { runSelector } from './observer.ts';
import { type Threshold, objectiveFor } from './slo.ts';
import { observerBackoffMsMin } from './watch-lag.ts';
import { countText } from './words.ts';
import { type WorkloadKind, isDone, workloadPaths, workloadView } from './workload-state.ts';

/** A workload object that the load generator created; machine-wide monotonic microseconds. */
export type CreatedWorkload = {
  kind: WorkloadKind;
  namespace: string;
  name: string;
  phase: string;
  intendedUs: number;
  /** Of a Job: how long its pods take one after the other; else 0. */
  ownUs: number;
  /** A Job that is made so as to fail: it is waited for, and not timed. */
  failing: boolean;
};

/** As pods: more of them are not kept track of. */
const workloadsMax = 200_000;

const syncTimeoutMs = 30_000;

type Described = { id: string; definition: string };

/** What did not come to its end, in words. */
const unfinished: Readonly<Record<WorkloadKind, string>> = {
  jobs: 'Jobs had not completed',
  statefulsets: 'StatefulSets had never been ready',
  persistentvolumeclaims: 'PersistentVolumeClaims had not been bound',
};

const sent = "From the intended send of the create request until the observer's watch shows";
const slis: Readonly<Record<WorkloadKind, Described>> = {
  jobs: {
    id: 'job-completion',
    definition: `${sent} a Job's condition Complete; Jobs that fail or do not complete are left out.`,
  },
  statefulsets: {
    id: 'statefulset-ready',
    definition: `${sent} that all replicas of a StatefulSet are ready, once each; those that never are are left out.`,
  },
  persistentvolumeclaims: {
    id: 'claim-bound',
    definition: `${sent} a PersistentVolumeClaim of phase Bound, to a PersistentVolume that was there before; claims that are never bound are left out.`,
  },
};

const overhead: Described = {
  id: 'job-overhead',
  definition:
    "job-completion less what the Job's pods take by themselves (how long one runs, times completions over parallelism, rounded up): what the control plane and the nodes add.",
};

export type WorkloadsOptions = {
  client: ApiClient;
  runId: string;
  clock: Clock;
  changes: Changes;
  /** Those that the scenario makes: only these are watched. */
  kinds: readonly WorkloadKind[];
  /** How late this thread's event loop is. */
  delayNowUs: () => number;
};

/** When something was seen, and how late this thread was then. */
type Instant = { atUs: number; delayUs: number };

type Timed = { described: Described; phase: string; latencies: BoundedLatencies };

/** Follows a run's Jobs, StatefulSets and claims until they are done, and times them. */
export class Workloads implements Instrument {
  private readonly options: WorkloadsOptions;
  /** One for each kind that is watched. */
  readonly watches: ReadonlyMap<WorkloadKind, WorkloadWatch>;
  private readonly reflectors: Reflector[] = [];
  private readonly timed = new Map<string, Timed>();
  /**
   * By kind, namespace and name, while they are there: created and not seen done, or seen done and not known to have been
   * created (claims of StatefulSets, Jobs that are made so as to fail).
   */
  private readonly created = new Map<string, CreatedWorkload>();
  private readonly early = new Map<string, Instant>();
  private readonly createdCounts = new Map<WorkloadKind, number>();
  private readonly timedCounts = new Map<WorkloadKind, number>();
  private stopped = false;

  constructor(options: WorkloadsOptions) {
    this.options = options;
    const hears: Hears = {
      nowUs: () => options.clock.nowUs(),
      onDone: (key, atUs) => this.onDone(key, { atUs, delayUs: options.delayNowUs() }),
      onGone: (key) => {
        this.created.delete(key);
        this.early.delete(key);
      },
      onChange: () => options.changes.changed(),
    };
    this.watches = new Map(options.kinds.map((kind) => [kind, new WorkloadWatch(kind, hears)]));
  }

  /** How many of a kind are there and done. */
  doneCount(kind: WorkloadKind): number {
    return this.watches.get(kind)?.doneCount ?? 0;
  }

  /**
   * Resolves when the watches are up, or when it is stopped before.
   * @throws HollowmarkError `cluster-unavailable` when the watches do not come up in 30 s.
   */
  async start(): Promise<void> {
    if (this.stopped) return;
    const { client, runId, changes } = this.options;
    for (const [kind, watch] of this.watches) {
      const spec = {
        path: workloadPaths[kind],
        selector: runSelector(runId),
        timeoutSecondsMin: 300,
        sendsTimeout: false,
        backoffMsMin: observerBackoffMsMin,
      };
      this.reflectors.push(new Reflector(client, spec, watch));
    }
    const synced = (): boolean => this.stopped || [...this.watches.values()].every((watch) => watch.synced);
    if (await changes.waitUntil(synced, { timeoutMs: syncTimeoutMs })) return;
    throw new HollowmarkError(
      'cluster-unavailable',
      `the observer's watches of ${[...this.watches.keys()].join(', ')} did not come up in ${syncTimeoutMs / 1000} s`,
      { hint: 'its identity must be allowed to list and watch them' },
    );
  }

  stop(): void {
    this.stopped = true;
    for (const reflector of this.reflectors) reflector.stop();
    this.options.changes.changed();
  }

  /** The load generator's create request was answered with success. */
  onCreated(created: CreatedWorkload): void {
    const { kind } = created;
    if (created.failing) return;
    this.createdCounts.set(kind, (this.createdCounts.get(kind) ?? 0) + 1);
    const key = keyOf(kind, created.namespace, created.name);
    const done = this.early.get(key);
    if (done === undefined) this.created.set(key, created);
    else {
      this.early.delete(key);
      this.record(created, done);
    }
  }

  series(): Series[] {
    return [...this.timed.values()].map(({ described: { id }, phase, latencies }) => ({
      id,
      labels: { phase },
      histogram: latencies.samples,
    }));
  }

  tell(thresholds: readonly Threshold[]): Told {
    const told: Sli[] = [];
    let clampedCount = 0;
    let droppedCount = 0;
    for (const { described, phase, latencies } of this.timed.values()) {
      const { samples, lower } = latencies;
      clampedCount += samples.clampedCount;
      const labels = { phase };
      const slo = objectiveFor(thresholds, described.id, labels);
      const description = {
        ...described,
        labels,
        unit: 'us' as const,
        source: "load generator's and observer's clocks, both the machine's monotonic one",
        resolution: '1 µs; includes the loop delay of the thread',
        lowerBound: lower,
      };
      told.push(toSli(samples, slo === undefined ? description : { ...description, slo }));
    }
    for (const { dropped } of this.watches.values()) droppedCount += dropped;
    return { slis: told, notes: this.notes(), clampedCount, droppedCount };
  }

  /** Nobody who reads the latencies may take those that came to their end for all. */
  private notes(): string[] {
    return [...this.createdCounts].flatMap(([kind, count]) => {
      const left = count - (this.timedCounts.get(kind) ?? 0);
      if (left === 0) return [];
      return [
        `${countText(left)} of ${countText(count)} ${unfinished[kind]} when the run ended or they were deleted: ${slis[kind].id} is that of the others.`,
      ];
    });
  }

  private onDone(key: string, done: Instant): void {
    const created = this.created.get(key);
    if (created === undefined) {
      this.early.set(key, done);
      return;
    }
    this.created.delete(key);
    this.record(created, done);
  }

  private record({ kind, phase, intendedUs, ownUs }: CreatedWorkload, { atUs, delayUs }: Instant): void {
    this.timedCounts.set(kind, (this.timedCounts.get(kind) ?? 0) + 1);
    this.time(slis[kind], phase, atUs - intendedUs, delayUs);
    if (kind === 'jobs') this.time(overhead, phase, atUs - intendedUs - ownUs, delayUs);
  }

  private time(described: Described, phase: string, us: number, delayUs: number): void {
    const key = `${described.id}/${phase}`;
    let timed = this.timed.get(key);
    if (timed === undefined) {
      timed = { described, phase, latencies: new BoundedLatencies() };
      this.timed.set(key, timed);
    }
    timed.latencies.record(us, delayUs);
  }
}

function keyOf(kind: WorkloadKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

type Hears = {
  nowUs: () => number;
  onDone: (key: string, atUs: number) => void;
  onGone: (key: string) => void;
  onChange: () => void;
};

/** The objects of one kind: which are there, and which of them are done. Done once is told once. */
export class WorkloadWatch implements WatchHandler {
  doneCount = 0;
  synced = false;
  dropped = 0;
  private readonly kind: WorkloadKind;
  private readonly hears: Hears;
  private readonly done = new Map<string, boolean>();
  private readonly told = new Set<string>();
  private listed: Set<string> | undefined;

  constructor(kind: WorkloadKind, hears: Hears) {
    this.kind = kind;
    this.hears = hears;
  }

  onListing(): void {
    this.listed = new Set();
  }

  onEvent(event: RawWatchEvent): void {
    const atUs = this.hears.nowUs();
    const object = event.object(workloadView) as { metadata?: { namespace?: string; name?: string } };
    const { namespace, name } = object.metadata ?? {};
    if (namespace === undefined || name === undefined) return;
    const key = keyOf(this.kind, namespace, name);
    if (event.type === 'DELETED') this.remove(key);
    else this.update(key, isDone(this.kind, object), atUs);
    this.hears.onChange();
  }

  onSynced(): void {
    const { listed } = this;
    this.listed = undefined;
    this.synced = true;
    if (listed !== undefined) for (const key of [...this.done.keys()]) if (!listed.has(key)) this.remove(key);
    this.hears.onChange();
  }

  onInterrupted(): void {
    this.listed = undefined;
  }

  onFault(): void {
    this.dropped++;
  }

  private update(key: string, done: boolean, atUs: number): void {
    this.listed?.add(key);
    const before = this.done.get(key);
    if (before === undefined && this.done.size >= workloadsMax) {
      this.dropped++;
      return;
    }
    this.done.set(key, done);
    this.doneCount += Number(done) - Number(before ?? false);
    if (!done || this.told.has(key)) return;
    this.told.add(key);
    this.hears.onDone(key, atUs);
  }

  private remove(key: string): void {
    if (this.done.get(key) === true) this.doneCount--;
    this.done.delete(key);
    this.told.delete(key);
    this.hears.onGone(key);
  }
}
