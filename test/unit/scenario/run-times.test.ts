import { expect, it } from 'vitest';
import { RunTimes } from '../../../src/scenario/run-times.ts';
import { FakeClock } from '../measure/fake-clock.ts';

it('the times of a run count from when measuring began, and what came before is at 0', () => {
  const clock = new FakeClock();
  const times = new RunTimes(clock);
  clock.pass(6_000);
  expect(times.atMs()).toBe(0);
  expect(times.ofDay()).toEqual({
    startedAt: '2026-03-04T05:06:07.000Z',
    finishedAt: '2026-03-04T05:06:13.000Z',
  });
  times.measuring();
  clock.pass(1_500);
  expect(times.atMs()).toBe(1_500);
  expect(times.ofDay()).toEqual({
    startedAt: '2026-03-04T05:06:07.000Z',
    measuringStartedAt: '2026-03-04T05:06:13.000Z',
    finishedAt: '2026-03-04T05:06:14.500Z',
  });
});
