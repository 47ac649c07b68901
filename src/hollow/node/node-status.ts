import { isDeepStrictEqual } from 'node:util';
import { kinds, type KubeletContext } from '../context.ts';
import type { Pressure } from '../node-failure.ts';
import type { NodeEvents } from './node-events.ts';
import {
  type NodeCondition,
  type NodeState,
  type NodeStatus,
  conditionsHold,
  nodeConditions,
  nodeStatusPatch,
  pressureEvents,
  reportedImages,
  statusFacts,
} from './node-object.ts';

/** Node status is computed this often (kubelet's nodeStatusUpdateFrequency)… */
const computeIntervalMs = 10_000;

/** …and sent when it changed or when this much has passed (nodeStatusReportFrequency). */
const reportIntervalMs = 300_000;

/** Until the node is Ready for the first time, whether it is now is looked at this often (fastStatusUpdateOnce). */
const fastIntervalMs = 100;

/** Tries of one update (nodeStatusUpdateRetry). */
const triesMax = 5;

type ObservedNode = { status?: NodeStatus };

const none: readonly Pressure[] = [];

export type NodeStatusOptions = {
  /** Makes the node; {@link NodeStatusReporter.registered} is called once it is there. */
  register: () => void;
  /** Whether all is there that a node needs for Ready. */
  isReady: () => boolean;
  onRepeatedFailure: () => void;
  /** Called once, when the API server has acknowledged the node as Ready. */
  onReady: () => void;
};

/**
 * Keeps the node's status: computes it from the node as the API server has it, and writes what differs. That is so when
 * the kubelet starts, when the node controller has given the node up, when the node is short of something, or images
 * have come; and every five minutes. Unlike a kubelet's, capacity, addresses and nodeInfo are compared and written until
 * a write has succeeded, and not again: whoever changes them afterwards has changed them.
 * Source: pkg/kubelet/kubelet_node_status.go (syncNodeStatus, fastNodeStatusUpdate, tryUpdateNodeStatus), v1.36.
 */
export class NodeStatusReporter {
  private readonly context: KubeletContext;
  private readonly events: NodeEvents;
  private readonly options: NodeStatusOptions;
  /** The conditions that the API server has, by the kubelet's own watch or as they were written last. */
  private known: readonly NodeCondition[] | undefined;
  /** What else it has, until all of it has been written once. */
  private facts: NodeStatus | undefined;
  private settled = false;
  /** Which of the two loops is at it; the other one waits. */
  private holder: 'sync' | 'fast' | undefined;
  private syncWaits = false;
  private isRegistered = false;
  private fastSinceMs = 0;
  private fastArmed = false;
  private lastReportMs = Number.NEGATIVE_INFINITY;
  private offsetMs = 0;
  private tries = 0;
  private everReady = false;
  private rebootTold = false;
  /** `DiskPressure/injected`: what the node is short of, and for which cause. */
  private causes: readonly string[] = [];
  private present = none;
  private sent: readonly NodeCondition[] = [];
  /** As of {@link NodeImages.changes}: what the API server was told, and what it is being told. */
  private imagesReported = 0;
  private imagesSent = 0;

  constructor(context: KubeletContext, events: NodeEvents, options: NodeStatusOptions) {
    this.context = context;
    this.events = events;
    this.options = options;
  }

  /** Whether the API server is known to have the node. */
  get isKnown(): boolean {
    return this.known !== undefined;
  }

  /** Whether what its watch tells of the node beside its conditions is of no interest any more. */
  get isSettled(): boolean {
    return this.settled;
  }

  start(): void {
    this.fastSinceMs = this.context.nowMs;
    // Who comes first: the other loop asks the runtime for its state before.
    this.fast();
    this.sync();
  }

