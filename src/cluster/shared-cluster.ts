import { type ErrorCode, HollowmarkError, errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import { shellWord } from '../base/shell-word.ts';
import { NoAnswerError } from '../kube/api-error.ts';
import type { ApiServerEndpoint, ClientIdentity, Credentials } from '../kube/identity.ts';
import type { IdentityPlan } from '../kube/identity-issuer.ts';
import { runLabel } from '../load/labels.ts';
import { callClass } from '../metrics/call-metrics.ts';
import type { Cluster, IdentityMode, OwnPodRanges } from './cluster.ts';
import type { ForeignCluster } from './foreign-cluster.ts';
import { removeRun } from './remove-run.ts';

/** The health endpoint is exempt from priority and fairness. */
const getLivez = callClass('GET', 'livez', '', 'cluster');
const silenceMs = 10_000;

/** Pods that kubelets end one by one, of a large run; what takes longer is said to be left. */
const removeTimeoutMs = 5 * 60_000;

export type SharedClusterOptions = {
  foreign: ForeignCluster;
  version: string;
  runId: string;
  identityMode: IdentityMode;
  ownPodRanges: OwnPodRanges | undefined;
  reporter: Reporter;
  /** Called when nothing of the run is left on the cluster. */
  onClean: () => void;
};

/** Somebody's cluster with a run on it. What the run makes carries its label, and goes with it. */
export class SharedCluster implements Cluster {
  readonly version: string;
  readonly source: string;
  readonly profile = 'unknown';
  readonly argv = {};
  readonly components = [];
  readonly endpoint: ApiServerEndpoint;
  readonly kubeconfigPath: string;
  readonly foreign: NonNullable<Cluster['foreign']>;
  readonly admin: ClientIdentity;
  readonly identityMode: IdentityMode;
  readonly ownPodRanges: OwnPodRanges | undefined;
  /** Whether it still answers is the watchdog's to say. */
  readonly died = new Promise<never>(() => {});
  private readonly options: SharedClusterOptions;
  private stopping: Promise<void> | undefined;

  constructor(options: SharedClusterOptions) {
    const { foreign, version, identityMode, ownPodRanges } = options;
    this.options = options;
    this.version = version;
    this.source = `kubeconfig (context ${foreign.context}, ${foreign.server})`;
    this.endpoint = foreign.endpoint;
    this.kubeconfigPath = foreign.kubeconfigPath;
    this.admin = foreign.identity;
    this.identityMode = identityMode;
    this.ownPodRanges = ownPodRanges;
    this.foreign = {
      kubeconfig: foreign.kubeconfigPath,
      context: foreign.context,
      server: foreign.server,
    };
  }

  get harnessIdentities(): IdentityPlan {
    return this.nodeIdentities;
  }

  get nodeIdentities(): IdentityPlan {
    const { foreign, identityMode, runId } = this.options;
    const { credentials } = foreign;
    return identityMode === 'certificate'
      ? { type: 'certificates-api', credentials, labels: { [runLabel]: runId }, nameSuffix: runId }
      : { type: identityMode, credentials };
  }

  onCredentials(listener: (credentials: Credentials) => void): void {
    this.options.foreign.onCredentials(listener);
  }

  pids(): Record<string, number> {
    return {};
  }

  clearLoad(): Promise<void> {
    return this.stopping === undefined ? this.remove('load', false) : Promise.resolve();
  }

  stop(): Promise<void> {
    this.stopping ??= this.removeAll();
    return this.stopping;
  }

  private async removeAll(): Promise<void> {
    try {
      // No kubelet is left to end a pod that is still there.
      await this.remove('everything', true);
      this.options.onClean();
    } finally {
      this.options.foreign.close();
    }
  }

  private async remove(scope: 'load' | 'everything', forcePods: boolean): Promise<void> {
    const { foreign, runId, reporter } = this.options;
    try {
      // A server that is silent is noticed in seconds here; removing has the patience of minutes. Any answer will do.
      await foreign.client.request({ method: 'GET', path: '/livez', kind: getLivez, timeoutMs: silenceMs });
      await removeRun({
        client: foreign.client,
        runId,
        scope,
        forcePods,
        timeoutMs: removeTimeoutMs,
        reporter,
        // Whoever interrupts the run wants it off the cluster. A second signal ends the process.
        signal: new AbortController().signal,
      });
    } catch (cause) {
      const { code, hint } =
        cause instanceof HollowmarkError ? cause : { code: codeOf(cause), hint: undefined };
      throw new HollowmarkError(
        code,
        `the run ${runId} is still on ${foreign.server}: ${errorMessage(cause)}; remove it with \`${cleanCommandOf(foreign, runId)}\``,
        { cause, ...(hint === undefined ? {} : { hint }) },
      );
    }
  }
}

/** A server without an answer is the cluster's fault, anything else ours. */
function codeOf(cause: unknown): ErrorCode {
  return cause instanceof NoAnswerError ? 'cluster-unavailable' : 'internal';
}

/** What removes a run from a cluster, ready to be pasted. */
export function cleanCommandOf(
  { kubeconfigPath, context }: { kubeconfigPath: string; context?: string | undefined },
  runId: string,
): string {
  const words = ['hollowmark', 'clean', '--kubeconfig', kubeconfigPath];
  if (context !== undefined) words.push('--context', context);
  return [...words, '--run', runId].map(shellWord).join(' ');
}
