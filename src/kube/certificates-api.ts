import { createHash } from 'node:crypto';
import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { callClass } from '../metrics/call-metrics.ts';
import { NoAnswerError, readStatus } from './api-error.ts';
import { createSigningRequest } from './certificates.ts';
import type { ApiClient, RequestVerb } from './client.ts';
import type { ClientCertificate, ClientSubject } from './identity.ts';

const resource = 'certificatesigningrequests';
const path = `/apis/certificates.k8s.io/v1/${resource}`;

/** Longer than the longest scenario, of a week. Signers may give less. */
const lifetimeSeconds = 8 * 24 * 60 * 60;

/** The signer of a cluster answers within a second; one of a cloud may take some. */
const issueTimeoutMs = 60_000;
const pollDelayMsMin = 50;
const pollDelayMsMax = 2_000;
/** The controller manager may approve at the same time as we do: then the object is read and written anew. */
const approvalsMax = 5;

type Condition = { type: string; status: string; reason?: string; message?: string };

type SigningRequest = {
  metadata: { name: string; resourceVersion?: string };
  status?: { conditions?: Condition[]; certificate?: string };
};

export type CertificatesApiOptions = {
  /** May create, approve, read and delete CertificateSigningRequests of the two signers. Speaks JSON. */
  client: ApiClient;
  clock: Clock;
  /** On each CertificateSigningRequest. */
  labels: Readonly<Record<string, string>>;
  /** At the end of each name: no two runs have the same. Lower-case letters, digits and dashes. */
  nameSuffix: string;
};

/**
 * Gets client certificates from a cluster whose authority's key is not at hand: makes a CertificateSigningRequest,
 * approves it, waits for the certificate, deletes the request.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
 */
export class CertificatesApi {
  private readonly options: CertificatesApiOptions;

  constructor(options: CertificatesApiOptions) {
    this.options = options;
  }

  /**
   * A new key and a certificate for it with which a client can prove to be `subject`, good for eight days unless the
   * cluster's signer gives less. Two to four requests and a wait; how many at a time is the caller's to bound.
   * @throws HollowmarkError `cluster-unavailable` when the cluster refuses it, fails or takes more than a minute.
   */
  async issue(subject: ClientSubject): Promise<ClientCertificate> {
    const name = requestName(subject, this.options.nameSuffix);
    const { requestPem, keyPem } = await createSigningRequest(subject);
    const created = await this.create(subject, name, requestPem);
    try {
      await this.approve(subject, created);
      return { certPem: await this.certificateOf(subject, name), keyPem };
    } finally {
      // What is not deleted carries the labels, and the controller manager deletes it after an hour.
      await this.send('DELETE', `${path}/${name}`, '').catch(() => undefined);
    }
  }

