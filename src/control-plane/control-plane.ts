import type { Clock } from '../base/clock.ts';
import type { Reporter } from '../base/reporter.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import type { ClientCertificate, SigningAuthority } from '../kube/identity.ts';

export type FlagProfile = 'default' | 'scale';

/** Where the binaries of the control plane may come from. */
export type BinariesOptions = {
  /** `v1.36.3`. */
  version: string;
  /** A folder that holds the four binaries or the multi-call one; undefined looks in the other sources. */
  binariesDir: string | undefined;
  /**
   * Base URL of the release site, for `<url>/<version>/bin/<os>/<arch>/<component>`. etcd is looked for in the
   * same layout, except that {@link officialReleaseUrl} has none: there it comes from etcd's own releases.
   */
  releaseUrl: string;
  reporter: Reporter;
  signal: AbortSignal;
  /** Hears of every process that is started, so that none outlives this one; a guardian of their own when absent. */
  children?: ChildRegister | undefined;
  /** The environment to read KUBEBUILDER_ASSETS, PATH, HOLLOWMARK_CACHE… from; the process's own when absent. */
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
};

/** What is started unless told otherwise: the version that `binary/go.mod` builds. */
export const defaultVersion = 'v1.36.3';

/** Kubernetes' own release site. */
export const officialReleaseUrl = 'https://dl.k8s.io';

/** What the control plane is made of and how it is started. */
export type ControlPlaneOptions = BinariesOptions & {
  /**
   * How much lower than this process the components are scheduled (nice, 0 to 19; 0 when absent): on a machine of few
   * cores a saturated control plane would otherwise delay those who measure it.
   */
  niceness?: number | undefined;
  profile: FlagProfile;
  /** Further flags for each component, appended last (tests shorten timers with them, the audit log is one). */
  extraFlags: Partial<Record<ComponentName, string[]>>;
  /**
   * Puts something that passes bytes on between the API server and etcd. Called with etcd's port with each attempt to
   * start; gives the loopback port that the API server is told instead. Whoever passes it ends what it started.
   */
  etcdVia?: ((etcdPort: number) => Promise<number>) | undefined;
  /**
   * The run's own folder for etcd's data, PKI and logs: not there yet or empty. Made with mode 0700, removed by
   * `stop`.
   */
  stateDir: string;
};

export type ComponentName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** A server of a control plane of our own. */
export type LocalEndpoint = { url: string; caPem: string };

/** A running control plane. */
export interface ControlPlane {
  /** As the kube-apiserver binary itself says: a folder of binaries may hold another than was asked for. */
  readonly version: string;
  /** Where the binaries came from: `cache (built from Go modules)`. */
  readonly source: string;
  readonly profile: FlagProfile;
  readonly endpoint: LocalEndpoint;
  /** Signs client certificates that the API server accepts (CN is the user, O the groups). */
  readonly clientAuthority: SigningAuthority;
  /** `system:masters`: for bootstrapping and people, never for load. */
  readonly admin: ClientCertificate;
  /** Whoever shows it may say in `X-Remote-User` and `X-Remote-Group` for whom a request is: a recording proxy does. */
  readonly frontProxyClient: ClientCertificate;
  /** A kubeconfig file (mode 0600) for {@link admin}. */
  readonly kubeconfigPath: string;
  /** The argv of each process, by component, the program first. */
  readonly argv: Readonly<Record<ComponentName, string[]>>;
  /** etcd's HTTPS endpoint and a client certificate for it (`/metrics`, `/health`). */
  readonly etcd: { endpoint: LocalEndpoint; client: ClientCertificate };
  /** Folder of one log file per component. */
  readonly logDir: string;
  /** Process ids, for resource accounting. */
  pids(): Record<ComponentName, number>;
  /**
   * HTTPS ports of all components. Controller manager and scheduler answer `/metrics` to the admin certificate,
   * and their own certificates are signed by the CA of {@link endpoint}.
   */
  readonly ports: Readonly<Record<ComponentName, number>>;
  /**
   * Settles only when a component dies that nobody stopped: rejects with `cluster-unavailable` whose message
   * carries the component, its exit and its last log lines.
   */
  readonly died: Promise<never>;
  /**
   * Stops and starts one component on the same port with the same state (for tests of reconnection), and waits
   * until it is ready again. Rejects with `cluster-unavailable` when it does not become so.
   */
  restart(component: ComponentName): Promise<void>;
  /** Ends every process (SIGTERM, then SIGKILL after a grace period), waits for them, removes the state folder. */
  stop(): Promise<void>;
}
