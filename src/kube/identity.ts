import { type SecureContext, createSecureContext } from 'node:tls';

/** A client certificate and its key. PEM texts. */
export type ClientCertificate = { certPem: string; keyPem: string };

/** A certificate authority whose key is at hand, as it is on a control plane of our own. */
export type SigningAuthority = { certPem: string; keyPem: string };

/** An API server, how it is reached, and what vouches for it. Plain data. */
export type ApiServerEndpoint = {
  /** `https://127.0.0.1:6443`, with the path of a reverse proxy after it where there is one. */
  url: string;
  /** The authorities that may have signed its certificate; undefined: those that Node.js trusts. */
  caPem: string | undefined;
  /** The name in its certificate, where that is not the host of the URL. */
  serverName?: string;
  /** Its certificate is not looked at. */
  insecure?: boolean;
  /** `http://`, `https://` or `socks5://` proxy that leads to it. */
  proxyUrl?: string;
  /** Servers of others may sit behind proxies that do not speak TLS 1.3 yet. */
  minTlsVersion?: 'TLSv1.2' | 'TLSv1.3';
};

/** What a client proves who it is with. Plain data; at least one of the two. */
export type Credentials = { certificate?: ClientCertificate; token?: string };

/** Who a client certificate or an impersonation speaks for: Kubernetes reads the user from CN and the groups from O. */
export type ClientSubject = { user: string; groups: readonly string[] };

/** What an identity adds to each request. */
export type IdentityHeaders = Readonly<Record<string, string | string[]>>;

/** Who a client is to the API server: what it shows when it connects, and in each request. Both may change. */
export interface ClientIdentity {
  secureContext(): SecureContext;
  headers(): IdentityHeaders;
  /** The server did not accept it (401): whoever can, renews it. */
  refused?(): void;
}

const noHeaders: IdentityHeaders = {};

/** The identity that a client certificate gives. Clients that share the result share one TLS context. */
export function certificateIdentity(
  endpoint: ApiServerEndpoint,
  certificate: ClientCertificate,
): ClientIdentity {
  const context = tlsContext(endpoint, certificate);
  return { secureContext: () => context, headers: () => noHeaders };
}

/** Somebody's own credentials, which may be replaced while connections are open. */
export class CredentialsIdentity implements ClientIdentity {
  private readonly endpoint: ApiServerEndpoint;
  private context: SecureContext;
  private extra: IdentityHeaders;
  private readonly onRefused: () => void;

  /** @param onRefused called for each request that the server refuses to know. */
  constructor(endpoint: ApiServerEndpoint, credentials: Credentials, onRefused: () => void = () => {}) {
    this.onRefused = onRefused;
    this.endpoint = endpoint;
    this.context = tlsContext(endpoint, credentials.certificate);
    this.extra = bearer(credentials.token);
  }

  /** Holds from the next request (token) and the next connection (certificate) on. */
  update(credentials: Credentials): void {
    this.context = tlsContext(this.endpoint, credentials.certificate);
    this.extra = bearer(credentials.token);
  }

  secureContext(): SecureContext {
    return this.context;
  }

  headers(): IdentityHeaders {
    return this.extra;
  }

  refused(): void {
    this.onRefused();
  }
}

/**
 * Speaks as `subject` with the rights of `base` to impersonate.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export function impersonated(base: ClientIdentity, subject: ClientSubject): ClientIdentity {
  const as = {
    'impersonate-user': subject.user,
    ...(subject.groups.length === 0 ? {} : { 'impersonate-group': [...subject.groups] }),
  };
  return {
    secureContext: () => base.secureContext(),
    headers: () => ({ ...base.headers(), ...as }),
    refused: () => base.refused?.(),
  };
}

function bearer(token: string | undefined): IdentityHeaders {
  return token === undefined ? noHeaders : { authorization: `Bearer ${token}` };
}

function tlsContext(endpoint: ApiServerEndpoint, certificate: ClientCertificate | undefined): SecureContext {
  return createSecureContext({
    ...(endpoint.caPem === undefined ? {} : { ca: endpoint.caPem }),
    ...(certificate === undefined ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
    minVersion: endpoint.minTlsVersion ?? 'TLSv1.3',
  });
}