  /** @param made the status that the node was made with; undefined when it was there. */
  registered(made: NodeStatus | undefined): void {
    const { wire } = this.context;
    this.isRegistered = true;
    if (made !== undefined) this.take(made);
    // The watch has yet to tell of a node that has just been made.
    if (!this.isKnown || (made !== undefined && wire.readsCreatedNode)) this.read();
    else if (wire.start.paceMs === 0) this.update();
    else this.context.after(wire.start.paceMs, { of: 'node-status', loop: 'update' });
  }

  /** What makes the node Ready has come. */
  readyChanged(): void {
    this.armFast();
  }

  /**
   * The node begins or ceases to be short of something for this cause; reported, and told of in an event, with the next
   * computation of the status.
   */
  setPressure(condition: Pressure, isShort: boolean, cause: 'usage' | 'injected'): void {
    const own = `${condition}/${cause}`;
    const others = this.causes.filter((other) => other !== own);
    this.causes = isShort ? [...others, own] : others;
    const present = this.causes.some((one) => one.startsWith(`${condition}/`));
    if (this.present.includes(condition) === present) return;
    this.present = present
      ? [...this.present, condition]
      : this.present.filter((other) => other !== condition);
  }

  onTimer(loop: 'sync' | 'fast' | 'update'): void {
    if (loop === 'update') this.update();
    else if (loop === 'sync') this.sync();
    else {
      this.fastArmed = false;
      this.fast();
    }
  }

  /** The node as the API server has it, from the kubelet's own watch. */
  onNode(object: unknown): void {
    this.take((object as ObservedNode).status ?? {});
    this.armFast();
  }

  onAnswer(step: 'get' | 'patch', status: number, body: unknown): void {
    if (status !== 200) this.failed();
    else if (step === 'get') {
      this.take((body as ObservedNode).status ?? {});
      this.update();
    } else this.onWritten();
  }

  private take(status: NodeStatus): void {
    const { conditions = [], ...facts } = status;
    // What was written last comes back as objects of the same content, for each node anew.
    if (!isDeepStrictEqual(conditions, this.known)) this.known = conditions;
    if (!this.settled) this.facts = facts;
  }

  // ---- the two loops ----

  private sync(): void {
    if (this.holder !== undefined) {
      this.syncWaits = true;
      return;
    }
    this.holder = 'sync';
    this.tries = 0;
    if (!this.isRegistered) this.options.register();
    else if (this.isKnown) this.update();
    else this.read();
  }

  /** Writes the status for the first time that it says Ready, without waiting for the other loop. */
  private fast(): void {
    if (this.holder !== undefined || !this.fastIsDue) return;
    this.holder = 'fast';
    this.tries = 0;
    this.offsetMs = this.drawOffset();
    this.write();
  }

  private get fastIsDue(): boolean {
    const { known, everReady, options } = this;
    if (known === undefined || everReady || !options.isReady()) return false;
    return !saysReady(known);
  }

  /** Nothing comes of the looks in between. */
  private armFast(): void {
    if (this.fastArmed || !this.fastIsDue) return;
    this.fastArmed = true;
    const passedMs = (this.context.nowMs - this.fastSinceMs) % fastIntervalMs;
    this.context.after(fastIntervalMs - passedMs, { of: 'node-status', loop: 'fast' });
  }

  private release(): void {
    const { holder, context } = this;
    this.holder = undefined;
    if (holder === 'sync') {
      // From the end of a sync, with a little jitter, as the kubelet's own loop has it (wait.JitterUntil, 0.04, sliding).
      const delayMs = computeIntervalMs * (1 + context.prng.float() * 0.04);
      context.after(delayMs, { of: 'node-status', loop: 'sync' });
      // The other loop has waited for this.
      this.fastSinceMs = context.nowMs;
      this.fast();
    } else if (this.syncWaits) {
      this.syncWaits = false;
      this.sync();
    }
  }

  private update(): void {
    const changed = this.hasChanged();
    const due = this.context.nowMs - this.lastReportMs >= reportIntervalMs + this.offsetMs;
    if (!changed && !due) {
      // The answer to what said so may have got lost.
      this.noteReady(this.known ?? []);
      this.release();
      return;
    }
    // After a change the next report is due 5 min ± 50 % later, so that nodes started together drift apart.
    this.offsetMs = changed || this.lastReportMs < 0 ? this.drawOffset() : 0;
    this.write();
  }

