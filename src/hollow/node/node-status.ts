import { kinds, type KubeletContext } from '../context.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { Pressure } from '../node-failure.ts';
import { conditionsPatch, pressureEvents } from './node-object.ts';

/** Node status is computed this often (kubelet's nodeStatusUpdateFrequency)… */
const computeIntervalMs = 10_000;

/** …and sent when it changed or when this much has passed (nodeStatusReportFrequency). */
const reportIntervalMs = 300_000;

/** Tries of one update (nodeStatusUpdateRetry). */
const triesMax = 5;

/** The conditions of a node that the node controller has given up on. */
type ObservedNode = { status?: { conditions?: { type: string; status: string }[] } };

const none: readonly Pressure[] = [];

/**
 * Keeps the node's status: the report every five minutes, what the node is short of, the images that have come, and
 * Ready once more when the node controller has set it Unknown.
 */
export class NodeStatusReporter {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly onRepeatedFailure: () => void;
  private readonly onReady: () => void;
  private lastReportMs = 0;
  private offsetMs = 0;
  private tries = 0;
  /** The API server does not have the node as Ready: at first, and after the node controller gave it up. */
  private lostReady = true;
  private everReady = false;
  /** `DiskPressure/injected`: what the node is short of, and for which cause. */
  private causes: readonly string[] = [];
  /** What the node is short of; as the API server has it; and as it stands in the patch that was sent last. */
  private present = none;
  private acknowledged = none;
  private sent = none;
  /** As of {@link NodeImages.changes}: what the API server was told, and what it is being told. */
  private imagesReported = 0;
  private imagesSent = 0;

  /** `onReady` is called once, when the API server has acknowledged the node as Ready. */
  constructor(
    context: KubeletContext,
    events: EventRecorder,
    onRepeatedFailure: () => void,
    onReady: () => void,
  ) {
    this.context = context;
    this.events = events;
    this.onReady = onReady;
    this.onRepeatedFailure = onRepeatedFailure;
  }

  /** The node has just sent its first Ready; until that is acknowledged, whatever follows says so again. */
  start(): void {
    this.lastReportMs = this.context.nowMs;
    this.imagesSent = this.context.images.changes;
    // After a change the next report is due 5 min ± 50 % later, so that nodes started together drift apart.
    this.offsetMs = this.context.prng.between(-0.5, 0.5) * reportIntervalMs;
  }

  /**
   * The node begins or ceases to be short of something for this cause; reported with the next computation of the
   * status.
   */
  setPressure(condition: Pressure, isShort: boolean, cause: 'usage' | 'injected'): void {
    const own = `${condition}/${cause}`;
    const others = this.causes.filter((other) => other !== own);
    this.causes = isShort ? [...others, own] : others;
    const present = this.causes.some((one) => one.startsWith(`${condition}/`));
    if (this.present.includes(condition) === present) return;
    this.present = present
      ? [...this.present, condition]
      : this.present.filter((other) => other !== condition);
    const { name } = this.context.node;
    const reason = pressureEvents[condition][present ? 'bad' : 'good'];
    const message = `Node ${name} status is now: ${reason}`;
    this.events.record({ kind: 'Node', name, namespace: '', uid: name }, 'Normal', reason, message);
  }

  onTimer(): void {
    const due = this.context.nowMs - this.lastReportMs >= reportIntervalMs + this.offsetMs;
    if (due || this.changed) this.report();
    else this.schedule();
  }

  private get changed(): boolean {
    return this.lostReady || this.turned().length > 0 || this.context.images.changes !== this.imagesReported;
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
      this.schedule();
      this.lostReady = false;
      this.acknowledged = this.sent;
      this.imagesReported = this.imagesSent;
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
      this.schedule();
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
    this.tries = 0;
    if (this.changed) this.offsetMs = this.context.prng.between(-0.5, 0.5) * reportIntervalMs;
    else this.offsetMs = 0;
    this.patch();
  }

  private turned(): readonly Pressure[] {
    const { present, acknowledged } = this;
    if (present === acknowledged) return none;
    return [
      ...present.filter((one) => !acknowledged.includes(one)),
      ...acknowledged.filter((one) => !present.includes(one)),
    ];
  }

  private patch(): void {
    const { context, present } = this;
    const { wallMs } = context.now;
    const { status } = conditionsPatch(wallMs, present, this.lostReady ? 'all' : this.turned());
    this.sent = present;
    this.imagesSent = context.images.changes;
    const images = this.imagesSent === this.imagesReported ? {} : { images: context.images.reported() };
    context.request(
      'heartbeat',
      {
        method: 'PATCH',
        path: `/api/v1/nodes/${context.node.name}/status?timeout=10s`,
        kind: kinds.patchNodeStatus,
        body: { status: { ...status, ...images } },
        patch: true,
        timeoutMs: 10_000,
      },
      { to: 'node-status', step: 'patch' },
    );
  }

  private schedule(): void {
    // From the end of a sync, with a little jitter, as the kubelet's own loop has it (wait.JitterUntil, 0.04, sliding).
    this.context.after(computeIntervalMs * (1 + this.context.prng.float() * 0.04), { of: 'node-status' });
  }
}
