import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedQueue } from '../../../src/base/bounded-queue.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { DelayQueue } from '../../../src/base/delay-queue.ts';
import { Prng } from '../../../src/base/prng.ts';
import { FakeClock } from '../../sim/world.ts';

describe('DelayQueue', () => {
  it('runs tasks in the order of their times, then of their arrival, and never early', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }), (delays) => {
        const clock = new FakeClock();
        const startUs = clock.nowUs();
        const queue = new DelayQueue(clock, (error) => {
          throw error;
        });
        const ran: { index: number; atMs: number }[] = [];
        delays.forEach((delay, index) =>
          queue.after(delay, () => ran.push({ index, atMs: (clock.nowUs() - startUs) / 1000 })),
        );
        clock.advance(100);
        const expected = delays
          .map((delay, index) => ({ index, delay }))
          .toSorted((a, b) => a.delay - b.delay);
        expect(ran.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
        expect(ran.every(({ index, atMs }) => atMs >= (delays[index] ?? 0))).toBe(true);
      }),
    );
  });

  it('runs what tasks put in, keeps going after one that throws, and drops cancelled ones', () => {
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const queue = new DelayQueue(clock, (error) => errors.push(error));
    const ran: string[] = [];
    queue.after(10, () => {
      ran.push('first');
      queue.after(5, () => ran.push('nested'));
      throw new Error('first failed');
    });
    queue.after(10, () => ran.push('second'));
    queue.after(12, () => ran.push('cancelled')).cancel();
    clock.advance(20);
    expect(ran).toEqual(['first', 'second', 'nested']);
    expect(errors).toHaveLength(1);
  });

  it('runs together what may be late, never early and no later than allowed', () => {
    const clock = new FakeClock();
    const startUs = clock.nowUs();
    const queue = new DelayQueue(clock, () => {});
    const ranMs: number[] = [];
    const delaysMs = Array.from({ length: 40 }, (_, index) => 1000 + 0.5 * index);
    for (const delayMs of delaysMs)
      queue.after(delayMs, () => ranMs.push((clock.nowUs() - startUs) / 1000), 20);
    clock.advance(1100);
    expect(ranMs).toHaveLength(delaysMs.length);
    for (const [index, atMs] of ranMs.entries()) {
      const lateMs = atMs - (delaysMs[index] as number);
      expect(lateMs).toBeGreaterThanOrEqual(0);
      // A timer of Node has whole milliseconds.
      expect(lateMs).toBeLessThanOrEqual(21);
    }
    expect(new Set(ranMs).size).toBeLessThanOrEqual(2);
  });

  it('has a grid whose phase is its own', () => {
    const clock = new FakeClock();
    const ranMs = [0, 0.25].map((phase) => {
      const ran: number[] = [];
      const queue = new DelayQueue(clock, () => {}, phase);
      for (const delayMs of [1000, 1007, 1013])
        queue.after(delayMs, () => ran.push(clock.nowUs() / 1000), 20);
      clock.advance(1100);
      return ran.map((ms) => ms % 20);
    });
    expect(new Set(ranMs[0])).toEqual(new Set([0]));
    expect(new Set(ranMs[1])).toEqual(new Set([5]));
  });

  it('has one timer, however many tasks', () => {
    let timers = 0;
    const clock = new FakeClock();
    const timer = clock.timer.bind(clock);
    clock.timer = (delayMs, run) => {
      timers++;
      return timer(delayMs, run);
    };
    const queue = new DelayQueue(clock, () => {});
    for (let i = 0; i < 10_000; i++) queue.after(1000 + i, () => {});
    expect(timers).toBe(1);
    queue.close();
    expect(queue.size).toBe(0);
  });
});

describe('Prng', () => {
  it('is decided by its seed, and split by name', () => {
    const draw = (prng: Prng): number[] => Array.from({ length: 5 }, () => prng.uint32());
    expect(draw(new Prng('a'))).toEqual(draw(new Prng('a')));
    expect(draw(new Prng('a'))).not.toEqual(draw(new Prng('b')));
    expect(draw(new Prng('a').fork('x'))).toEqual(draw(new Prng('a').fork('x')));
    expect(draw(new Prng('a').fork('x'))).not.toEqual(draw(new Prng('a').fork('y')));
  });

  it('is uniform: 100,000 draws over 16 buckets within 5 standard deviations', () => {
    const prng = new Prng('uniform');
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 100_000; i++) {
      const bucket = prng.below(16);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    const deviation = Math.sqrt(100_000 * (1 / 16) * (15 / 16));
    for (const count of buckets) expect(Math.abs(count - 6250)).toBeLessThan(5 * deviation);
  });
});

describe('BoundedQueue', () => {
  it('is first in, first out, and refuses what is beyond its bound', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { nil: undefined }), { maxLength: 400 }), (operations) => {
        const queue = new BoundedQueue<number>(50);
        const model: number[] = [];
        for (const operation of operations) {
          if (operation === undefined) expect(queue.shift()).toBe(model.shift());
          else {
            const fits = model.length < 50;
            expect(queue.push(operation)).toBe(fits);
            if (fits) model.push(operation);
          }
          expect(queue.length).toBe(model.length);
        }
      }),
    );
  });
});

it('the system clock is CLOCK_MONOTONIC: comparable with other processes', () => {
  const ofNode = Number(process.hrtime.bigint()) / 1000;
  expect(Math.abs(systemClock.nowUs() - ofNode)).toBeLessThan(50_000);
});
