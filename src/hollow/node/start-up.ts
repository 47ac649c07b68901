import { kinds, type KubeletContext } from '../context.ts';
import type { NodeEvents } from './node-events.ts';

/** What a real kubelet takes from the first answer to the start of what needs its runtime (28, 32, 51 ms in recordings). */
const runtimeMs = 30;

/** Pods are asked for once the node's own watch has told what there is, which is looked at once a second. */
const podsMs = 1000;

const informerTimeoutSeconds = 300;

/** A kubelet's watches and first events, in the order that a real one was seen to follow. */
export class StartUp {
  private readonly context: KubeletContext;
  private readonly events: NodeEvents;
  private readonly isKnown: () => boolean;
  private nodesListed = false;

  /** `isKnown` says whether the node's watch has told of the node. */
  constructor(context: KubeletContext, events: NodeEvents, isKnown: () => boolean) {
    this.context = context;
    this.events = events;
    this.isKnown = isKnown;
  }

  start(): void {
    const { context, events } = this;
    events.record('Starting', 'Starting kubelet.');
    this.watch('services', '/api/v1/services', 'fieldSelector=spec.clusterIP%21%3DNone');
    this.watch('nodes', '/api/v1/nodes', `fieldSelector=metadata.name%3D${context.node.name}`);
    context.after(podsMs, { of: 'start-up', step: 'pods' });
  }

  /** The first request has come to its end, with an answer or without. */
  goOn(): void {
    this.watch('csidrivers', '/apis/storage.k8s.io/v1/csidrivers', '');
    this.watch('runtimeclasses', '/apis/node.k8s.io/v1/runtimeclasses', '');
    this.events.cgroups();
    this.context.after(runtimeMs, { of: 'start-up', step: 'runtime' });
  }

  onTimer(step: 'runtime' | 'pods'): void {
    if (step === 'runtime') this.startRuntime();
    else if (this.nodesListed) this.openPods();
    else this.context.after(podsMs, { of: 'start-up', step });
  }

  onNodesListed(): void {
    this.nodesListed = true;
  }

  private startRuntime(): void {
    const { context, events } = this;
    if (context.wire.clearsResourceSlices) this.clearSlices();
    // Who needs the node makes one up while none is known, with conditions that all turn.
    if (!this.isKnown()) events.conditions();
    events.record('NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods');
    if (!this.isKnown()) events.conditions();
  }

  private openPods(): void {
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
      { to: 'start-up', step: 'clear-slices' },
    );
  }

  private watch(key: string, path: string, selector: string): void {
    this.context.emit({
      type: 'watch',
      key,
      spec: { path, selector, timeoutSecondsMin: informerTimeoutSeconds, sendsTimeout: true },
    });
  }
}
