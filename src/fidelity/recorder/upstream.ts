import { type ClientHttp2Session, connect } from 'node:http2';
import { type SecureContext, createSecureContext } from 'node:tls';
import type { ClientCertificate } from '../../kube/identity.ts';

/** The API server as the recorder sees it. */
export type Upstream = {
  /** `https://127.0.0.1:6443`. */
  url: string;
  /** Vouches for its certificate. */
  caPem: string;
  /** With which the API server takes the word of the recorder for who sends a request. */
  frontProxyClient: ClientCertificate;
};

/** Of the requests of clients that have a certificate, and of those that have not: the API server believes the former. */
export type UpstreamContexts = { vouching: SecureContext; plain: SecureContext };

export function upstreamContexts({ caPem, frontProxyClient }: Upstream): UpstreamContexts {
  const plain = { ca: caPem, minVersion: 'TLSv1.3' } as const;
  return {
    plain: createSecureContext(plain),
    vouching: createSecureContext({
      ...plain,
      cert: frontProxyClient.certPem,
      key: frontProxyClient.keyPem,
    }),
  };
}

/** HTTP/2 windows so large that the recorder never is what slows a stream down. */
const windowBytes = 16 * 1024 * 1024;

/** Opens one connection. Streams that are asked for before it is there wait for it. */
export function connectUpstream({ url }: Upstream, secureContext: SecureContext): ClientHttp2Session {
  const session = connect(url, {
    secureContext,
    settings: { initialWindowSize: windowBytes, enablePush: false },
  });
  session.once('connect', () => {
    // Its client may have left in the meantime.
    if (!session.destroyed) session.setLocalWindowSize(windowBytes);
  });
  return session;
}

/**
 * How many streams at a time the API server allows on one connection.
 * @throws when it cannot be reached.
 */
export async function streamLimitOf(upstream: Upstream, contexts: UpstreamContexts): Promise<number> {
  const session = connectUpstream(upstream, contexts.plain);
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject);
      session.once('remoteSettings', ({ maxConcurrentStreams }) => resolve(maxConcurrentStreams ?? 100));
    });
  } finally {
    session.close();
  }
}
