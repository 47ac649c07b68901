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

type Token = { spec: PodSpec; held: boolean; dueMs: number; retryMs: number };

/** The service account tokens of a node's pods: fetched for a pod's volumes, then again before they run out. */
export class Tokens {
  private readonly context: KubeletContext;
  private readonly tokens = new Map<string, Token>();
  private armed = false;

  constructor(context: KubeletContext) {
    this.context = context;
  }

  /** The pod's volumes are set up: its token is asked for. */
  use(spec: PodSpec): void {
    this.tokens.set(spec.uid, {
      spec,
      held: false,
      dueMs: Number.POSITIVE_INFINITY,
      retryMs: retryMsMin,
    });
    this.context.after(this.context.draw(this.context.profile.tokenRequestMs), {
      of: 'token',
      uid: spec.uid,
    });
  }

  held(uid: string): boolean {
    return this.tokens.get(uid)?.held === true;
  }

  release(uid: string): void {
    this.tokens.delete(uid);
  }

  onTimer(uid: string): void {
    const token = this.tokens.get(uid);
    if (token === undefined) return;
    const { namespace, serviceAccountName, name } = token.spec;
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
    const token = this.tokens.get(uid);
    if (token === undefined) return;
    if (status === 201) {
      token.held = true;
      token.retryMs = retryMsMin;
      token.dueMs = this.context.nowMs + this.context.draw(refreshMs);
      this.arm();
      return;
    }
    // 403 comes when the Node authorizer has not seen the binding yet.
    this.context.after(token.retryMs, { of: 'token', uid });
    token.retryMs = Math.min(retryMsMax, token.retryMs * 2);
  }

  /** Asks for new tokens where they are due; goes on as long as there are pods. */
  onRefresh(): void {
    this.armed = false;
    for (const [uid, token] of this.tokens) {
      if (token.dueMs > this.context.nowMs) continue;
      token.dueMs = Number.POSITIVE_INFINITY;
      this.onTimer(uid);
    }
    if (this.tokens.size > 0) this.arm();
  }

  private arm(): void {
    if (this.armed) return;
    this.armed = true;
    this.context.after(checkMs, { of: 'token-refresh' });
  }
}
