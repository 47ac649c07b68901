import { kinds, type KubeletContext, labelled, microTimestamp } from '../context.ts';
import type { Tag } from '../effects.ts';

/** 40 s × 0.25, with up to 4 % more (pkg/kubelet/kubelet.go, component-helpers/apimachinery/lease). */
const leaseDurationSeconds = 40;
const renewIntervalMs = 10_000;
const renewJitter = 0.04;

/** Tries of one renewal before the lease is read (or made) again. */
const updateTriesMax = 5;

const requestTimeoutMs = 10_000;

type Lease = { metadata: Record<string, unknown>; spec: Record<string, unknown> };

/**
 * The node's heartbeat. The first sync looks for the lease and for the node: as the node is not there yet, nothing is
 * made; the second, ten seconds later, makes it with an ownerReference. From then on one PUT per interval, without a
 * GET before it, until five tries have failed.
 */
export class LeaseRenewer {
  private readonly context: KubeletContext;
  private lease: Lease | undefined;
  private tries = 0;
  private syncing = false;
  /** Called after a renewal failed for good in this interval: the kubelet then closes its connections. */
  private readonly onRepeatedFailure: () => void;

  constructor(context: KubeletContext, onRepeatedFailure: () => void) {
    this.context = context;
    this.onRepeatedFailure = onRepeatedFailure;
  }

  start(): void {
    this.sync();
    this.schedule();
  }

  onTimer(): void {
    this.schedule();
    if (!this.syncing) this.sync();
  }

  onAnswer(step: Extract<Tag, { to: 'lease' }>['step'], status: number, body: unknown): void {
    switch (step) {
      case 'get':
        if (status === 200) {
          this.lease = body as Lease;
          this.update();
        } else if (status === 404) this.request('GET', 'get-node', `/api/v1/nodes/${this.name}?timeout=10s`);
        else this.syncing = false;
        break;
      case 'get-node':
        // Without the node there is nothing to own the lease: kubelet leaves it for the next interval.
        if (status === 200) this.create((body as { metadata: { uid: string } }).metadata.uid);
        else this.syncing = false;
        break;
      case 'create':
        if (status === 201) this.lease = body as Lease;
        this.syncing = false;
        break;
      case 'update':
        this.onUpdated(status, body);
        break;
    }
  }

  private get name(): string {
    return this.context.node.name;
  }

  private get path(): string {
    return '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  }

  private schedule(): void {
    const jitter = this.context.prng.float() * renewJitter;
    this.context.after(renewIntervalMs * (1 + jitter), { of: 'lease' });
  }

  private sync(): void {
    this.syncing = true;
    this.tries = 0;
    if (this.lease !== undefined) this.update();
    else this.request('GET', 'get', `${this.path}/${this.name}?timeout=10s`);
  }

  private onUpdated(status: number, body: unknown): void {
    if (status === 200) {
      this.lease = body as Lease;
      this.syncing = false;
      return;
    }
    this.tries++;
    // From the second failed try on, whatever the failure but a conflict (component-helpers, retryUpdateLease).
    if (status !== 409 && this.tries > 1) this.onRepeatedFailure();
    if (status === 409 || status === 404) {
      // Somebody else wrote it or it is gone: look again, once, then renew.
      this.lease = undefined;
    }
    if (this.tries < updateTriesMax) {
      if (this.lease === undefined) this.request('GET', 'get', `${this.path}/${this.name}?timeout=10s`);
      else this.update();
      return;
    }
    this.lease = undefined;
    this.syncing = false;
  }

  private create(nodeUid: string): void {
    const { name } = this;
    this.request('POST', 'create', `${this.path}?timeout=10s`, {
      kind: 'Lease',
      apiVersion: 'coordination.k8s.io/v1',
      metadata: {
        name,
        namespace: 'kube-node-lease',
        ...labelled(this.context.node.objectLabels),
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: nodeUid }],
      },
      spec: { holderIdentity: name, leaseDurationSeconds, renewTime: this.renewTime() },
    });
  }

  private update(): void {
    const lease = this.lease as Lease;
    lease.spec['renewTime'] = this.renewTime();
    this.request('PUT', 'update', `${this.path}/${this.name}?timeout=10s`, lease);
  }

  private renewTime(): string {
    return microTimestamp(this.context.now.wallMs, this.context.now.us);
  }

  private request(
    method: 'GET' | 'POST' | 'PUT',
    step: Extract<Tag, { to: 'lease' }>['step'],
    path: string,
    body?: unknown,
  ): void {
    const kind =
      step === 'get-node'
        ? kinds.getNode
        : method === 'GET'
          ? kinds.getLease
          : method === 'POST'
            ? kinds.createLease
            : kinds.updateLease;
    this.context.request(
      'heartbeat',
      { method, path, kind, timeoutMs: requestTimeoutMs, ...(body === undefined ? {} : { body }) },
      { to: 'lease', step },
    );
  }
}
