import { describe, expect, test } from 'vitest';
import type { PhaseRequests } from '../../../src/result/result.ts';
import { heldBackNotes } from '../../../src/scenario/notes.ts';

const requests = (heldBack: number | undefined): PhaseRequests => ({
  planned: 3000,
  sent: 3000,
  done: 3000,
  failed: 0,
  retries: 0,
  ...(heldBack === undefined ? {} : { heldBack }),
  achievedRatio: 0.4,
  requestedPerSecond: 100,
  achievedPerSecond: 40,
  latenessP99Us: 9_000_000,
});

describe('requests that were held back', () => {
  test('are told, with the phase', () => {
    expect(heldBackNotes([{ name: 'fill', requests: requests(1800) }])).toEqual([
      expect.stringMatching(
        /^Phase fill: 1800 of 3000 requests left late because 1000 others had no answer: the server/,
      ),
    ]);
  });

  test('are no matter where there were none, or nothing was sent', () => {
    expect(heldBackNotes([{ name: 'a', requests: requests(0) }, { name: 'b' }])).toEqual([]);
    expect(heldBackNotes([{ name: 'old', requests: requests(undefined) }])).toEqual([]);
  });
});
