import type { Prng } from '../base/prng.ts';
import { KubeletContext, type NodeConfig } from './context.ts';
import {
  type Effect,
  type KubeletEvent,
  type Now,
  type ObjectEvent,
  type Tag,
  type TimerName,
  bodyView,
} from './effects.ts';
import { EventRecorder } from './event-recorder.ts';
import { CsiNode } from './node/csi-node.ts';
import { LeaseRenewer } from './node/lease.ts';
import { NodeEvents } from './node/node-events.ts';
import { bootIdOf } from './node/node-object.ts';
import { NodeStatusReporter } from './node/node-status.ts';
import { PodWorkers } from './pods/pod-workers.ts';
import { RuntimeState } from './pods/runtime-state.ts';
import { Registration } from './node/registration.ts';
import { StartUp } from './node/start-up.ts';
import { Opaque } from '../wire/view.ts';
import { nodeView, wholeNodeView } from './views.ts';
import { NodeImages } from './runtime/image-store.ts';
import type { ImageStore } from './runtime/images.ts';
import type { NodeRuntime } from './runtime/node-runtimes.ts';

/** What a kubelet finds on its node; by default a node that was never used, with the images that it has from the start. */
export type KubeletOptions = {
  /** The node's container runtime; the one of an earlier incarnation when the kubelet starts again. */
  runtime?: RuntimeState;
  /** Whether what ran in `runtime` still runs: true for a kubelet that starts anew, false for a node that was down. */
  containersSurvive?: boolean;
  /** In place of the node's own. */
  images?: ImageStore;
};

/**
 * A hollow kubelet: `(state, event, now) → effects`. It does nothing itself; whoever holds it performs the effects and
 * brings back what comes of them as events. Deterministic for a given seed and sequence of events.
 */
export class Kubelet {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly startUp: StartUp;
  private readonly registration: Registration;
  private readonly csiNode: CsiNode;
  private readonly lease: LeaseRenewer;
  private readonly nodeStatus: NodeStatusReporter;
  private readonly runtime: RuntimeState;
  private readonly containersSurvive: boolean;
  private readonly pods: PodWorkers;
  private answered = false;

  constructor(node: NodeConfig, nodeRuntime: NodeRuntime, prng: Prng, options: KubeletOptions = {}) {
    this.runtime = options.runtime ?? new RuntimeState();
    this.runtime.images ??= new NodeImages(nodeRuntime, prng.fork('images'));
    const context = new KubeletContext(node, nodeRuntime, this.runtime.images, prng);
    this.context = context;
    this.events = new EventRecorder(context);
    const dropConnections = (): void => context.emit({ type: 'drop-connections' });
    this.lease = new LeaseRenewer(context, dropConnections);
    const nodeEvents = new NodeEvents(context, this.events);
    this.startUp = new StartUp(context, nodeEvents, () => this.nodeStatus.isKnown);
    this.registration = new Registration(context, nodeEvents, (made) => {
      context.emit({ type: 'node-registered' });
      this.nodeStatus.registered(made);
    });
    this.csiNode = new CsiNode(context, () => this.nodeStatus.readyChanged());
    this.nodeStatus = new NodeStatusReporter(context, nodeEvents, {
      register: () => this.registration.start(),
      isReady: () => this.csiNode.initialized,
      onRepeatedFailure: dropConnections,
      onReady: () => context.emit({ type: 'node-ready' }),
    });
    this.containersSurvive = options.containersSurvive ?? true;
    const images = options.images ?? context.images;
    this.pods = new PodWorkers(context, this.events, this.runtime, images, (on) =>
      this.nodeStatus.setPressure('MemoryPressure', on, 'usage'),
    );
  }

  get podCount(): number {
    return this.pods.size;
  }

  handle(event: KubeletEvent, now: Now): Effect[] {
    const { context } = this;
    context.now = now;
    context.effects = [];
    try {
      this.dispatch(event);
    } catch (error) {
      // What was emitted before is performed all the same: a state machine may be waiting for its answer.
      context.emit({ type: 'failed', error });
    }
    return context.effects;
  }

