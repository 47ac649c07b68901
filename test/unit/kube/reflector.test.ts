import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiClient, ApiRequest, ApiResponse } from '../../../src/kube/client.ts';
import type { ExchangeHandler, RateLimit } from '../../../src/kube/exchange.ts';
import { Reflector, type WatchHandler } from '../../../src/kube/reflector.ts';
import {
  type AttemptEnd,
  type WatchProgress,
  type WatchSpec,
  afterAttempt,
  listQuery,
  refusalOf,
  watchQuery,
} from '../../../src/kube/watch-course.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from '../load/fake-clock.ts';

const spec: WatchSpec = { path: '/things', selector: '', timeoutSecondsMin: 300, sendsTimeout: false };

const at: WatchProgress = {
  next: 'watch',
  resourceVersion: '100',
  versionUnavailable: false,
  backoffMs: 800,
  backoffSinceUs: 0,
};

const streaming: WatchProgress = { ...at, next: 'stream' };
const listing: WatchProgress = { ...at, next: 'list' };
const quiet: AttemptEnd = { type: 'closed', livedMs: 300_000, eventCount: 0 };
const short: AttemptEnd = { type: 'closed', livedMs: 10, eventCount: 0 };

type After = { next: string; delayMs: number; versionUnavailable?: boolean };

function after(progress: WatchProgress, end: AttemptEnd, jitter = 0, nowUs = 0): After {
  const { progress: to, delayMs } = afterAttempt(progress, end, { jitter, nowUs, spec });
  expect(to.resourceVersion).toBe('100');
  return { next: to.next, delayMs, ...(to.versionUnavailable ? { versionUnavailable: true } : {}) };
}

describe('what follows an attempt', () => {
  it('of a watch: it is resumed when it was closed, even with its connection', () => {
    expect(after(at, quiet)).toEqual({ next: 'watch', delayMs: 0 });
    expect(after(at, { type: 'closed', livedMs: 10, eventCount: 1 })).toEqual({ next: 'watch', delayMs: 0 });
    expect(after(at, { type: 'throttled' }, 0.5)).toEqual({ next: 'watch', delayMs: 1200 });
  });

  it('of a watch that failed: a stream from the last version, after the back-off', () => {
    for (const end of [short, { type: 'expired' }, { type: 'failed' }] as const) {
      expect(after(at, end, 0.5)).toEqual({ next: 'stream', delayMs: 1200 });
    }
  });

  it('of a stream: again when it was closed or throttled, else a plain list', () => {
    expect(after(streaming, quiet)).toEqual({ next: 'stream', delayMs: 0 });
    expect(after(streaming, { type: 'throttled' })).toEqual({ next: 'stream', delayMs: 800 });
    expect(after(streaming, { type: 'failed' })).toEqual({ next: 'list', delayMs: 0 });
    expect(after(streaming, short)).toEqual({ next: 'list', delayMs: 0 });
  });

  it('of a plain list: a watch, or a stream after the back-off', () => {
    expect(after(listing, { type: 'failed' })).toEqual({ next: 'stream', delayMs: 800 });
    expect(after(listing, { type: 'throttled' })).toEqual({ next: 'stream', delayMs: 800 });
  });

  it.each([streaming, listing])(
    'of a $next from a version that is not there: one from none, once',
    (from) => {
      const expired = { type: 'expired' } as const;
      expect(after(from, expired)).toEqual({ next: from.next, delayMs: 0, versionUnavailable: true });
      expect(after({ ...from, versionUnavailable: true }, expired).next).not.toBe(from.next);
    },
  );

  it('backs off from 800 ms to 30 s with jitter, and starts anew every two minutes', () => {
    let progress = at;
    const delaysMs: number[] = [];
    for (let i = 0; i < 8; i++) {
      const next = afterAttempt(progress, { type: 'throttled' }, { jitter: 0, nowUs: 0, spec });
      progress = next.progress;
      delaysMs.push(next.delayMs);
    }
    expect(delaysMs).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(after(progress, { type: 'throttled' }, 0.9).delayMs).toBeCloseTo(57_000);
    // A watch in between that did well changes nothing.
    const resumed = afterAttempt(progress, quiet, { jitter: 0, nowUs: 0, spec }).progress;
    expect(after(resumed, { type: 'throttled' }, 0, 120_000_000).delayMs).toBe(30_000);
    expect(after(resumed, { type: 'throttled' }, 0, 120_000_001).delayMs).toBe(800);
  });

  it('depends on what the server refuses with', () => {
    const refusal = (code: number, reason = '', causes: string[] = []): string =>
      refusalOf({ code, reason, causes, message: '' }).type;
    expect([410, 429, 400, 403, 404, 500, 503, 504].map((code) => refusal(code))).toEqual([
      'expired',
      'throttled',
      ...Array.from({ length: 6 }, () => 'failed'),
    ]);
    expect(refusal(504, 'Timeout', ['ResourceVersionTooLarge'])).toBe('expired');
  });
});

