import { describe, expect, it } from 'vitest';
import { renderComparison } from '../../../src/cli/fidelity-table.ts';
import type { Comparison } from '../../../src/fidelity/comparison.ts';
import type { ComparedRow } from '../../../src/fidelity/compare-rows.ts';
import { renderMarkdown } from '../../../src/fidelity/markdown.ts';
import { planWork } from '../../../src/fidelity/work/plan.ts';

const finding = {
  part: 'requests',
  name: 'join system:node:<node> create nodes 201',
  reference: '1 a node',
  hollow: '2 a node',
} as const;

const gap = {
  id: 'old',
  against: ['kubelet' as const],
  parts: ['types' as const],
  pattern: '^x',
  why: 'not yet',
};

const comparison: Comparison = {
  schema: 'hollowmark.dev/fidelity/v1',
  against: 'kubelet',
  version: 'v1.36.3',
  plan: planWork('kubelet', { nodes: 1, podsPerNode: 10, idleMs: 20_000, short: true }),
  repeats: 1,
  rows: [
    {
      phase: 'join',
      name: 'system:node:<node> create nodes 201',
      class: 'exact',
      slack: 0,
      seen: null,
      mayBeAbsent: false,
      merges: 0,
      why: '',
      per: 'node',
      reference: { runs: [1], median: 1 },
      hollow: { runs: [2], median: 2 },
      ratio: 2,
      bytes: { up: { reference: 10, hollow: 20 }, down: { reference: 30, hollow: 40 } },
      types: { reference: ['a'], hollow: ['a'] },
      faults: ['requests'],
    },
  ],
  objects: [],
  timing: [
    {
      name: 'single',
      reference: { runs: [550.4], median: 550.4 },
      hollow: { runs: [560], median: 560 },
      ratio: 1.017,
      judged: false,
      agrees: false,
    },
  ],
  connections: { reference: [], hollow: [] },
  findings: { unexpected: [finding], known: [{ gap, findings: [finding, finding] }], closed: [gap] },
  passed: false,
};

describe('the table on a terminal', () => {
  const lines = renderComparison(comparison, { color: false, columns: 100 });

  it('has every row with its figures and whether it passes', () => {
    expect(lines).toContainEqual(
      expect.stringMatching(/^✕ node create nodes 201 a node \(requests\) +1 +2 +2\.00$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^✓ single \(too few to judge\) +550 +560 +1\.02$/));
  });

  it('names what does not pass, what is known, and what is closed', () => {
    const text = lines.join('\n');
    expect(text).toContain(`requests: ${finding.name}\n    kubelet: 1 a node\n    hollow: 2 a node`);
    expect(text).toContain('known gap old: 2 differences; not yet');
    expect(text).toContain('known gap old is closed');
    expect(lines.at(-1)).toBe('FAIL  1 differences from kubelet nodes, 2 known ones');
  });

  it('is no wider than the terminal', () => {
    for (const line of lines.slice(0, 8)) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('the table as a page', () => {
  it('is what the comparison says', () => {
    const text = renderMarkdown(comparison);
    expect(text).toContain('Failed: 1 differences, 2 known ones in 1 gaps.');
    expect(text).toContain(
      '| requests | join system:node:&lt;node> create nodes 201 | 1 a node | 2 a node |',
    );
    expect(text).toContain(
      '| join | system:node:&lt;node> create nodes 201 | node | 1 | 2 | 2.00 | 10 / 20 | 30 / 40 | exact | requests |',
    );
    expect(text).not.toContain('| exact |  |');
    expect(text).toContain('| single | 550 ms (550) | 560 ms (560) | 1.02 | too few starts to judge |');
  });
  it('says how far a row may differ, and why', () => {
    const [row] = comparison.rows as [ComparedRow];
    const compared = (changes: Partial<ComparedRow>): string =>
      renderMarkdown({ ...comparison, rows: [{ ...row, class: 'racy', why: 'a race', ...changes }] });
    expect(compared({ slack: 0.5, merges: 0.25 })).toContain(' | racy ± 0.5, merges | requests |');
    expect(compared({ seen: [3, 9], mayBeAbsent: true })).toContain(' | racy, 3 to 9, or none | requests |');
    expect(compared({ slack: 1 })).toContain('| racy ± 1 | a race |');
  });
});
