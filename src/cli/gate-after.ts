import { join } from 'node:path';
import type { Argv } from 'yargs';
import { HollowmarkError } from '../base/errors.ts';
import type { GateRequest } from '../gate/gate.ts';
import { passGate } from '../gate/gate.ts';
import { gateRunOf } from '../gate/gate-run.ts';
import { readNoise, requireNoiseOf, withNoiseIdentity } from '../gate/read-noise.ts';
import { countedRuns, requireAlike, requireLike } from '../gate/select-runs.ts';
import { unknownSlis } from '../gate/unknown-slis.ts';
import { renderJunit } from '../report/junit/render-junit.ts';
import { withoutControls } from '../report/plain-text.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import { readResult } from '../result/read.ts';
import type { RunResult } from '../result/result.ts';
import type { Earlier } from './again.ts';
import { exitCodes } from './exit-codes.ts';
import { expectedIdentity } from './expected-identity.ts';
import { updatePages, writeOutcome } from './gate-file.ts';
import {
  type AllowFlags,
  type RuleFlags,
  allowOption,
  allowedOf,
  ruleOptions,
  rulesFrom,
} from './gate-options.ts';
import { baselineAt, exitCodeOfGate } from './gate-outcome.ts';
import { renderGate, ruleCases } from './gate-table.ts';
import { tellError } from './tell-error.ts';
import { terminalOf } from './terminal.ts';
import { usageError } from './usage.ts';

export type GateAfterFlags = AllowFlags & RuleFlags & { baseline: string | undefined };

/** A gate that is ready before the run, so that what is wrong with its files is known before an hour has passed. */
export type GatePlan = Omit<GateRequest, 'candidate'> & { strict: boolean };

/** The flags of a run that is judged by a gate when it is over. */
export function gateAfterOptions<T>(yargs: Argv<T>): Argv<T & GateAfterFlags> {
  return allowOption(
    ruleOptions(
      yargs.option('baseline', {
        type: 'string',
        describe: 'Judge the run by a gate too: against a baseline, a result.json, or a folder of runs',
        group: 'Gate:',
        requiresArg: true,
      }),
      'Gate:',
    ),
    'Gate:',
  );
}

/**
 * @param what is going to be run.
 * @returns undefined without --baseline.
 * @throws HollowmarkError `bad-input`, also when it is known already that the run will be unlike the baseline or the noise.
 */
export function gatePlanOf(flags: GateAfterFlags, what: Earlier): GatePlan | undefined {
  const { baseline: path, strict } = flags;
  if (path === undefined) {
    const given = (['rules', 'noise', 'allow'] as const).find((name) => flags[name] !== undefined);
    const lost = given ?? (strict ? 'strict' : undefined);
    if (lost !== undefined) throw usageError(`--${lost} needs --baseline with it`);
    return undefined;
  }
  const allowed = allowedOf(flags);
  const { baseline, notes } = baselineAt(path, allowed);
  requireAlike(baseline, baseline.at(-1), allowed);
  const noise = flags.noise === undefined ? undefined : readNoise(flags.noise);
  const plan = { rules: rulesFrom(flags.rules), baseline, noise, allowed, notes, strict };
  requireFit(plan, what);
  const unknown = baseline.length === 0 ? [] : unknownSlis(plan.rules, baseline);
  for (const text of unknown) process.stderr.write(`warning: ${withoutControls(text)}\n`);
  return plan;
}

/** Refuses before the run what would be refused after it, as far as it is known. */
function requireFit({ baseline, noise, allowed }: GatePlan, what: Earlier): void {
  const reference = baseline.at(-1);
  if (reference !== undefined) {
    const { id, identity } = reference;
    requireLike('this run would be', expectedIdentity(what, identity), reference, allowed);
    if (noise !== undefined) requireNoiseOf(noise, `run ${id}`, identity, allowed);
    return;
  }
  if (noise === undefined) return;
  const { profile } = noise.cluster;
  const like = withNoiseIdentity(noise, { flags: { profile, components: {} }, server: null });
  requireNoiseOf(noise, 'this run', expectedIdentity(what, like), allowed);
}

/** A run that is over, and the folder that its report lies in, absolute. */
export type JudgedRun = { result: RunResult; folder: string };

/**
 * Judges runs that are over; those that do not count are left out. Writes `gate.json` beside each result and into `out`,
 * and there a JUnit file of the last run with the rules in it; the runs' pages are written anew. What refuses them is said, and nothing is thrown: the runs
 * themselves are worth more than the gate.
 * @returns the exit code that the gate calls for.
 */
export function gateAfter(
  plan: GatePlan,
  runs: readonly JudgedRun[],
  { out, json }: { out: string; json: boolean },
): number {
  try {
    return judged(plan, runs, { out, json });
  } catch (error) {
    if (!(error instanceof HollowmarkError) || error.code !== 'bad-input') throw error;
    tellError(error);
    return exitCodes.badInput;
  }
}

function judged(
  { strict, ...plan }: GatePlan,
  runs: readonly JudgedRun[],
  { out, json }: { out: string; json: boolean },
): number {
  const read = runs.map(({ result, folder }) => ({ run: gateRunOf(result), named: false, folder }));
  const { counted, notes, refusal } = countedRuns(read, plan.allowed);
  const last = counted.at(-1);
  if (last === undefined) {
    const reason = withoutControls(refusal ?? 'there is no run');
    process.stderr.write(`hollowmark: not judged by the gate: ${reason}\n`);
    return exitCodes.invalid;
  }
  const candidate = counted.map(({ run }) => run);
  const report = passGate({ ...plan, candidate, notes: [...plan.notes, ...notes] });
  const folders = counted.map(({ folder }) => folder);
  writeOutcome(report, [out, ...folders]);
  updatePages(report, folders);
  writeFileAtomically(join(out, 'junit.xml'), renderJunit(readResult(last.folder), ruleCases(report)));
  const text = json
    ? JSON.stringify({ type: 'gate', ...report })
    : renderGate(report, terminalOf(process.stdout)).join('\n');
  process.stdout.write(`${text}\n`);
  return exitCodeOfGate(report, strict);
}