describe('the query', () => {
  const services = {
    path: '/api/v1/services',
    selector: 'fieldSelector=spec.clusterIP%21%3DNone',
    timeoutSecondsMin: 300,
    sendsTimeout: true,
  };
  const first: WatchProgress = { ...streaming, resourceVersion: '' };

  it('is a real kubelet’s streaming list at first (wire-samples-kubelet.jsonl)', () => {
    expect(watchQuery(services, first, 412)).toBe(
      '/api/v1/services?allowWatchBookmarks=true&fieldSelector=spec.clusterIP%21%3DNone&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeout=6m52s&timeoutSeconds=412&watch=true',
    );
  });

  it('resumes from a resourceVersion, and lists anew from it while the server has it', () => {
    expect(watchQuery(spec, at, 300)).toBe(
      '/things?allowWatchBookmarks=true&resourceVersion=100&timeoutSeconds=300&watch=true',
    );
    expect(watchQuery(spec, streaming, 300)).toBe(
      '/things?allowWatchBookmarks=true&resourceVersion=100&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeoutSeconds=300&watch=true',
    );
    expect(watchQuery(spec, { ...streaming, versionUnavailable: true }, 300)).toBe(
      '/things?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeoutSeconds=300&watch=true',
    );
  });

  it('of a plain list asks for pages, unless all of it comes from memory', () => {
    const selector = 'fieldSelector=spec.clusterIP%21%3DNone';
    expect(listQuery(services, first)).toBe(`/api/v1/services?${selector}&limit=500&resourceVersion=0`);
    expect(listQuery(services, first, 'a=')).toBe(`/api/v1/services?continue=a%3D&${selector}&limit=500`);
    expect(listQuery(spec, listing)).toBe('/things?resourceVersion=100');
    expect(listQuery(spec, { ...listing, versionUnavailable: true })).toBe('/things?limit=500');
  });
});

/** A client whose server is the test. */
class Bench {
  readonly clock = new FakeClock();
  /** What was asked for; a plain list with `LIST` before it. */
  readonly asked: string[] = [];
  readonly told: string[] = [];
  /** Answers to plain lists, in turn. */
  lists: (ApiResponse | Error)[] = [];
  handler: ExchangeHandler | undefined;
  readonly reflector: Reflector;

