import { resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { Reporter } from '../base/reporter.ts';
import { ApiClient } from '../kube/client.ts';
import { CredentialsRefresher } from '../kube/credentials-refresher.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { type ApiServerEndpoint, type Credentials, CredentialsIdentity } from '../kube/identity.ts';
import { readKubeconfig } from '../kube/kubeconfig.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';

export type ForeignOptions = {
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** undefined takes the kubeconfig's current one. */
  context: string | undefined;
  clock: Clock;
  /** Hears of credentials that cannot be renewed. */
  reporter: Reporter;
  /** Ends the wait for a credential plugin. */
  signal: AbortSignal;
};

/** A cluster that Hollowmark did not start, as the user of a kubeconfig. Connecting makes nothing on it. */
export class ForeignCluster {
  /** Absolute. */
  readonly kubeconfigPath: string;
  readonly context: string;
  readonly endpoint: ApiServerEndpoint;
  readonly identity: CredentialsIdentity;
  readonly client: ApiClient;
  private current: Credentials;
  private readonly refresher: CredentialsRefresher;
  private readonly listeners: ((credentials: Credentials) => void)[] = [];

  /**
   * Reads the kubeconfig, runs its credential plugin where there is one, and keeps the credentials fresh until
   * {@link close}. The first request connects.
   * @throws HollowmarkError as `readKubeconfig` and its `credentials`.
   */
  static async open(options: ForeignOptions): Promise<ForeignCluster> {
    const { kubeconfig, context, clock, reporter, signal } = options;
    const path = resolve(kubeconfig);
    const read = await readKubeconfig(path, { context, clock });
    const first = await read.credentials(signal);
    return new ForeignCluster(
      { path, context: read.context, endpoint: read.endpoint, first: first.credentials, clock },
      (onUpdate) =>
        new CredentialsRefresher({
          source: read.credentials,
          first,
          clock,
          onUpdate,
          onFailure: (error) =>
            reporter.warn(`the credentials of ${path} cannot be renewed: ${errorMessage(error)}`),
        }),
    );
  }

  private constructor(
    parts: {
      path: string;
      context: string;
      endpoint: ApiServerEndpoint;
      first: Credentials;
      clock: Clock;
    },
    refreshing: (onUpdate: (credentials: Credentials) => void) => CredentialsRefresher,
  ) {
    const { path, context, endpoint, first, clock } = parts;
    this.kubeconfigPath = path;
    this.context = context;
    this.endpoint = endpoint;
    this.current = first;
    this.identity = new CredentialsIdentity(endpoint, first, () => void this.refresher.renewNow());
    this.client = new ApiClient({
      endpoint,
      identity: this.identity,
      codec: jsonCodec,
      userAgent: `hollowmark-setup/${tool.version}`,
      clock,
      prng: new Prng('client/setup'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(4),
      transportsMax: 2,
    });
    this.refresher = refreshing((credentials) => {
      this.current = credentials;
      this.identity.update(credentials);
      for (const listener of this.listeners) listener(credentials);
    });
  }

  get server(): string {
    return this.endpoint.url;
  }

  get insecure(): boolean {
    return this.endpoint.insecure === true;
  }

  /** The host of the proxy that leads to it, without the password. */
  get proxy(): string | undefined {
    const { proxyUrl } = this.endpoint;
    return proxyUrl === undefined ? undefined : new URL(proxyUrl).host;
  }

  /** As they are now. */
  get credentials(): Credentials {
    return this.current;
  }

  /** Calls `listener` with credentials that take the place of {@link credentials}. */
  onCredentials(listener: (credentials: Credentials) => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    this.refresher.stop();
    this.client.close();
  }
}
