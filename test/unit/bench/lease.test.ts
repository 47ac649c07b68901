import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { measureLeases, renderLeases, warmUpMs } from '../../../src/bench/lease.ts';

describe('the warm-up of a rate of renewals', () => {
  it('covers one and a half intervals of a node, of the slower of this rate and the one before', () => {
    expect(warmUpMs(200, 20)).toBe(15_000);
    expect(warmUpMs(200, 400)).toBe(15_000);
    expect(warmUpMs(2000, 20)).toBe(150_000);
    expect(warmUpMs(2000, 400, 20)).toBe(150_000);
    expect(warmUpMs(2000, 20, 400)).toBe(150_000);
  });
});

it.each([
  [{ rates: [20, 0] }, '--rates must be above 0'],
  [{ rates: [-1] }, '--rates must be above 0'],
  [{ rates: [Number.NaN] }, '--rates must be above 0'],
  [{ nodes: 0 }, '--nodes must be above 0'],
  [{ windowMs: 0 }, '--seconds must be above 0'],
])('%j is refused before anything is started', async (changes, message) => {
  const options = { nodes: 200, rates: [20], windowMs: 30_000, clock: systemClock, say: () => {} };
  await expect(measureLeases({ ...options, ...changes })).rejects.toThrow(message);
});

it('says of each rate whether a renewal costs as little as it is to', () => {
  const figures = [
    { askedPerSecond: 20, renewedPerSecond: 19.8, cpuUsPerPut: 212.4 },
    { askedPerSecond: 400, renewedPerSecond: 400.2, cpuUsPerPut: 149.6 },
  ];
  expect(renderLeases(figures).trimEnd().split('\n').slice(2)).toEqual([
    '| 20 | 212, ≤ 150 missed |',
    '| 400 | 150, ≤ 150 met |',
  ]);
});
