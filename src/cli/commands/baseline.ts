import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { HollowmarkError } from '../../base/errors.ts';
import {
  type BaselineChange,
  acceptBaseline,
  addToBaseline,
  baselineRuns,
  keptRunsDefault,
  pruneBaseline,
  whyNotGood,
} from '../../gate/baseline.ts';
import type { GateRun } from '../../gate/gate-run.ts';
import { type Allowance, unlikeAllowances } from '../../gate/identity.ts';
import { type ReadRun, readRuns } from '../../gate/read-runs.ts';
import { singleLine, withoutControls } from '../../report/plain-text.ts';
import type { CommandContext } from '../context.ts';
import { judgedGateAt } from '../gate-file.ts';
import { type AllowFlags, allowUnlikeOption, allowedOf } from '../gate-options.ts';
import { positiveInteger } from '../options.ts';
import { usageError } from '../usage.ts';

type DirFlags = { dir: string; json: boolean };
type KeepFlags = { keep: number };
type ResultFlags = AllowFlags & { results: string[] };

/** `baseline`: the good runs that later ones are compared with. */
export function baselineCommand(context: CommandContext): CommandModule {
  return {
    command: 'baseline',
    describe: 'Keep a window of good runs, for the gate',
    builder: (yargs: Argv) =>
      yargs
        .command(addCommand(context))
        .command(listCommand(context))
        .command(acceptCommand(context))
        .command(pruneCommand(context))
        .demandCommand(1, 'which? hollowmark baseline add|list|accept|prune DIR')
        .example('$0 baseline add baseline reports/ID', 'Add a run; the oldest beyond --keep goes')
        .example('$0 baseline accept baseline reports/ID', 'Begin anew from this run')
        .example('$0 baseline list baseline', 'What there is'),
    handler: () => {},
  };
}

function addCommand(context: CommandContext): CommandModule<object, DirFlags & KeepFlags & ResultFlags> {
  return {
    command: 'add <dir> <results..>',
    describe: 'Add those of the runs that are valid, pass and are not worse, and let the oldest go',
    builder: (yargs: Argv) =>
      keepOption(resultOptions(dirOptions(yargs)))
        .example('$0 baseline add baseline reports/tonight', 'After a gate that it has passed')
        .example('$0 baseline add baseline reports/nights --keep 60', 'Several runs, and a longer window'),
    handler: (flags) =>
      finish(context, () => {
        const keep = positiveInteger('--keep', flags.keep) ?? keptRunsDefault;
        const allowed = allowedUnlike(flags);
        const { good, others } = sorted(resultsOf(flags), (read) => whyNotGood(read.run) ?? whyWorse(read));
        // A night that went badly is no mistake of whoever asks for it to be added.
        tellNotAdded(others);
        const none: BaselineChange = { added: [], removed: [] };
        const change = good.length === 0 ? none : addToBaseline(flags.dir, good, { keep, allowed });
        tell(change, flags, others);
      }),
  };
}

function acceptCommand(context: CommandContext): CommandModule<object, DirFlags & ResultFlags> {
  return {
    command: 'accept <dir> <results..>',
    describe: 'Begin anew from these runs: after a change that is meant to stay',
    builder: (yargs: Argv) =>
      resultOptions(dirOptions(yargs))
        .example('$0 baseline accept baseline reports/tonight', 'After a change that is meant to stay')
        .example('$0 baseline accept baseline reports/nights', 'With all good runs of a folder'),
    handler: (flags) =>
      finish(context, () => {
        const allowed = allowedUnlike(flags);
        const { good, others } = sorted(resultsOf(flags), ({ run }) => whyNotGood(run));
        const [refused] = good.length === 0 ? others : others.filter(({ named }) => named);
        if (refused !== undefined) {
          throw new HollowmarkError('bad-input', notAddedText(refused), {
            hint: 'a baseline is made of valid runs that pass',
          });
        }
        tellNotAdded(others);
        tell(acceptBaseline(flags.dir, good, allowed), flags, others);
      }),
  };
}

function listCommand(context: CommandContext): CommandModule<object, DirFlags> {
  return {
    command: 'list <dir>',
    describe: 'List the runs, oldest first',
    builder: (yargs: Argv) =>
      dirOptions(yargs)
        .example('$0 baseline list baseline', 'When, what, and where each was')
        .example('$0 baseline list baseline --json', 'The same for programs'),
    handler: (flags) =>
      finish(context, () => {
        const runs = baselineRuns(existing(flags.dir));
        const lines = flags.json
          ? [JSON.stringify({ runs: runs.map(described) })]
          : runs.map((run) => singleLine(textOf(run)));
        process.stdout.write(lines.map((line) => `${line}\n`).join(''));
      }),
  };
}

