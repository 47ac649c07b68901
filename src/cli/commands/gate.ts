import { dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { errorMessage } from '../../base/errors.ts';
import { type GateOutcome, passGate } from '../../gate/gate.ts';
import { readNoise } from '../../gate/read-noise.ts';
import { type ReadRun, byStart, readRuns } from '../../gate/read-runs.ts';
import { countedRuns } from '../../gate/select-runs.ts';
import { renderJunit } from '../../report/junit/render-junit.ts';
import { withoutControls } from '../../report/plain-text.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import { readResult } from '../../result/read.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  type AllowFlags,
  type RuleFlags,
  allowOption,
  allowedOf,
  ruleOptions,
  rulesFrom,
} from '../gate-options.ts';
import { updatePages, writeOutcome } from '../gate-file.ts';
import { baselineAt, exitCodeOfGate } from '../gate-outcome.ts';
import { renderGate, ruleCases } from '../gate-table.ts';
import { terminalOf } from '../terminal.ts';
import { usageError } from '../usage.ts';

type GateFlags = AllowFlags &
  RuleFlags & { results: string[]; baseline: string; junit: string | undefined; json: boolean };

/** `gate`: whether runs have become worse than a baseline. */
export function gateCommand(context: CommandContext): CommandModule<object, GateFlags> {
  return {
    command: 'gate <results..>',
    describe: 'Say whether runs are worse than a baseline, by rules',
    builder: (yargs: Argv) =>
      allowOption(ruleOptions(yargs))
        .positional('results', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: 'Runs to judge: result.json files, or folders of a run or of several',
        })
        .option('baseline', {
          type: 'string',
          demandOption: true,
          describe: 'Runs to compare with: a baseline, a result.json, or a folder of runs',
          requiresArg: true,
        })
        .option('junit', {
          type: 'string',
          describe: 'Write a JUnit file of the newest run with a test case for each rule',
          requiresArg: true,
        })
        .option('json', { type: 'boolean', default: false, describe: 'One JSON document on stdout' })
        .example('$0 gate reports/ID --baseline baseline', 'The run against those of a baseline')
        .example('$0 gate reports/ID --baseline baseline --rules gate.yaml', 'By rules of your own'),
    handler: (flags) => context.finish(Promise.resolve().then(() => gate(flags))),
  };
}

function gate(flags: GateFlags): number {
  const allowed = allowedOf(flags);
  const rules = rulesFrom(flags.rules);
  const noise = flags.noise === undefined ? undefined : readNoise(flags.noise);
  const { baseline, notes: ofBaseline } = baselineAt(flags.baseline, allowed);
  const read = byStart(flags.results.flatMap((path) => readRuns(path)));
  if (read.length === 0) throw usageError(`${flags.results.join(', ')}: there is no run in it`);
  const { counted, notes, refusal } = countedRuns(read, allowed);
  if (refusal !== undefined) {
    process.stderr.write(`hollowmark: not judged by the gate: ${withoutControls(refusal)}\n`);
    return exitCodes.invalid;
  }
  const whole = counted.filter((one) => one.whole);
  const newest = whole.at(-1);
  if (flags.junit !== undefined && newest === undefined) {
    throw usageError('--junit needs a result.json, not the run of a baseline');
  }
  const candidate = counted.map(({ run }) => run);
  const report = passGate({
    rules,
    baseline,
    candidate,
    noise,
    allowed,
    notes: [...ofBaseline, ...notes],
  });
  keep(report, whole);
  if (flags.junit !== undefined && newest !== undefined) {
    writeFileAtomically(resolve(flags.junit), renderJunit(readResult(newest.file), ruleCases(report)));
  }
  tell(report, flags.json);
  return exitCodeOfGate(report, flags.strict);
}

/** Beside the results, for `report`, and in their pages. Where somebody else keeps them it may not be written. */
function keep(report: GateOutcome, whole: readonly ReadRun[]): void {
  try {
    const folders = whole.map(({ file }) => dirname(resolve(file)));
    writeOutcome(report, folders);
    updatePages(report, folders);
  } catch (error) {
    process.stderr.write(`warning: ${withoutControls(errorMessage(error))}\n`);
  }
}

function tell(report: GateOutcome, json: boolean): void {
  const text = json ? JSON.stringify(report) : renderGate(report, terminalOf(process.stdout)).join('\n');
  process.stdout.write(`${text}\n`);
}
