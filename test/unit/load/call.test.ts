import { beforeEach, describe, expect, test } from 'vitest';
import { Call } from '../../../src/kube/call.ts';
import {
  type CallOutcome,
  type LoadClient,
  type LoadRequest,
  attemptsMax,
  callUntilDone,
} from '../../../src/load/call.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from './fake-clock.ts';
import { type Answer, FakeServer } from './fake-server.ts';

const request = (verb: LoadRequest['verb']): LoadRequest => ({
  what: 'do it',
  verb,
  request: { method: 'POST', path: '/x', kind: callClass('POST', 'x', '', 'resource') },
});

let clock: FakeClock;
let server: FakeServer;
let raw: CallMetrics;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  raw = new CallMetrics();
});

/** The server gives these answers in turn, the last one for ever. */
async function call(verb: LoadRequest['verb'], ...answers: Answer[]): Promise<CallOutcome> {
  server.answer = (_, i) => answers[Math.min(i, answers.length - 1)] ?? { status: 200 };
  return clock.finish(
    callUntilDone({ client: server, clock, raw }, request(verb), clock.nowUs(), new AbortController().signal),
  );
}

const gapsMs = (): number[] =>
  server.seen.slice(1).map(({ atUs }, i) => (atUs - (server.seen[i]?.atUs ?? 0)) / 1000 - server.latencyMs);

describe('retries', () => {
  test('429 waits as long as Retry-After says, 30 s at most', async () => {
    const outcome = await call(
      'create',
      { status: 429, object: {}, retryAfterSeconds: 3 },
      { status: 429, text: 'Too many requests, please try again later.', retryAfterSeconds: 1 },
      { status: 429, object: {}, retryAfterSeconds: 900 },
      { status: 201, object: { ok: 1 } },
    );
    expect(outcome).toMatchObject({ type: 'done', retries: 3, already: false });
    expect(gapsMs()).toEqual([3000, 1000, 30_000]);
  });

  test('server errors and lost connections back off, and end after six attempts', async () => {
    const outcome = await call('create', {
      status: 503,
      object: { reason: 'ServiceUnavailable', message: 'later' },
    });
    expect(outcome).toEqual({
      type: 'failed',
      status: 503,
      message: 'HTTP 503 ServiceUnavailable: later',
      retries: attemptsMax - 1,
    });
    expect(gapsMs()).toEqual([100, 300, 900, 2700, 8100]);
  });

  test('no answer at all is a failure with status 0', async () => {
    expect(await call('read', { status: 0, fail: 'lost' })).toEqual({
      type: 'failed',
      status: 0,
      message: 'connection lost',
      retries: 5,
    });
    expect([...raw.entries()][0]?.statuses.get(0)).toBe(6);
  });

  test.each([400, 401, 403, 404, 409, 410, 413, 422])('%d is final', async (status) => {
    const outcome = await call('update', { status, text: 'because' });
    expect(outcome).toEqual({ type: 'failed', status, message: `HTTP ${status}: because`, retries: 0 });
    expect(server.seen).toHaveLength(1);
  });

  test('latency of a repeated attempt counts from when it was due', async () => {
    await call('create', { status: 500 }, { status: 201 });
    expect(server.seen.map(({ atUs, intendedUs }) => atUs - (intendedUs ?? 0))).toEqual([0, 0]);
    expect(server.seen[1]?.intendedUs).toBe((server.seen[0]?.atUs ?? 0) + 102_000);
  });

  test('without an answer it goes on counting from when the first one was due', async () => {
    const lost: Answer = { status: 0, fail: 'lost', latencyMs: 60_000 };
    await call('create', lost, { status: 503 }, lost, { status: 201 });
    const [first, second, third, fourth] = server.seen;
    expect(second?.intendedUs).toBe(first?.intendedUs);
    expect((second?.atUs ?? 0) - (second?.intendedUs ?? 0)).toBe(60_100_000);
    // The third follows an answer.
    expect(third?.intendedUs).toBe(third?.atUs);
    expect(fourth?.intendedUs).toBe(third?.intendedUs);
  });

  test('sent and accepted times are those of the attempt that succeeded', async () => {
    const outcome = await call('create', { status: 500 }, { status: 201 });
    const second = server.seen[1]?.atUs ?? 0;
    expect(outcome).toMatchObject({ type: 'done', sentUs: second, acceptedUs: second + 2000 });
  });
});

describe('a server that does not answer', () => {
  let metrics: CallMetrics;
  /** Calls of a real client, of which `answer` says how they end; else they time out after a minute. */
  const client = (answer: (attempt: Call, i: number) => void): LoadClient => {
    let i = 0;
    return {
      codec: jsonCodec,
      request: (one) =>
        new Promise((done, failed) => answer(new Call(one, clock, metrics, done, failed), i++)),
    };
  };
  const send = (answer: (attempt: Call, i: number) => void): Promise<CallOutcome> => {
    const { signal } = new AbortController();
    return clock.finish(
      callUntilDone({ client: client(answer), clock, raw }, request('read'), clock.nowUs(), signal),
    );
  };
  const latencies = (): { seconds: number; count: number; statuses: Record<number, number> } => {
    const [entry] = [...metrics.entries()];
    return {
      seconds: Math.round((entry?.histogram.max ?? 0) / 1e6),
      count: entry?.histogram.count ?? 0,
      statuses: Object.fromEntries(entry?.statuses ?? []),
    };
  };

  beforeEach(() => {
    metrics = new CallMetrics();
  });

  test('is not told as the 20 ms of the attempt that it does answer', async () => {
    await send((attempt, i) => {
      if (i === 0) return;
      clock.timer(20, () => {
        attempt.onResponse(200, '', undefined);
        attempt.onEnd({ how: 'complete', reason: '' });
      });
    });
    expect(latencies()).toEqual({ seconds: 60, count: 1, statuses: { 0: 1, 200: 1 } });
  });

  test('has a request that is given up count with its age', async () => {
    expect(await send(() => {})).toMatchObject({ type: 'failed', status: 0 });
    // Six times a minute, and 12 s of back-off.
    expect(latencies()).toEqual({ seconds: 372, count: 1, statuses: { 0: 6 } });
  });
});

describe('what has happened already', () => {
  test('AlreadyExists after a lost answer: it was created', async () => {
    expect(await call('create', { status: 0, fail: 'lost' }, { status: 409 })).toMatchObject({
      type: 'done',
      already: true,
    });
  });

  test('AlreadyExists without one: somebody else has the name', async () => {
    expect(await call('create', { status: 409 })).toMatchObject({ type: 'failed', status: 409 });
    expect(await call('create', { status: 0, fail: 'unsent' }, { status: 409 })).toMatchObject({
      type: 'failed',
      status: 409,
    });
  });

  test('a deletion of what is gone is done', async () => {
    expect(await call('delete', { status: 404 })).toMatchObject({ type: 'done', already: true });
  });
});

test('an abort ends the wait between attempts', async () => {
  const abort = new AbortController();
  server.answer = () => ({ status: 503 });
  const running = callUntilDone({ client: server, clock, raw }, request('read'), clock.nowUs(), abort.signal);
  await clock.advance(2000);
  abort.abort();
  expect(await clock.finish(running)).toEqual({ type: 'interrupted' });
});
