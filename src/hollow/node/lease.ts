import { kinds, type KubeletContext, labelled, microTimestamp } from '../context.ts';
import type { Tag } from '../effects.ts';

/** 40 s × 0.25, with up to 4 % more (pkg/kubelet/kubelet.go, component-helpers/apimachinery/lease). */
const leaseDurationSeconds = 40;
const renewIntervalMs = 10_000;
const renewJitter = 0.04;

/** Tries of one renewal before the lease is read (or made) again. */
const updateTriesMax = 5;

/** A lease that can neither be read nor made is tried again after this long, doubling. */
const backOffMsMin = 200;
const backOffMsMax = 7000;

const requestTimeoutMs = 10_000;

type Step = Extract<Tag, { to: 'lease' }>['step'];
type Lease = { metadata: Record<string, unknown>; spec: Record<string, unknown> };

/**
 * The node's heartbeat. The first sync looks for the lease and for the node: as the node is not there yet, nothing is
 * made; the second, ten seconds later, makes it with an ownerReference. From then on one PUT, without a GET before it, ten
 * seconds after the one before was answered. Once five tries have failed the lease is read, until that succeeds, and
 * then tried five times more.
 * Source: component-helpers/apimachinery/lease/controller.go (sync, backoffEnsureLease, retryUpdateLease), v0.36.
 */
export class LeaseRenewer {
  private readonly context: KubeletContext;
  private lease: Lease | undefined;
  private tries = 0;
  /** Whether the lease has been read in this sync: after that comes no other. */
  private ensured = false;
  /** How long the next failure to read or make the lease is waited for. */
  private backOffMs = backOffMsMin;
  /** What the timer is for. */
  private waitsFor: 'sync' | 'ensure' | 'node' = 'sync';
  /** Called after a renewal failed for good in this interval: the kubelet then closes its connections. */
  private readonly onRepeatedFailure: () => void;

  constructor(context: KubeletContext, onRepeatedFailure: () => void) {
    this.context = context;
    this.onRepeatedFailure = onRepeatedFailure;
  }

  start(): void {
    this.sync();
  }

  onTimer(): void {
    if (this.waitsFor === 'sync') this.sync();
    else if (this.waitsFor === 'node') this.getNode();
    else this.read();
  }

  onAnswer(step: Step, status: number, body: unknown): void {
    switch (step) {
      case 'get':
        if (status === 200) {
          this.lease = body as Lease;
          this.update();
        } else if (status !== 404) this.backOff();
        else if (this.context.wire.start.paceMs === 0) this.getNode();
        else this.wait('node', this.context.wire.start.paceMs);
        break;
      case 'get-node':
        // Without the node there is nothing to own the lease: kubelet leaves it for the next interval.
        if (status === 200) this.create((body as { metadata: { uid: string } }).metadata.uid);
        else this.finish();
        break;
      case 'create':
        if (status === 201) {
          this.lease = body as Lease;
          this.finish();
        } else this.backOff();
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

  /** The sync has come to its end: the next one is an interval later. */
  private finish(): void {
    const jitter = this.context.prng.float() * renewJitter;
    this.wait('sync', renewIntervalMs * (1 + jitter));
  }

  private backOff(): void {
    this.wait('ensure', this.backOffMs);
    this.backOffMs = Math.min(2 * this.backOffMs, backOffMsMax);
  }

  private wait(waitsFor: 'sync' | 'ensure' | 'node', delayMs: number): void {
    this.waitsFor = waitsFor;
    this.context.after(delayMs, { of: 'lease' });
  }

  private sync(): void {
    this.tries = 0;
    this.ensured = false;
    if (this.lease === undefined) this.ensure();
    else this.update();
  }

  /** The lease is read, or made, however often it takes; what is read is then renewed. */
  private ensure(): void {
    this.tries = 0;
    this.ensured = true;
    this.lease = undefined;
    this.backOffMs = backOffMsMin;
    this.read();
  }

  private read(): void {
    this.request('get', `${this.path}/${this.name}?timeout=10s`);
  }

  private getNode(): void {
    this.request('get-node', `/api/v1/nodes/${this.name}?timeout=10s`);
  }

  private onUpdated(status: number, body: unknown): void {
    if (status === 200) {
      this.lease = body as Lease;
      this.finish();
      return;
    }
    this.tries++;
    // From the second failed try on, whatever the failure but a conflict (component-helpers, retryUpdateLease).
    if (status !== 409 && this.tries > 1) this.onRepeatedFailure();
    if (this.tries === updateTriesMax) {
      if (this.ensured) this.finish();
      else this.ensure();
    } else if (status === 409) {
      // Somebody else wrote it.
      this.backOffMs = backOffMsMin;
      this.read();
    } else this.update();
  }

  private create(nodeUid: string): void {
    const { name } = this;
    this.request('create', `${this.path}?timeout=10s`, {
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
    this.request('update', `${this.path}/${this.name}?timeout=10s`, lease);
  }

  private renewTime(): string {
    return microTimestamp(this.context.now.wallMs, this.context.now.us);
  }

  private request(step: Step, path: string, body?: unknown): void {
    this.context.request(
      'heartbeat',
      { ...requests[step], path, timeoutMs: requestTimeoutMs, ...(body === undefined ? {} : { body }) },
      { to: 'lease', step },
    );
  }
}

/** What each step sends. */
const requests = {
  get: { method: 'GET', kind: kinds.getLease },
  'get-node': { method: 'GET', kind: kinds.getNode },
  create: { method: 'POST', kind: kinds.createLease },
  update: { method: 'PUT', kind: kinds.updateLease },
} as const satisfies Record<Step, object>;
