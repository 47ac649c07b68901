import { readFileSync } from 'node:fs';
import type { Reference } from './references.ts';

/** Where a comparison has found a difference. */
export type FindingPart = 'requests' | 'types' | 'bytes' | 'object' | 'timing' | 'work';

/** A difference that does not pass. */
export type Finding = {
  part: FindingPart;
  /** What differs, in one line: a row's phase and name, an object's moment, kind and path. */
  name: string;
  reference: string;
  hollow: string;
};

/** A difference that is known and to go: the list may only shrink (test/unit/fidelity/known-gaps.test.ts). */
export type KnownGap = {
  id: string;
  against: Reference[];
  parts: FindingPart[];
  /** A regular expression that the finding's name holds. */
  pattern: string;
  why: string;
};

/** Those of this version, from the file beside this one. */
export function loadKnownGaps(): KnownGap[] {
  return JSON.parse(readFileSync(new URL('known-gaps.json', import.meta.url), 'utf8')) as KnownGap[];
}

export type SortedFindings = {
  /** Nobody has foreseen these. */
  unexpected: Finding[];
  known: { gap: KnownGap; findings: Finding[] }[];
  /** Gaps that are no more: to be taken off the list. */
  closed: KnownGap[];
};

/** Tells what is known from what is new. A finding belongs to the first gap that it fits. Pure. */
export function sortFindings(
  findings: readonly Finding[],
  gaps: readonly KnownGap[],
  against: Reference,
): SortedFindings {
  const known = gaps
    .filter((gap) => gap.against.includes(against))
    .map((gap) => ({ gap, pattern: new RegExp(gap.pattern), findings: [] as Finding[] }));
  const unexpected: Finding[] = [];
  for (const finding of findings) {
    const fits = known.find(
      ({ gap, pattern }) => gap.parts.includes(finding.part) && pattern.test(finding.name),
    );
    if (fits === undefined) unexpected.push(finding);
    else fits.findings.push(finding);
  }
  return {
    unexpected,
    known: known
      .filter(({ findings: found }) => found.length > 0)
      .map(({ gap, findings: found }) => ({ gap, findings: found })),
    closed: known.filter(({ findings: found }) => found.length === 0).map(({ gap }) => gap),
  };
}
