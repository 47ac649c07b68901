import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { Reflector, type WatchHandler } from '../kube/reflector.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import { View } from '../wire/view.ts';
import { type PodFacts, podFacts, podFactsView } from './pod-facts.ts';
import { observerBackoffMsMin } from './watch-lag.ts';

/** Pods that are kept track of at once: the limit of Kubernetes' own promise is 150,000. Others count as dropped. */
export const podsMax = 200_000;

/** Nodes likewise: the promise ends at 5,000. */
export const nodesMax = 50_000;

/** Informers of Kubernetes end their watches at random between 5 and 10 minutes. */
const watchTimeoutSecondsMin = 300;

/** The label that every object of a run carries. */
export const runLabel = 'hollowmark.dev/run';

/** `labelSelector=…` for all objects of a run, encoded. */
export function runSelector(runId: string): string {
  return `labelSelector=${encodeURIComponent(`${runLabel}=${runId}`)}`;
}

/**
 * What the observer tells of each pod, once each and in this order, as far as it happens. `atUs`: when the watch event
 * was read. `live`: it was an event; otherwise a listing after an interruption showed it, and it may be older.
 */
export interface PodListener {
  onSeen(pod: PodFacts, atUs: number, live: boolean): void;
  onScheduled(pod: PodFacts, atUs: number, live: boolean): void;
  onStarted(pod: PodFacts, atUs: number, live: boolean): void;
  onUnschedulable(uid: string): void;
  onFailed?(uid: string): void;
  onGone(uid: string, atUs: number): void;
}

/** What the observer tells of each node: when it is seen first, and whenever it becomes Ready or ceases to be. */
export interface NodeListener {
  onNode(name: string, state: Readonly<NodeState>): void;
  onNodeGone(name: string): void;
}

export type ObserverOptions = {
  /** Read-only, with a connection of its own. */
  client: ApiClient;
  runId: string;
  /** Absent: objects of the run alone; empty: all that there are. */
  selector?: string;
  clock: Clock;
  /** Called after anything that a wait may be for has changed. Must be cheap. */
  onChange: () => void;
  /** How late this thread's event loop is; 0 where it is not known. */
  delayNowUs?: () => number;
};

const scheduledBit = 1;
const startedBit = 2;
const failedBit = 4;
const unschedulableBit = 8;
const deletingBit = 16;
const endedBit = 32;

/**
 * Watches all pods of a run and counts what becomes of them. Each pod is one small integer beside its uid (about
 * 120 bytes), for as long as it is there. A listing after an interruption is taken as the difference to what is known:
 * nothing is counted twice, and pods that went away in between count as deleted.
 */
export class PodObserver implements WatchHandler {
  /** Pods seen for the first time, since the start. */
  created = 0;
  /** Pods of which all containers were reported started. */
  started = 0;
  /** Pods of {@link started} that are still there. */
  running = 0;
  /** Pods of {@link running} that have not failed, unless they were meant to, and are not being deleted. */
  serving = 0;
  deleted = 0;
  /** Pods of {@link deleted} that had ended well before. */
  endedDeleted = 0;
  /** Pods whose phase became Failed. */
  failed = 0;
  /** Pods beyond {@link podsMax}, and events that a fault lost: a run that has any is not valid. */
  dropped = 0;
  interruptions = 0;
  /** Why the watch was interrupted last. */
  lastInterruption = '';
  /** The first listing is complete. */
  synced = false;
  private readonly pods = new Map<string, number>();
  private readonly options: ObserverOptions;
  private readonly listeners: PodListener[];
  private readonly startListeners: ((pod: PodFacts, atUs: number) => void)[] = [];
  private listed: Set<string> | undefined;
  private reflector: Reflector | undefined;

  constructor(options: ObserverOptions, listener: PodListener) {
    this.options = options;
    this.listeners = [listener];
  }

  /** Tells one more; before {@link start}. */
  listen(listener: PodListener): void {
    this.listeners.push(listener);
  }

