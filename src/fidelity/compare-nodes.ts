import { type Comparison, compareRuns } from './comparison.ts';
import { type Role, type TurnsOptions, inTurns } from './in-turns.ts';
import { loadKnownGaps } from './known-gaps.ts';
import { type SideRun, runSide } from './run-side.ts';
import type { WorkPlan } from './work/plan.ts';

export type CompareOptions = TurnsOptions & {
  plan: WorkPlan;
  /** Called after each run of a side, so that what was recorded is kept whatever comes after. */
  onRun: (run: SideRun, role: Role, index: number) => void;
};

/**
 * Has both sides do the same work in turns, each time on a control plane of its own, and compares what they sent.
 * @throws HollowmarkError as {@link runSide}.
 */
export async function compareNodes(options: CompareOptions): Promise<Comparison> {
  const { against, plan, runtime, onRun } = options;
  const runs: Record<Role, SideRun[]> = { reference: [], hollow: [] };
  await inTurns(options, async (side, role, index) => {
    const run = await runSide({ ...side, plan });
    runs[role].push(run);
    onRun(run, role, index);
  });
  const comparison = compareRuns(against, plan, runs, loadKnownGaps());
  return runtime === undefined ? comparison : { ...comparison, runtime: runtime.name };
}
