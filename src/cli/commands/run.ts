import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { HollowmarkError } from '../../base/errors.ts';
import { renderSummary } from '../../report/terminal/summary.ts';
import type { RunResult } from '../../result/result.ts';
import { loadScenario } from '../../scenario/load-scenario.ts';
import { flagsAgainst } from '../against.ts';
import { type Earlier, readEarlier } from '../again.ts';
import { type Written, conduct } from '../conduct.ts';
import type { CommandContext } from '../context.ts';
import { exitCodeOfVerdict, exitCodes, worseOf } from '../exit-codes.ts';
import {
  type GateAfterFlags,
  type GatePlan,
  gateAfter,
  gateAfterOptions,
  gatePlanOf,
} from '../gate-after.ts';
import {
  type ClusterFlags,
  type ScenarioFlags,
  clusterOptions,
  overridesOf,
  positiveInteger,
  scenarioOptions,
} from '../options.ts';
import { type LiveFlags, liveOptions, withLive } from '../live/open-live.ts';
import { repeatRun } from '../repeat-run.ts';
import { inSession } from '../session.ts';
import { fileLink, terminalOf } from '../terminal.ts';
import { usageError } from '../usage.ts';

type RunFlags = ClusterFlags &
  LiveFlags &
  ScenarioFlags &
  GateAfterFlags & {
    again: string | undefined;
    repeat: number | undefined;
    against: string[] | undefined;
    out: string | undefined;
    quiet: boolean;
    json: boolean;
  };

/** `run`: a scenario from nothing to a report. */
export function runCommand(context: CommandContext): CommandModule<object, RunFlags> {
  return {
    command: 'run [scenario]',
    describe: 'Run a scenario and write a report',
    builder: (yargs: Argv) =>
      liveOptions(gateAfterOptions(scenarioOptions(clusterOptions(yargs))))
        .option('again', {
          type: 'string',
          describe: 'Do an earlier run again: its folder or result.json, in place of a scenario',
          requiresArg: true,
        })
        .option('repeat', {
          type: 'number',
          describe: 'Do the run so many times, and give medians',
          requiresArg: true,
        })
        .option('against', {
          type: 'string',
          array: true,
          nargs: 1,
          describe:
            'With --repeat: in turns with runs of this value, and compare: path=value, or wire=, profile=, flags= (repeatable)',
        })
        .option('out', {
          type: 'string',
          describe: 'Folder for the report (default: reports/<run id>)',
          requiresArg: true,
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only the outcome' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 run scenarios/quickstart.yaml', '100 nodes, 1,000 pods')
        .example('$0 run scenarios/density.yaml --nodes 500', 'The density test on fewer nodes')
        .example('$0 run scenarios/quickstart.yaml --set phases.fill.podsPerNode=20', 'Twice the pods')
        .example('$0 run scenarios/density.yaml --live', 'With a page that shows how the run stands')
        .example('$0 run --again reports/ID', 'The same scenario, seed and flags once more')
        .example('$0 run scenarios/quickstart.yaml --repeat 5', 'Five times: medians and their intervals')
        .example('$0 run scenarios/quickstart.yaml --baseline baseline', 'Fail when it is worse than before')
        .example(
          '$0 run scenarios/quickstart.yaml --repeat 5 --against nodes.proxies=false',
          'Five times with proxies and five times without, in turns',
        )
        .example('$0 run scenarios/quickstart.yaml --repeat 5 --against wire=json', 'What protobuf is worth'),
    handler: (flags) => context.finish(run(flags, context)),
  };
}

async function run(flags: RunFlags, context: CommandContext): Promise<number> {
  const { quiet, json, against } = flags;
  const repeats = positiveInteger('--repeat', flags.repeat);
  if (against !== undefined && repeats === undefined) throw usageError('--against needs --repeat');
  if (flags.live && repeats !== undefined) throw usageError('--live is of one run, and not of --repeat');
  if (repeats === 1) {
    throw new HollowmarkError('bad-input', '--repeat: at least 2', {
      hint: 'leave it out to do the run once',
    });
  }
  if (against !== undefined && flags.baseline !== undefined) {
    throw usageError('--against and --baseline exclude each other: both compare');
  }
  const what = whatToRun(flags);
  const plan = gatePlanOf(flags, what);
  if (repeats !== undefined) {
    const other = against === undefined ? undefined : whatToRun(flagsAgainst(flags, against));
    return repeatRun(
      { what, other, sets: against ?? [], repeats, plan, out: flags.out, quiet, json },
      context,
    );
  }
  const { name, nodes } = what.loaded.scenario;
  const onSignal = 'stopping the run and writing what there is; once more ends it at once';
  return inSession(context, { name, quiet, json, warnings: what.warnings, onSignal }, async (session) => {
    const out = resolve(flags.out ?? join('reports', session.runId));
    const { result, written, error } = await withLive(flags, nodes.count, session, async (watched, feed) => {
      const conducted = await conduct(what, out, watched);
      const { verdict, summary } = conducted.result;
      if (feed !== undefined) feed.outcome = { verdict, summary };
      return conducted;
    });
    writeOutcome(flags, result, written);
    if (error !== undefined) throw error;
    const exitCode = exitCodeOfVerdict(result.verdict, session.interruption.exitCode);
    if (session.interruption.signal.aborted) return exitCode;
    return worseOf(exitCode, judged(plan, result, out, json));
  });
}

function judged(plan: GatePlan | undefined, result: RunResult, out: string, json: boolean): number {
  return plan === undefined ? exitCodes.pass : gateAfter(plan, [{ result, folder: out }], { out, json });
}

/** A scenario file, or an earlier run. @throws HollowmarkError `bad-input`. */
function whatToRun(flags: RunFlags): Earlier {
  if ((flags.scenario === undefined) === (flags.again === undefined)) {
    throw usageError('run needs a scenario file, or an earlier run with --again; one of the two');
  }
  if (flags.again !== undefined) return readEarlier(flags.again, flags);
  return { loaded: loadScenario(flags.scenario ?? '', overridesOf(flags)), flags, warnings: [] };
}

function writeOutcome(flags: RunFlags, result: RunResult, written: Written): void {
  if (flags.json) {
    const { verdict, summary, run: ran, nodes, pods } = result;
    process.stdout.write(
      `${JSON.stringify({ type: 'result', id: ran.id, verdict, summary, nodes, pods, result: written.result, report: written.report })}\n`,
    );
    return;
  }
  const terminal = terminalOf(process.stdout);
  const report = written.report === undefined ? '' : `report: ${fileLink(written.report, terminal)}\n`;
  process.stdout.write(`${renderSummary(result, terminal)}\n${report}`);
}
