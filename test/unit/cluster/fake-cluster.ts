import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiRequest, ApiResponse } from '../../../src/kube/client.ts';
import type { ClusterClient, Metadata } from '../../../src/cluster/calls.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from '../load/fake-clock.ts';

export type Stored = {
  group: string;
  resource: string;
  metadata: Metadata & { finalizers?: string[] };
  [field: string]: unknown;
};

export type Asked = { method: string; path: string; query: URLSearchParams; body: unknown };

/** A status with an object, or no answer. */
export type Reply = { status: number; object?: unknown } | 'lost';

const day = '2026-11-21';
export const serverTime = `${day}T12:00:00Z`;

/** An API server in a few lines: lists by pages and labels, deletes with preconditions, ends namespaces and pods. */
export class FakeCluster implements ClusterClient {
  readonly codec = jsonCodec;
  readonly clock = new FakeClock();
  readonly asked: Asked[] = [];
  objects: Stored[] = [];
  /** Whether kubelets end the pods that are to go. */
  kubelets = true;
  pageMax = 500;
  /** Answers in place of the server where it returns something. */
  intercept: (asked: Asked) => Reply | undefined = () => undefined;
  private sequence = 0;

  /** Adds an object; a name such as `a/b` is in the namespace a. */
  add(
    path: string,
    name: string,
    runId?: string,
    more: Partial<Metadata> & { finalizers?: string[] } = {},
  ): Stored {
    const [resource = '', ...rest] = path.split('.');
    const [own = '', namespace] = name.split('/').toReversed();
    const stored: Stored = {
      group: rest.join('.'),
      resource,
      metadata: {
        name: own,
        ...(namespace === undefined ? {} : { namespace }),
        uid: `uid-${++this.sequence}`,
        creationTimestamp: `${day}T10:00:00Z`,
        ...(runId === undefined ? {} : { labels: { 'hollowmark.dev/run': runId } }),
        ...more,
      },
    };
    this.objects.push(stored);
    return stored;
  }

  /** Requests that would change something. */
  get writes(): Asked[] {
    return this.asked.filter(({ method, path }) => method !== 'GET' && !path.includes('selfsubject'));
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    const [path = '', query] = request.path.split('?');
    const asked: Asked = {
      method: request.method,
      path,
      query: new URLSearchParams(query),
      body: request.body === undefined ? undefined : JSON.parse(request.body.toString('utf8')),
    };
    this.asked.push(asked);
    return new Promise((resolve, reject) => {
      this.clock.timer(2, () => {
        this.controllers();
        const reply = this.intercept(asked) ?? this.answer(asked);
        if (reply === 'lost') reject(new NoAnswerError('connection lost', false));
        else {
          const body = Buffer.from(JSON.stringify(reply.object ?? {}));
          resolve({ status: reply.status, contentType: 'application/json', body });
        }
      });
    });
  }

  private answer({ method, path, query, body }: Asked): Reply {
    if (path === '/version') return { status: 200, object: { gitVersion: 'v1.36.3' } };
    if (path.endsWith('/selfsubjectreviews')) {
      const userInfo = { username: 'jane', groups: ['system:authenticated'] };
      return { status: 201, object: { metadata: { creationTimestamp: serverTime }, status: { userInfo } } };
    }
    if (path.endsWith('/selfsubjectaccessreviews'))
      return { status: 201, object: { status: { allowed: true } } };
    const match = /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/([^/]+)(?=\/))?\/([^/]+)(?:\/([^/]+))?$/.exec(
      path,
    );
    if (match === null) return { status: 404 };
    const [, group = '', namespace, resource = '', name] = match;
    const all = this.objects.filter(
      (object) =>
        object.group === group &&
        object.resource === resource &&
        (namespace === undefined || object.metadata.namespace === namespace),
    );
    if (name === undefined) return this.page(all, query);
    const found = all.find(({ metadata }) => metadata.name === decodeURIComponent(name));
    if (found === undefined) return { status: 404 };
    if (method === 'DELETE') return this.delete(found, body as DeleteOptions);
    return { status: 200, object: found };
  }

  private page(all: Stored[], query: URLSearchParams): Reply {
    const [key = '', value] = (query.get('labelSelector') ?? '').split('=');
    const selected = all.filter(({ metadata: { labels = {} } }) =>
      key === '' ? true : value === undefined ? key in labels : labels[key] === value,
    );
    const from = Number(query.get('continue') ?? 0);
    const end = from + Math.min(this.pageMax, Number(query.get('limit') ?? this.pageMax));
    const rest = selected.length - end;
    return {
      status: 200,
      object: {
        items: selected.slice(from, end),
        metadata:
          rest > 0 ? { continue: String(end), ...(key === '' ? { remainingItemCount: rest } : {}) } : {},
      },
    };
  }

  private delete(found: Stored, options: DeleteOptions): Reply {
    const { metadata } = found;
    if (options.preconditions?.uid !== undefined && options.preconditions.uid !== metadata.uid) {
      return { status: 409, object: { reason: 'Conflict', message: 'Precondition failed: UID' } };
    }
    const waits =
      found.resource === 'namespaces' || (found.resource === 'pods' && options.gracePeriodSeconds !== 0);
    if (waits || (metadata.finalizers ?? []).length > 0) metadata.deletionTimestamp ??= serverTime;
    else this.objects = this.objects.filter((object) => object !== found);
    return { status: 200 };
  }

  private controllers(): void {
    const going = new Set(
      this.objects
        .filter(
          ({ resource, metadata }) => resource === 'namespaces' && metadata.deletionTimestamp !== undefined,
        )
        .map(({ metadata }) => metadata.name),
    );
    this.objects = this.objects.filter(({ resource, metadata }) => {
      if (going.has(metadata.namespace ?? '')) {
        if (resource !== 'pods') return false;
        metadata.deletionTimestamp ??= serverTime;
      }
      const held = (metadata.finalizers ?? []).length > 0;
      return !(this.kubelets && resource === 'pods' && metadata.deletionTimestamp !== undefined && !held);
    });
    const full = new Set(this.objects.map(({ metadata }) => metadata.namespace ?? ''));
    this.objects = this.objects.filter(
      ({ resource, metadata }) =>
        resource !== 'namespaces' ||
        !going.has(metadata.name) ||
        full.has(metadata.name) ||
        (metadata.finalizers ?? []).length > 0,
    );
  }
}

type DeleteOptions = { preconditions?: { uid?: string }; gracePeriodSeconds?: number };
