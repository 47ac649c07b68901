import { X509Certificate, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { errorMessage } from '../base/errors.ts';
import type { ClientCertificate } from './identity.ts';

/** What is wrong with a value, to be said after its name: `is no certificate`. */
export type PemFault = { message: string; hint?: string };

const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/** What is wrong with a bundle of authorities: some are no certificates, or all have expired. */
export function authoritiesFault(pem: string, nowMs: number): PemFault | undefined {
  const certificates = certificatesIn(pem);
  if (typeof certificates === 'string') return { message: certificates };
  const faults = certificates.map((certificate) => validityFault(certificate, nowMs));
  return faults.includes(undefined) ? undefined : faults[0];
}

/** What is wrong with a client certificate, as opposed to its key. */
export function certificateFault(pem: string, nowMs: number): PemFault | undefined {
  const certificates = certificatesIn(pem);
  if (typeof certificates === 'string') return { message: certificates };
  return validityFault(certificates[0] as X509Certificate, nowMs);
}

/** What is wrong with the key of a certificate that is good itself. */
export function keyFault({ certPem, keyPem }: ClientCertificate): PemFault | undefined {
  if (!keyPem.includes('-----BEGIN ')) return { message: 'is no PEM text' };
  if (keyPem.includes('ENCRYPTED')) {
    return {
      message: 'is encrypted with a passphrase',
      hint: 'take the passphrase off with: openssl pkey -in <key file> -out <new file>',
    };
  }
  let matches: boolean;
  try {
    matches = new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return { message: 'is no private key' };
  }
  if (!matches) {
    return {
      message: 'is not the key of the client certificate',
      hint: 'certificate and key must come from the same place',
    };
  }
  try {
    createSecureContext({ cert: certPem, key: keyPem });
  } catch (error) {
    return { message: `cannot be used for TLS: ${errorMessage(error)}` };
  }
  return undefined;
}

/** The certificates of a PEM text, at least one; or what is wrong with it. */
function certificatesIn(pem: string): X509Certificate[] | string {
  const [, ...rest] = pem.split(begin);
  if (rest.length === 0) return `is no certificate: it has no ${begin}`;
  try {
    return rest.map((text) => new X509Certificate(`${begin}${text.slice(0, text.indexOf(end))}${end}\n`));
  } catch {
    return 'is no certificate: its PEM text cannot be read';
  }
}

function validityFault(certificate: X509Certificate, nowMs: number): PemFault | undefined {
  const date = (text: string): string => new Date(text).toISOString();
  if (nowMs > Date.parse(certificate.validTo)) {
    return {
      message: `expired on ${date(certificate.validTo)}`,
      hint: 'get a new kubeconfig from whoever runs the cluster',
    };
  }
  if (nowMs < Date.parse(certificate.validFrom)) {
    return {
      message: `is not valid before ${date(certificate.validFrom)}`,
      hint: "set this machine's clock right: it is behind, or the certificate is for later",
    };
  }
  return undefined;
}
