import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { HollowmarkError } from '../../base/errors.ts';
import { type Noise, noiseFileName, noiseOf } from '../../gate/noise.ts';
import type { FinishedRun } from '../../gate/run-set.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import { loadScenario } from '../../scenario/load-scenario.ts';
import type { Earlier } from '../again.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { renderNoise, renderNoiseMarkdown } from '../noise-table.ts';
import {
  type ClusterFlags,
  type ScenarioFlags,
  clusterOptions,
  newRunId,
  overridesOf,
  positiveInteger,
  scenarioOptions,
} from '../options.ts';
import { runSet } from '../run-set.ts';
import { fileLink, terminalOf } from '../terminal.ts';

type NoiseFlags = ClusterFlags &
  ScenarioFlags & { pairs: number; out: string | undefined; quiet: boolean; json: boolean };

/** With five pairs the deviation has eight degrees of freedom: it is known to a factor of two at worst. */
const pairsDefault = 5;

/** One pair has no spread. */
const pairsMin = 2;

const pageName = 'noise.md';

/** `noise`: how large a difference this machine can detect. */
export function noiseCommand(context: CommandContext): CommandModule<object, NoiseFlags> {
  return {
    command: 'noise <scenario>',
    describe: 'Run a scenario against itself, and say how large a difference this machine can detect',
    builder: (yargs: Argv) =>
      scenarioOptions(clusterOptions(yargs))
        .option('pairs', {
          type: 'number',
          default: pairsDefault,
          describe: `Pairs of runs, at least ${pairsMin}`,
          requiresArg: true,
        })
        .option('out', {
          type: 'string',
          describe: `Folder for ${noiseFileName}, ${pageName} and the runs (default: reports/<run id>)`,
          requiresArg: true,
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only the outcome' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 noise scenarios/quickstart.yaml', 'Ten runs of a minute and a half each')
        .example('$0 noise scenarios/quickstart.yaml --pairs 10', 'The deviation is known better')
        .example(
          '$0 noise scenarios/density.yaml --nodes 200',
          'What holds for one scenario holds for it alone',
        ),
    handler: (flags) => context.finish(noise(flags, context)),
  };
}

async function noise(flags: NoiseFlags, context: CommandContext): Promise<number> {
  const { quiet, json } = flags;
  const pairs = positiveInteger('--pairs', flags.pairs) ?? pairsDefault;
  if (pairs < pairsMin) {
    throw new HollowmarkError('bad-input', `--pairs: at least ${pairsMin}`, {
      hint: 'one run of a side does not say how far others of it would lie',
    });
  }
  const loaded = loadScenario(flags.scenario ?? '', overridesOf(flags));
  const what: Earlier = { loaded, flags, warnings: [] };
  const id = newRunId(`noise-${loaded.scenario.name}`);
  const out = resolve(flags.out ?? join('reports', id));
  const summarise = (finished: readonly FinishedRun[]): Noise => noiseOf(finished, { id, planned: pairs });
  const { finished, error, interruption } = await runSet(context, {
    variants: ['A', 'A2'].map((name) => ({ name, what })),
    repeats: pairs,
    out,
    quiet,
    json,
    onRun: (soFar) => {
      const found = summarise(soFar);
      writeFileAtomically(join(out, noiseFileName), `${JSON.stringify(found, undefined, 2)}\n`);
      writeFileAtomically(join(out, pageName), renderNoiseMarkdown(found));
    },
  });
  const found = finished.length === 0 ? undefined : summarise(finished);
  if (found !== undefined) tell(found, out, json);
  if (error !== undefined) throw error;
  if (interruption?.signal.aborted === true) return interruption.exitCode;
  return exitCodeOf(found);
}

/** Whether SLOs were met is another question; what no valid run has shown, or too few, is no noise. */
function exitCodeOf(found: Noise | undefined): number {
  const isKnown = found !== undefined && found.basis === 'valid' && found.rows.length > 0;
  return isKnown ? exitCodes.pass : exitCodes.invalid;
}

function tell(found: Noise, out: string, json: boolean): void {
  const page = join(out, pageName);
  if (json) {
    const { id, scenario, planned, runs, basis, confidence, power, rows, differing } = found;
    const result = join(out, noiseFileName);
    const line = {
      type: 'noise',
      id,
      scenario,
      planned,
      runs,
      basis,
      confidence,
      power,
      rows,
      differing,
      result,
      table: page,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout);
  process.stdout.write(`${renderNoise(found, terminal).join('\n')}\ntable: ${fileLink(page, terminal)}\n`);
}
