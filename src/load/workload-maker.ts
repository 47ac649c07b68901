import type { LoadClient } from './call.ts';
import type { NamespaceWork } from './namespaces.ts';
import type { ObjectContext } from './objects.ts';
import type { PacedSend, SendPlan, SendReport } from './sender.ts';
import { createVolumes, deleteVolumes } from './volumes.ts';
import { createWorkload } from './workload-requests.ts';
import { type ClaimPlan, type WorkloadPlan, podsOf } from './workloads.ts';

/** What the load generator lends. */
export type WorkloadMakerParts = {
  client: LoadClient;
  context: ObjectContext;
  work: (signal: AbortSignal) => NamespaceWork;
  send: (
    plan: SendPlan,
    signal: AbortSignal,
    what: Pick<PacedSend, 'make' | 'onOutcome'>,
  ) => Promise<SendReport>;
  /** The server has accepted the creation of a Job, a StatefulSet or a claim. */
  onCreated: (plan: WorkloadPlan, intendedUs: number) => void;
};

/** Makes Jobs, StatefulSets, claims and the volumes of these, and knows which it has made. */
export class WorkloadMaker {
  private readonly parts: WorkloadMakerParts;
  private readonly own = new Map<string, WorkloadPlan>();
  private readonly volumes = new Set<ClaimPlan>();
  /** Pods that deleted Jobs would have had in the end: no more of those have gone with them. */
  deletedJobPods = 0;

  constructor(parts: WorkloadMakerParts) {
    this.parts = parts;
  }

  /** Those that were created and not deleted; all of them, or those of a kind. */
  list(kind?: WorkloadPlan['kind']): readonly WorkloadPlan[] {
    return [...this.own.values()].filter((plan) => kind === undefined || plan.kind === kind);
  }

  /** Pods that there are of them in the end, but for those of claims. */
  get pods(): number {
    let count = 0;
    for (const plan of this.own.values()) count += podsOf(plan);
    return count;
  }

  /** Its deletion was accepted. */
  deleted(plan: WorkloadPlan): void {
    if (this.own.delete(keyOf(plan)) && plan.kind === 'job') this.deletedJobPods += podsOf(plan);
  }

  /** All namespaces are gone. */
  allDeleted(): void {
    for (const plan of this.list()) this.deleted(plan);
  }

  /** Whether it has made volumes that are not deleted. */
  get hasVolumes(): boolean {
    return this.volumes.size > 0;
  }

  /** Makes the volumes that claims are to be bound to. @throws HollowmarkError, see {@link createVolumes}. */
  async createVolumes(plans: readonly ClaimPlan[], signal: AbortSignal): Promise<void> {
    // Before: what fails half-way has to be cleaned up too.
    for (const plan of plans) this.volumes.add(plan);
    await createVolumes(plans, this.parts.work(signal));
  }

  /**
   * Deletes the volumes, once their claims are gone with the namespaces.
   * @returns how many are left after `timeoutMs`. @throws HollowmarkError, see {@link createVolumes}.
   */
  async removeVolumes(timeoutMs: number, signal: AbortSignal): Promise<number> {
    const left = await deleteVolumes([...this.volumes], timeoutMs, this.parts.work(signal));
    if (left === 0) this.volumes.clear();
    return left;
  }

  /** One request for each plan, in order. */
  create(plans: readonly WorkloadPlan[], sends: SendPlan, signal: AbortSignal): Promise<SendReport> {
    const { client, context, send, onCreated } = this.parts;
    const planAt = (i: number): WorkloadPlan => plans[i] as WorkloadPlan;
    return send(sends, signal, {
      make: (i) => createWorkload(client, planAt(i), context),
      onOutcome: (i, outcome, intendedUs) => {
        if (outcome.type !== 'done') return;
        const plan = planAt(i);
        this.own.set(keyOf(plan), plan);
        onCreated(plan, intendedUs);
      },
    });
  }
}

function keyOf({ kind, namespace, name }: WorkloadPlan): string {
  return `${kind}/${namespace}/${name}`;
}
