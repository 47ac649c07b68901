import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { renderComparison } from '../../comparison/render-comparison.ts';
import { passGate } from '../../gate/gate.ts';
import type { Allowance } from '../../gate/identity.ts';
import { readNoise } from '../../gate/read-noise.ts';
import { type ReadRun, readRuns } from '../../gate/read-runs.ts';
import { rulesForAll } from '../../gate/rules.ts';
import { countedRuns, requireCounted } from '../../gate/select-runs.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import type { CommandContext } from '../context.ts';
import { type AllowFlags, allowOption, allowedOf, rulesFrom } from '../gate-options.ts';
import { byVerdict, renderGate, summaryLines } from '../gate-table.ts';
import { fileLink, shownPath, terminalOf } from '../terminal.ts';
import { usageError } from '../usage.ts';

type CompareFlags = AllowFlags & {
  a: string;
  b: string;
  rules: string | undefined;
  noise: string | undefined;
  html: string | undefined;
  json: boolean;
};

/** Runs of a side whose histograms are kept for curves: a megabyte each. */
const curvesMax = 10;

/** `compare`: two runs, or several of each. */
export function compareCommand(context: CommandContext): CommandModule<object, CompareFlags> {
  return {
    command: 'compare <a> <b>',
    describe: 'Compare two runs, or several with several',
    builder: (yargs: Argv) =>
      allowOption(yargs)
        .positional('a', {
          type: 'string',
          demandOption: true,
          describe: 'A result.json, a folder of a run or of several, or a baseline',
        })
        .positional('b', { type: 'string', demandOption: true, describe: 'The same, compared with it' })
        .option('rules', {
          type: 'string',
          describe: 'A gate.yaml that says what to compare (default: all SLIs at p50, p90 and p99)',
          requiresArg: true,
        })
        .option('noise', {
          type: 'string',
          describe: 'A noise.json of this machine: how much runs vary is known better, which few runs need',
          requiresArg: true,
        })
        .option('html', {
          type: 'string',
          describe: 'Write a page with the curves of both to this file',
          requiresArg: true,
        })
        .option('json', { type: 'boolean', default: false, describe: 'One JSON document on stdout' })
        .example('$0 compare reports/A reports/B --html compare.html', 'Two runs, with curves')
        .example('$0 compare old new --allow version', 'Folders of several runs of two versions'),
    handler: (flags) => context.finish(Promise.resolve().then(() => compare(flags))),
  };
}

function compare(flags: CompareFlags): number {
  const allowed = allowedOf(flags);
  const noise = flags.noise === undefined ? undefined : readNoise(flags.noise);
  const [first, second] = [sideOf(flags.a, flags, allowed), sideOf(flags.b, flags, allowed)];
  const [baseline, candidate] = [runsOf(first.counted), runsOf(second.counted)];
  const rules = flags.rules === undefined ? rulesForAll([...baseline, ...candidate]) : rulesFrom(flags.rules);
  const notes = [...first.notes, ...second.notes];
  const report = passGate({ rules, baseline, candidate, noise, allowed, notes });
  const terminal = terminalOf(process.stdout);
  if (flags.html !== undefined) {
    const page = renderComparison(report, byVerdict(report.rows), summaryLines(report), [
      { name: shownPath(resolve(flags.a)), results: resultsOf(first.counted) },
      { name: shownPath(resolve(flags.b)), results: resultsOf(second.counted) },
    ]);
    writeFileAtomically(resolve(flags.html), page);
  }
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return 0;
  }
  const page = flags.html === undefined ? [] : [`page: ${fileLink(resolve(flags.html), terminal)}`];
  process.stdout.write(`${[...renderGate(report, terminal), ...page].join('\n')}\n`);
  return 0;
}

type Side = { counted: ReadRun[]; notes: string[] };

function sideOf(path: string, { html }: CompareFlags, allowed: readonly Allowance[]): Side {
  const read = readRuns(path, (index) => html !== undefined && index < curvesMax);
  if (read.length === 0) throw usageError(`${path}: there is no run in it`);
  const { counted, notes, refusal } = countedRuns(read, allowed);
  requireCounted(refusal);
  return { counted, notes };
}

const runsOf = (side: readonly ReadRun[]): ReadRun['run'][] => side.map(({ run }) => run);

const resultsOf = (side: readonly ReadRun[]): NonNullable<ReadRun['result']>[] =>
  side.flatMap(({ result }) => result ?? []);
