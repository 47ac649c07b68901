import { kinds, type KubeletContext } from '../context.ts';
import { type Status, statusPatch } from './pod-status.ts';

/** The status manager looks at everything again this often (status_manager.go, syncPeriod): failures are retried then. */
const syncPeriodMs = 10_000;

/** What the status manager has to know of a pod, asked for when its turn comes, so that changes in between merge. */
export interface StatusSource {
  /** The pod's path in the API; undefined when the kubelet does not know the pod any more. */
  pathOf(uid: string): string | undefined;
  /** The pod's status as it is now; undefined likewise. */
  current(uid: string): { status: Status; deletable: boolean } | undefined;
  /** The API server has this status (a PATCH was answered, or nothing differed). `sentUs`: when it was sent. */
  onSynced(uid: string, status: Status, sentUs: number): void;
  /** The pod is gone from the API server, or was deleted by us. */
  onGone(uid: string, deletedByUs: boolean): void;
}

type InFlight = { uid: string; status: Status; deletable: boolean; sentUs: number };

/**
 * Writes pod statuses as the kubelet's status manager does: one pod after the other, each with a GET and, if the status
 * differs from the server's, a PATCH; a pod that has ended is then DELETEd with its uid as precondition. Whatever
 * changes while a pod waits for its turn (behind others, or behind the client's rate limit) is sent as one change.
 * Source: pkg/kubelet/status/status_manager.go (syncBatch, syncPod), v1.36.
 */
export class StatusManager {
  private readonly context: KubeletContext;
  private readonly source: StatusSource;
  /** Pods whose status may differ from the API server's, in the order in which they changed. */
  private readonly dirty = new Set<string>();
  private readonly failed = new Set<string>();
  private inFlight: InFlight | undefined;
  private retryArmed = false;

  constructor(context: KubeletContext, source: StatusSource) {
    this.context = context;
    this.source = source;
  }

  /** The pod's status changed; it is written when its turn comes. */
  changed(uid: string): void {
    this.dirty.add(uid);
    this.next();
  }

  forget(uid: string): void {
    this.dirty.delete(uid);
    this.failed.delete(uid);
  }

  onAnswer(step: 'get' | 'patch' | 'delete', uid: string, status: number, body: unknown): void {
    const sync = this.inFlight;
    if (sync === undefined || sync.uid !== uid) return;
    switch (step) {
      case 'get':
        this.onGot(sync, status, body);
        break;
      case 'patch':
        if (status === 200) this.onWritten(sync);
        else if (status === 404) this.gone(sync, false);
        else this.fail(sync);
        break;
      case 'delete':
        // 409: another pod has the name by now; ours is gone all the same.
        if (status === 200 || status === 404 || status === 409) this.gone(sync, status === 200);
        else this.fail(sync);
        break;
    }
  }

  onTimer(): void {
    this.retryArmed = false;
    for (const uid of this.failed) this.dirty.add(uid);
    this.failed.clear();
    this.next();
  }

  private next(): void {
    if (this.inFlight !== undefined) return;
    for (const uid of this.dirty) {
      this.dirty.delete(uid);
      const pod = this.source.current(uid);
      const path = this.source.pathOf(uid);
      if (pod === undefined || path === undefined) continue;
      this.inFlight = { uid, status: pod.status, deletable: pod.deletable, sentUs: this.context.now.us };
      if (!this.context.wire.readsPodBeforePatch) {
        // Against nothing, all of the status differs.
        this.onGot(this.inFlight, 200, { metadata: { uid } });
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

  private onGot(sync: InFlight, status: number, body: unknown): void {
    if (status === 404) {
      this.gone(sync, false);
      return;
    }
    if (status !== 200) {
      this.fail(sync);
      return;
    }
    const pod = body as { metadata: { uid: string }; status?: Status };
    if (pod.metadata.uid !== sync.uid) {
      this.gone(sync, false);
      return;
    }
    const patch = statusPatch(sync.uid, pod.status ?? {}, sync.status);
    if (patch === undefined) {
      this.onWritten(sync);
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

  private onWritten(sync: InFlight): void {
    this.source.onSynced(sync.uid, sync.status, sync.sentUs);
    const path = this.source.pathOf(sync.uid);
    if (!sync.deletable || path === undefined) {
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
    this.failed.add(sync.uid);
    if (!this.retryArmed) {
      this.retryArmed = true;
      this.context.after(syncPeriodMs, { of: 'status-sync' });
    }
    this.finish();
  }

  private finish(): void {
    this.inFlight = undefined;
    this.next();
  }
}
