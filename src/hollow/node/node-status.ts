import { kinds, type KubeletContext } from '../context.ts';
import { heartbeatPatch, readyAgainPatch } from './node-object.ts';

/** Node status is computed this often (kubelet's nodeStatusUpdateFrequency)… */
const computeIntervalMs = 10_000;

/** …and sent when it changed or when this much has passed (nodeStatusReportFrequency). */
const reportIntervalMs = 300_000;

/** Tries of one update (nodeStatusUpdateRetry). */
const triesMax = 5;

/** The conditions of a node that the node controller has given up on. */
type ObservedNode = { status?: { conditions?: { type: string; status: string }[] } };

/**
 * Keeps the node's status: a hollow node's own state does not change, so what is left is the report every five minutes
 * and to write Ready again when the node controller has set it Unknown.
 */
export class NodeStatusReporter {
  private readonly context: KubeletContext;
  private readonly onRepeatedFailure: () => void;
  private readonly onReady: () => void;
  private lastReportMs = 0;
  private offsetMs = 0;
  private tries = 0;
  private inFlight = false;
  /** The API server does not have the node as Ready: at first, and after the node controller gave it up. */
  private lostReady = true;
  private everReady = false;

  /** `onReady` is called once, when the API server has acknowledged the node as Ready. */
  constructor(context: KubeletContext, onRepeatedFailure: () => void, onReady: () => void) {
    this.context = context;
    this.onReady = onReady;
    this.onRepeatedFailure = onRepeatedFailure;
  }

  /** The node has just sent its first Ready; until that is acknowledged, whatever follows says so again. */
  start(): void {
    this.lastReportMs = this.context.nowMs;
    this.inFlight = true;
    // After a change the next report is due 5 min ± 50 % later, so that nodes started together drift apart.
    this.offsetMs = this.context.prng.between(-0.5, 0.5) * reportIntervalMs;
    this.schedule();
  }

  onTimer(): void {
    this.schedule();
    const due = this.context.nowMs - this.lastReportMs >= reportIntervalMs + this.offsetMs;
    if (this.inFlight || (!due && !this.lostReady)) return;
    this.tries = 0;
    this.report();
  }

  /** The node as the API server has it, from the kubelet's own watch. */
  onNode(object: unknown): void {
    const conditions = (object as ObservedNode).status?.conditions ?? [];
    const ready = conditions.find((condition) => condition.type === 'Ready');
    this.lostReady = ready !== undefined && ready.status !== 'True';
  }

  onAnswer(step: 'get' | 'patch', status: number): void {
    if (status === 200) {
      if (step === 'get') {
        this.patch();
        return;
      }
      this.lastReportMs = this.context.nowMs;
      this.inFlight = false;
      this.lostReady = false;
      if (!this.everReady) {
        this.everReady = true;
        this.onReady();
      }
      return;
    }
    this.tries++;
    // From the second failed try on, whatever the failure (kubelet_node_status.go, updateNodeStatus).
    if (this.tries > 1) this.onRepeatedFailure();
    if (this.tries >= triesMax) {
      this.inFlight = false;
      return;
    }
    // The first try trusts the informer's copy; the others read the node first (kubelet_node_status.go).
    this.context.request(
      'heartbeat',
      {
        method: 'GET',
        path: `/api/v1/nodes/${this.context.node.name}?timeout=10s`,
        kind: kinds.getNode,
        timeoutMs: 10_000,
      },
      { to: 'node-status', step: 'get' },
    );
  }

  private report(): void {
    this.inFlight = true;
    if (this.lostReady) this.offsetMs = this.context.prng.between(-0.5, 0.5) * reportIntervalMs;
    else this.offsetMs = 0;
    this.patch();
  }

  private patch(): void {
    const { context } = this;
    const body = this.lostReady ? readyAgainPatch(context.now.wallMs) : heartbeatPatch(context.now.wallMs);
    context.request(
      'heartbeat',
      {
        method: 'PATCH',
        path: `/api/v1/nodes/${context.node.name}/status?timeout=10s`,
        kind: kinds.patchNodeStatus,
        body,
        patch: true,
        timeoutMs: 10_000,
      },
      { to: 'node-status', step: 'patch' },
    );
  }

  private schedule(): void {
    // A little jitter, as the kubelet's own loop has (wait.JitterUntil, 0.04).
    this.context.after(computeIntervalMs * (1 + this.context.prng.float() * 0.04), { of: 'node-status' });
  }
}
