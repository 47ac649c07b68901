import { kinds, type KubeletContext } from '../context.ts';
import type { Distribution } from '../runtime/distribution.ts';
import type { PodSpec } from './pod-record.ts';

/** A token request that failed is made again after 500 ms, doubling to 2 min (volume manager's back-off). */
const retryMsMin = 500;
const retryMsMax = 122_000;

const lifeSeconds = 3607;

/** A token is fetched anew at 80 % of its life (pkg/kubelet/token), a little later for each pod. */
const refreshMs: Distribution = { uniform: [lifeSeconds * 800, lifeSeconds * 800 + 10_000] };

/** One timer a node looks for tokens that are due: a timer a pod would outlive its pod by most of an hour. */
const checkMs = 60_000;

/** A pod that has had no token yet, and one that has one for which another is asked. */
const none = -2;
const askedAgain = -1;

/** The service account tokens of a node's pods: fetched for a pod's volumes, then again before they run out. */
export class Tokens {
  private readonly context: KubeletContext;
  private readonly specOf: (uid: string) => PodSpec | undefined;
  /** By pod, when the token that it has is due, or one of those below. Whole seconds take no memory of their own. */
  private readonly dueSeconds = new Map<string, number>();
  /** Of pods whose last request failed. */
  private retriesMs: Map<string, number> | undefined;
  private armed = false;

  constructor(context: KubeletContext, specOf: (uid: string) => PodSpec | undefined) {
    this.context = context;
    this.specOf = specOf;
  }

  /** The pod's volumes are set up: its token is asked for. */
  use({ uid }: PodSpec): void {
    this.dueSeconds.set(uid, none);
    this.context.after(this.context.draw(this.context.profile.tokenRequestMs), { of: 'token', uid });
  }

  held(uid: string): boolean {
    return (this.dueSeconds.get(uid) ?? none) !== none;
  }

  release(uid: string): void {
    this.dueSeconds.delete(uid);
    this.retriesMs?.delete(uid);
  }

  onTimer(uid: string): void {
    const spec = this.specOf(uid);
    if (spec === undefined || !this.dueSeconds.has(uid)) return;
    const { namespace, serviceAccountName, name } = spec;
    this.context.request(
      'api',
      {
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccountName}/token`,
        kind: kinds.createToken,
        body: {
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata: {},
          spec: {
            audiences: null,
            expirationSeconds: lifeSeconds,
            boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid },
          },
          status: { token: '', expirationTimestamp: null },
        },
      },
      { to: 'token', uid },
    );
  }

  onAnswer(uid: string, status: number): void {
    if (!this.dueSeconds.has(uid)) return;
    if (status === 201) {
      this.retriesMs?.delete(uid);
      this.dueSeconds.set(uid, Math.ceil((this.context.nowMs + this.context.draw(refreshMs)) / 1000));
      this.arm();
      return;
    }
    // 403 comes when the Node authorizer has not seen the binding yet.
    this.retriesMs ??= new Map();
    const retryMs = this.retriesMs.get(uid) ?? retryMsMin;
    this.context.after(retryMs, { of: 'token', uid });
    this.retriesMs.set(uid, Math.min(retryMsMax, retryMs * 2));
  }

  /** Asks for new tokens where they are due; goes on as long as there are pods. */
  onRefresh(): void {
    this.armed = false;
    for (const [uid, dueSeconds] of this.dueSeconds) {
      if (dueSeconds < 0 || dueSeconds * 1000 > this.context.nowMs) continue;
      this.dueSeconds.set(uid, askedAgain);
      this.onTimer(uid);
    }
    if (this.dueSeconds.size > 0) this.arm();
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    this.context.after(checkMs, { of: 'token-refresh' });
  }
}
