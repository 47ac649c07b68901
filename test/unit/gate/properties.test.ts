import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../../src/gate/compare.ts';
import { defaultRules, ruleDefaults } from '../../../src/gate/rules.ts';
import { rulesOf } from '../../../src/gate/schemas.ts';
import { holm } from '../../../src/statistics/one-sided.ts';
import { gateRun, gateSli } from './gate-fixtures.ts';

const latencies = (min: number) =>
  fc.array(fc.integer({ min: 100_000, max: 10_000_000 }), { minLength: min, maxLength: 8 });

function rowOf(baseline: readonly number[], candidate: readonly number[], factor = 1) {
  const runs = (values: readonly number[], from: number) =>
    values.map((us, index) => gateRun(from + index, [gateSli('api-call', us * factor)]));
  const rules = [{ ...ruleDefaults, sli: 'api-call' }];
  return compareRuns({ rules, baseline: runs(baseline, 0), candidate: runs(candidate, 100) }).rows[0];
}

describe('a comparison', () => {
  it('says the opposite when its sides change places', () => {
    const opposite = {
      worse: 'better',
      better: 'worse',
      same: 'same',
      inconclusive: 'inconclusive',
      unjudged: 'unjudged',
    };
    fc.assert(
      fc.property(latencies(2), latencies(2), (a, b) => {
        const [there, back] = [rowOf(a, b), rowOf(b, a)];
        expect(back?.verdict).toBe(opposite[there?.verdict ?? 'same']);
        expect((there?.compared?.ratio ?? 0) * (back?.compared?.ratio ?? 0)).toBeCloseTo(1, 9);
      }),
      { numRuns: 50 },
    );
  });

  it('has a verdict that does not hang on the unit', () => {
    fc.assert(
      fc.property(latencies(2), latencies(1), (a, b) => {
        expect(rowOf(a, b, 1000)?.verdict).toBe(rowOf(a, b)?.verdict);
      }),
      { numRuns: 50 },
    );
  });

  it('has its ratio within its interval, and sees no change that is smaller than what is allowed', () => {
    fc.assert(
      fc.property(latencies(2), latencies(1), (a, b) => {
        const compared = rowOf(a, b)?.compared;
        const [low, high] = compared?.spread?.interval ?? [0, 0];
        expect(low).toBeLessThanOrEqual(compared?.ratio ?? 0);
        expect(high).toBeGreaterThanOrEqual(compared?.ratio ?? 0);
        expect(compared?.spread?.detectable ?? 1001).toBeGreaterThan(compared?.limit ?? 0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('Holm’s p-values', () => {
  it('are no smaller than they were, one at most, and in the same order', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p, { minLength: 1, maxLength: 30 }), (values) => {
        const adjusted = holm(values);
        for (const [index, value] of values.entries()) {
          expect(adjusted[index]).toBeGreaterThanOrEqual(value);
          expect(adjusted[index]).toBeLessThanOrEqual(1);
          for (const [other, than] of values.entries()) {
            if (value < than) expect(adjusted[index]).toBeLessThanOrEqual(adjusted[other] ?? 0);
          }
        }
      }),
    );
  });
});

describe('the schema of rules', () => {
  it('has the defaults of the code', () => {
    expect(rulesOf({ rules: [{ sli: 'api-call' }] })).toEqual({
      rules: [{ ...ruleDefaults, sli: 'api-call' }],
    });
  });

  it('takes the rules that are built in, as a file would have them', () => {
    const rules = defaultRules.map((each) => {
      const { optional: _, ...rule } = each;
      return rule;
    });
    expect(rulesOf({ rules: structuredClone(rules) })).toEqual({ rules });
  });

  it('refuses what is none, and says where', () => {
    const faultOf = (document: unknown): unknown => rulesOf(document);
    expect(faultOf(null)).toMatchObject({ fault: { path: [] } });
    expect(faultOf({ rules: [] })).toMatchObject({ fault: { path: ['rules'] } });
    expect(faultOf({ rules: [{ sli: 'a', ratio: 2 }] })).toMatchObject({
      fault: { path: ['rules', 0], reason: 'has a key that is not known: "ratio"' },
    });
    expect(faultOf({ rules: [{ sli: 'a', allowedRatio: 0.9 }] })).toMatchObject({
      fault: { path: ['rules', 0, 'allowedRatio'], reason: 'must be >= 1' },
    });
  });
});