  start(): void {
    const { client, runId, selector } = this.options;
    this.reflector = new Reflector(
      client,
      {
        path: '/api/v1/pods',
        selector: selector ?? runSelector(runId),
        timeoutSecondsMin: watchTimeoutSecondsMin,
        sendsTimeout: false,
        backoffMsMin: observerBackoffMsMin,
      },
      this,
    );
  }

  stop(): void {
    this.reflector?.stop();
  }

  /** `listener` hears of each pod that is seen started, once. Must be cheap. */
  onStart(listener: (pod: PodFacts, atUs: number) => void): void {
    this.startListeners.push(listener);
  }

  /** Pods that are there now. */
  get present(): number {
    return this.pods.size;
  }

  has(uid: string): boolean {
    return this.pods.has(uid);
  }

  /** Whether the pod is there and was seen with all its containers started. */
  hasStarted(uid: string): boolean {
    return ((this.pods.get(uid) ?? 0) & startedBit) !== 0;
  }

  onListing(): void {
    this.listed = new Set();
  }

  onEvent(event: RawWatchEvent): void {
    const atUs = this.options.clock.nowUs();
    const facts = podFacts(event.object(podFactsView));
    if (facts.uid === '') return;
    if (event.type === 'DELETED') this.remove(facts.uid, atUs);
    else if (event.type === 'ADDED' || event.type === 'MODIFIED') this.update(facts, atUs);
    this.options.onChange();
  }

  onSynced(): void {
    const listed = this.listed;
    this.listed = undefined;
    this.synced = true;
    if (listed !== undefined) {
      const atUs = this.options.clock.nowUs();
      for (const uid of [...this.pods.keys()]) if (!listed.has(uid)) this.remove(uid, atUs);
    }
    this.options.onChange();
  }

  onInterrupted(reason: string): void {
    this.listed = undefined;
    this.interruptions++;
    this.lastInterruption = reason.slice(0, 200);
  }

  onFault(error: unknown): void {
    this.dropped++;
    this.interruptions++;
    this.lastInterruption = errorMessage(error).slice(0, 200);
  }

  private update(facts: PodFacts, atUs: number): void {
    const live = this.listed === undefined;
    this.listed?.add(facts.uid);
    let bits = this.pods.get(facts.uid);
    if (bits === undefined) {
      if (this.pods.size >= podsMax) {
        this.dropped++;
        return;
      }
      bits = 0;
      this.created++;
      for (const listener of this.listeners) listener.onSeen(facts, atUs, live);
    }
    const before = bits;
    if (facts.node !== '' && (bits & scheduledBit) === 0) {
      bits |= scheduledBit;
      for (const listener of this.listeners) listener.onScheduled(facts, atUs, live);
    }
    if (facts.unschedulable && (bits & unschedulableBit) === 0) {
      bits |= unschedulableBit;
      for (const listener of this.listeners) listener.onUnschedulable(facts.uid);
    }
    if (facts.started && (bits & startedBit) === 0) {
      bits |= startedBit;
      this.started++;
      this.running++;
      for (const listener of this.listeners) listener.onStarted(facts, atUs, live);
      for (const listener of this.startListeners) listener(facts, atUs);
    }
    if (facts.failed && (bits & failedBit) === 0) {
      bits |= failedBit;
      this.failed++;
      for (const listener of this.listeners) listener.onFailed?.(facts.uid);
    }
    if (facts.ended) bits |= endedBit;
    if (facts.deleting) bits |= deletingBit;
    this.serving += servingCount(bits) - servingCount(before);
    if (bits !== before || bits === 0) this.pods.set(facts.uid, bits);
  }

  private remove(uid: string, atUs: number): void {
    const bits = this.pods.get(uid);
    if (bits === undefined) return;
    this.pods.delete(uid);
    this.deleted++;
    if ((bits & endedBit) !== 0) this.endedDeleted++;
    if ((bits & startedBit) !== 0) this.running--;
    this.serving -= servingCount(bits);
    for (const listener of this.listeners) listener.onGone(uid, atUs);
  }
}

function servingCount(bits: number): 0 | 1 {
  const lost = (bits & endedBit) === 0 && (bits & failedBit) !== 0;
  return !lost && (bits & (startedBit | deletingBit)) === startedBit ? 1 : 0;
}

