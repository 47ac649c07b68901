import type { ApiClient } from '../kube/client.ts';
import { Reflector, type WatchHandler, type WatchSpec } from '../kube/reflector.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import { View } from '../wire/view.ts';

/** A watch, as its owner sees it. */
export type OpenWatch = { stop(): void };

/** One node's part in a watch. */
class Subscriber implements OpenWatch {
  readonly node: string;
  readonly handler: WatchHandler;
  private readonly watch: SharedWatch;

  constructor(node: string, handler: WatchHandler, watch: SharedWatch) {
    this.node = node;
    this.handler = handler;
    this.watch = watch;
  }

  stop(): void {
    this.watch.remove(this);
  }
}

/** Which nodes an event is for, and the selector of a watch that serves all of them. */
type Sharing = { selector: string; nodeOf: ((event: RawWatchEvent) => string) | undefined };

/**
 * One watch of each kind for all nodes of a shard, in place of one for each node. Of pods and nodes each node gets its
 * own; whatever else is watched is the same for all. What a node was told is not kept: one that starts again watches its
 * own objects by itself.
 */
export class SharedWatches {
  private readonly client: ApiClient;
  private readonly isOurs: (node: string) => boolean;
  private readonly shared = new Map<string, SharedWatch>();

  /** @param isOurs whether a node is of this shard: the others' objects come too, and are not kept. */
  constructor(client: ApiClient, isOurs: (node: string) => boolean) {
    this.client = client;
    this.isOurs = isOurs;
  }

  /** What a watch of `spec` alone would tell, `handler` is told; never before this returns. */
  open(spec: WatchSpec, node: string, handler: WatchHandler): OpenWatch {
    const { selector, nodeOf } = sharingOf(spec, node);
    const key = `${spec.path}?${selector}`;
    let watch = this.shared.get(key);
    if (watch === undefined) {
      const opened = new SharedWatch(this.client, { ...spec, selector }, nodeOf, this.isOurs, () => {
        if (this.shared.get(key) === opened) this.shared.delete(key);
      });
      this.shared.set(key, opened);
      watch = opened;
    }
    return watch.served(node) ? new Reflector(this.client, spec, handler) : watch.add(node, handler);
  }

  stop(): void {
    for (const watch of this.shared.values()) watch.stop();
    this.shared.clear();
  }
}

const boundView = new View({ spec: { nodeName: true } });
const nameView = new View({ metadata: { name: true } });

function sharingOf({ path, selector }: WatchSpec, node: string): Sharing {
  if (selector === `fieldSelector=spec.nodeName%3D${node}`) {
    return {
      selector: 'fieldSelector=spec.nodeName%21%3D',
      nodeOf: (event) => (event.object(boundView) as { spec: { nodeName: string } }).spec.nodeName,
    };
  }
  if (path === '/api/v1/nodes' && selector === `fieldSelector=metadata.name%3D${node}`) {
    return {
      selector: '',
      nodeOf: (event) => (event.object(nameView) as { metadata: { name: string } }).metadata.name,
    };
  }
  return { selector, nodeOf: undefined };
}

/** What one node cannot take, the others are told all the same. */
function tell(handler: WatchHandler, what: () => void): void {
  try {
    what();
  } catch (error) {
    handler.onFault(error);
  }
}

class SharedWatch implements WatchHandler {
  private readonly nodeOf: Sharing['nodeOf'];
  private readonly isOurs: (node: string) => boolean;
  /** Called when nobody is left, and the watch has ended. */
  private readonly onLeft: () => void;
  private readonly reflector: Reflector;
  /** Those that have just asked, and those that have been told what there is. */
  private readonly joining = new Set<Subscriber>();
  private readonly subscribers = new Set<Subscriber>();
  private readonly byNode = new Map<string, Set<Subscriber>>();
  /** Nodes that were told of their objects, which are not kept for them any more. */
  private readonly told = new Set<string>();
  /** The objects of nodes that do not look yet, by uid; without {@link nodeOf} all objects. */
  private readonly kept = new Map<string, { node: string; event: RawWatchEvent }>();
  private listed = false;

  constructor(
    client: ApiClient,
    spec: WatchSpec,
    nodeOf: Sharing['nodeOf'],
    isOurs: (node: string) => boolean,
    onLeft: () => void,
  ) {
    this.nodeOf = nodeOf;
    this.onLeft = onLeft;
    this.isOurs = isOurs;
    this.reflector = new Reflector(client, spec, this);
  }

  /** Whether the node was told of its own objects before. */
  served(node: string): boolean {
    return this.told.has(node);
  }

  add(node: string, handler: WatchHandler): Subscriber {
    const subscriber = new Subscriber(node, handler, this);
    this.joining.add(subscriber);
    // Whoever asks is in the middle of something.
    queueMicrotask(() => this.join(subscriber));
    return subscriber;
  }

  remove(subscriber: Subscriber): void {
    this.joining.delete(subscriber);
    this.subscribers.delete(subscriber);
    const ofNode = this.byNode.get(subscriber.node);
    if (ofNode?.delete(subscriber) === true && ofNode.size === 0) this.byNode.delete(subscriber.node);
    if (this.subscribers.size + this.joining.size > 0) return;
    this.stop();
    this.onLeft();
  }

  stop(): void {
    this.reflector.stop();
  }

  onListing(): void {
    this.listed = false;
    this.kept.clear();
    for (const { handler } of this.subscribers) tell(handler, () => handler.onListing());
  }

  onSynced(): void {
    this.listed = true;
    for (const { handler } of this.subscribers) tell(handler, () => handler.onSynced());
  }

  onEvent(event: RawWatchEvent): void {
    const node = this.nodeOf?.(event);
    if (node !== undefined && !this.isOurs(node)) return;
    const readers = node === undefined ? this.subscribers : this.byNode.get(node);
    if (node === undefined || !this.told.has(node)) {
      const { uid } = event.metadata();
      if (event.type === 'DELETED') this.kept.delete(uid);
      else this.kept.set(uid, { node: node ?? '', event });
    }
    for (const { handler } of readers ?? []) tell(handler, () => handler.onEvent(event));
  }

  onInterrupted(reason: string, delayMs: number): void {
    // One watch, one interruption.
    const [first] = this.subscribers;
    first?.handler.onInterrupted?.(reason, delayMs);
  }

  onFault(error: unknown): void {
    const [first] = this.subscribers;
    first?.handler.onFault(error);
  }

  private join(subscriber: Subscriber): void {
    const { node, handler } = subscriber;
    if (!this.joining.delete(subscriber)) return;
    this.subscribers.add(subscriber);
    if (this.nodeOf !== undefined) {
      this.told.add(node);
      const ofNode = this.byNode.get(node);
      if (ofNode === undefined) this.byNode.set(node, new Set([subscriber]));
      else ofNode.add(subscriber);
    }
    tell(handler, () => handler.onListing());
    for (const [uid, kept] of this.kept) {
      if (this.nodeOf !== undefined) {
        if (kept.node !== node) continue;
        this.kept.delete(uid);
      }
      tell(handler, () => handler.onEvent(kept.event));
    }
    if (this.listed) tell(handler, () => handler.onSynced());
  }
}
