import { kinds, type KubeletContext } from '../context.ts';
import type { Tag } from '../effects.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { newCsiNode, newNode, readyPatch, reconcilePatch } from './node-object.ts';

/** Registration is tried again after 100 ms, doubling to 7 s (kubelet_node_status.go, registerWithAPIServer). */
const retryMsMin = 100;
const retryMsMax = 7_000;

/** When a real node does what after its first request (wire-samples-kubelet.jsonl), milliseconds. */
const pollNodeMs = 17;
const moreWatchesMs = 25;
const createNodeMs = 130;
const csiNodeMs = 200;
const podsAfterReadyMs = 640;

const informerTimeoutSeconds = 300;

/** The parts of a node that tell what became of it since. */
type ObservedNode = {
  status?: { nodeInfo?: { bootID?: string }; conditions?: { type: string; status: string }[] };
};

type Step = Extract<Tag, { to: 'registration' }>['step'];

/**
 * A kubelet's start, in the order that a real one was seen to follow: watches and look-ups that find nothing, node
 * events, POST of the node, a first empty status PATCH, CSINode, Ready, and then the pods.
 */
export class Registration {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly onReady: () => void;
  private retryMs = retryMsMin;
  private nodeUid = '';
  /** Whether the node was there before us: its status is then reconciled. */
  private existed = false;
  ready = false;

  constructor(context: KubeletContext, events: EventRecorder, onReady: () => void) {
    this.context = context;
    this.events = events;
    this.onReady = onReady;
  }

  start(): void {
    const { context } = this;
    const name = context.node.name;
    this.nodeEvent('Starting', 'Starting kubelet.');
    this.watch('services', '/api/v1/services', 'fieldSelector=spec.clusterIP%21%3DNone');
    this.watch('nodes', '/api/v1/nodes', `fieldSelector=metadata.name%3D${name}`);
    context.request(
      'api',
      {
        method: 'GET',
        path: `/apis/storage.k8s.io/v1/csinodes/${name}?resourceVersion=0`,
        kind: kinds.getCsiNode,
      },
      { to: 'registration', step: 'get-csinode' },
    );
    this.getNode('poll-node');
    context.after(pollNodeMs, { of: 'registration', step: 'poll-node' });
    context.after(moreWatchesMs, { of: 'registration', step: 'open-watches' });
    context.after(createNodeMs, { of: 'registration', step: 'create-node' });
  }

  onTimer(step: 'poll-node' | 'create-node' | 'csinode' | 'pods' | 'open-watches'): void {
    switch (step) {
      case 'poll-node':
        this.getNode('poll-node');
        break;
      case 'open-watches':
        this.openWatches();
        break;
      case 'create-node':
        this.conditionEvents();
        this.createNode();
        break;
      case 'csinode':
        this.getNode('csinode-node');
        break;
      case 'pods':
        this.context.emit({
          type: 'watch',
          key: 'pods',
          spec: {
            path: '/api/v1/pods',
            selector: `fieldSelector=spec.nodeName%3D${this.context.node.name}`,
            timeoutSecondsMin: informerTimeoutSeconds,
            sendsTimeout: false,
          },
        });
        break;
    }
  }

  onAnswer(step: Step, status: number, body: unknown): void {
    switch (step) {
      case 'get-csinode':
      case 'poll-node':
      case 'clear-slices':
        break;
      case 'create-node':
        this.onCreated(status, body);
        break;
      case 'get-node':
        this.onGot(status, body);
        break;
      case 'reconcile-node':
        if (status === 200) this.context.after(csiNodeMs, { of: 'registration', step: 'csinode' });
        else this.retry('create-node');
        break;
      case 'csinode-node':
        if (status === 200) {
          this.nodeUid = uidOf(body);
          this.getCsiNode();
        } else this.retry('csinode');
        break;
      case 'csinode-get':
        if (status === 404) this.createCsiNode();
        else if (status === 200) this.becomeReady();
        else this.retry('csinode');
        break;
      case 'csinode-create':
        if (status === 201 || status === 409) this.becomeReady();
        else this.retry('csinode');
        break;
    }
  }

  private onCreated(status: number, body: unknown): void {
    if (status === 201) {
      this.nodeUid = uidOf(body);
      if (this.context.wire.readsCreatedNode) this.getNode('get-node', '?timeout=10s');
      else this.onGot(200, body);
    } else if (status === 409) {
      this.existed = true;
      this.getNode('get-node');
    } else {
      this.retry('create-node');
    }
  }

  private onGot(status: number, body: unknown): void {
    if (status !== 200) {
      this.retry('create-node');
      return;
    }
    this.nodeUid = uidOf(body);
    // A real kubelet's first PATCH after its own POST is empty: nothing has changed since.
    this.patchStatus(this.existed ? this.takeOver(body as ObservedNode) : {}, 'reconcile-node');
  }

