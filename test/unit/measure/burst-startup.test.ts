import { describe, expect, it } from 'vitest';
import { BurstStartup } from '../../../src/measure/burst-startup.ts';
import type { PodFacts } from '../../../src/measure/pod-facts.ts';
import { facts } from './fixtures.ts';

function burst(): { instrument: BurstStartup; start: (phase: string, atUs: number) => void } {
  let listener: (pod: PodFacts, atUs: number) => void = () => {};
  const instrument = new BurstStartup([{ phase: 'fill', pods: 3 }], {
    onStart: (heard) => {
      listener = heard;
    },
  });
  return { instrument, start: (phase, atUs) => listener(facts('a', { phase }), atUs) };
}

describe('burst startup', () => {
  it('lasts from the instant of asking to the last start, whatever else starts', () => {
    const { instrument, start } = burst();
    start('fill', 2_000);
    start('other', 2_100);
    start('fill', 2_500);
    // The phase may end, and be heard of, before the last pod has started.
    instrument.sent('fill', 1_000);
    start('fill', 4_000);
    // One that takes another's place.
    start('fill', 9_000);
    const { figures, notes } = instrument.tell();
    expect(figures).toMatchObject([
      { id: 'burst-startup', labels: { phase: 'fill', pods: '3' }, unit: 'us', value: 3_000 },
    ]);
    expect(notes).toEqual([]);
  });

  it('has no figure when not all have started, and says so', () => {
    const { instrument, start } = burst();
    start('fill', 2_000);
    instrument.sent('fill', 1_000);
    expect(instrument.tell()).toEqual({
      figures: [],
      notes: ['The burst of phase fill has no time: 1 of its 3 pods started.'],
    });
  });

  it('says nothing of a phase that never came', () => {
    expect(burst().instrument.tell()).toEqual({ figures: [], notes: [] });
  });
});
