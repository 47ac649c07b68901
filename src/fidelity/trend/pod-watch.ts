import { errorMessage } from '../../base/errors.ts';
import type { ApiClient } from '../../kube/client.ts';
import { Reflector, type WatchHandler } from '../../kube/reflector.ts';
import type { RawWatchEvent } from '../../wire/codec.ts';
import type { SeenObject } from '../work/work-client.ts';
import { workLabel } from '../work/objects.ts';

/** Long enough for any comparison: a watch that ends in between would show pods late. */
const timeoutSecondsMin = 1800;

/** Sees pods of one kind of work, over a connection of its own, and when each was first seen Running. */
export class PodWatch implements WatchHandler {
  /** When, by `namespace/name`; monotonic. */
  readonly runningUs = new Map<string, number>();
  private readonly present = new Set<string>();
  private listed: Set<string> | undefined;
  private readonly client: ApiClient;
  private readonly onWarning: (text: string) => void;
  private readonly reflector: Reflector;
  private isSynced = false;

  /** @param kind the value of the work's label. */
  constructor(client: ApiClient, kind: string, onWarning: (text: string) => void) {
    this.client = client;
    this.onWarning = onWarning;
    this.reflector = new Reflector(
      client,
      {
        path: '/api/v1/pods',
        selector: `labelSelector=${encodeURIComponent(`${workLabel}=${kind}`)}`,
        timeoutSecondsMin,
        sendsTimeout: false,
      },
      this,
    );
  }

  /** All pods that were there at the start are known. */
  get synced(): boolean {
    return this.isSynced;
  }

  /** Pods that are there now. */
  get presentCount(): number {
    return this.present.size;
  }

  stop(): void {
    this.reflector.stop();
  }

  onListing(): void {
    this.listed = new Set();
  }

  onEvent(event: RawWatchEvent): void {
    const nowUs = this.client.clock.nowUs();
    const { metadata, status } = event.object() as SeenObject;
    const name = `${metadata.namespace}/${metadata.name}`;
    if (event.type === 'DELETED') {
      this.present.delete(name);
    } else if (event.type === 'ADDED' || event.type === 'MODIFIED') {
      this.present.add(name);
      this.listed?.add(name);
      if (status?.phase === 'Running' && !this.runningUs.has(name)) this.runningUs.set(name, nowUs);
    }
  }

  onSynced(): void {
    const { listed } = this;
    this.listed = undefined;
    this.isSynced = true;
    if (listed === undefined) return;
    for (const name of this.present) if (!listed.has(name)) this.present.delete(name);
  }

  onInterrupted(reason: string): void {
    this.onWarning(`The watch of pods was interrupted, and pods may have been seen late: ${reason}`);
  }

  onFault(error: unknown): void {
    this.onWarning(`An event of a pod could not be read: ${errorMessage(error)}`);
  }
}