  /** The events of a kubelet that finds its node there, and what it writes. */
  private takeOver({ status }: ObservedNode): unknown {
    const { context } = this;
    const { name } = context.node;
    const before = status?.nodeInfo?.bootID ?? '';
    if (before !== '' && before !== context.bootId) {
      this.nodeEvent('Rebooted', `Node ${name} has been rebooted, boot id: ${context.bootId}`, 'Warning');
    }
    const conditions = status?.conditions ?? [];
    // True, or Unknown when the node controller had given it up.
    if (conditions.some((condition) => condition.type === 'Ready' && condition.status !== 'False')) {
      this.nodeEvent('NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    }
    return reconcilePatch(context, conditions, context.now.wallMs);
  }

  private becomeReady(): void {
    if (this.ready) return;
    this.ready = true;
    const { context } = this;
    this.nodeEvent('NodeReady', `Node ${context.node.name} status is now: NodeReady`);
    context.request(
      'heartbeat',
      {
        method: 'PATCH',
        path: `/api/v1/nodes/${context.node.name}/status?timeout=10s`,
        kind: kinds.patchNodeStatus,
        body: readyPatch(context.now.wallMs),
        patch: true,
        timeoutMs: 10_000,
      },
      { to: 'node-status', step: 'patch' },
    );
    context.after(podsAfterReadyMs, { of: 'registration', step: 'pods' });
    this.onReady();
  }

  private openWatches(): void {
    const { context } = this;
    this.watch('csidrivers', '/apis/storage.k8s.io/v1/csidrivers', '');
    this.watch('runtimeclasses', '/apis/node.k8s.io/v1/runtimeclasses', '');
    if (context.wire.clearsResourceSlices) this.clearSlices();
    for (const reason of nodeConditionReasons) this.conditionEvent(reason);
    this.nodeEvent('NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
    this.conditionEvents();
  }

  private clearSlices(): void {
    const { context } = this;
    context.request(
      'api',
      {
        method: 'DELETE',
        path: `/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3D${context.node.name}`,
        kind: kinds.clearSlices,
        body: { kind: 'DeleteOptions', apiVersion: 'resource.k8s.io/v1' },
      },
      { to: 'registration', step: 'clear-slices' },
    );
  }

  private conditionEvents(): void {
    for (const reason of nodeConditionReasons) this.conditionEvent(reason);
  }

  private conditionEvent(reason: string): void {
    this.nodeEvent(reason, `Node ${this.context.node.name} status is now: ${reason}`);
  }

  private nodeEvent(reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void {
    const { name } = this.context.node;
    this.events.record({ kind: 'Node', name, namespace: '', uid: name }, type, reason, message);
  }

  private watch(key: string, path: string, selector: string): void {
    this.context.emit({
      type: 'watch',
      key,
      spec: { path, selector, timeoutSecondsMin: informerTimeoutSeconds, sendsTimeout: true },
    });
  }

  private getNode(step: Step, query = ''): void {
    const { name } = this.context.node;
    this.context.request(
      query === '' ? 'api' : 'heartbeat',
      { method: 'GET', path: `/api/v1/nodes/${name}${query}`, kind: kinds.getNode },
      { to: 'registration', step },
    );
  }

  private createNode(): void {
    const { context } = this;
    context.request(
      'api',
      {
        method: 'POST',
        path: '/api/v1/nodes',
        kind: kinds.createNode,
        body: newNode(context, context.now.wallMs),
      },
      { to: 'registration', step: 'create-node' },
    );
  }

  private patchStatus(body: unknown, step: Step): void {
    this.context.request(
      'heartbeat',
      {
        method: 'PATCH',
        path: `/api/v1/nodes/${this.context.node.name}/status?timeout=10s`,
        kind: kinds.patchNodeStatus,
        body,
        patch: true,
        timeoutMs: 10_000,
      },
      { to: 'registration', step },
    );
  }

  private getCsiNode(): void {
    const { name } = this.context.node;
    this.context.request(
      'api',
      { method: 'GET', path: `/apis/storage.k8s.io/v1/csinodes/${name}`, kind: kinds.getCsiNode },
      { to: 'registration', step: 'csinode-get' },
    );
  }

  private createCsiNode(): void {
    this.context.request(
      'api',
      {
        method: 'POST',
        path: '/apis/storage.k8s.io/v1/csinodes',
        kind: kinds.createCsiNode,
        body: newCsiNode(this.context.node, this.nodeUid),
      },
      { to: 'registration', step: 'csinode-create' },
    );
  }

  private retry(step: 'create-node' | 'csinode'): void {
    this.context.after(this.retryMs, { of: 'registration', step });
    this.retryMs = Math.min(retryMsMax, this.retryMs * 2);
  }
}

const nodeConditionReasons = ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'];

function uidOf(body: unknown): string {
  return (body as { metadata?: { uid?: string } }).metadata?.uid ?? '';
}