  private async create(subject: ClientSubject, name: string, requestPem: string): Promise<SigningRequest> {
    const object = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name, labels: this.options.labels },
      spec: {
        request: Buffer.from(requestPem).toString('base64'),
        signerName: signerOf(subject),
        expirationSeconds: lifetimeSeconds,
        usages: ['digital signature', 'client auth'],
      },
    };
    let answer = await this.send('POST', path, '', object);
    if (answer.status === 409) {
      // Ours, from an attempt whose answer was lost: its key is lost, too.
      await this.send('DELETE', `${path}/${name}`, '');
      answer = await this.send('POST', path, '', object);
    }
    return this.expected(subject, 'create', answer);
  }

  private async approve(subject: ClientSubject, created: SigningRequest): Promise<void> {
    let request = created;
    for (let attempt = 1; ; attempt++) {
      const conditions = request.status?.conditions ?? [];
      if (conditions.some(({ type }) => type === 'Approved' || type === 'Denied')) return;
      const approved = {
        type: 'Approved',
        status: 'True',
        reason: 'Hollowmark',
        message: 'client of a hollow cluster',
      };
      const answer = await this.send('PUT', `${path}/${request.metadata.name}/approval`, 'approval', {
        ...request,
        status: { ...request.status, conditions: [...conditions, approved] },
      });
      if (answer.status !== 409 || attempt === approvalsMax) {
        this.expected(subject, 'approve', answer);
        return;
      }
      request = await this.read(subject, request.metadata.name);
    }
  }

  private async certificateOf(subject: ClientSubject, name: string): Promise<string> {
    const { clock } = this.options;
    const deadlineUs = clock.nowUs() + issueTimeoutMs * 1000;
    for (let delayMs = pollDelayMsMin; ; delayMs = Math.min(pollDelayMsMax, delayMs * 1.5)) {
      const { status } = await this.read(subject, name);
      const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
      if (refused !== undefined) {
        const why = [refused.reason, refused.message].filter(Boolean).join(': ');
        throw failure(
          subject,
          `the request was ${refused.type === 'Denied' ? 'denied' : 'not signed'}: ${why}`,
        );
      }
      if (status?.certificate !== undefined && status.certificate !== '') {
        return Buffer.from(status.certificate, 'base64').toString('utf8');
      }
      if (clock.nowUs() > deadlineUs) {
        throw failure(
          subject,
          `the request was approved, but not signed within ${issueTimeoutMs / 1000} s`,
          `some clusters do not sign for ${signerOf(subject)}`,
        );
      }
      await sleep(clock, delayMs);
    }
  }

  private async read(subject: ClientSubject, name: string): Promise<SigningRequest> {
    return this.expected(subject, 'read', await this.send('GET', `${path}/${name}`, ''));
  }

  private async send(
    method: RequestVerb,
    where: string,
    subresource: string,
    object?: unknown,
  ): Promise<Answer> {
    const { client } = this.options;
    try {
      const { status, body } = await client.request({
        method,
        path: where,
        kind: callClass(method, resource, subresource, 'resource'),
        body: object === undefined ? undefined : client.codec.encode(object),
      });
      return { status, object: decoded(client, body) };
    } catch (cause) {
      if (!(cause instanceof NoAnswerError)) throw cause;
      throw new HollowmarkError(
        'cluster-unavailable',
        `no answer from the Certificates API: ${cause.message}`,
        {
          cause,
        },
      );
    }
  }

  private expected(subject: ClientSubject, what: string, { status, object }: Answer): SigningRequest {
    if (status >= 200 && status < 300) {
      const request = object as Partial<SigningRequest> | undefined;
      if (typeof request?.metadata?.name === 'string') return request as SigningRequest;
      throw failure(subject, `the server's answer is no CertificateSigningRequest`);
    }
    const { reason, message } = readStatus(object, status);
    throw failure(
      subject,
      `cannot ${what} the CertificateSigningRequest: HTTP ${status} ${reason} ${message}`.trimEnd(),
      status === 403 ? `you need the right to approve for the signer ${signerOf(subject)}` : undefined,
    );
  }
}

type Answer = { status: number; object: unknown };

function signerOf({ user, groups }: ClientSubject): string {
  const kubelet = user.startsWith('system:node:') && groups.includes('system:nodes');
  return `kubernetes.io/kube-apiserver-client${kubelet ? '-kubelet' : ''}`;
}

/** Names of subjects may have what names of objects may not, and be alike without it: the hash tells them apart. */
function requestName({ user, groups }: ClientSubject, suffix: string): string {
  const readable = user
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 100);
  const hash = createHash('sha256')
    .update(JSON.stringify([user, groups]))
    .digest('hex')
    .slice(0, 12);
  return `hollowmark-${readable}-${hash}-${suffix}`;
}

function decoded(client: ApiClient, body: Buffer): unknown {
  try {
    return body.length === 0 ? undefined : client.codec.decode(body);
  } catch {
    return undefined;
  }
}

function failure({ user }: ClientSubject, why: string, hint?: string): HollowmarkError {
  return new HollowmarkError(
    'cluster-unavailable',
    `no certificate for ${user}: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
