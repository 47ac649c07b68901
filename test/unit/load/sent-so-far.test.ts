import { expect, test } from 'vitest';
import { LoadGenerator } from '../../../src/load/generator.ts';
import { joinSends } from '../../../src/load/join-sends.ts';
import type { SendPlan } from '../../../src/load/sender.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeServer } from './fake-server.ts';

const clock = new FakeClock();
const server = new FakeServer(clock);
const load = new LoadGenerator({
  client: server,
  clock,
  context: { runId: 'run-1', tolerations: [], confined: false },
  namespaces: ['ns-1'],
});
const every = (ms: number, count: number): SendPlan => ({
  offsetsUs: Array.from({ length: count }, (_, i) => i * ms * 1000),
  requestsPerSecond: 1000 / ms,
  intervalUs: ms * 1000,
});
const { signal } = new AbortController();

test('what a phase has sent is known when it still waits, and no more in the next phase', async () => {
  load.beginPhase();
  expect(load.sentSoFar()).toBeUndefined();
  const running = load.listPods(every(10, 20), signal);
  await clock.advance(95);
  expect(load.sentSoFar()).toMatchObject({ plannedCount: 20, sentCount: 10 });
  await clock.finish(running);
  expect(load.sentSoFar()).toMatchObject({ plannedCount: 20, sentCount: 20, doneCount: 20 });
  load.beginPhase();
  expect(load.sentSoFar()).toBeUndefined();
});

test('two parts of a phase are one report, without the pause between them', async () => {
  load.beginPhase();
  const first = await clock.finish(load.listPods(every(10, 100), signal));
  await clock.advance(60_000);
  server.answer = () => ({ status: 403, text: '{}' });
  const second = await clock.finish(load.listPods(every(10, 100), signal));
  const both = joinSends(first, second);
  expect(both).toMatchObject({
    startUs: first.startUs,
    plannedCount: 200,
    sentCount: 200,
    doneCount: 100,
    failedCount: 100,
    requestedPerSecond: 100,
    achievedRatio: 1,
    interrupted: false,
  });
  expect(both.achievedPerSecond).toBeCloseTo(100, 0);
  expect(both.lateness.count).toBe(200);
  expect(load.sentSoFar()).toMatchObject({ plannedCount: 200, failedCount: 100 });
});
