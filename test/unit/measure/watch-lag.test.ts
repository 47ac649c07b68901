import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import { Passage, WatchLag } from '../../../src/measure/watch-lag.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from './fake-clock.ts';

function passage(): { passage: Passage; histogram: Histogram } {
  const histogram = new Histogram();
  return { passage: new Passage(histogram), histogram };
}

const values = (histogram: Histogram): number[] =>
  histogram.buckets().flatMap(({ value, count }) => Array.from({ length: count }, () => value));

describe('Passage', () => {
  it('measures from one place to the other', () => {
    const { passage: way, histogram } = passage();
    way.enter(10, 1000);
    way.enter(12, 1100);
    way.leave(10, 1300);
    way.leave(12, 1500);
    expect(values(histogram)).toEqual([300, 400]);
  });

  it('counts 0 for one that comes to the second place first', () => {
    const { passage: way, histogram } = passage();
    way.leave(10, 1000);
    way.enter(10, 1200);
    expect(values(histogram)).toEqual([0]);
  });

  it('takes one version for all before it, as after an interruption', () => {
    const { passage: way, histogram } = passage();
    for (const version of [1, 2, 3]) way.enter(version, version * 100);
    way.leave(3, 1000);
    expect(values(histogram)).toEqual([700, 800, 900]);
  });

  it('counts those that never arrive with their age, but for the youngest', () => {
    const { passage: way, histogram } = passage();
    way.enter(1, 100);
    way.enter(2, 200);
    way.close(1000);
    expect(values(histogram)).toEqual([900]);
  });

  it('records each a second time, less the delay of the loop when it arrived', () => {
    const histogram = new Histogram();
    const lower = new Histogram();
    let delayUs = 0;
    const way = new Passage(histogram, { histogram: lower, delayNowUs: () => delayUs });
    way.enter(1, 1000);
    way.leave(1, 1500);
    way.enter(2, 2000);
    delayUs = 300;
    way.leave(2, 2500);
    way.enter(3, 3000);
    delayUs = 900;
    way.leave(3, 3500);
    expect(values(histogram)).toEqual([500, 500, 500]);
    expect(values(lower)).toEqual([0, 200, 500]);
  });

  it('is bounded: the oldest count as arrived', () => {
    const { passage: way, histogram } = passage();
    for (let version = 1; version <= 1000; version++) way.enter(version, version);
    expect(histogram.count).toBe(760);
    expect(histogram.max).toBe(240);
  });
});

describe('WatchLag', () => {
  /** Watches that bring nothing; of each answer its status, 0 for none, after so many milliseconds. */
  function probing(answers: [status: number, afterMs: number][]): { lag: WatchLag; clock: FakeClock } {
    const clock = new FakeClock();
    const client = {
      clock,
      prng: new Prng('lag'),
      codec: jsonCodec,
      stream: () => ({ cancel: () => {} }),
      request: () =>
        new Promise((resolve, reject) => {
          const [status, afterMs] = answers.shift() ?? [200, 20];
          clock.timer(afterMs, () =>
            status === 0
              ? reject(new NoAnswerError('connection lost', false))
              : resolve({ status, contentType: '', body: Buffer.from('{}') }),
          );
        }),
    } as unknown as ApiClient;
    const lag = new WatchLag({
      observerClient: client,
      probeClient: client,
      lease: { namespace: 'default', name: 'probe', labels: {} },
      clock,
      delayNowUs: () => 0,
    });
    return { lag, clock };
  }

  async function pass(clock: FakeClock, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      clock.pass(10);
      await new Promise(setImmediate);
    }
  }

  it('says how many probes were without success or left out, and tells a lag only where there is one', async () => {
    const { lag, clock } = probing([
      [403, 20],
      [0, 600],
      [200, 20],
    ]);
    lag.start();
    await pass(clock, 2000);
    await lag.finish();
    expect(lag.dueCount).toBe(8);
    const { notes, slis } = lag.tell();
    expect(notes).toEqual([
      'Lag of the observer and watch latency: 2 of 8 probes were without success, the first: HTTP 403.',
      'Lag of the observer and watch latency: 2 of 8 probes were left out, as the one before had no answer yet.',
    ]);
    expect(slis?.map(({ id }) => id)).toEqual(['watch-latency']);
    lag.lags.record(700);
    expect(lag.tell().slis?.at(-1)).toMatchObject({ id: 'harness-watch-lag', count: 1, max: 700 });
  });

  it('has nothing to say of probes that all went well', async () => {
    const { lag, clock } = probing([]);
    lag.start();
    await pass(clock, 2000);
    await lag.finish();
    expect(lag.tell().notes).toEqual([]);
  });

  it('counts what lies beyond an hour', () => {
    const { lag } = probing([]);
    lag.lags.record(4e9);
    lag.watchLatency.record(4e9);
    expect(lag.tell().clampedCount).toBe(2);
  });
});
