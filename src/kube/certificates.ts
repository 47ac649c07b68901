import { randomBytes, webcrypto } from 'node:crypto';
// tsyringe, below @peculiar/x509, refuses to load before a Reflect polyfill is there.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { ClientCertificate, ClientSubject, SigningAuthority } from './identity.ts';

/** ECDSA P-256: a key costs 0.1 ms where RSA 2048 costs 100 ms; Kubernetes accepts both everywhere. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** RSA 2048: what it has signed is verified in a fraction of the time that ECDSA takes. */
const rsaAlgorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
} as const;

type KeyAlgorithm = typeof algorithm | typeof rsaAlgorithm;

const dayMs = 24 * 60 * 60 * 1000;
/** Longer than any run; short enough that a forgotten key is worth nothing for long. */
const leafLifetimeMs = 365 * dayMs;
const authorityLifetimeMs = 10 * 365 * dayMs;
/** Certificates start in the past, so that a clock that is stepped back does not make them invalid. */
const backdateMs = 60 * 60 * 1000;

/** The names under which a server is reached. */
export type ServingNames = {
  commonName: string;
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
};

/**
 * Issues certificates from one authority. The authority's key is imported once; a certificate with a key of its
 * own then takes about 2.7 ms on one core.
 */
export class CertificateIssuer {
  private readonly certificate: X509Certificate;
  private readonly key: webcrypto.CryptoKey;
  private readonly algorithm: KeyAlgorithm;
  private readonly keyIdentifier: Extension;
  private readonly wallMs: () => number;

  private constructor(
    certificate: X509Certificate,
    key: webcrypto.CryptoKey,
    keyAlgorithm: KeyAlgorithm,
    keyIdentifier: Extension,
    wallMs: () => number,
  ) {
    this.certificate = certificate;
    this.key = key;
    this.algorithm = keyAlgorithm;
    this.keyIdentifier = keyIdentifier;
    this.wallMs = wallMs;
  }

  /**
   * @param authority PEM texts; the key is PKCS #8, ECDSA P-256 or RSA 2048.
   * @param wallMs milliseconds since the epoch, from the clock in use.
   * @throws when a PEM text cannot be read.
   */
  static async open(authority: SigningAuthority, wallMs: () => number): Promise<CertificateIssuer> {
    const certificate = new X509Certificate(authority.certPem);
    const keyAlgorithm =
      certificate.publicKey.algorithm.name === rsaAlgorithm.name ? rsaAlgorithm : algorithm;
    const key = await webcrypto.subtle.importKey('pkcs8', pemBytes(authority.keyPem), keyAlgorithm, false, [
      'sign',
    ]);
    const keyIdentifier = await AuthorityKeyIdentifierExtension.create(certificate, false);
    return new CertificateIssuer(certificate, key, keyAlgorithm, keyIdentifier, wallMs);
  }

  /** A new key and a certificate for it with which a client can prove to be `subject`. */
  issueClient(subject: ClientSubject): Promise<ClientCertificate> {
    return this.issue(nameOf(subject), [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]);
  }

  /** A new key and a certificate for it for a server that is reached under `names`. */
  issueServing(names: ServingNames): Promise<ClientCertificate> {
    return this.issue([{ CN: [names.commonName] }], [serverAuth(), alternativeNames(names)]);
  }

  /** As {@link issueServing}, and good as a client certificate too: etcd uses one for both on its peer port. */
  issuePeer(names: ServingNames): Promise<ClientCertificate> {
    const usages = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]);
    return this.issue([{ CN: [names.commonName] }], [usages, alternativeNames(names)]);
  }

  private async issue(subject: Name, extensions: Extension[]): Promise<ClientCertificate> {
    const keys = await generateKeys();
    const nowMs = this.wallMs();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject,
      issuer: this.certificate.subjectName,
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(nowMs + leafLifetimeMs),
      publicKey: keys.publicKey,
      signingKey: this.key,
      signingAlgorithm: this.algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        this.keyIdentifier,
        ...extensions,
      ],
    });
    return { certPem: `${certificate.toString('pem')}\n`, keyPem: await keyPem(keys.privateKey) };
  }
}

type Name = Record<string, string[]>[];

/** A new self-signed authority, ECDSA P-256. @param wallMs milliseconds since the epoch. */
export function createAuthority(commonName: string, wallMs: () => number): Promise<SigningAuthority> {
  return selfSigned(commonName, wallMs, algorithm);
}

/** As {@link createAuthority}, RSA 2048: a tenth of a second for its key. */
export function createRsaAuthority(commonName: string, wallMs: () => number): Promise<SigningAuthority> {
  return selfSigned(commonName, wallMs, rsaAlgorithm);
}

async function selfSigned(
  commonName: string,
  wallMs: () => number,
  keyAlgorithm: KeyAlgorithm,
): Promise<SigningAuthority> {
  const keys = await generateKeys(keyAlgorithm);
  const nowMs = wallMs();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(nowMs - backdateMs),
    notAfter: new Date(nowMs + authorityLifetimeMs),
    keys,
    signingAlgorithm: keyAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
        true,
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  });
  return { certPem: `${certificate.toString('pem')}\n`, keyPem: await keyPem(keys.privateKey) };
}

/** A new ECDSA P-256 key pair as PEM (PKCS #8 and SPKI), for signing service-account tokens. */
export async function createSigningKey(): Promise<{ privatePem: string; publicPem: string }> {
  const keys = await generateKeys();
  const publicDer = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  return { privatePem: await keyPem(keys.privateKey), publicPem: pemText('PUBLIC KEY', publicDer) };
}

/** A new ECDSA P-256 key, and a request (PKCS #10) for a certificate for it that speaks for `subject`. PEM texts. */
export async function createSigningRequest(
  subject: ClientSubject,
): Promise<{ requestPem: string; keyPem: string }> {
  const keys = await generateKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: nameOf(subject),
    keys,
    signingAlgorithm: algorithm,
  });
  return { requestPem: `${request.toString('pem')}\n`, keyPem: await keyPem(keys.privateKey) };
}

/** Kubernetes reads the groups from O and the user from CN. */
function nameOf(subject: ClientSubject): Name {
  return [...subject.groups.map((group) => ({ O: [group] })), { CN: [subject.user] }];
}

function serverAuth(): Extension {
  return new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]);
}

function alternativeNames(names: ServingNames): Extension {
  return new SubjectAlternativeNameExtension([
    ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...names.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
  ]);
}

function generateKeys(keyAlgorithm: KeyAlgorithm = algorithm): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return pemText('PRIVATE KEY', Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)));
}

function pemText(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function pemBytes(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

/** 127 random bits: positive, as RFC 5280 section 4.1.2.2 asks for, and never one that was used before. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
