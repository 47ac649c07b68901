import { HollowmarkError } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { callUntilDone } from '../load/call.ts';
import { listLimit } from '../load/requests.ts';
import { CallMetrics, callClass } from '../metrics/call-metrics.ts';
import { type RunKind, collectionPath } from './kinds.ts';

/** The part of a client that this room needs. */
export type ClusterClient = Pick<ApiClient, 'request' | 'codec' | 'clock'>;

/** `status` is 0 when there was no answer; `message` says why it is not 2xx; `body` is undefined then. */
export type Reply = { status: number; body: unknown; message: string };

/** The fields of an object's metadata that this room reads. */
export type Metadata = {
  name: string;
  namespace?: string;
  uid: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  managedFields?: { time?: string }[];
};

/** Asks the server to leave out spec and status: of thousands of pods their names are enough. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

const timeoutMs = 60_000;

/** A listing that takes longer than its continue token lives (5 min) begins anew, so many times. */
const expiredMax = 3;

/**
 * Requests to a cluster of somebody else: throttled ones, and those that the server had trouble with, are repeated with
 * patience (`load/call.ts`). All throw HollowmarkError `interrupted` when the signal aborts.
 */
export class Calls {
  readonly client: ClusterClient;
  readonly signal: AbortSignal;
  private readonly raw = new CallMetrics();

  constructor(client: ClusterClient, signal: AbortSignal) {
    this.client = client;
    this.signal = signal;
  }

  /** @param accept what is wanted instead of the whole object. */
  get(path: string, resource: string, accept?: string): Promise<Reply> {
    return this.send('GET', path, resource, undefined, accept);
  }

  post(path: string, resource: string, object: unknown): Promise<Reply> {
    return this.send('POST', path, resource, object);
  }

  /** An object that is gone already is deleted: status 200. */
  delete(path: string, resource: string, options: unknown): Promise<Reply> {
    return this.send('DELETE', path, resource, options);
  }

  /**
   * The metadata of all objects of a kind.
   * @param selector `labelSelector=…`, encoded; empty for all.
   * @returns undefined when they may not be listed; nothing where the server has no such kind.
   * @throws HollowmarkError `cluster-unavailable`.
   */
  async listMetadata(
    kind: Pick<RunKind, 'group' | 'resource'>,
    selector = '',
    namespace = '',
  ): Promise<Metadata[] | undefined> {
    const items = await this.list<{ metadata: Metadata }>(
      collectionPath(kind, namespace),
      kind.resource,
      selector,
      metadataOnly,
    );
    return items?.map(({ metadata }) => metadata);
  }

  /** As {@link listMetadata}, whole objects unless `accept` says otherwise. */
  async list<T>(path: string, resource: string, selector: string, accept?: string): Promise<T[] | undefined> {
    const items: T[] = [];
    let token = '';
    let expired = 0;
    for (;;) {
      const query = [`limit=${listLimit}`, selector, token === '' ? '' : `continue=${token}`];
      const reply = await this.get(
        `${path}?${query.filter((part) => part !== '').join('&')}`,
        resource,
        accept,
      );
      if (reply.status === 403) return undefined;
      if (reply.status === 404) return [];
      if (reply.status === 410 && token !== '' && ++expired <= expiredMax) {
        items.length = 0;
        token = '';
        continue;
      }
      if (reply.body === undefined) throw unavailable(`cannot list ${resource}`, reply.message);
      const page = reply.body as { items?: T[]; metadata?: { continue?: string } };
      items.push(...(page.items ?? []));
      token = encodeURIComponent(page.metadata?.continue ?? '');
      if (token === '') return items;
    }
  }

  private async send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    resource: string,
    object: unknown,
    accept?: string,
  ): Promise<Reply> {
    const { client, raw } = this;
    const outcome = await callUntilDone(
      { client, clock: client.clock, raw },
      {
        what: `${method} ${path}`,
        verb: method === 'DELETE' ? 'delete' : method === 'GET' ? 'read' : 'update',
        request: {
          method,
          path,
          kind: callClass(method, resource, '', 'resource'),
          body: object === undefined ? undefined : client.codec.encode(object),
          timeoutMs,
          ...(accept === undefined ? {} : { accept }),
        },
      },
      client.clock.nowUs(),
      this.signal,
    );
    if (outcome.type === 'interrupted') {
      throw new HollowmarkError('interrupted', 'interrupted', { cause: this.signal.reason });
    }
    if (outcome.type === 'failed') {
      if (outcome.status === 401) throw unauthorized(outcome.message);
      return { status: outcome.status, body: undefined, message: outcome.message };
    }
    const { status, body } = outcome.response;
    return { status, body: decoded(client, body), message: '' };
  }
}

/** The error of a cluster that does not do what is needed. */
export function unavailable(what: string, why: string): HollowmarkError {
  return new HollowmarkError('cluster-unavailable', `${what}: ${why}`);
}

/** The error of credentials that the server does not know, or no longer. */
export function unauthorized(why: string): HollowmarkError {
  return new HollowmarkError('bad-input', `the API server does not accept the kubeconfig's user: ${why}`, {
    hint: 'its certificate or token may have expired: see kubectl auth whoami',
  });
}

/** What a body holds; an empty object for one that is no object, as of a DELETE that found nothing. */
export function decoded(client: ClusterClient, body: Buffer): unknown {
  try {
    return client.codec.decode(body) ?? {};
  } catch {
    return {};
  }
}
