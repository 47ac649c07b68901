import type { ComponentEndpoint } from '../kube/component-endpoint.ts';
import type { ApiServerEndpoint, ClientIdentity, Credentials } from '../kube/identity.ts';
import type { IdentityPlan } from '../kube/identity-issuer.ts';

/**
 * How hollow nodes prove who they are: by client certificates (signed by our own authority, or by the Certificates API of
 * somebody's cluster), by impersonation, or not at all (`pooled`: all requests are those of one user).
 */
export type IdentityMode = 'certificate' | 'impersonation' | 'pooled';

/** `family`: that of the cluster's Services. `afterMs`: how long a node waits for a range from the cluster. */
export type OwnPodRanges = { family: 4 | 6; afterMs: number };

/** A cluster to put hollow nodes on: one of our own, or somebody's. */
export interface Cluster {
  /** As `/version` says: `v1.36.3`. */
  readonly version: string;
  /** Where it comes from: `cache (built from Go modules)`, `kubeconfig (context prod, https://…)`. */
  readonly source: string;
  /** The named flag profile of a control plane of our own; `unknown` of others. */
  readonly profile: string;
  /** The argv of each control-plane process, as far as known. */
  readonly argv: Readonly<Record<string, string[]>>;
  readonly endpoint: ApiServerEndpoint;
  /** A kubeconfig with which people reach it. */
  readonly kubeconfigPath: string;
  /**
   * How the user came to a cluster that is not ours (absolute path, context, URL); undefined of our own. Others use it too:
   * hollow nodes are tainted, everything made is labelled, and taken away again.
   */
  readonly foreign: { kubeconfig: string; context: string; server: string } | undefined;
  /** Components that tell their metrics to us, the API server included; of a cluster of others none. */
  readonly components: readonly ComponentEndpoint[];
  /** Who sets up and takes down. Never the one that sends load, but with `pooled` on a cluster of others. */
  readonly admin: ClientIdentity;
  /** How load generator and observer come by their identities, with the credentials of now. */
  readonly harnessIdentities: IdentityPlan;
  /** How the hollow nodes come by theirs. */
  readonly nodeIdentities: IdentityPlan;
  readonly identityMode: IdentityMode;
  /** Undefined where every node is given a `spec.podCIDR`; else nodes need ranges of their own for their pods. */
  readonly ownPodRanges: OwnPodRanges | undefined;
  /** Rejects with `cluster-unavailable` when it is lost; never resolves. */
  readonly died: Promise<never>;
  /** Calls `listener` whenever the credentials in the identity plans have been replaced by others. */
  onCredentials(listener: (credentials: Credentials) => void): void;
  /** Processes of ours that it consists of, by component. */
  pids(): Record<string, number>;
  /** Where those of them write their logs that do. */
  logPaths?(): Record<string, string>;
  /** Takes away what the load has left, while the hollow nodes still run and pods can end as they should. */
  clearLoad(): Promise<void>;
  /** Takes away the rest; a cluster of our own ends. Safe to call twice. */
  stop(): Promise<void>;
}
