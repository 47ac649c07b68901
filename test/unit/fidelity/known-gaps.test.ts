import { describe, expect, it } from 'vitest';
import { loadKnownGaps } from '../../../src/fidelity/known-gaps.ts';

/** All gaps that there ever may be. A gap that is closed goes from here, too; none comes. */
const allowed: readonly string[] = [];

describe('the list of known gaps', () => {
  const gaps = loadKnownGaps();

  it('only shrinks', () => {
    expect(gaps.map(({ id }) => id).filter((id) => !allowed.includes(id))).toEqual([]);
    expect(allowed.filter((id) => !gaps.some((gap) => gap.id === id))).toEqual([]);
  });

  it('says of each what it is and why', () => {
    expect(new Set(gaps.map(({ id }) => id)).size).toBe(gaps.length);
    for (const { id, against, pattern, why } of gaps) {
      expect(against.length, id).toBeGreaterThan(0);
      expect(why, id).not.toBe('');
      expect(() => new RegExp(pattern), id).not.toThrow();
    }
  });

  it('has no gap that excuses everything', () => {
    for (const { id, pattern } of gaps) expect(new RegExp(pattern).test(''), id).toBe(false);
  });
});
