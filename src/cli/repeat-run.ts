import { join, resolve } from 'node:path';
import { type Repeats, type Variant, repeatsFileName, summariseRepeats } from '../gate/repeats.ts';
import type { FinishedRun } from '../gate/run-set.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import type { Earlier } from './again.ts';
import type { CommandContext } from './context.ts';
import { exitCodes, worseOf } from './exit-codes.ts';
import { type GatePlan, gateAfter } from './gate-after.ts';
import { newRunId } from './options.ts';
import { renderRepeats, renderRepeatsMarkdown } from './repeats-table.ts';
import { runSet, worstExitCode } from './run-set.ts';
import { fileLink, terminalOf } from './terminal.ts';

export type RepeatRequest = {
  what: Earlier;
  /** What takes turns with it. */
  other: Earlier | undefined;
  /** What that changes: `path=value`. */
  sets: readonly string[];
  repeats: number;
  /** A gate that all of them together are to pass. */
  plan: GatePlan | undefined;
  out: string | undefined;
  quiet: boolean;
  json: boolean;
};

const pageName = 'repeats.md';

/** `run --repeat`. @returns the exit code of the worst run, or the gate's: see {@link worseOf}. */
export async function repeatRun(request: RepeatRequest, context: CommandContext): Promise<number> {
  const { what, other, sets, repeats, plan, quiet, json } = request;
  const id = newRunId(what.loaded.scenario.name);
  const out = resolve(request.out ?? join('reports', id));
  const variants: Variant[] = [
    { name: 'A', sets: [] },
    ...(other === undefined ? [] : [{ name: 'B', sets: [...sets] }]),
  ];
  const summarise = (finished: readonly FinishedRun[]): Repeats =>
    summariseRepeats(finished, { id, planned: repeats, variants });
  const { finished, error, interruption } = await runSet(context, {
    variants: [{ name: 'A', what }, ...(other === undefined ? [] : [{ name: 'B', what: other }])],
    repeats,
    out,
    quiet,
    json,
    onRun: (soFar) => {
      const summary = summarise(soFar);
      writeFileAtomically(join(out, repeatsFileName), `${JSON.stringify(summary, undefined, 2)}\n`);
      writeFileAtomically(join(out, pageName), renderRepeatsMarkdown(summary));
    },
  });
  if (finished.length > 0) tell(summarise(finished), out, json);
  if (error !== undefined) throw error;
  if (interruption?.signal.aborted === true && finished.length < repeats * variants.length) {
    return interruption.exitCode;
  }
  const results = finished.map(({ result }) => result);
  const ofRuns = worstExitCode(
    results.map(({ verdict }) => verdict),
    interruption?.exitCode ?? context.interruptedExitCode,
  );
  const judged = finished.map(({ result, folder }) => ({ result, folder: join(out, folder) }));
  const ofGate = plan === undefined ? exitCodes.pass : gateAfter(plan, judged, { out, json });
  return worseOf(ofRuns, ofGate);
}

function tell(repeats: Repeats, out: string, json: boolean): void {
  const page = join(out, pageName);
  if (json) {
    const { id, scenario, planned, variants, runs, basis, rows } = repeats;
    const result = join(out, repeatsFileName);
    const line = { type: 'repeats', id, scenario, planned, variants, runs, basis, rows, result, table: page };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout);
  process.stdout.write(
    `${renderRepeats(repeats, terminal).join('\n')}\ntable: ${fileLink(page, terminal)}\n`,
  );
}