function pruneCommand(context: CommandContext): CommandModule<object, DirFlags & KeepFlags> {
  return {
    command: 'prune <dir>',
    describe: 'Let all but the newest runs go',
    builder: (yargs: Argv) =>
      keepOption(dirOptions(yargs))
        .example('$0 baseline prune baseline', 'All but the newest 30 go')
        .example('$0 baseline prune baseline --keep 10', 'All but the newest 10 go'),
    handler: (flags) =>
      finish(context, () => {
        const keep = positiveInteger('--keep', flags.keep) ?? keptRunsDefault;
        tell({ added: [], removed: pruneBaseline(existing(flags.dir), keep) }, flags, []);
      }),
  };
}

function dirOptions<T>(yargs: Argv<T>): Argv<T & DirFlags> {
  return yargs
    .positional('dir', { type: 'string', demandOption: true, describe: 'Folder of the baseline' })
    .option('json', { type: 'boolean', default: false, describe: 'One JSON document on stdout' });
}

function keepOption<T>(yargs: Argv<T>): Argv<T & KeepFlags> {
  return yargs.option('keep', {
    type: 'number',
    default: keptRunsDefault,
    describe: 'How many runs to keep, the newest',
    requiresArg: true,
  });
}

function resultOptions<T>(yargs: Argv<T>): Argv<T & ResultFlags> {
  return allowUnlikeOption(
    yargs.positional('results', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'result.json files, or folders of a run or of several',
    }),
  );
}

function finish(context: CommandContext, work: () => void): void {
  context.finish(
    Promise.resolve().then(() => {
      work();
      return 0;
    }),
  );
}

const allowedUnlike = (flags: AllowFlags): Allowance[] => allowedOf(flags, unlikeAllowances);

/** Good runs, and others with why they are none. */
function sorted(
  read: readonly ReadRun[],
  whyNot: (read: ReadRun) => string | undefined,
): { good: GateRun[]; others: NotAdded[] } {
  const good: GateRun[] = [];
  const others: NotAdded[] = [];
  for (const one of read) {
    const reason = whyNot(one);
    if (reason === undefined) good.push(one.run);
    else others.push({ id: one.run.id, named: one.named, reason });
  }
  return { good, others };
}

/** Why a run is none to compare others with, although it passed: with it in the window, the next one like it would pass too. */
function whyWorse({ run, file, whole }: ReadRun): string | undefined {
  const gate = whole ? judgedGateAt(dirname(file), run.id) : undefined;
  return gate?.verdict === 'worse' ? 'worse than the baseline' : undefined;
}

type NotAdded = Pick<ReadRun, 'named'> & { id: string; reason: string };

const notAddedText = ({ id, reason }: NotAdded): string => `not added: run ${id}: ${reason}`;

function tellNotAdded(others: readonly NotAdded[]): void {
  for (const other of others) process.stderr.write(`${withoutControls(notAddedText(other))}\n`);
}

function resultsOf({ results }: ResultFlags): ReadRun[] {
  const runs = results.flatMap((path) => readRuns(path));
  if (runs.length === 0) throw usageError(`${results.join(', ')}: there is no run in it`);
  return runs;
}

function existing(dir: string): string {
  if (existsSync(dir)) return dir;
  throw new HollowmarkError('bad-input', `${dir}: there is no such folder`, {
    hint: 'make one with `hollowmark baseline add DIR RESULT`',
  });
}

function tell(
  { added, removed }: BaselineChange,
  { dir, json }: DirFlags,
  others: readonly NotAdded[],
): void {
  const kept = baselineRuns(dir).length;
  if (json) {
    const notAdded = others.map(({ id, reason }) => ({ id, reason }));
    const line = { added: added.map(({ id }) => id), notAdded, removed, kept };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const lines = [
    ...added.map(({ id }) => `added    ${id}`),
    ...removed.map((id) => `removed  ${id}`),
    `${kept} ${kept === 1 ? 'run' : 'runs'} in the baseline`,
  ];
  process.stdout.write(`${lines.map(singleLine).join('\n')}\n`);
}

function described({ id, startedAt, identity, slis }: GateRun): Record<string, unknown> {
  const { scenario, kubernetes, tool, machine } = identity;
  return {
    id,
    startedAt,
    scenario,
    kubernetes,
    tool: tool.version,
    machine: machine.cpuModel,
    slis: slis.length,
  };
}

function textOf({ id, startedAt, identity }: GateRun): string {
  const { scenario, kubernetes, tool, machine } = identity;
  return `${startedAt}  ${id}  ${scenario}, Kubernetes ${kubernetes}, Hollowmark ${tool.version}, ${machine.cpuModel} × ${machine.cpuCount}`;
}
