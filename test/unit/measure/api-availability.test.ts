import { beforeEach, describe, expect, it } from 'vitest';
import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiClient, ApiRequest, ApiResponse } from '../../../src/kube/client.ts';
import { ApiAvailability } from '../../../src/measure/api-availability.ts';
import { FakeClock } from './fake-clock.ts';

type Answer = { status: number; afterMs?: number } | 'hangs' | 'refused';

let clock: FakeClock;
let answers: Answer[];
let clients: number;
let closed: number;
let delayUs: number;
let availability: ApiAvailability;

class FakeClient {
  request(request: ApiRequest): Promise<ApiResponse> {
    const answer = answers.shift() ?? { status: 200 };
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new NoAnswerError('none', answer === 'refused'));
      if (answer === 'refused') fail();
      else if (answer === 'hangs') clock.timer(request.timeoutMs ?? 0, fail);
      else {
        const { status, afterMs = 2 } = answer;
        clock.timer(afterMs, () => resolve({ status, contentType: '', body: Buffer.alloc(0) }));
      }
    });
  }

  close(): void {
    closed++;
  }
}

beforeEach(() => {
  clock = new FakeClock();
  answers = [];
  delayUs = 0;
  clients = 0;
  closed = 0;
  availability = new ApiAvailability(
    clock,
    () => {
      clients++;
      return new FakeClient() as unknown as ApiClient;
    },
    () => delayUs,
  );
});

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5) {
    clock.pass(5);
    await new Promise(setImmediate);
  }
}

const figures = (): Record<string, number> =>
  Object.fromEntries((availability.tell([]).figures ?? []).map(({ id, value }) => [id, value]));

describe('availability of the API server', () => {
  it('is 1 when every probe is answered, and their latency is told', async () => {
    availability.start();
    await pass(5_500);
    await availability.finish();
    const { slis, notes } = availability.tell([]);
    expect(figures()).toEqual({
      'api-availability': 1,
      'api-unavailable-longest': 0,
      'api-probes-skipped': 0,
    });
    expect(slis).toMatchObject([{ id: 'api-probe', count: 6 }]);
    expect(slis?.[0]?.slo).toBeUndefined();
    expect(slis?.[0]?.max).toBeGreaterThanOrEqual(2000);
    expect(notes).toEqual([]);
    expect([clients, closed]).toEqual([1, 1]);
  });

  it('tells how long a probe took at least: less how late this thread was', async () => {
    delayUs = 1500;
    availability.start();
    await pass(500);
    await availability.finish();
    const [probe] = availability.tell([]).slis ?? [];
    expect((probe?.max ?? 0) - (probe?.lowerBound?.max ?? 0)).toBeCloseTo(1500, -1);
  });

  it('counts 5xx, silence and refused connections as failures, from the first to the next success', async () => {
    answers = [{ status: 200 }, { status: 500 }, 'hangs', 'refused', { status: 200 }, 'refused'];
    availability.start();
    await pass(8_500);
    await availability.finish();
    expect(figures()).toEqual({
      'api-availability': 5 / 9,
      'api-unavailable-longest': 3_000_000,
      'api-probes-skipped': 0,
    });
    expect(availability.tell([]).notes).toEqual([
      'The API server was not available for up to 3 s: 4 of 9 probes were without success (1 × HTTP 500, 1 × no answer in time, 2 × no connection).',
    ]);
    // A new connection once a failure is known, which of the silent probe is as the next one leaves: a client's back-off is
    // not the server's outage.
    expect([clients, closed]).toEqual([4, 4]);
  });

  it('takes an answer that says no for one: 403 comes from a server that is there', async () => {
    answers = [{ status: 403 }];
    availability.start();
    await pass(500);
    await availability.finish();
    expect(figures()).toEqual({
      'api-availability': 1,
      'api-unavailable-longest': 0,
      'api-probes-skipped': 0,
    });
  });

  it('knows how long an outage is that does not end', async () => {
    answers = [{ status: 200 }, ...Array.from({ length: 9 }, (): Answer => 'refused')];
    availability.start();
    await pass(4_600);
    await availability.finish();
    const { 'api-availability': share, 'api-unavailable-longest': longestUs } = figures();
    expect(share).toBe(1 / 5);
    expect((longestUs ?? 0) / 1e6).toBeCloseTo(3.6, 1);
  });

  it('asks at its own times whatever the answers do, and lets one that is under way go at the end', async () => {
    answers = Array.from({ length: 4 }, (): Answer => ({ status: 200, afterMs: 900 }));
    availability.start();
    await pass(3_400);
    await availability.finish();
    // The fourth was asked at 3 s and not answered.
    expect(availability.tell([]).slis).toMatchObject([{ count: 3 }]);
    expect(figures()['api-availability']).toBe(1);
  });

  it('leaves out what was due while this process slept', async () => {
    availability.start();
    await pass(1_500);
    clock.block(5_000);
    await pass(1_000);
    await availability.finish();
    expect(figures()['api-availability']).toBe(1);
    expect(availability.tell([]).notes).toEqual([
      "4 probes of the API server's availability left out: the harness was busy when they were due or answered.",
    ]);
  });

  it('takes its own stall while a probe is under way for no outage', async () => {
    // The answer lies there after 200 ms, and the timer of the probe's second runs before it is read.
    answers = [{ status: 200 }, 'hangs'];
    availability.start();
    await pass(1_005);
    delayUs = 1_090_000;
    clock.block(1_100);
    await pass(5);
    delayUs = 0;
    await pass(2_000);
    await availability.finish();
    expect(figures()).toEqual({
      'api-availability': 1,
      'api-unavailable-longest': 0,
      // The one under way, and the one that was due meanwhile.
      'api-probes-skipped': 2,
    });
    expect(availability.tell([]).notes).toEqual([
      "2 probes of the API server's availability left out: the harness was busy when they were due or answered.",
    ]);
  });

  it('says how many were skipped when there is nothing else to say', async () => {
    delayUs = 200_000;
    availability.start();
    await pass(500);
    await availability.finish();
    expect(figures()).toEqual({ 'api-probes-skipped': 1 });
  });
});
