import { describe, expect, it } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import type { ApiClient, ApiResponse } from '../../../src/kube/client.ts';
import { Watchdog } from '../../../src/scenario/watchdog.ts';
import { FakeClock } from '../load/fake-clock.ts';

type Answer = (clock: FakeClock) => Promise<ApiResponse>;

const after =
  (delayMs: number, status = 200, text = 'ok'): Answer =>
  (clock) =>
    new Promise((resolve) => {
      clock.timer(delayMs, () => resolve({ status, contentType: 'text/plain', body: Buffer.from(text) }));
    });
const never: Answer = () => new Promise(() => {});

/** Watches a server whose answers are as given, the last one again and again. */
function watch(...answers: Answer[]): { clock: FakeClock; said: string[]; died: () => string | undefined } {
  const clock = new FakeClock();
  const said: string[] = [];
  const say = (text: string): number => said.push(text);
  const next = (): Answer => (answers.length > 1 ? answers.shift() : answers[0]) ?? never;
  const watchdog = new Watchdog({
    client: { request: () => next()(clock), close() {} } as unknown as ApiClient,
    clock,
    reporter: { ...silentReporter, info: say, warn: say },
    diagnose: () => undefined,
  });
  let message: string | undefined;
  watchdog.died.catch((error: Error) => (message = error.message));
  return { clock, said, died: () => message };
}

describe('the watchdog', () => {
  it('warns of a server that is silent for 5 s and gives it up after 30 s', async () => {
    const { clock, said, died } = watch(after(10), never);
    await clock.advance(7_500);
    expect(said).toEqual(['The API server has not answered for 5 s; the run ends after 30 s']);
    await clock.advance(22_000);
    expect(died()).toBeUndefined();
    await clock.advance(1_000);
    expect(died()).toBe('the API server has not answered for 30 s');
  });

  it('bears with one that answers, however slowly, and says when it is back', async () => {
    const { clock, said, died } = watch(after(10), after(12_000), after(10));
    await clock.advance(120_000);
    expect(died()).toBeUndefined();
    expect(said).toEqual([
      'The API server has not answered for 5 s; the run ends after 30 s',
      'The API server answers again after 14 s',
    ]);
  });

  it('takes an answer of 500 for none, and says which check failed', async () => {
    const body = '[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n';
    const { clock, died } = watch(after(2_000, 500, body));
    await clock.advance(31_000);
    expect(died()).toBe('the API server has not answered for 30 s (HTTP 500: etcd failed: reason withheld)');
  });

  it('takes a refusal for a sign of life', async () => {
    const { clock, said, died } = watch(after(10, 403, 'forbidden'));
    await clock.advance(60_000);
    expect([died(), ...said]).toEqual([undefined]);
  });

  it('does not blame the server for time in which this process was busy itself', async () => {
    const { clock, said, died } = watch(after(10));
    await clock.advance(5_000);
    clock.stall(60_000);
    await clock.advance(5_000);
    expect([died(), ...said]).toEqual([undefined]);
  });
});