  private dispatch(event: KubeletEvent): void {
    switch (event.type) {
      case 'start':
        this.runtime.takeOver(this.containersSurvive, this.context.now.wallMs);
        this.context.bootId = bootIdOf(this.context.node, this.runtime.boots);
        this.startUp.start();
        this.csiNode.start();
        this.lease.start();
        break;
      case 'pressure':
        this.nodeStatus.setPressure(event.condition, event.evictions !== undefined, 'injected');
        this.pods.setPressure(event.condition, event.evictions);
        break;
      case 'answer':
        this.onAnswer(event.tag, event.status, event.body);
        break;
      case 'timer':
        this.onTimer(event.timer);
        break;
      case 'listing':
        if (event.key === 'pods') this.pods.onListing();
        else if (event.key === 'runtimeclasses') this.context.runtimeClasses.onListing();
        break;
      case 'synced':
        if (event.key === 'pods') this.pods.onListed();
        else if (event.key === 'nodes') this.startUp.onNodesListed();
        else if (event.key === 'runtimeclasses') this.context.runtimeClasses.onListed();
        else this.pods.onReferenceSynced(event.key);
        break;
      case 'object':
        this.onObject(event.key, event.change, event.event);
        break;
    }
  }

  private onAnswer(tag: Tag, answered: number, body: unknown): void {
    // An overloaded API server's handler may time out while it writes: 200, and no object. That is no answer.
    const status = answered < 300 && bodyView(tag) !== undefined && !isObject(body) ? 0 : answered;
    switch (tag.to) {
      case 'start-up':
        break;
      case 'registration':
        this.registration.onAnswer(tag.step, status);
        break;
      case 'csi-node':
        if (tag.step === 'probe') this.onFirstAnswer();
        this.csiNode.onAnswer(tag.step, status, body);
        break;
      case 'lease':
        this.lease.onAnswer(tag.step, status, body);
        break;
      case 'node-status':
        this.nodeStatus.onAnswer(tag.step, status, body);
        break;
      case 'event':
        this.events.onAnswer(status);
        break;
      case 'status':
        this.pods.onStatusAnswer(tag.step, tag.uid, status, body);
        break;
      case 'token':
        this.pods.tokens.onAnswer(tag.uid, status);
        break;
      case 'claim':
        this.pods.claims.onAnswer(tag.step, tag.uid, status, body);
        break;
    }
  }

  /**
   * What the rest of a start is measured from, even where it is that there is no connection: a kubelet's loops do not wait
   * for one (pkg/kubelet/kubelet.go, Run), they try and try again.
   */
  private onFirstAnswer(): void {
    if (this.answered) return;
    this.answered = true;
    this.startUp.goOn();
    this.context.after(this.context.wire.start.loopsMs, { of: 'status-loops' });
  }

  private onTimer(timer: TimerName): void {
    switch (timer.of) {
      case 'start-up':
        this.startUp.onTimer(timer.step);
        break;
      case 'registration':
        this.registration.onTimer(timer.step);
        break;
      case 'csi-node':
        this.csiNode.onTimer(timer.step);
        break;
      case 'status-loops':
        this.nodeStatus.start();
        break;
      case 'lease':
        this.lease.onTimer();
        break;
      case 'node-status':
        this.nodeStatus.onTimer(timer.loop);
        break;
      case 'event-retry':
        this.events.onRetry();
        break;
      case 'status-sync':
        this.pods.onStatusTimer();
        break;
      case 'token':
        this.pods.tokens.onTimer(timer.uid);
        break;
      case 'claims':
        this.pods.claims.onTimer();
        break;
      case 'runtime':
        this.pods.onRuntimeTimer(timer.generation);
        break;
      case 'eviction':
        this.pods.onEvictionTimer();
        break;
      case 'pod':
        this.pods.onPodTimer(timer.uid, timer.wake, timer.key);
        break;
      case 'token-refresh':
        this.pods.tokens.onRefresh();
        break;
    }
  }

  private onObject(key: string, change: 'ADDED' | 'MODIFIED' | 'DELETED', event: ObjectEvent): void {
    if (key === 'pods') {
      if (change === 'DELETED') this.pods.removed(event.metadata().uid);
      else this.pods.observed(event);
    } else if (key === 'nodes' && change !== 'DELETED') {
      const view = this.nodeStatus.isSettled ? nodeView : wholeNodeView;
      const node = event.object(view) as { spec?: { podCIDR?: string; podCIDRs?: string[] } };
      const { podCIDR, podCIDRs = podCIDR === undefined ? [] : [podCIDR] } = node.spec ?? {};
      if (podCIDRs.length > 0) this.runtime.ips.assign(podCIDRs);
      this.pods.onNode(node);
      this.nodeStatus.onNode(node);
    } else if (key === 'runtimeclasses') {
      this.context.runtimeClasses.onObject(change, event.object());
    }
  }
}

function isObject(body: unknown): boolean {
  const metadata = (body as { metadata?: Opaque | { uid?: unknown } } | undefined)?.metadata;
  return metadata instanceof Opaque || typeof metadata?.uid === 'string';
}
