import { X509Certificate } from 'node:crypto';
import { type SecureContext, type SecureContextOptions, createSecureContext } from 'node:tls';

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

/** What a connection shows when it is opened. The same object until it is replaced. */
export type TlsIdentity = {
  certificate: ClientCertificate | undefined;
  /** Of this identity alone, where its certificate cannot take turns with others in a shared one. */
  ownContext?: SecureContext;
};

/** Who a client is to the API server: what it shows when it connects, and in each request. Both may change. */
export interface ClientIdentity {
  tls(): TlsIdentity;
  headers(): IdentityHeaders;
  /** The server did not accept it (401): whoever can, renews it. */
  refused?(): void;
}

const noHeaders: IdentityHeaders = {};

/** The identity that a client certificate gives. */
export function certificateIdentity(
  endpoint: ApiServerEndpoint,
  certificate: ClientCertificate,
): ClientIdentity {
  const shown = tlsIdentity(endpoint, certificate);
  return { tls: () => shown, headers: () => noHeaders };
}

/** Somebody's own credentials, which may be replaced while connections are open. */
export class CredentialsIdentity implements ClientIdentity {
  private readonly endpoint: ApiServerEndpoint;
  private shown: TlsIdentity;
  private extra: IdentityHeaders;
  private readonly onRefused: () => void;

  /** @param onRefused called for each request that the server refuses to know. */
  constructor(endpoint: ApiServerEndpoint, credentials: Credentials, onRefused: () => void = () => {}) {
    this.onRefused = onRefused;
    this.endpoint = endpoint;
    this.shown = tlsIdentity(endpoint, credentials.certificate);
    this.extra = bearer(credentials.token);
  }

  /** Holds from the next request (token) and the next connection (certificate) on. */
  update(credentials: Credentials): void {
    // Only another certificate makes new connections necessary (client-go's exec plugins do the same).
    if (!sameCertificate(this.shown.certificate, credentials.certificate)) {
      this.shown = tlsIdentity(this.endpoint, credentials.certificate);
    }
    this.extra = bearer(credentials.token);
  }

  tls(): TlsIdentity {
    return this.shown;
  }

  headers(): IdentityHeaders {
    return this.extra;
  }

  refused(): void {
    this.onRefused();
  }
}

/** What an identity shows at one time, as plain data that another thread can be sent. */
export type ShownIdentity = { certificate?: ClientCertificate; headers: IdentityHeaders };

export function shownBy(identity: ClientIdentity): ShownIdentity {
  const { certificate } = identity.tls();
  return { ...(certificate === undefined ? {} : { certificate }), headers: identity.headers() };
}

/** An identity of another thread: shows what it is told that the original shows. */
export class RelayedIdentity implements ClientIdentity {
  private readonly base: CredentialsIdentity;
  private extra: IdentityHeaders;

  /** @param onRefused called for each request that the server refuses to know. */
  constructor(endpoint: ApiServerEndpoint, shown: ShownIdentity, onRefused: () => void) {
    this.base = new CredentialsIdentity(endpoint, credentialsOf(shown), onRefused);
    this.extra = shown.headers;
  }

  update(shown: ShownIdentity): void {
    this.base.update(credentialsOf(shown));
    this.extra = shown.headers;
  }

  tls(): TlsIdentity {
    return this.base.tls();
  }

  headers(): IdentityHeaders {
    return this.extra;
  }

  refused(): void {
    this.base.refused();
  }
}

function credentialsOf({ certificate }: ShownIdentity): Credentials {
  return certificate === undefined ? {} : { certificate };
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
    tls: () => base.tls(),
    headers: () => ({ ...base.headers(), ...as }),
    refused: () => base.refused?.(),
  };
}

function bearer(token: string | undefined): IdentityHeaders {
  return token === undefined ? noHeaders : { authorization: `Bearer ${token}` };
}

function sameCertificate(a: ClientCertificate | undefined, b: ClientCertificate | undefined): boolean {
  return a?.certPem === b?.certPem && a?.keyPem === b?.keyPem;
}

/** @throws when the certificate or its key cannot be read: now, not with the first connection. */
function tlsIdentity(endpoint: ApiServerEndpoint, certificate: ClientCertificate | undefined): TlsIdentity {
  if (certificate !== undefined && !canShareContext(certificate)) {
    return { certificate, ownContext: ownContext(endpoint, certificate) };
  }
  connectionContext(endpoint, { certificate });
  return { certificate };
}

/**
 * OpenSSL keeps one certificate for each type of key, and all intermediate ones, until the context is gone. So only
 * certificates of one type, without intermediate ones, can take turns in it: those that we sign ourselves are such.
 */
function canShareContext({ certPem }: ClientCertificate): boolean {
  return (
    certPem.split('-----BEGIN CERTIFICATE-----').length === 2 &&
    new X509Certificate(certPem).publicKey.asymmetricKeyType === 'ec'
  );
}

function ownContext(endpoint: ApiServerEndpoint, { certPem, keyPem }: ClientCertificate): SecureContext {
  return createSecureContext({ ...trust(endpoint), cert: certPem, key: keyPem });
}

/** The native part of a context, which OpenSSL copies certificate and key from when a connection begins. */
type NativeContext = { setCert?(pem: string): void; setKey?(pem: string): void };

type EndpointContexts = { anonymous?: SecureContext; dressed?: SecureContext };
const contexts = new WeakMap<ApiServerEndpoint, EndpointContexts>();

/**
 * The TLS context of a connection that begins before this function is called again. A context takes 36 KB, so that one
 * for each of thousands of certificates would be a fifth of a fleet's memory: one is shared, and given the certificate
 * of whoever connects. Where Node.js does not have the means, each connection gets a context of its own.
 */
export function connectionContext(endpoint: ApiServerEndpoint, identity: TlsIdentity): SecureContext {
  const { certificate } = identity;
  if (identity.ownContext !== undefined) return identity.ownContext;
  let shared = contexts.get(endpoint);
  if (shared === undefined) contexts.set(endpoint, (shared = {}));
  if (certificate === undefined) return (shared.anonymous ??= createSecureContext(trust(endpoint)));
  const { certPem, keyPem } = certificate;
  const context = (shared.dressed ??= createSecureContext(trust(endpoint)));
  const native = context.context as NativeContext;
  if (typeof native?.setCert !== 'function' || typeof native.setKey !== 'function') {
    return ownContext(endpoint, certificate);
  }
  // In this order: a certificate that is not the key's takes the key away.
  native.setCert(certPem);
  native.setKey(keyPem);
  return context;
}

function trust({ caPem, minTlsVersion }: ApiServerEndpoint): SecureContextOptions {
  return { ...(caPem === undefined ? {} : { ca: caPem }), minVersion: minTlsVersion ?? 'TLSv1.3' };
}
