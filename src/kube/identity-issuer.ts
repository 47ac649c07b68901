import type { Clock } from '../base/clock.ts';
import { CertificateIssuer } from './certificates.ts';
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

export type IdentityPlan =
  | { type: 'authority'; authority: SigningAuthority }
  | { type: 'certificates-api'; credentials: Credentials; labels: Record<string, string>; nameSuffix: string }
  | { type: 'impersonation'; credentials: Credentials }
  | { type: 'pooled'; credentials: Credentials };

/** STUB until h/kube is merged. */
export class IdentityIssuer {
  private readonly make: (subject: ClientSubject) => Promise<ClientIdentity>;
  private readonly base: CredentialsIdentity | undefined;

  private constructor(make: (subject: ClientSubject) => Promise<ClientIdentity>, base?: CredentialsIdentity) {
    this.make = make;
    this.base = base;
  }

  static async open(
    plan: IdentityPlan,
    endpoint: ApiServerEndpoint,
    environment: { clock: Clock },
  ): Promise<IdentityIssuer> {
    if (plan.type === 'authority') {
      const issuer = await CertificateIssuer.open(plan.authority, () => environment.clock.wallMs());
      return new IdentityIssuer(async (subject) =>
        certificateIdentity(endpoint, await issuer.issueClient(subject)),
      );
    }
    const base = new CredentialsIdentity(endpoint, plan.credentials);
    if (plan.type === 'impersonation')
      return new IdentityIssuer((subject) => Promise.resolve(impersonated(base, subject)), base);
    return new IdentityIssuer(() => Promise.resolve(base), base);
  }

  identityOf(subject: ClientSubject): Promise<ClientIdentity> {
    return this.make(subject);
  }

  update(credentials: Credentials): void {
    this.base?.update(credentials);
  }

  close(): void {}
}
