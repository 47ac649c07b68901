import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { LoadRequest } from '../../../src/load/call.ts';
import { PacedSender, type PacedSend, type SendPlan, type SendReport } from '../../../src/load/sender.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeServer } from './fake-server.ts';

const kind = callClass('GET', 'things', '', 'resource');
const thing = (i: number): LoadRequest => ({
  what: `get thing ${i}`,
  verb: 'read',
  request: { method: 'GET', path: `/things/${i}`, kind },
});

let clock: FakeClock;
let server: FakeServer;
let raw: CallMetrics;
let lateness: Histogram;
let abort: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  raw = new CallMetrics();
  lateness = new Histogram();
  abort = new AbortController();
});

const every = (intervalMs: number, count: number): SendPlan => ({
  offsetsUs: Array.from({ length: count }, (_, i) => i * intervalMs * 1000),
  requestsPerSecond: 1000 / intervalMs,
  intervalUs: intervalMs * 1000,
});

function sender(plan: SendPlan, options: Partial<PacedSend> = {}): PacedSender {
  return new PacedSender({
    client: server,
    clock,
    raw,
    lateness,
    plan,
    make: thing,
    signal: abort.signal,
    ...options,
  });
}

const send = (plan: SendPlan, options: Partial<PacedSend> = {}): Promise<SendReport> =>
  clock.finish(sender(plan, options).run());

