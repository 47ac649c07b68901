import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClockSkew } from '../../../src/measure/clock-skew.ts';

const startMs = Date.UTC(2026, 2, 4, 5, 6, 7);

/** As Go writes it: in whole seconds, rounded down. */
const dateOf = (wallMs: number): string => new Date(wallMs).toUTCString();

/** What 40 answers tell, a quarter of a second apart and so long under way, of a server whose clock is ahead by so much. */
function skewOf(aheadMs: number, wayMs: number): ClockSkew {
  const skew = new ClockSkew();
  for (let i = 0; i < 40; i++) {
    const sentMs = startMs + i * 257;
    skew.add(dateOf(sentMs + wayMs / 2 + aheadMs), sentMs, sentMs + wayMs);
  }
  return skew;
}

describe('ClockSkew', () => {
  it('is never more than there is, and soon most of it', () => {
    assert(
      property(integer({ min: -9000, max: 9000 }), integer({ min: 0, max: 40 }), (aheadMs, wayMs) => {
        const { certainMs = Number.NaN } = skewOf(aheadMs, wayMs);
        expect(Math.abs(certainMs)).toBeLessThanOrEqual(Math.abs(aheadMs));
        expect(Math.abs(certainMs - aheadMs)).toBeLessThanOrEqual(wayMs + 40);
        expect(certainMs * aheadMs).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is not known of a server that says no date', () => {
    const skew = new ClockSkew();
    for (const date of ['', 'yesterday']) skew.add(date, startMs, startMs + 5);
    expect(skew.certainMs).toBeUndefined();
    skew.add(dateOf(startMs), startMs, startMs + 5);
    expect(skew.certainMs).toBe(0);
  });

  it('keeps the farthest from 0 when a clock is set meanwhile', () => {
    const skew = skewOf(3000, 4);
    const before = skew.certainMs ?? 0;
    skew.add(dateOf(startMs + 20_000), startMs + 20_000, startMs + 20_004);
    expect(skew.certainMs).toBe(before);
    skew.add(dateOf(startMs + 26_000), startMs + 20_500, startMs + 20_504);
    expect(skew.certainMs).toBeGreaterThan(5000);
  });
});
