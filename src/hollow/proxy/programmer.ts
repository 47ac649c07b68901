import type { Clock } from '../../base/clock.ts';
import type { DelayQueue } from '../../base/delay-queue.ts';
import type { ServiceRecord, SliceRecord } from './proxied-objects.ts';
import type { RuleTable } from './rules.ts';
import type { Shared } from './shared-table.ts';

/** Between the end of a sync and the start of the next: minSyncPeriod of iptables and nftables, kube-proxy's default. */
export const minSyncPeriodMs = 1000;

/**
 * How long a sync takes, milliseconds. Measured with iptables-restore 1.8.9 (nf_tables), fed with what kube-proxy writes
 * for Services of 10 endpoints, in a network namespace of its own on two busy cores: with 100 Services a sync of one took
 * 32 ms and of all 76 ms, with 1,000 one took 50 ms, 10 took 64 ms and 100 took 173 ms; the first sync, with the 24 calls
 * of iptables before it, 40 ms with 10 Services, 141 ms with 100 and 3.0 s with 1,000. An estimate for any other machine,
 * and for the first sync with few Services too long.
 */
export const syncCost = {
  partialMs: (services: number, changed: number): number => 30 + 0.02 * services + 0.8 * changed,
  firstMs: (services: number): number => 40 + 3 * services,
} as const;

export type ProgrammerOptions = {
  clock: Pick<Clock, 'wallMs'>;
  delays: Pick<DelayQueue, 'after'>;
  /** What the proxy's watches have shown so far. */
  seen: () => RuleTable;
  /** A change of endpoints is in place on this node, so many microseconds after what triggered it. */
  onProgrammed: (latencyUs: number) => void;
};

/**
 * Keeps one node's rules as kube-proxy does: changes are gathered, a sync programs all that there are when it begins,
 * and the next one begins a second after its end at the earliest. No rule is made; a sync takes its time.
 * Source: pkg/proxy/{servicechangetracker,endpointschangetracker}.go, pkg/proxy/runner, v1.36. Left out: the full sync
 * once an hour, retries (no sync fails), IPv6.
 */
export class Programmer {
  private readonly options: ProgrammerOptions;
  private readonly startedWallMs: number;
  /** Services whose rules differ from those of the last sync, with what those were; undefined for none. */
  private readonly changedServices = new Map<string, string | undefined>();
  private changedEndpoints = new Set<string>();
  /** Trigger times of changes that no sync has taken up, by Service. */
  private triggers = new Map<string, number[]>();
  private state: 'waiting' | 'idle' | 'syncing' | 'resting' = 'waiting';
  private wanted = false;
  private stopped = false;
  /** What is in place on the node; undefined before the first sync. */
  programmed: RuleTable | undefined;
  /** Syncs that have ended. */
  syncCount = 0;

  constructor(options: ProgrammerOptions) {
    this.options = options;
    this.startedWallMs = options.clock.wallMs();
  }

  onService(before: Shared<ServiceRecord> | undefined, after: Shared<ServiceRecord> | undefined): void {
    const key = (after?.value ?? before?.value)?.key;
    if (key === undefined) return;
    if (!this.changedServices.has(key)) this.changedServices.set(key, before?.value?.rules);
    // A change that was taken back is none; others may be waiting.
    if (this.changedServices.get(key) === after?.value?.rules) this.changedServices.delete(key);
    if (this.changedServices.size > 0) this.request();
  }

  onSlice(before: Shared<SliceRecord> | undefined, after: Shared<SliceRecord> | undefined): void {
    if (before?.value !== undefined && before.value.service !== after?.value?.service) {
      this.changedEndpoints.add(before.value.service);
      // A slice that is gone tells the time of its last change, not of its end: kube-proxy forgets both.
      this.triggers.delete(before.value.service);
    }
    if (after?.value !== undefined) {
      const { service, triggerWallMs } = after.value;
      this.changedEndpoints.add(service);
      // What happened before this proxy was there is not its latency.
      if (triggerWallMs !== undefined && triggerWallMs > this.startedWallMs) {
        const others = this.triggers.get(service);
        if (others === undefined) this.triggers.set(service, [triggerWallMs]);
        else others.push(triggerWallMs);
      }
    }
    if (before?.value !== undefined || after?.value !== undefined) this.request();
  }

  /** Services and endpoint slices have been listed: the first sync comes at once. */
  begin(): void {
    this.sync();
  }

  stop(): void {
    this.stopped = true;
  }

  private request(): void {
    if (this.state === 'idle') this.sync();
    else this.wanted = true;
  }

  private sync(): void {
    const { delays, seen } = this.options;
    const first = this.programmed === undefined;
    const table = seen();
    const { triggers } = this;
    const changed = new Set([...this.changedServices.keys(), ...this.changedEndpoints]).size;
    this.changedServices.clear();
    this.changedEndpoints = new Set();
    this.triggers = new Map();
    this.wanted = false;
    this.state = 'syncing';
    const { size } = table.services;
    delays.after(first ? syncCost.firstMs(size) : syncCost.partialMs(size, changed), () => {
      if (this.stopped) return;
      this.programmed = table;
      this.syncCount++;
      this.tell(triggers);
      this.state = 'resting';
      // The first sync is outside of the runner that spaces the others.
      delays.after(first ? 0 : minSyncPeriodMs, () => this.rested());
    });
  }

  private rested(): void {
    if (this.stopped) return;
    this.state = 'idle';
    if (this.wanted) this.sync();
  }

  private tell(triggers: ReadonlyMap<string, readonly number[]>): void {
    const nowMs = this.options.clock.wallMs();
    for (const times of triggers.values()) {
      for (const timeMs of times) this.options.onProgrammed((nowMs - timeMs) * 1000);
    }
  }
}
