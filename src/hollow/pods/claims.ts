import { kinds, type KubeletContext } from '../context.ts';
import type { PodSpec } from './pod-record.ts';
import { map, text } from './raw.ts';

/** Between two rounds through the pods (volume_manager.go, desiredStateOfWorldPopulatorLoopSleepPeriod). */
const loopMs = 100;

/** A claim that goes as soon as nobody uses it may still be used; without this, one that is being deleted may not. */
const protection = 'kubernetes.io/pvc-protection';

type PodClaims = {
  /** A sync of the pod has asked for another look, and none has begun since. */
  due: boolean;
  /** Volumes that were found in order once, and so are mounted for good. */
  readonly mounted: Set<string>;
  /** What the last look found wrong, until the sync has taken it. */
  faults: string[];
};

/**
 * The PersistentVolumeClaims of a node's pods. Each sync of a pod has a kubelet look through its claims once more: it reads
 * each, which has to be bound, and the PersistentVolume behind it. One request at a time for the whole node. What is not in
 * order fails the sync, if it still waits for its volumes, and is read again with the next one; of a pod that runs,
 * nothing comes of it. Nothing is attached: volumes are as of plugins that know no attaching (hostPath, local, NFS).
 * Source: pkg/kubelet/volumemanager (populator/desired_state_of_world_populator.go, volume_manager.go), v1.36.
 */
export class Claims {
  private readonly context: KubeletContext;
  private readonly specOf: (uid: string) => PodSpec | undefined;
  private readonly pods = new Map<string, PodClaims>();
  /** uids of the pods that the round at hand has still to look through, and which claim of the first one. */
  private round: string[] = [];
  private index = 0;
  /** The volume of that claim, once it is known. */
  private volume = '';
  private looping = false;

  /** @param specOf knows pods whose containers may still start or run. */
  constructor(context: KubeletContext, specOf: (uid: string) => PodSpec | undefined) {
    this.context = context;
    this.specOf = specOf;
  }

  /** A sync of the pod begins. */
  look({ uid, claims }: PodSpec): void {
    if (claims.length === 0) return;
    const own = this.pods.get(uid);
    if (own === undefined) this.pods.set(uid, { due: true, mounted: new Set(), faults: [] });
    else own.due = true;
    if (!this.looping) this.loopIn(this.context.draw({ uniform: [0, loopMs] }));
  }

  /** Whether all of the pod's claims are mounted. */
  ready({ uid, claims }: PodSpec): boolean {
    return claims.length === 0 || this.pods.get(uid)?.mounted.size === claims.length;
  }

  /** Why they cannot be, as the kubelet says it; told once. */
  takeFault({ uid, claims }: PodSpec): string | undefined {
    const own = this.pods.get(uid);
    if (own === undefined || own.faults.length === 0) return undefined;
    const errors = own.faults.splice(0).join('; ');
    const missing = claims.map(({ volume }) => volume).filter((volume) => !own.mounted.has(volume));
    if (missing.length === 0) return undefined;
    const names = `[${missing.toSorted().join(' ')}]`;
    return `unmounted volumes=${names}, unattached volumes=[], failed to process volumes=${names}: ${errors}`;
  }

  release(uid: string): void {
    this.pods.delete(uid);
  }

  onTimer(): void {
    this.round = [...this.pods].filter(([, { due }]) => due).map(([uid]) => uid);
    this.index = 0;
    this.goOn();
  }

  onAnswer(step: 'claim' | 'volume', uid: string, status: number, body: unknown): void {
    const spec = this.specOf(uid);
    const claim = spec?.claims[this.index];
    const own = this.pods.get(uid);
    if (spec !== undefined && claim !== undefined && own !== undefined) {
      const fault =
        step === 'claim' ? claimFault(claim.claim, status, body) : volumeFault(this.volume, status);
      if (fault === undefined && step === 'claim') {
        this.volume = text(map(map(body)['spec'])['volumeName']);
        this.ask(`/api/v1/persistentvolumes/${this.volume}`, 'volume', uid);
        return;
      }
      if (fault === undefined) own.mounted.add(claim.volume);
      else own.faults.push(`error processing PVC ${spec.namespace}/${claim.claim}: ${fault}`);
    }
    this.index++;
    this.goOn();
  }

  /** Asks for the next claim, of this pod or of one after it. */
  private goOn(): void {
    for (let uid = this.round[0]; uid !== undefined; uid = this.round[0]) {
      const spec = this.specOf(uid);
      const own = this.pods.get(uid);
      const claim = spec?.claims[this.index];
      if (own !== undefined && this.index === 0) {
        // Before its requests: a sync that begins while they are under way wants another look.
        own.due = false;
        own.faults = [];
      }
      if (own !== undefined && spec !== undefined && claim !== undefined) {
        const path = `/api/v1/namespaces/${spec.namespace}/persistentvolumeclaims/${claim.claim}`;
        this.ask(path, 'claim', uid);
        return;
      }
      this.round.shift();
      this.index = 0;
    }
    this.looping = false;
    if ([...this.pods.values()].some(({ due }) => due)) this.loopIn(loopMs);
  }

  private ask(path: string, step: 'claim' | 'volume', uid: string): void {
    const kind = step === 'claim' ? kinds.getClaim : kinds.getVolume;
    this.context.request('api', { method: 'GET', path, kind }, { to: 'claim', step, uid });
  }

  private loopIn(delayMs: number): void {
    this.looping = true;
    this.context.after(delayMs, { of: 'claims' });
  }
}

/** Why a claim cannot be mounted; undefined when it can. */
function claimFault(name: string, status: number, claim: unknown): string | undefined {
  if (status !== 200) {
    return `failed to fetch PVC from API server: ${refusal('persistentvolumeclaims', name, status)}`;
  }
  const object = map(claim);
  const metadata = map(object['metadata']);
  const finalizers = metadata['finalizers'];
  const kept = Array.isArray(finalizers) && finalizers.includes(protection);
  if (metadata['deletionTimestamp'] !== undefined && !kept) return 'PVC is being deleted';
  if (map(object['status'])['phase'] !== 'Bound') return 'PVC is not bound';
  if (text(map(object['spec'])['volumeName']) === '') return 'PVC has empty pvc.Spec.VolumeName';
  return undefined;
}

function volumeFault(name: string, status: number): string | undefined {
  if (status === 200) return undefined;
  return `failed to fetch PV ${name} from API server: ${refusal('persistentvolumes', name, status)}`;
}

/** What client-go makes of an answer, without the parts that only the answer's body has. */
function refusal(resource: string, name: string, status: number): string {
  if (status === 0) return 'no answer';
  if (status === 403) return `${resource} "${name}" is forbidden`;
  if (status === 404) return `${resource} "${name}" not found`;
  return `the server answered ${status} (get ${resource} ${name})`;
}
