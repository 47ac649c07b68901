import type { WatchHandler } from '../kube/reflector.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import type { KubeletEvent } from './effects.ts';
import type { ShardObserver } from './environment.ts';
import type { DeliveryTap } from './watch-delivery.ts';

/** The watches whose objects are looked at. */
const readKeys: ReadonlySet<string> = new Set(['pods', 'nodes', 'runtimeclasses']);

/** Turns what one watch tells into events for the kubelet. A class, as a closure for each call is six times the size. */
export class KubeletWatch implements WatchHandler {
  private readonly key: string;
  private readonly observer: ShardObserver;
  private readonly handle: (event: KubeletEvent) => void;
  private readonly tap: DeliveryTap | undefined;

  /** @param tap hears of what comes, and changes nothing in it. */
  constructor(
    key: string,
    observer: ShardObserver,
    handle: (event: KubeletEvent) => void,
    tap?: DeliveryTap,
  ) {
    this.key = key;
    this.observer = observer;
    this.handle = handle;
    this.tap = tap;
  }

  onListing(): void {
    this.handle({ type: 'listing', key: this.key });
  }

  onSynced(): void {
    this.tap?.onSynced();
    this.handle({ type: 'synced', key: this.key });
  }

  onEvent(event: RawWatchEvent): void {
    this.tap?.onEvent(event);
    const { key } = this;
    // Of most watches a hollow kubelet needs no more than that they are there.
    if (!readKeys.has(key)) return;
    this.handle({ type: 'object', key, change: event.type as 'ADDED' | 'MODIFIED' | 'DELETED', event });
  }

  onInterrupted(reason: string): void {
    this.observer.onWatchInterrupted(this.key, reason);
  }

  onFault(error: unknown): void {
    this.observer.onError(error);
  }
}
