import { sleep } from '../base/clock.ts';
import { callClass } from '../metrics/call-metrics.ts';
import type { EventMetadata, RawWatchEvent } from '../wire/codec.ts';
import { codecOf } from '../wire/negotiation.ts';
import { type ApiStatus, readStatus } from './api-error.ts';
import type { ApiClient } from './client.ts';
import type { RateLimit } from './exchange.ts';
import { type WatchProgress, type WatchSpec, listQuery } from './watch-course.ts';

type ListedObject = {
  metadata?: { uid?: string; resourceVersion?: string; generation?: number; deletionTimestamp?: string };
};

/** An object of a plain list, as a streaming list would bring it. */
class ListedEvent implements RawWatchEvent {
  readonly type = 'ADDED';
  readonly sizeBytes = 0;
  private readonly listed: ListedObject;

  constructor(listed: ListedObject) {
    this.listed = listed;
  }

  get resourceVersion(): string {
    return this.listed.metadata?.resourceVersion ?? '';
  }

  metadata(): EventMetadata {
    const { uid = '', generation = 0, deletionTimestamp } = this.listed.metadata ?? {};
    return { uid, generation, deleting: deletionTimestamp !== undefined };
  }

  object(): unknown {
    return this.listed;
  }
}

export type Listing =
  | { type: 'listed'; events: RawWatchEvent[]; resourceVersion: string }
  | { type: 'refused'; status: ApiStatus };

/**
 * Lists in pages what `spec` selects; `progress` says from which version.
 * @param limit each page takes a token of it.
 * @throws NoAnswerError when there is none.
 * @throws HollowmarkError `internal` when an answer cannot be read.
 */
export async function listAll(
  client: ApiClient,
  spec: WatchSpec,
  progress: WatchProgress,
  limit?: RateLimit,
): Promise<Listing> {
  const kind = listClass(spec.path);
  const events: RawWatchEvent[] = [];
  let resourceVersion = '';
  let more = '';
  for (;;) {
    const waitMs = limit?.reserveMs(client.clock.nowUs() / 1000) ?? 0;
    if (waitMs > 0) await sleep(client.clock, waitMs);
    const { status, contentType, body } = await client.request({
      method: 'GET',
      path: listQuery(spec, progress, more),
      kind,
      limit,
    });
    const codec = codecOf(contentType);
    if (status !== 200) {
      let object: unknown;
      try {
        object = codec.decode(body);
      } catch {
        // Text from something in between: its status has to do.
      }
      return { type: 'refused', status: readStatus(object, status) };
    }
    const list = codec.decode(body) as {
      metadata?: { resourceVersion?: string; continue?: string };
      items?: ListedObject[] | null;
    };
    for (const item of list.items ?? []) events.push(new ListedEvent(item));
    // All pages are of the first one's version.
    resourceVersion ||= list.metadata?.resourceVersion ?? '';
    more = list.metadata?.continue ?? '';
    if (more === '') return { type: 'listed', events, resourceVersion };
  }
}

function listClass(path: string): ReturnType<typeof callClass> {
  const resource = path.slice(path.lastIndexOf('/') + 1);
  return callClass('LIST', resource, '', path.includes('/namespaces/') ? 'namespace' : 'cluster');
}
