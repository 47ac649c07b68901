import { kinds, type KubeletContext } from '../context.ts';
import type { Status } from './pod-status.ts';
import { statusPatch } from './status-patch.ts';

/**
 * The status manager looks at everything again this often (status_manager.go, syncPeriod). What failed is tried again
 * then, or before, when any pod's status changes.
 */
const syncPeriodMs = 10_000;

/** What the status manager has to know of a pod, and whom it tells. */
export interface StatusSource {
  /** The pod's path in the API; undefined when the kubelet does not know the pod any more. */
  pathOf(uid: string): string | undefined;
  /** The API server has this status (a PATCH was answered, or nothing differed). `sentUs`: when it was sent. */
  onSynced(uid: string, status: Status, sentUs: number, patched: boolean): void;
  /** The pod is gone from the API server, or was deleted by us. */
  onGone(uid: string, deletedByUs: boolean): void;
}

/** Nothing of the pod is left here (`finished`); its deletion was asked for (`deleting`). With both it is deleted. */
type PodEnd = { finished: boolean; deleting: boolean };
type Sync = PodEnd & { status: Status };
type InFlight = Sync & { uid: string; sentUs: number };

/**
 * Writes pod statuses as the kubelet's status manager does: one pod after the other, each with a GET and, if the status
 * differs from the server's, a PATCH; a pod that has ended is then DELETEd with its uid as precondition. Whatever
 * changes while a pod waits for its turn (behind others, or behind the client's rate limit) is sent as one change.
 * Source: pkg/kubelet/status/status_manager.go (syncBatch, syncPod), v1.36.
 */
export class StatusManager {
  private readonly context: KubeletContext;
  private readonly source: StatusSource;
  /** Statuses that may differ from the API server's, the newest of each pod, in the order in which pods changed. */
  private readonly waiting = new Map<string, Sync>();
  /** What is looked at again with the next sync period… */
  private readonly later = new Map<string, Sync>();
  /** …of which these failed. */
  private readonly failed = new Set<string>();
  /** What the API server has by all that is known, where it is not read before it is written. */
  private readonly known = new Map<string, Status>();
  private inFlight: InFlight | undefined;
  private laterArmed = false;

  constructor(context: KubeletContext, source: StatusSource) {
    this.context = context;
    this.source = source;
  }

  /** The pod has this status now; it is written when its turn comes, and a pod that has ended deleted after that. */
  set(uid: string, status: Status, end: PodEnd): void {
    this.later.delete(uid);
    this.failed.delete(uid);
    this.waiting.set(uid, { status, ...end });
    for (const other of this.failed) this.retry(other);
    this.next();
  }

  /** The API server has `current`, another status than the last that was set: they are compared with the next period. */
  compareLater(uid: string, status: Status, current: Status): void {
    if (!this.isIdle(uid)) return;
    this.know(uid, current);
    this.postpone(uid, { status, finished: false, deleting: false });
  }

  /** Whether nothing of the pod is being written or waits to be. */
  isIdle(uid: string): boolean {
    return !this.waiting.has(uid) && !this.later.has(uid) && this.inFlight?.uid !== uid;
  }

  /** Whether a write of ours to the pod is on its way. */
  isWriting(uid: string): boolean {
    return this.inFlight?.uid === uid;
  }

  forget(uid: string): void {
    this.waiting.delete(uid);
    this.later.delete(uid);
    this.failed.delete(uid);
    this.known.delete(uid);
  }

  onAnswer(step: 'get' | 'patch' | 'delete', uid: string, status: number, body: unknown): void {
    const sync = this.inFlight;
    if (sync === undefined || sync.uid !== uid) return;
    switch (step) {
      case 'get':
        this.onGot(sync, status, body);
        break;
      case 'patch':
        if (status === 200) {
          this.know(uid, sync.status);
          this.onWritten(sync, true);
        } else if (status === 404) this.gone(sync, false);
        else {
          // It may have been written all the same.
          this.known.delete(uid);
          this.fail(sync);
        }
        break;
      case 'delete':
        // 409: another pod has the name by now; ours is gone all the same.
        if (status === 200 || status === 404 || status === 409) this.gone(sync, status === 200);
        else this.fail(sync);
        break;
    }
  }