  private drawOffset(): number {
    return this.context.prng.between(-0.5, 0.5) * reportIntervalMs;
  }

  private get state(): NodeState {
    return { present: this.present, ready: this.options.isReady() };
  }

  private hasChanged(): boolean {
    const { known = [], context, imagesReported } = this;
    return !conditionsHold(known, this.state) || context.images.changes !== imagesReported;
  }

  // ---- requests ----

  private write(): void {
    const { context, known = [], facts } = this;
    const { wallMs } = context.now;
    const conditions = nodeConditions(known, this.state, wallMs);
    this.tell(known, conditions);
    this.sent = conditions;
    this.imagesSent = context.images.changes;
    const desired: NodeStatus = { conditions };
    if (facts !== undefined) Object.assign(desired, statusFacts(context));
    if (facts !== undefined || this.imagesSent !== this.imagesReported) {
      desired['images'] = reportedImages(context);
    }
    this.request('patch', nodeStatusPatch({ ...facts, conditions: [...known] }, desired));
  }

  /**
   * Events of what turns, from what the API server has to what is about to be written. A condition that it has not yet
   * turns too, unless it is Ready (pkg/kubelet/nodestatus/setters.go).
   */
  private tell(known: readonly NodeCondition[], conditions: readonly NodeCondition[]): void {
    const { events, context } = this;
    const { bootID = '' } = (this.facts?.['nodeInfo'] ?? {}) as { bootID?: string };
    if (bootID !== '' && context.bootId !== bootID && !this.rebootTold && this.hasBootId) {
      this.rebootTold = true;
      const message = `Node ${context.node.name} has been rebooted, boot id: ${context.bootId}`;
      events.record('Rebooted', message, 'Warning');
    }
    for (const { type, status } of conditions) {
      const before = known.find((condition) => condition.type === type);
      if (before?.status === status) continue;
      if (type === 'Ready') {
        if (before !== undefined) events.status(status === 'True' ? 'NodeReady' : 'NodeNotReady');
        continue;
      }
      const turn = pressureEvents[type as Pressure];
      // The conditions of others keep their status.
      events.status(status === 'True' ? turn.bad : turn.good);
    }
  }

  private get hasBootId(): boolean {
    return this.context.wire.node === 'real';
  }

  private onWritten(): void {
    this.lastReportMs = this.context.nowMs;
    this.known = this.sent;
    this.facts = undefined;
    this.settled = true;
    this.imagesReported = this.imagesSent;
    this.noteReady(this.sent);
    this.release();
  }

  private noteReady(conditions: readonly NodeCondition[]): void {
    if (this.everReady || !saysReady(conditions)) return;
    this.everReady = true;
    this.options.onReady();
  }

  private failed(): void {
    this.tries++;
    // From the second failed try on, whatever the failure (kubelet_node_status.go, updateNodeStatus).
    if (this.tries > 1) this.options.onRepeatedFailure();
    if (this.tries >= triesMax) this.release();
    else this.read();
  }

  /** The first try trusts the informer's copy, if there is one; the others read the node first. */
  private read(): void {
    this.request('get');
  }

  private request(step: 'get' | 'patch', body?: object): void {
    const path = `/api/v1/nodes/${this.context.node.name}`;
    const common = { timeoutMs: 10_000 };
    this.context.request(
      'heartbeat',
      step === 'get'
        ? { method: 'GET', path: `${path}?timeout=10s`, kind: kinds.getNode, ...common }
        : {
            method: 'PATCH',
            path: `${path}/status?timeout=10s`,
            kind: kinds.patchNodeStatus,
            body,
            patch: true,
            ...common,
          },
      { to: 'node-status', step },
    );
  }
}

function saysReady(conditions: readonly NodeCondition[]): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
