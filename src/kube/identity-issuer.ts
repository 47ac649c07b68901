import type { Clock } from '../base/clock.ts';
import type { Prng } from '../base/prng.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { CertificatesApi } from './certificates-api.ts';
import { CertificateIssuer } from './certificates.ts';
import { ApiClient } from './client.ts';
import type { ConnectionGate } from './handshake-gate.ts';
import {
  type ApiServerEndpoint,
  type ClientIdentity,
  type ClientSubject,
  type Credentials,
  CredentialsIdentity,
  type SigningAuthority,
  certificateIdentity,
  impersonated,
} from './identity.ts';

/** How clients get identities of their own. Plain data: worker threads get it by message. */
export type IdentityPlan =
  /** Certificates signed here: the cluster's authority is our own. */
  | { type: 'authority'; authority: SigningAuthority }
  /** Certificates signed by the cluster, by CertificateSigningRequests with these labels and ends of names. */
  | {
      type: 'certificates-api';
      credentials: Credentials;
      labels: Readonly<Record<string, string>>;
      nameSuffix: string;
    }
  /** Everybody shows the same credentials, and says in each request whom they speak for. */
  | { type: 'impersonation'; credentials: Credentials }
  /** Everybody is the one whose credentials these are. */
  | { type: 'pooled'; credentials: Credentials };

export type IssuerEnvironment = {
  clock: Clock;
  prng: Prng;
  /** Records the requests to the Certificates API. */
  metrics: CallMetrics;
  handshakes: ConnectionGate;
  userAgent: string;
  localAddress?: string | undefined;
};

/** Gives identities by an {@link IdentityPlan}. */
export class IdentityIssuer {
  /** Whose credentials the plan has; an authority has none. */
  private readonly base: CredentialsIdentity | undefined;
  private readonly client: ApiClient | undefined;
  private readonly issue: (subject: ClientSubject) => Promise<ClientIdentity>;

  private constructor(
    issue: (subject: ClientSubject) => Promise<ClientIdentity>,
    base?: CredentialsIdentity,
    client?: ApiClient,
  ) {
    this.issue = issue;
    this.base = base;
    this.client = client;
  }

  /** Connects to nothing yet. @throws when the plan's PEM texts cannot be read. */
  static async open(
    plan: IdentityPlan,
    endpoint: ApiServerEndpoint,
    environment: IssuerEnvironment,
  ): Promise<IdentityIssuer> {
    if (plan.type === 'authority') {
      const issuer = await CertificateIssuer.open(plan.authority, () => environment.clock.wallMs());
      return new IdentityIssuer(async (subject) =>
        certificateIdentity(endpoint, await issuer.issueClient(subject)),
      );
    }
    const base = new CredentialsIdentity(endpoint, plan.credentials);
    switch (plan.type) {
      case 'pooled':
        return new IdentityIssuer(() => Promise.resolve(base), base);
      case 'impersonation':
        return new IdentityIssuer((subject) => Promise.resolve(impersonated(base, subject)), base);
      case 'certificates-api': {
        const client = new ApiClient({ ...environment, endpoint, identity: base, codec: jsonCodec });
        const { labels, nameSuffix } = plan;
        const api = new CertificatesApi({ client, clock: environment.clock, labels, nameSuffix });
        const issue = async (subject: ClientSubject): Promise<ClientIdentity> =>
          certificateIdentity(endpoint, await api.issue(subject));
        return new IdentityIssuer(issue, base, client);
      }
    }
  }

  /**
   * An identity for `subject`; with pooled ones always the same. Takes 3 ms with an authority, a few round trips with
   * the Certificates API, else nothing.
   * @throws HollowmarkError `cluster-unavailable` as {@link CertificatesApi.issue}.
   */
  identityOf(subject: ClientSubject): Promise<ClientIdentity> {
    return this.issue(subject);
  }

  /** Replaces the plan's credentials, also for the identities that were given already. */
  update(credentials: Credentials): void {
    this.base?.update(credentials);
  }

  close(): void {
    this.client?.close();
  }
}
