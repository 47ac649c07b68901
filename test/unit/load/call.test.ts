import { beforeEach, describe, expect, test } from 'vitest';
import { type CallOutcome, type LoadRequest, attemptsMax, callUntilDone } from '../../../src/load/call.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
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

  test('sent and accepted times are those of the attempt that succeeded', async () => {
    const outcome = await call('create', { status: 500 }, { status: 201 });
    const second = server.seen[1]?.atUs ?? 0;
    expect(outcome).toMatchObject({ type: 'done', sentUs: second, acceptedUs: second + 2000 });
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
