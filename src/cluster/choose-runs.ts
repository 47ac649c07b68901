import { HollowmarkError } from '../base/errors.ts';
import { runText } from './render-survey.ts';
import type { FoundRun } from './runs.ts';

/** Which runs go, and which are left alone because they live or may live. */
export type ChosenRuns = { remove: readonly FoundRun[]; spare: readonly FoundRun[] };

/**
 * What `clean` removes: the run that was named, or all that no longer live.
 * @param force a run that was named goes even if it lives.
 * @throws HollowmarkError `bad-input` when the one that was named is not there, or lives and is not forced.
 */
export function chooseRuns(
  runs: readonly FoundRun[],
  { run, force }: { run: string | undefined; force: boolean },
): ChosenRuns {
  if (run === undefined) {
    return {
      remove: runs.filter(({ living }) => living === false),
      spare: runs.filter(({ living }) => living !== false),
    };
  }
  const named = runs.find(({ runId }) => runId === run);
  if (named === undefined) {
    throw new HollowmarkError('bad-input', `--run: nothing on this cluster carries the label of run ${run}`, {
      hint:
        runs.length === 0 ? 'nor that of any other run' : `there is:\n  ${runs.map(runText).join('\n  ')}`,
    });
  }
  if (named.living !== false && !force) {
    throw new HollowmarkError('bad-input', `--run: ${runText(named)}`, {
      hint: 'end it where it runs, which removes all of it; --force removes it from under its feet',
    });
  }
  return { remove: [named], spare: [] };
}