  onTimer(): void {
    this.laterArmed = false;
    for (const uid of this.later.keys()) this.retry(uid);
    this.next();
  }

  private retry(uid: string): void {
    const sync = this.later.get(uid);
    if (sync !== undefined) this.waiting.set(uid, sync);
    this.later.delete(uid);
    this.failed.delete(uid);
  }

  private next(): void {
    if (this.inFlight !== undefined) return;
    for (const [uid, sync] of this.waiting) {
      this.waiting.delete(uid);
      const path = this.source.pathOf(uid);
      if (path === undefined) continue;
      this.inFlight = { ...sync, uid, sentUs: this.context.now.us };
      if (!this.context.wire.readsPodBeforePatch) {
        // Against nothing, all of the status differs.
        this.onGot(this.inFlight, 200, { metadata: { uid }, status: this.known.get(uid) });
        return;
      }
      this.context.request(
        'api',
        { method: 'GET', path, kind: kinds.getPod },
        { to: 'status', step: 'get', uid },
      );
      return;
    }
  }

  private know(uid: string, status: Status): void {
    if (!this.context.wire.readsPodBeforePatch) this.known.set(uid, status);
  }

  private onGot(sync: InFlight, status: number, body: unknown): void {
    if (status === 404) {
      this.gone(sync, false);
      return;
    }
    if (status !== 200) {
      this.fail(sync);
      return;
    }
    const pod = body as { metadata: { uid: string; deletionTimestamp?: string }; status?: Status };
    if (pod.metadata.uid !== sync.uid) {
      this.gone(sync, false);
      return;
    }
    // The watch may not have told of it yet.
    if (pod.metadata.deletionTimestamp !== undefined) sync.deleting = true;
    const patch = statusPatch(sync.uid, pod.status ?? {}, sync.status);
    if (patch === undefined) {
      this.onWritten(sync, false);
      return;
    }
    const path = this.source.pathOf(sync.uid);
    if (path === undefined) {
      this.finish();
      return;
    }
    sync.sentUs = this.context.now.us;
    this.context.request(
      'api',
      {
        method: 'PATCH',
        path: `${path}/status`,
        kind: kinds.patchPodStatus,
        body: patch,
        patch: true,
      },
      { to: 'status', step: 'patch', uid: sync.uid },
    );
  }

  private onWritten(sync: InFlight, patched: boolean): void {
    this.source.onSynced(sync.uid, sync.status, sync.sentUs, patched);
    const path = this.source.pathOf(sync.uid);
    if (!sync.finished || !sync.deleting || path === undefined) {
      this.finish();
      return;
    }
    this.context.request(
      'api',
      {
        method: 'DELETE',
        path,
        kind: kinds.deletePod,
        body: {
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          gracePeriodSeconds: 0,
          preconditions: { uid: sync.uid },
        },
      },
      { to: 'status', step: 'delete', uid: sync.uid },
    );
  }

  private gone(sync: InFlight, deletedByUs: boolean): void {
    this.forget(sync.uid);
    this.source.onGone(sync.uid, deletedByUs);
    this.finish();
  }

  private fail(sync: InFlight): void {
    // What was set meanwhile is newer.
    if (!this.waiting.has(sync.uid)) {
      this.postpone(sync.uid, sync);
      this.failed.add(sync.uid);
    }
    this.finish();
  }

  private postpone(uid: string, { status, finished, deleting }: Sync): void {
    this.later.set(uid, { status, finished, deleting });
    if (this.laterArmed) return;
    this.laterArmed = true;
    this.context.after(syncPeriodMs, { of: 'status-sync' });
  }

  private finish(): void {
    this.inFlight = undefined;
    this.next();
  }
}