/** What is known of a node. */
export type NodeState = {
  ready: boolean;
  /** When it was last seen to become Ready, monotonic; 0 before. */
  readyUs: number;
  /** How late this thread was then. */
  readyDelayUs: number;
  /** How often it was Ready and then was not. */
  lapses: number;
  /** Keys of its taints. */
  taints: readonly string[];
};

const noTaints: readonly string[] = [];

const nodeReadyView = new View({
  metadata: { name: true },
  spec: { taints: { key: true } },
  status: { conditions: { type: true, status: true } },
});

/** Watches the nodes of a run: how many are Ready, and how often one ceased to be. */
export class NodeObserver implements WatchHandler {
  ready = 0;
  /** Ready before, and then not, whatever the reason; a node that is deleted does not count. */
  notReadyEvents = 0;
  /** Nodes beyond {@link nodesMax}, and events that a fault lost. */
  dropped = 0;
  synced = false;
  private readonly nodes = new Map<string, NodeState>();
  private readonly listeners: NodeListener[] = [];
  private readonly options: ObserverOptions;
  private listed: Set<string> | undefined;
  private reflector: Reflector | undefined;

  constructor(options: ObserverOptions) {
    this.options = options;
  }

  listen(listener: NodeListener): void {
    this.listeners.push(listener);
  }

  start(): void {
    const { client, runId, selector } = this.options;
    this.reflector = new Reflector(
      client,
      {
        path: '/api/v1/nodes',
        selector: selector ?? runSelector(runId),
        timeoutSecondsMin: watchTimeoutSecondsMin,
        sendsTimeout: false,
        backoffMsMin: observerBackoffMsMin,
      },
      this,
    );
  }

  stop(): void {
    this.reflector?.stop();
  }

  get present(): number {
    return this.nodes.size;
  }

  /** Undefined for a node that is not there. */
  node(name: string): Readonly<NodeState> | undefined {
    return this.nodes.get(name);
  }

  onListing(): void {
    this.listed = new Set();
  }

  onEvent(event: RawWatchEvent): void {
    const node = event.object(nodeReadyView) as {
      metadata?: { name?: string };
      spec?: { taints?: { key?: string }[] };
      status?: { conditions?: { type?: string; status?: string }[] };
    };
    const name = node.metadata?.name ?? '';
    if (name === '') return;
    if (event.type === 'DELETED') this.remove(name);
    else {
      const condition = node.status?.conditions?.find((one) => one.type === 'Ready');
      const taints = node.spec?.taints?.map(({ key }) => key ?? '') ?? noTaints;
      this.update(name, condition?.status === 'True', taints);
    }
    this.options.onChange();
  }

  onSynced(): void {
    const listed = this.listed;
    this.listed = undefined;
    this.synced = true;
    if (listed !== undefined) {
      for (const name of [...this.nodes.keys()]) if (!listed.has(name)) this.remove(name);
    }
    this.options.onChange();
  }

  onInterrupted(): void {
    this.listed = undefined;
  }

  onFault(): void {
    this.dropped++;
  }

  private update(name: string, isReady: boolean, taints: readonly string[]): void {
    this.listed?.add(name);
    let state = this.nodes.get(name);
    const changed = state?.ready !== isReady;
    if (state === undefined) {
      if (this.nodes.size >= nodesMax) {
        this.dropped++;
        return;
      }
      state = { ready: false, readyUs: 0, readyDelayUs: 0, lapses: 0, taints: noTaints };
      this.nodes.set(name, state);
    }
    if (state.ready && !isReady) {
      this.ready--;
      this.notReadyEvents++;
      state.lapses++;
    } else if (!state.ready && isReady) {
      this.ready++;
      state.readyUs = this.options.clock.nowUs();
      state.readyDelayUs = this.options.delayNowUs?.() ?? 0;
    }
    state.ready = isReady;
    state.taints = taints;
    if (changed) for (const listener of this.listeners) listener.onNode(name, state);
  }

  private remove(name: string): void {
    if (this.nodes.get(name)?.ready === true) this.ready--;
    if (!this.nodes.delete(name)) return;
    for (const listener of this.listeners) listener.onNodeGone(name);
  }
}