  constructor(onEvent: (uid: string) => void = () => {}, limit?: RateLimit) {
    const stream = (path: string, handler: ExchangeHandler): { cancel(): void } => {
      this.asked.push(path);
      this.handler = handler;
      return { cancel: () => this.end('cancelled') };
    };
    const request = ({ path, kind }: ApiRequest): Promise<ApiResponse> => {
      this.asked.push(`${kind.verb} ${path}`);
      const answer = this.lists.shift() ?? new NoAnswerError('no script', true);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const { clock } = this;
    const client = { clock, codec: jsonCodec, prng: new Prng('test'), stream, request };
    const handler: WatchHandler = {
      onListing: () => this.told.push('listing'),
      onEvent: (event) => {
        const { uid } = event.metadata();
        this.told.push(`${event.type} ${uid}`);
        onEvent(uid);
      },
      onSynced: () => this.told.push('synced'),
      onInterrupted: (reason) => this.told.push(`interrupted: ${reason}`),
      onFault: (error) => this.told.push(`fault: ${(error as Error).message}`),
    };
    this.reflector = new Reflector(client as unknown as ApiClient, spec, handler, limit);
  }

  /** {@link asked}, as far as one differs from another. */
  get kinds(): string[] {
    return this.asked.map((path) => {
      const version = /resourceVersion=(\w+)/.exec(path)?.[1] ?? '';
      const kind = path.startsWith('LIST') ? 'list' : path.includes('sendInitialEvents') ? 'stream' : 'watch';
      return `${kind} ${version}`.trim();
    });
  }

  answer(status: number, ...objects: object[]): void {
    this.handler?.onResponse(status, 'application/json', undefined);
    const end = status === 200 ? '\n' : '';
    for (const object of objects) this.handler?.onData(Buffer.from(`${JSON.stringify(object)}${end}`));
  }

  /** A list of one object that goes on as a watch. */
  list(version: string): void {
    this.answer(200, eventOf('ADDED', 'a', '1'), eventOf('BOOKMARK', '', version, true));
  }

  end(how: 'complete' | 'closed' | 'reset' | 'silent' | 'cancelled'): void {
    this.handler?.onEnd({ how, reason: how });
  }
}

function eventOf(type: string, uid: string, resourceVersion: string, closesListing = false): object {
  const annotations = closesListing ? { 'k8s.io/initial-events-end': 'true' } : {};
  return { type, object: { metadata: { uid, resourceVersion, annotations } } };
}

const listAnswer = (items: string[], metadata: object): ApiResponse => ({
  status: 200,
  contentType: 'application/json',
  body: Buffer.from(JSON.stringify({ metadata, items: items.map((uid) => ({ metadata: { uid } })) })),
});

describe('Reflector', () => {
  it('lists in pages and then watches where a stream is refused', async () => {
    const bench = new Bench();
    bench.lists = [listAnswer(['a', 'b'], { resourceVersion: '7', continue: 'more' }), listAnswer(['c'], {})];
    bench.answer(403, { code: 403, message: 'no relationship found' });
    bench.end('complete');
    await bench.clock.advance(1);
    expect(bench.kinds).toEqual(['stream', 'list 0', 'list', 'watch 7']);
    expect(bench.told).toEqual([
      'interrupted: HTTP 403 no relationship found',
      'listing',
      'ADDED a',
      'ADDED b',
      'ADDED c',
      'synced',
    ]);
  });

  it('begins with a stream again, after the back-off, when the list fails too', async () => {
    const bench = new Bench();
    bench.answer(500);
    bench.end('complete');
    await bench.clock.advance(2_000);
    expect(bench.kinds).toEqual(['stream', 'list 0', 'stream']);
  });

  it.each(['complete', 'closed'] as const)('resumes at once when its watch is %s', async (how) => {
    const bench = new Bench();
    bench.list('5');
    await bench.clock.advance(1_000);
    bench.end(how);
    await bench.clock.advance(1);
    expect(bench.kinds).toEqual(['stream', 'watch 5']);
    expect(bench.told).toEqual([
      'listing',
      'ADDED a',
      'synced',
      ...(how === 'closed' ? ['interrupted: closed'] : []),
    ]);
  });

  it.each(['reset', 'silent'] as const)(
    'lists anew from its last version when its watch is %s',
    async (how) => {
      const bench = new Bench();
      bench.list('5');
      await bench.clock.advance(60_000);
      bench.end(how);
      await bench.clock.advance(700);
      expect(bench.kinds).toEqual(['stream']);
      await bench.clock.advance(1_000);
      expect(bench.kinds).toEqual(['stream', 'stream 5']);
    },
  );

  it('counts as a watch from the end of the listing: one that ends right then lists anew', async () => {
    const bench = new Bench();
    await bench.clock.advance(5_000);
    bench.list('5');
    bench.end('complete');
    await bench.clock.advance(700);
    expect(bench.kinds).toEqual(['stream']);
    await bench.clock.advance(1_000);
    expect(bench.kinds).toEqual(['stream', 'stream 5']);
  });

  it('lists anew from its last version after 410, and from none when the server has that no more', async () => {
    const bench = new Bench();
    bench.list('5');
    bench.answer(200, { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } });
    await bench.clock.advance(700);
    expect(bench.kinds).toEqual(['stream']);
    await bench.clock.advance(1_000);
    bench.answer(410);
    bench.end('complete');
    await bench.clock.advance(1);
    expect(bench.kinds).toEqual(['stream', 'stream 5', 'stream']);
    expect(bench.told.filter((one) => one.startsWith('interrupted'))).toEqual([
      'interrupted: watch error 410 Expired: too old',
      'interrupted: HTTP 410 ',
    ]);
  });

  it('takes a token for each plain list, and none for a watch', async () => {
    let taken = 0;
    const bench = new Bench(() => {}, { reserveMs: () => (taken++ === 0 ? 5_000 : 0) });
    bench.answer(500);
    bench.end('complete');
    await bench.clock.advance(2_000);
    expect([bench.kinds, taken]).toEqual([['stream'], 1]);
    await bench.clock.advance(4_000);
    expect([bench.kinds.slice(0, 2), taken]).toEqual([['stream', 'list 0'], 1]);
  });

  it('waits, and keeps its place, where nobody listens', async () => {
    const bench = new Bench();
    bench.list('5');
    await bench.clock.advance(1_000);
    bench.end('closed');
    await bench.clock.advance(1);
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    bench.handler?.onFailure(new NoAnswerError('cannot connect', true, refused));
    await bench.clock.advance(2_000);
    expect(bench.kinds).toEqual(['stream', 'watch 5', 'watch 5']);
  });

  it('tells a handler of its own faults, and goes on', async () => {
    const bench = new Bench((uid) => {
      if (uid === 'a') throw new Error('cannot take a');
    });
    bench.list('5');
    bench.answer(200, eventOf('ADDED', 'b', '6'));
    expect(bench.told).toEqual(['listing', 'ADDED a', 'fault: cannot take a', 'synced', 'ADDED b']);
    expect(bench.asked).toHaveLength(1);
  });

  it('takes what cannot be read for a failed watch, whoever reads it', async () => {
    for (const line of ['null\n', '{"type":"BOOKMARK","object":{\n']) {
      const bench = new Bench();
      bench.answer(200);
      bench.handler?.onData(Buffer.from(line));
      await bench.clock.advance(2_000);
      expect(bench.kinds.slice(0, 2)).toEqual(['stream', 'list 0']);
      expect(bench.told.filter((one) => one.startsWith('fault'))).toEqual([]);
    }
  });
});
