import { describe, expect, it } from 'vitest';
import {
  type Finding,
  type KnownGap,
  loadKnownGaps,
  sortFindings,
} from '../../../src/fidelity/known-gaps.ts';

describe('the list of known gaps', () => {
  it('is empty, and stays so', () => {
    expect(loadKnownGaps()).toEqual([]);
  });
});

describe('findings', () => {
  const gap = (id: string, pattern: string, changes: Partial<KnownGap> = {}): KnownGap => ({
    id,
    against: ['kubelet'],
    parts: ['requests'],
    pattern,
    why: '',
    ...changes,
  });
  const finding = (name: string): Finding => ({ part: 'requests', name, reference: '1', hollow: '2' });

  it('are known or not, and gaps without any are closed', () => {
    const gaps = [gap('one', '^join '), gap('two', '^burst ')];
    const findings = [finding('join a'), finding('join b'), finding('idle c')];
    const { unexpected, known, closed } = sortFindings(findings, gaps, 'kubelet');
    expect(unexpected).toEqual([finding('idle c')]);
    expect(known.map((one) => [one.gap.id, one.findings.length])).toEqual([['one', 2]]);
    expect(closed.map(({ id }) => id)).toEqual(['two']);
  });

  it('are of the first gap that they fit, and the next may be closed by that', () => {
    const gaps = [gap('one', ' pods '), gap('two', '^join ')];
    const { known, closed } = sortFindings([finding('join get pods 200')], gaps, 'kubelet');
    expect(known.map((one) => one.gap.id)).toEqual(['one']);
    expect(closed.map(({ id }) => id)).toEqual(['two']);
  });

  it.each([
    ['of another part', gap('types', '^join ', { parts: ['types', 'bytes'] }), 1],
    // Nothing can be said of a gap to what was not compared with.
    ['of another reference', gap('kubemark', '^join ', { against: ['kubemark'] }), 0],
  ])('are not excused by a gap %s', (_, other, closed) => {
    const sorted = sortFindings([finding('join a')], [other], 'kubelet');
    expect(sorted.unexpected).toEqual([finding('join a')]);
    expect(sorted.known).toEqual([]);
    expect(sorted.closed).toHaveLength(closed);
  });
});
