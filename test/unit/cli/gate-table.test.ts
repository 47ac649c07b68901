import { describe, expect, it } from 'vitest';
import { renderGate, ruleCases } from '../../../src/cli/gate-table.ts';
import { compareRuns } from '../../../src/gate/compare.ts';
import type { GateOutcome } from '../../../src/gate/gate.ts';
import { ruleDefaults } from '../../../src/gate/rules.ts';
import { gateRun, gateSli } from '../gate/gate-fixtures.ts';

/** Two series, of which one run varies by 1 % and the other by a third, and one that this run has too few samples of. */
function outcome(): GateOutcome {
  const night = (index: number, factor = 1) =>
    gateRun(index, [
      gateSli('api-call', factor * (100_000 + 1000 * (index % 3)), { verb: 'POST' }),
      gateSli('api-call', factor * (100_000 + 40_000 * (index % 3)), { verb: 'LIST' }),
      gateSli('api-call', 100_000, { verb: 'PUT' }, index > 9 ? 5 : 1000),
    ]);
  const baseline = Array.from({ length: 9 }, (_, index) => night(index));
  const report = compareRuns({
    rules: [{ ...ruleDefaults, sli: 'api-call' }],
    baseline,
    candidate: [night(10, 1.2)],
  });
  return { ...report, runsNeeded: null };
}

const table = (columns: number): string[] => renderGate(outcome(), { color: false, columns }).slice(1, 5);

describe('the table of a gate', () => {
  it('says of each row which change it could have shown, where there is room for it', () => {
    const [head, ...rows] = table(111);
    expect(head).toMatch(/ change \(95 %\) {2}could show$/);
    const could = rows.map((row) => {
      const [name = '', ...cells] = row.split(/ {2,}/);
      return [name.split('=')[1], ...cells.slice(-2)];
    });
    expect(could).toEqual([
      ['POST', expect.stringMatching(/^\+\d+(?:\.\d)? %$/), 'worse'],
      ['LIST', expect.stringMatching(/^×\d\.\d$/), 'inconclusive'],
      ['PUT', '–', 'inconclusive'],
    ]);
  });

  it('leaves that out where names would lose what tells them apart', () => {
    expect(table(110)[0]).toMatch(/ change \(95 %\)$/);
    for (const columns of [100, 110, 111, 200]) {
      for (const row of table(columns)) expect(row.length).toBeLessThanOrEqual(columns);
    }
  });

  it('is a table of texts for pages too', () => {
    expect(ruleCases(outcome()).map(({ figures }) => figures)).toEqual([
      {
        baseline: '101 ms',
        now: '121 ms',
        change: expect.stringMatching(/^\+20 % \(\+\d+ % to \+\d+ %\)$/),
        couldShow: expect.stringMatching(/^\+\d+(?:\.\d)? %$/),
      },
      expect.objectContaining({ couldShow: expect.stringMatching(/^×\d\.\d$/) }),
      null,
    ]);
  });
});
