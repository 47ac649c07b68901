import { HollowmarkError } from '../base/errors.ts';
import { type GateReport, compareRuns } from './compare.ts';
import type { GateRun } from './gate-run.ts';
import type { Allowance } from './identity.ts';
import { type KnownNoise, noiseWithout, requireNoiseOf } from './read-noise.ts';
import type { Rule } from './rules.ts';
import { type RunsNeeded, runsNeeded } from './runs-needed.ts';
import { requireAlike } from './select-runs.ts';
import { unknownSlis } from './unknown-slis.ts';

export type GateRequest = {
  rules: readonly Rule[];
  baseline: readonly GateRun[];
  candidate: readonly GateRun[];
  noise: KnownNoise | undefined;
  allowed: readonly Allowance[];
  /** What else a reader must know, such as which runs were left out. */
  notes: readonly string[];
};

/** What a gate says, and how many runs it would take to say more; null where no rule has a spread. */
export type GateOutcome = GateReport & { runsNeeded: RunsNeeded | null };

/**
 * Compares candidates with a baseline by rules, once it is clear that they can be compared.
 * @throws HollowmarkError `bad-input` when runs, or the noise, are unlike each other, or a rule is about nothing.
 */
export function passGate({ rules, baseline, candidate, noise, allowed, notes }: GateRequest): GateOutcome {
  const judged = once(candidate);
  // One run on both sides would be compared with itself.
  const ids = new Set(judged.map(({ id }) => id));
  const others = once(baseline).filter(({ id }) => !ids.has(id));
  if (others.length === 0 && baseline.length > 0) {
    throw new HollowmarkError('bad-input', `the same runs on both sides: ${[...ids].join(', ')}`, {
      hint: 'give others to compare with',
    });
  }
  const reference = others.at(-1) ?? judged[0];
  const alike = requireAlike([...others, ...judged], reference, allowed);
  if (noise !== undefined && reference !== undefined) {
    requireNoiseOf(noise, `run ${reference.id}`, reference.identity, allowed);
  }
  // Without a baseline nothing can be compared, and what this run has not, the next one may have.
  const [unknown] = others.length === 0 ? [] : unknownSlis(rules, [...others, ...judged]);
  if (unknown !== undefined) {
    throw new HollowmarkError('bad-input', unknown, {
      hint: 'a rule that is about nothing would always pass',
    });
  }
  const known = knownNoise(noise, [...others, ...judged]);
  const report = compareRuns({
    rules,
    baseline: others,
    candidate: judged,
    noise: known.noise,
    notes: [...notes, ...alike, ...known.notes],
  });
  return { ...report, runsNeeded: runsNeeded(report.rows) ?? null };
}

function knownNoise(
  noise: KnownNoise | undefined,
  compared: readonly GateRun[],
): ReturnType<typeof noiseWithout> {
  if (noise === undefined) return { noise, notes: [] };
  return noiseWithout(noise, new Set(compared.map(({ id }) => id)));
}

/** A run that is given twice is one: as two that agree it would pass for more than is known. */
function once(runs: readonly GateRun[]): GateRun[] {
  return [...new Map(runs.map((run) => [run.id, run])).values()];
}
