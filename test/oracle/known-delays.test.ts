import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Prng } from '../../src/base/prng.ts';
import { DelayingProxy } from '../../src/fidelity/trend/delaying-proxy.ts';
import { type DelayOf, EchoServer } from './echo-server.ts';
import { type Paced, exactQuantile, sendPaced, whileValid } from './paced.ts';
import { type Stall, StallingProxy } from './stalling-proxy.ts';

/*
 * The load generator's own sender and client against delays that are known: what they tell lies within 5 % of what was
 * injected. Server, proxy and client share this thread, which does next to nothing; how late it was is looked at.
 */

const tolerance = 0.05;

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.stop();
});

function opened<T extends { stop(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

/** Each within 5 % of what it should be. */
function expectNear(found: readonly number[], expected: readonly number[], what: readonly number[]): void {
  const off = found.map((value, index) => value / (expected[index] ?? Number.NaN) - 1);
  const wrong = off.flatMap((share, index) =>
    Math.abs(share) <= tolerance ? [] : [`${what[index]}: ${found[index]} µs for ${expected[index]} µs`],
  );
  expect(wrong).toEqual([]);
}

describe('known delays', { timeout: 60_000 }, () => {
  const quantiles = [0.5, 0.9, 0.99, 0.995, 0.999, 1];

  /** Sends through a proxy, and compares quantiles with what server and proxy have really injected. */
  async function measure(
    delayMs: DelayOf,
    { count, perSecond, eachWayMs }: { count: number; perSecond: number; eachWayMs: number },
  ): Promise<{ found: Paced; heldUs: number[] }> {
    return whileValid(async () => {
      const server = opened(await EchoServer.start(delayMs));
      const proxy = opened(await DelayingProxy.start(server.port, systemClock));
      proxy.delay(eachWayMs);
      const { identity } = server;
      const found = await sendPaced({ endpoint: server.endpoint(proxy.port), identity, count, perSecond });
      // The first was the one before the measurement.
      const heldUs = server.heldUs.slice(1).map((us) => us + 2 * eachWayMs * 1000);
      return { found, heldUs, loopDelayUs: found.loopDelayUs };
    });
  }

  function expectInjected({ found, heldUs }: { found: Paced; heldUs: readonly number[] }): void {
    expect(found.report).toMatchObject({ doneCount: heldUs.length, failedCount: 0, retryCount: 0 });
    expect(found.corrected.count).toBe(heldUs.length);
    const told = quantiles.map((quantile) => found.corrected.quantile(quantile));
    expectNear(
      told,
      quantiles.map((quantile) => exactQuantile(heldUs, quantile)),
      quantiles,
    );
  }

  it('that are constant are told as such', async () => {
    const measured = await measure(() => 0, { count: 300, perSecond: 100, eachWayMs: 200 });
    expectInjected(measured);
    expect(measured.found.corrected.quantile(0.5)).toBeGreaterThanOrEqual(400_000);
  });

  it('of two kinds are told apart', async () => {
    const prng = new Prng('bimodal');
    const slow = Array.from({ length: 600 }, () => prng.float() < 0.3);
    const delayMs: DelayOf = (index) => (slow[index] === true ? 800 : 200);
    const measured = await measure(delayMs, { count: 600, perSecond: 150, eachWayMs: 0 });
    expectInjected(measured);
    expect(measured.found.corrected.quantile(0.5)).toBeLessThan(300_000);
    expect(measured.found.corrected.quantile(0.9)).toBeGreaterThan(790_000);
  });

  it('of 2 s in one of a hundred show beyond the p99, and not before', async () => {
    const delayMs: DelayOf = (index) => (index % 100 === 50 ? 2000 : 300);
    const measured = await measure(delayMs, { count: 1000, perSecond: 200, eachWayMs: 0 });
    expectInjected(measured);
    expect(measured.found.corrected.quantile(0.99)).toBeLessThan(400_000);
    expect(measured.found.corrected.quantile(0.995)).toBeGreaterThan(1_990_000);
  });
});

describe('stalls of 5 s', { timeout: 120_000 }, () => {
  const [count, perSecond] = [1200, 50];
  const quantiles = [0.8, 0.9, 0.95, 0.99];
  /** More than wait during a stall: a further connection would be made in the middle of it. */
  const streamsMax = 1000;

  /**
   * What requests meet that leave at their intended times, `slots` of them under way at most: each leaves when it is due and
   * a slot is free, takes `serviceUs`, and whatever would come back during a stall comes at its end.
   */
  function expectedUs(
    intendedUs: readonly number[],
    stalls: readonly Stall[],
    { slots, serviceUs }: { slots: number; serviceUs: number },
  ): number[] {
    const freeUs = Array.from({ length: Math.min(slots, intendedUs.length) }, () => 0);
    return intendedUs.map((dueUs) => {
      const slot = freeUs.indexOf(Math.min(...freeUs));
      const backUs = Math.max(dueUs, freeUs[slot] ?? 0) + serviceUs;
      const stall = stalls.find(({ fromUs, toUs }) => backUs >= fromUs && backUs < toUs);
      freeUs[slot] = stall === undefined ? backUs : stall.toUs;
      return (freeUs[slot] ?? 0) - dueUs;
    });
  }

  /**
   * How long an answer takes after the one before it, of a client that waits for each, while requests are waiting: less than
   * that of a request by itself, whose way begins with a timer. 0 where none had to wait.
   */
  function servedUs({ intendedUs, latenciesUs }: Paced): number {
    const back = intendedUs.map((dueUs, index) => dueUs + (latenciesUs[index] ?? Number.NaN));
    const gaps = back
      .slice(1)
      .map((backUs, index) => backUs - (back[index] ?? Number.NaN))
      .filter((_, index) => (intendedUs[index + 1] ?? Number.NaN) < (back[index] ?? Number.NaN));
    return gaps.length === 0 ? 0 : exactQuantile(gaps, 0.5);
  }

  it('are in every latency that they touch, whether or not the client waits for answers', async () => {
    const { free, waiting, stalls } = await whileValid(async () => {
      const server = opened(await EchoServer.start(() => 0, streamsMax));
      const proxy = opened(await StallingProxy.start(server.port));
      proxy.stall(4_000, 5_000);
      proxy.stall(14_000, 5_000);
      const { identity } = server;
      const send = (concurrencyMax?: number): Promise<Paced> =>
        sendPaced({
          endpoint: server.endpoint(proxy.port),
          identity,
          count,
          perSecond,
          ...(concurrencyMax === undefined ? {} : { concurrencyMax }),
        });
      const [all, one] = await Promise.all([send(), send(1)]);
      const loopDelayUs = Math.max(all.loopDelayUs, one.loopDelayUs);
      return { free: all, waiting: one, stalls: proxy.stalls, loopDelayUs };
    });
    expect(stalls).toHaveLength(2);
    for (const [paced, slots] of [
      [free, count],
      [waiting, 1],
    ] as const) {
      expect(paced.report).toMatchObject({ doneCount: count, failedCount: 0 });
      const serviceUs = slots === 1 ? servedUs(paced) : paced.raw.quantile(0.5);
      const expected = expectedUs(paced.intendedUs, stalls, { slots, serviceUs });
      expectNear(
        quantiles.map((quantile) => paced.corrected.quantile(quantile)),
        quantiles.map((quantile) => exactQuantile(expected, quantile)),
        quantiles,
      );
      // 10 s of 24 were stalls: this is what users have met.
      expect(paced.corrected.quantile(0.9)).toBeGreaterThan(3_000_000);
    }
    // Who sends at the intended times has the stall in the latency from the actual send, too.
    expect(free.report.heldBackCount).toBe(0);
    expect(free.raw.quantile(0.9)).toBeGreaterThan(3_000_000);
    // Who waits for answers sends one request in each stall: without the intended times, the rest is lost.
    expect(waiting.report.heldBackCount).toBeGreaterThan(400);
    expect(waiting.raw.max).toBeGreaterThan(4_900_000);
    expect(waiting.raw.quantile(0.99)).toBeLessThan(0.05 * waiting.corrected.quantile(0.9));
  });
});
