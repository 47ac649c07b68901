import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { type FinishedRun, keptOf } from '../gate/run-set.ts';
import type { RunVerdict } from '../result/result.ts';
import type { Earlier } from './again.ts';
import { type Conducted, conduct } from './conduct.ts';
import type { CommandContext } from './context.ts';
import { exitCodeOfVerdict } from './exit-codes.ts';
import type { Interruption } from './interruption.ts';
import { inSession } from './session.ts';
import { fileLink, terminalOf } from './terminal.ts';

/** Several runs, one after the other, each on a control plane of its own unless there is a kubeconfig. */
export type RunSetOptions = {
  /** What is run, and what it is called: `A`, `B`. */
  variants: readonly { name: string; what: Earlier }[];
  /** Runs of each. */
  repeats: number;
  /** Folder for all of them, absolute: each has one of its own in it. */
  out: string;
  quiet: boolean;
  json: boolean;
  /** Called with all that are over after each, so that what there is is kept whatever comes after. */
  onRun: (finished: readonly FinishedRun[]) => void;
};

export type RunSetOutcome = {
  finished: readonly FinishedRun[];
  /** What ended the set before its time; to be thrown once what there is has been shown. */
  error: unknown;
  interruption: Interruption | undefined;
};

/** Which variant comes when: A B, B A, A B, … so that what a machine does by its own age is no difference. Pure. */
export function turns(variants: number, repeats: number): number[] {
  const order = Array.from({ length: variants }, (_, index) => index);
  return Array.from({ length: repeats }, (_, index) => (index % 2 === 0 ? order : order.toReversed())).flat();
}

/**
 * Does the runs in turns. A run that is interrupted, or that loses its cluster, is the last. The seed is the same in all
 * of them: they differ in nothing that Hollowmark decides, so that what their figures differ in is what a machine and a
 * control plane do by themselves.
 */
export async function runSet(context: CommandContext, options: RunSetOptions): Promise<RunSetOutcome> {
  const { variants, repeats, out, quiet, json, onRun } = options;
  const finished: FinishedRun[] = [];
  const order = turns(variants.length, repeats);
  let interruption: Interruption | undefined;
  for (const [index, turn] of order.entries()) {
    const { name, what } = variants[turn] as RunSetOptions['variants'][number];
    const folder = `run-${index + 1}${variants.length > 1 ? `-${name.toLowerCase()}` : ''}`;
    const title = `Run ${index + 1} of ${order.length}${variants.length > 1 ? ` (${name})` : ''}`;
    const onSignal = 'stopping this run and writing what there is of all; once more ends it at once';
    let conducted: Conducted;
    try {
      conducted = await inSession(
        context,
        {
          name: what.loaded.scenario.name,
          quiet,
          json,
          warnings: index === 0 ? [...what.warnings, ...sharedWarnings(what)] : [],
          onSignal,
        },
        (session) => {
          interruption = session.interruption;
          // Each of the runs leaves some behind, which a signal that never comes keeps.
          setMaxListeners(0, interruption.signal);
          session.display.info(title);
          return conduct(what, join(out, folder), session, index === 0 ? out : undefined);
        },
      );
    } catch (error) {
      return { finished, error, interruption };
    }
    finished.push({ variant: turn, folder, result: keptOf(conducted.result) });
    announce(title, folder, conducted, json);
    try {
      onRun(finished);
    } catch (error) {
      return { finished, error: conducted.error ?? error, interruption };
    }
    if (conducted.error !== undefined) return { finished, error: conducted.error, interruption };
    if (interruption?.signal.aborted === true) break;
  }
  return { finished, error: undefined, interruption };
}

/** What is left of one run is there in the next. */
export function sharedWarnings({ flags }: Pick<Earlier, 'flags'>): string[] {
  return flags.kubeconfig === undefined
    ? []
    : [
        'all runs are on one cluster, and not independent of each other: what one leaves behind is there in the next',
      ];
}

/** As a run is judged: one of which nothing can be said is worse than one that says something bad. */
const fromWorst: readonly RunVerdict[] = ['interrupted', 'invalid', 'fail', 'inconclusive', 'pass'];

/** The exit code of the worst of the runs. */
export function worstExitCode(verdicts: readonly RunVerdict[], interruptedBy: number): number {
  const worst = fromWorst.find((verdict) => verdicts.includes(verdict)) ?? 'interrupted';
  return exitCodeOfVerdict(worst, interruptedBy);
}

function announce(title: string, folder: string, { result, written }: Conducted, json: boolean): void {
  const { verdict, summary, run, nodes, pods } = result;
  if (json) {
    const { result: path, report } = written;
    const line = { type: 'result', id: run.id, folder, verdict, summary, nodes, pods, result: path, report };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout);
  const report = written.report === undefined ? '' : `  ${fileLink(written.report, terminal)}`;
  process.stdout.write(`${title}: ${verdict.toUpperCase()}  ${summary}${report}\n`);
}
