import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import type { Reporter } from '../../base/reporter.ts';
import { stateRoot } from '../../journal/journal.ts';
import { requirePreflight } from '../../preflight/preflight.ts';
import { renderSummary } from '../../report/terminal/summary.ts';
import { writeReport } from '../../report/write-report.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import type { RunResult } from '../../result/result.ts';
import { writeResult } from '../../result/write.ts';
import { conductRun } from '../../scenario/conductor.ts';
import { totalPods } from '../../scenario/estimate.ts';
import { loadScenario } from '../../scenario/load-scenario.ts';
import { renderPlan } from '../../scenario/render-plan.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { type Earlier, invocationOf, readEarlier } from '../again.ts';
import { claimFolder } from '../claim-folder.ts';
import { wireFormats } from '../../wire/codec.ts';
import type { CommandContext } from '../context.ts';
import { exitCodeOfVerdict } from '../exit-codes.ts';
import {
  type ClusterFlags,
  type ScenarioFlags,
  clusterOptions,
  overridesOf,
  scenarioOptions,
} from '../options.ts';
import { openCluster } from '../open-cluster.ts';
import { type Session, inSession } from '../session.ts';
import { fileLink, terminalOf } from '../terminal.ts';
import { usageError } from '../usage.ts';

type RunFlags = ClusterFlags &
  ScenarioFlags & { again: string | undefined; out: string | undefined; quiet: boolean; json: boolean };

/** `run`: a scenario from nothing to a report. */
export function runCommand(context: CommandContext): CommandModule<object, RunFlags> {
  return {
    command: 'run [scenario]',
    describe: 'Run a scenario and write a report',
    builder: (yargs: Argv) =>
      scenarioOptions(clusterOptions(yargs))
        .option('again', {
          type: 'string',
          describe: 'Do an earlier run again: its folder or result.json, in place of a scenario',
          requiresArg: true,
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
        .example('$0 run --again reports/ID', 'The same scenario, seed and flags once more'),
    handler: (flags) => context.finish(run(flags, context)),
  };
}

async function run(flags: RunFlags, context: CommandContext): Promise<number> {
  const what = whatToRun(flags);
  const { quiet, json } = flags;
  const { name } = what.loaded.scenario;
  const onSignal = 'stopping the run and writing what there is; once more ends it at once';
  return inSession(context, { name, quiet, json, warnings: what.warnings, onSignal }, (session) =>
    conduct(flags, what, session),
  );
}

/** The run itself, to its last line on the terminal. @returns the exit code. */
async function conduct(
  flags: RunFlags,
  { loaded, flags: clusterFlags }: Earlier,
  { runId, journal, leftovers, display, interruption }: Session,
): Promise<number> {
  const { scenario } = loaded;
  const profile = scenario.controlPlane.flags;
  const out = resolve(flags.out ?? join('reports', runId));
  if (!flags.skipPreflight) {
    await requirePreflight({
      nodes: scenario.nodes.count,
      pods: totalPods(scenario),
      proxies: scenario.nodes.proxies,
      ownControlPlane: clusterFlags.kubeconfig === undefined,
      stateDir: stateRoot(),
      reportDir: out,
      reporter: display,
    });
  }
  claimFolder(out, journal, ['charts']);
  const { signal } = interruption;
  const outcome = await conductRun({
    loaded,
    runId,
    wire: clusterFlags.wire ?? wireFormats[0],
    invocation: invocationOf(clusterFlags, profile),
    profile: clusterFlags.profile,
    openCluster: () =>
      openCluster(clusterFlags, {
        scenario,
        nodesOnly: false,
        runId,
        profile,
        journal,
        leftovers,
        reporter: display,
        signal,
      }),
    children: journal,
    clock: systemClock,
    signal,
    reporter: display,
  });
  display.step('Writing the report');
  const written = await writeAll(out, scenario, outcome.result, display);
  const lost = outcome.result.verdict === 'interrupted' ? undefined : outcome.error;
  const [first, ...others] = [lost, outcome.leftover, written.error].filter((error) => error !== undefined);
  for (const error of others) display.warn(wholeMessage(error));
  display.close();
  writeOutcome(flags, outcome.result, written);
  if (first !== undefined) throw first;
  return exitCodeOfVerdict(outcome.result.verdict, interruption.exitCode);
}

function wholeMessage(error: unknown): string {
  const hint = error instanceof HollowmarkError ? error.hint : undefined;
  return `${errorMessage(error)}${hint === undefined ? '' : `; ${hint}`}`;
}

/** A scenario file, or an earlier run. @throws HollowmarkError `bad-input`. */
function whatToRun(flags: RunFlags): Earlier {
  if ((flags.scenario === undefined) === (flags.again === undefined)) {
    throw usageError('run needs a scenario file, or an earlier run with --again; one of the two');
  }
  if (flags.again !== undefined) return readEarlier(flags.again, flags);
  return { loaded: loadScenario(flags.scenario ?? '', overridesOf(flags)), flags, warnings: [] };
}

/** Where result and report lie; `error` says why they are not where they should be. */
type Written = { result: string | undefined; report: string | undefined; error?: HollowmarkError };

/**
 * Writes result and report. What was measured cannot be had again: when the folder has become full, read-only or
 * unreachable during the run, the result goes to the folder for temporary files.
 */
async function writeAll(
  out: string,
  scenario: Scenario,
  result: RunResult,
  reporter: Reporter,
): Promise<Written> {
  let path: string | undefined;
  try {
    path = writeResult(out, result);
    writeFileAtomically(join(out, 'plan.txt'), `${renderPlan(scenario).join('\n')}\n`);
    const { warnings } = await writeReport(result, out);
    for (const warning of warnings) reporter.warn(warning);
    return { result: path, report: join(out, 'report.html') };
  } catch (cause) {
    if (!(cause instanceof HollowmarkError)) throw cause;
    path ??= keepElsewhere(result);
    const hint =
      path === undefined
        ? 'the result could not be kept anywhere else either: free some space and run the scenario again'
        : `the result is in ${path}: write its report with \`hollowmark report ${path} --out DIR\``;
    return {
      result: path,
      report: undefined,
      error: new HollowmarkError(cause.code, cause.message, { hint, cause }),
    };
  }
}

function keepElsewhere(result: RunResult): string | undefined {
  try {
    return writeResult(mkdtempSync(join(tmpdir(), `hollowmark-${result.run.id}-`)), result);
  } catch {
    return undefined;
  }
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