describe('open loop', () => {
  test('sends at the intended times, however slow the answers are', async () => {
    server.latencyMs = 60_000;
    const startUs = clock.nowUs();
    const report = await send(every(100, 50));
    expect(server.seen.map(({ atUs }) => atUs - startUs)).toEqual(
      Array.from({ length: 50 }, (_, i) => i * 100_000),
    );
    expect(server.seen.map(({ intendedUs }) => intendedUs)).toEqual(server.seen.map(({ atUs }) => atUs));
    expect(report).toMatchObject({
      plannedCount: 50,
      dueCount: 50,
      sentCount: 50,
      doneCount: 50,
      failedCount: 0,
      heldBackCount: 0,
      requestedPerSecond: 10,
      achievedRatio: 1,
      interrupted: false,
    });
    expect(report.lateness.max).toBe(0);
    expect(server.inFlightMax).toBe(50);
  });

  test('never sends before the intended time, whatever the plan', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50_000), { maxLength: 40 }), async (gaps) => {
        clock = new FakeClock();
        server = new FakeServer(clock);
        let offsetUs = 0;
        const offsetsUs = gaps.map((gap) => {
          offsetUs += gap;
          return offsetUs;
        });
        const startUs = clock.nowUs();
        const report = await send({ offsetsUs, requestsPerSecond: 1, intervalUs: 1 });
        expect(report.sentCount).toBe(gaps.length);
        for (const [i, { atUs }] of server.seen.entries()) {
          const lateUs = atUs - startUs - (offsetsUs[i] ?? 0);
          // Timers have whole milliseconds.
          expect(lateUs).toBeGreaterThanOrEqual(0);
          expect(lateUs).toBeLessThanOrEqual(1000);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('catches up after a stall, counts latency from the intended time, and says how late it was', async () => {
    const running = sender(every(10, 100)).run();
    await clock.advance(200);
    clock.stall(500);
    const report = await clock.finish(running);
    expect(report.sentCount).toBe(100);
    // It was over before the last intended time.
    expect(report.achievedRatio).toBe(1);
    expect(report.lateness.max / 1000).toBeGreaterThan(489);
    expect(report.lateness.max / 1000).toBeLessThan(511);
    const late = server.seen.filter(({ atUs, intendedUs }) => atUs - (intendedUs ?? 0) > 10_000);
    expect(late.length).toBeGreaterThan(45);
    expect(lateness.count).toBe(100);
    // Raw latencies do not have the stall in them, but for the one request that was in flight.
    const [entry] = [...raw.entries()];
    expect(entry?.histogram.quantile(0.99)).toBe(2000);
  });

  test('an answer that is lost leaves no gap: the request counts from its intended time until it has one', async () => {
    server.answer = (_, i) =>
      i === 0 ? { status: 0, fail: 'lost', latencyMs: 60_000 } : { status: 200, latencyMs: 20 };
    await send(every(10, 1));
    const [first, second] = server.seen;
    expect(second?.intendedUs).toBe(first?.intendedUs);
    expect((second?.atUs ?? 0) - (second?.intendedUs ?? 0)).toBeGreaterThan(60_000_000);
  });

  test('a sender that is too slow at the end has not achieved its rate', async () => {
    const running = sender(every(10, 100)).run();
    await clock.advance(795);
    clock.stall(1000);
    const report = await clock.finish(running);
    expect(report.sentCount).toBe(100);
    expect(report.achievedRatio).toBeCloseTo(0.8, 2);
    expect(report.keptUpRatio).toBe(report.achievedRatio);
  });

  test('an empty plan is done at once', async () => {
    expect(await sender(every(10, 0)).run()).toMatchObject({
      plannedCount: 0,
      sentCount: 0,
      achievedRatio: 1,
    });
  });

  test('a burst leaves at once, in turns', async () => {
    const report = await send({
      offsetsUs: new Float64Array(500),
      requestsPerSecond: undefined,
      intervalUs: 1e6,
    });
    expect(report).toMatchObject({ sentCount: 500, achievedRatio: 1, heldBackCount: 0 });
    expect(report.requestedPerSecond).toBeUndefined();
    expect(server.inFlightMax).toBe(500);
  });
});

describe('the achieved rate', () => {
  const groups = (count: number): SendPlan => ({
    offsetsUs: Array.from({ length: count }, (_, i) => Math.floor(i / 10) * 1e6),
    requestsPerSecond: 10,
    intervalUs: 1e6,
  });

  test.each([
    ['of full groups', 30],
    ['of groups of which the last is not full', 25],
    ['of one group', 10],
  ])('is the requested one of bursts that leave in time: %s', async (_, count) => {
    const report = await send(groups(count));
    expect(report).toMatchObject({ sentCount: count, achievedRatio: 1, achievedPerSecond: 10 });
  });

  test('of bursts that are cut short is that of those that left', async () => {
    const running = sender(groups(100)).run();
    await clock.advance(3500);
    abort.abort();
    const report = await clock.finish(running);
    expect(report).toMatchObject({ sentCount: 40, dueCount: 40, achievedRatio: 1, achievedPerSecond: 10 });
  });

  test('is half of it for a sender of half the speed', async () => {
    server.latencyMs = 20;
    const report = await send(every(10, 200), { concurrencyMax: 1 });
    expect(report.achievedPerSecond).toBeGreaterThan(45);
    expect(report.achievedPerSecond).toBeLessThan(55);
  });

  test('of a burst is how fast it left, and of one request nothing', async () => {
    server.latencyMs = 100;
    const burst = { offsetsUs: new Float64Array(50), requestsPerSecond: undefined, intervalUs: 1e6 };
    expect((await send(burst, { concurrencyMax: 5 })).achievedPerSecond).toBeCloseTo(49 / 0.9, 0);
    expect((await send(every(10, 1))).achievedPerSecond).toBeUndefined();
  });
});

describe('bounds', () => {
  test('requests beyond the concurrency limit are held back, sent later, and counted', async () => {
    server.latencyMs = 1000;
    const report = await send(every(100, 20), { concurrencyMax: 5 });
    expect(server.inFlightMax).toBe(5);
    expect(report.sentCount).toBe(20);
    expect(report.heldBackCount).toBe(15);
    expect(report.lateness.max / 1000).toBeGreaterThan(1000);
    expect(report.achievedRatio).toBeLessThan(1);
    // The server's doing: the sender kept up.
    expect(report.keptUpRatio).toBe(1);
  });

  test('a server that stalls makes no sender too slow, with 1,000 requests in flight', async () => {
    server.latencyMs = 30_000;
    const report = await send(every(1, 3000));
    expect(server.inFlightMax).toBe(1000);
    expect(report).toMatchObject({ sentCount: 3000, heldBackCount: 2000, keptUpRatio: 1 });
    expect(report.achievedRatio).toBeCloseTo(1 / 3, 2);
    expect(lateness.max / 1e6).toBeGreaterThan(29);
  });

  test("what was held back is not the sender's either when the phase is broken off", async () => {
    server.latencyMs = 60_000;
    const running = sender(every(10, 100), { concurrencyMax: 10 });
    const done = running.run();
    await clock.advance(500);
    expect(running.brokenOff()).toMatchObject({ sentCount: 10, keptUpRatio: 1 });
    abort.abort();
    expect(await clock.finish(done)).toMatchObject({ sentCount: 10, interrupted: true, keptUpRatio: 1 });
  });

  test('a sender that stalls has not kept up, though a request was held back before', async () => {
    server.answer = (_, i) => ({ status: 200, latencyMs: i < 5 ? 200 : 2 });
    const running = sender(every(10, 100), { concurrencyMax: 5 }).run();
    await clock.advance(795);
    clock.stall(1000);
    const report = await clock.finish(running);
    // Those of the beginning, and none of those that the stall made late and that then ran out of slots.
    expect(report.heldBackCount).toBeGreaterThan(0);
    expect(report.heldBackCount).toBeLessThan(20);
    expect(report.keptUpRatio).toBeLessThan(0.82);
  });

  test('failures are all counted, and twenty of them listed', async () => {
    server.answer = () => ({ status: 403, object: { reason: 'Forbidden', message: 'no' } });
    const report = await send(every(1, 30));
    expect(report.failedCount).toBe(30);
    expect(report.failures).toHaveLength(20);
    expect(report.failures[0]).toEqual({ what: 'get thing 0', message: 'HTTP 403 Forbidden: no' });
  });
});

describe('an abort', () => {
  test('stops sending, and waits for answers for a second at most', async () => {
    server.latencyMs = 30_000;
    const running = sender(every(100, 100));
    const done = running.run();
    await clock.advance(1050);
    expect(running.dueCount).toBe(11);
    abort.abort();
    const startUs = clock.nowUs();
    const report = await clock.finish(done);
    expect((clock.nowUs() - startUs) / 1000).toBeLessThan(1100);
    expect(report).toMatchObject({ interrupted: true, sentCount: 11, plannedCount: 100, doneCount: 0 });
    // It was never late: what came due after the abort is not owed.
    expect(report).toMatchObject({ dueCount: 11, achievedRatio: 1, achievedPerSecond: 10 });
    expect(running.dueCount).toBe(11);
    expect(server.seen).toHaveLength(11);
  });

  test('of a sender that has fallen behind leaves it with what it owes', async () => {
    const running = sender(every(10, 100)).run();
    await clock.advance(195);
    clock.stall(500);
    abort.abort();
    const report = await clock.finish(running);
    expect(report).toMatchObject({ interrupted: true, sentCount: 20, dueCount: 70 });
    // Of those 70 one has been due for less than 10 ms.
    expect(report.achievedRatio).toBeCloseTo(20 / 69, 2);
  });

  test('takes nothing from what was achieved for a request that had just come due', async () => {
    const running = sender(every(10, 100)).run();
    await clock.advance(195);
    clock.stall(8);
    abort.abort();
    const report = await clock.finish(running);
    expect(report).toMatchObject({ interrupted: true, sentCount: 20, dueCount: 21, achievedRatio: 1 });
  });

  test('that nobody waits for: what has left by then, against what was due', async () => {
    server.latencyMs = 60_000;
    const running = sender(every(10, 100));
    const done = running.run();
    await clock.advance(195);
    clock.stall(300);
    const report = running.brokenOff();
    expect(report).toMatchObject({ interrupted: true, sentCount: 20, dueCount: 50, plannedCount: 100 });
    expect(report.achievedRatio).toBeCloseTo(20 / 49, 2);
    abort.abort();
    await clock.finish(done);
  });

  test('before the start sends nothing', async () => {
    abort.abort();
    expect(await send(every(10, 5))).toMatchObject({ interrupted: true, sentCount: 0 });
    expect(server.seen).toHaveLength(0);
  });
});
