import { kinds, type KubeletContext } from '../context.ts';
import type { Tag } from '../effects.ts';
import type { NodeEvents } from './node-events.ts';
import { type NodeStatus, newNode } from './node-object.ts';

/** Before each try there is a pause of 100 ms, doubling to 7 s (kubelet_node_status.go, registerWithAPIServer). */
const retryMsMin = 100;
const retryMsMax = 7000;

type Step = Extract<Tag, { to: 'registration' }>['step'];

/** POSTs the node until the API server has one. Source: pkg/kubelet/kubelet_node_status.go, v1.36. */
export class Registration {
  private readonly context: KubeletContext;
  private readonly events: NodeEvents;
  private readonly onRegistered: (made: NodeStatus | undefined) => void;
  private retryMs = retryMsMin;
  /** What the node is being made with. */
  private status: NodeStatus | undefined;

  /** `onRegistered` is told of the status that the node was made with; undefined when it was there already. */
  constructor(
    context: KubeletContext,
    events: NodeEvents,
    onRegistered: (made: NodeStatus | undefined) => void,
  ) {
    this.context = context;
    this.events = events;
    this.onRegistered = onRegistered;
  }

  start(delayMs = this.context.wire.start.registerMs): void {
    this.context.after(delayMs, { of: 'registration', step: 'create-node' });
  }

  onTimer(step: Step): void {
    if (step === 'create-node') this.create();
    else this.get();
  }

  onAnswer(step: Step, status: number): void {
    if (step === 'create-node') {
      if (status === 201) this.finish(this.status);
      else if (status !== 409) this.retry();
      else if (this.context.wire.start.paceMs === 0) this.get();
      else this.context.after(this.context.wire.start.paceMs, { of: 'registration', step: 'get-node' });
    } else if (status === 200) this.finish(undefined);
    else this.retry();
  }

  private finish(made: NodeStatus | undefined): void {
    this.status = undefined;
    this.onRegistered(made);
  }

  private retry(): void {
    this.retryMs = Math.min(retryMsMax, this.retryMs * 2);
    this.start(this.retryMs);
  }

  private create(): void {
    const { context } = this;
    // A node that is made anew has its conditions for the first time.
    this.events.conditions();
    const node = newNode(context, context.now.wallMs);
    this.status = node.status;
    context.request(
      'api',
      { method: 'POST', path: '/api/v1/nodes', kind: kinds.createNode, body: node },
      { to: 'registration', step: 'create-node' },
    );
  }

  private get(): void {
    const path = `/api/v1/nodes/${this.context.node.name}`;
    this.context.request(
      'api',
      { method: 'GET', path, kind: kinds.getNode },
      { to: 'registration', step: 'get-node' },
    );
  }
}
