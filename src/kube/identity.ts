/** How a client proves who it is to the API server. PEM texts. */
export type ClientCertificate = { certPem: string; keyPem: string };

/** An API server and the CA that vouches for it; `url` is `https://127.0.0.1:6443`. */
export type ApiServerEndpoint = { url: string; caPem: string };

/** A certificate authority whose key is at hand, as it is on a control plane of our own. */
export type SigningAuthority = { certPem: string; keyPem: string };
