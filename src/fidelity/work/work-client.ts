import { type Clock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { strategicMergePatch } from '../../hollow/strategic-merge.ts';
import type { ApiClient, ApiRequest, RequestVerb } from '../../kube/client.ts';
import { callClass } from '../../metrics/call-metrics.ts';
import type { Codec } from '../../wire/codec.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import type { WorkObject } from './objects.ts';

/** The parts of a Node or a Pod that the work waits for. */
export type SeenObject = {
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: {
      restartCount: number;
      state?: { waiting?: { reason?: string } };
    }[];
  };
};

const pollMs = 200;

/** What does the work, as the cluster's administrator, past the recorder. */
export class WorkClient {
  private readonly client: ApiClient;
  private readonly clock: Clock;
  private readonly signal: AbortSignal;

  constructor(client: ApiClient, signal: AbortSignal) {
    this.client = client;
    this.clock = client.clock;
    this.signal = signal;
  }

  /** @throws HollowmarkError `cluster-unavailable` when the API server refuses. */
  async create({ collection, object }: WorkObject): Promise<void> {
    await this.call('POST', collection, object);
  }

  /** An object that is gone already is deleted. What it owns goes after it. */
  async delete({ collection, name }: WorkObject): Promise<void> {
    await this.call('DELETE', `${collection}/${name}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
    });
  }

  /** Writes a condition of a pod's status, as a controller of its own would. */
  async setCondition({ collection, name }: WorkObject, type: string, status: string): Promise<void> {
    const conditions = [{ type, status, lastTransitionTime: new Date(this.clock.wallMs()).toISOString() }];
    await this.call('PATCH', `${collection}/${name}/status`, { status: { conditions } });
  }

  async list(path: string): Promise<SeenObject[]> {
    const answer = (await this.call('GET', path)) as { items?: SeenObject[] };
    return answer.items ?? [];
  }

  async exists(path: string): Promise<boolean> {
    return (await this.call('GET', path)) !== undefined;
  }

  /** Polls until `check` holds. @returns whether it did within `timeoutMs`. */
  async until(check: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
    const deadlineUs = this.clock.nowUs() + timeoutMs * 1000;
    while (!(await check())) {
      if (this.clock.nowUs() > deadlineUs) return false;
      await this.wait(pollMs);
    }
    return true;
  }

  wait(delayMs: number): Promise<void> {
    return sleep(this.clock, delayMs, this.signal);
  }

  /** @returns undefined for what is not there. */
  private async call(method: RequestVerb, path: string, object?: unknown): Promise<unknown> {
    this.signal.throwIfAborted();
    const { client } = this;
    const { status, body } = await client.request({
      method,
      path,
      kind: callClass(method, 'work', '', 'resource'),
      ...(object === undefined ? {} : bodyOf(method, object, client.codec)),
    });
    if (status === 404 && method !== 'POST') return undefined;
    if (status < 200 || status >= 300) {
      const text = body.toString('utf8', 0, 300);
      throw new HollowmarkError('cluster-unavailable', `${method} ${path}: HTTP ${status}: ${text}`);
    }
    return client.codec.decode(body);
  }
}

/** Patches are JSON under every codec. */
function bodyOf(
  method: RequestVerb,
  object: unknown,
  codec: Codec,
): Pick<ApiRequest, 'body' | 'contentType'> {
  return method === 'PATCH'
    ? { body: jsonCodec.encode(object), contentType: strategicMergePatch }
    : { body: codec.encode(object) };
}

/** Whether a condition of it is True; `Unknown` with `status`. */
export function hasCondition({ status }: SeenObject, type: string, wanted = 'True'): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === type && condition.status === wanted) === true
  );
}
