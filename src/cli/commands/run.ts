import { existsSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { requirePreflight } from '../../preflight/preflight.ts';
import { renderSummary } from '../../report/terminal/summary.ts';
import { writeReport } from '../../report/write-report.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import type { RunResult } from '../../result/result.ts';
import { writeResult } from '../../result/write.ts';
import { conductRun } from '../../scenario/conductor.ts';
import { totalPods } from '../../scenario/estimate.ts';
import type { CommandContext } from '../context.ts';
import { createDisplay, displayMode } from '../display.ts';
import { exitCodeOfVerdict } from '../exit-codes.ts';
import {
  type ClusterFlags,
  type ScenarioFlags,
  clusterOptions,
  controlPlaneOptions,
  loadScenarioWith,
  newRunId,
  scenarioOptions,
  stateRoot,
} from '../options.ts';

type RunFlags = ClusterFlags & ScenarioFlags & { out: string | undefined; quiet: boolean; json: boolean };

/** `run`: a scenario from nothing to a report. */
export function runCommand(context: CommandContext): CommandModule<object, RunFlags> {
  return {
    command: 'run <scenario>',
    describe: 'Run a scenario and write a report',
    builder: (yargs: Argv) =>
      scenarioOptions(clusterOptions(yargs))
        .option('out', {
          type: 'string',
          describe: 'Folder for the report (default: reports/<run id>)',
          requiresArg: true,
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only the outcome' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 run scenarios/quickstart.yaml', '100 nodes, 1,000 pods')
        .example('$0 run scenarios/density.yaml --nodes 500', 'The density test on fewer nodes')
        .example('$0 run scenarios/quickstart.yaml --set phases.fill.podsPerNode=20', 'Twice the pods'),
    handler: (flags) => context.finish(run(flags, context)),
  };
}

async function run(flags: RunFlags, context: CommandContext): Promise<number> {
  const loaded = loadScenarioWith(flags);
  const runId = newRunId(loaded.scenario.name);
  const out = resolve(flags.out ?? join('reports', runId));
  const made = claimFolder(out);
  const display = createDisplay(displayMode(flags));
  const interruption = context.interruption((signal) =>
    display.warn(`${signal}: stopping the run and writing what there is; once more ends it at once`),
  );
  let outcome: Awaited<ReturnType<typeof conductRun>>;
  try {
    if (!flags.skipPreflight) {
      await requirePreflight({
        nodes: loaded.scenario.nodes.count,
        pods: totalPods(loaded.scenario),
        proxies: loaded.scenario.nodes.proxies,
        ownControlPlane: true,
        stateDir: stateRoot(),
        reportDir: out,
        reporter: display,
      });
    }
    outcome = await conductRun({
      loaded,
      runId,
      controlPlane: controlPlaneOptions(
        flags,
        loaded.scenario.controlPlane.flags,
        runId,
        display,
        interruption.signal,
      ),
      clock: systemClock,
      signal: interruption.signal,
      reporter: display,
    });
    display.step('Writing the report');
    const resultPath = writeResult(out, outcome.result);
    const { warnings } = await writeReport(outcome.result, out);
    for (const warning of warnings) display.warn(warning);
    display.close();
    writeOutcome(flags, outcome.result, resultPath, join(out, 'report.html'));
  } finally {
    display.close();
    releaseFolders(made);
  }
  if (outcome.error !== undefined && outcome.result.verdict !== 'interrupted') throw outcome.error;
  return exitCodeOfVerdict(outcome.result.verdict, interruption.exitCode);
}

/**
 * Finds out before the run, not after it, whether the report can be written.
 * @returns the folders that this made, the innermost first.
 */
function claimFolder(dir: string): string[] {
  const made: string[] = [];
  for (let folder = dir; !existsSync(folder); folder = dirname(folder)) made.push(folder);
  const probe = join(dir, '.hollowmark');
  writeFileAtomically(probe, '');
  rmSync(probe);
  return made;
}

/** Takes those away again that are empty: the run ended before there was anything to write. */
function releaseFolders(made: readonly string[]): void {
  try {
    for (const folder of made) rmdirSync(folder);
  } catch {
    // Not empty: it holds a report.
  }
}

function writeOutcome(flags: RunFlags, result: RunResult, resultPath: string, reportPath: string): void {
  if (flags.json) {
    const { verdict, summary, run: ran, nodes, pods } = result;
    process.stdout.write(
      `${JSON.stringify({ type: 'result', id: ran.id, verdict, summary, nodes, pods, result: resultPath, report: reportPath })}\n`,
    );
    return;
  }
  const color = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const columns = process.stdout.columns ?? 100;
  process.stdout.write(`${renderSummary(result, { color, columns })}\nreport: ${reportPath}\n`);
}
