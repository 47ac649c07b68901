import type { GateReport } from '../gate/compare.ts';
import type { GateRun } from '../gate/gate-run.ts';
import type { Allowance } from '../gate/identity.ts';
import { readBaseline } from '../gate/read-runs.ts';
import { countedRuns, requireCounted } from '../gate/select-runs.ts';
import { withoutControls } from '../report/plain-text.ts';
import { exitCodes } from './exit-codes.ts';

/** The exit code that a gate calls for. @param strict rules that cannot be told fail too. */
export function exitCodeOfGate({ verdict }: Pick<GateReport, 'verdict'>, strict: boolean): number {
  if (verdict === 'worse') return exitCodes.regression;
  return verdict === 'inconclusive' && strict ? exitCodes.invalid : exitCodes.pass;
}

/**
 * The runs that others are compared with, and what there is to say of those that are left out. A folder that is not there
 * is a baseline that has not been begun, which is said, as it may be a slip.
 * @throws HollowmarkError `bad-input` when one that was named does not count, or none of several does.
 */
export function baselineAt(
  path: string,
  allowed: readonly Allowance[],
): { baseline: GateRun[]; notes: string[] } {
  const read = readBaseline(path);
  if (read === undefined) {
    process.stderr.write(
      `warning: ${withoutControls(path)}: there is no such folder, so there is no baseline yet\n`,
    );
  }
  const { counted, notes, refusal } = countedRuns(read ?? [], allowed);
  requireCounted(refusal);
  return { baseline: counted.map(({ run }) => run), notes };
}
