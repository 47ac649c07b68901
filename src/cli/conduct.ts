import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import { stateRoot } from '../journal/journal.ts';
import { readQuotaCores } from '../preflight/facts/cgroup.ts';
import { requirePreflight } from '../preflight/preflight.ts';
import { writeReport } from '../report/write-report.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import type { RunResult } from '../result/result.ts';
import { writeResult } from '../result/write.ts';
import { conductRun } from '../scenario/conductor.ts';
import { totalPods } from '../scenario/estimate.ts';
import { renderPlan } from '../scenario/render-plan.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { wireFormats } from '../wire/codec.ts';
import { type Earlier, invocationOf } from './again.ts';
import { claimFolder, removeEarlierOutputs } from './claim-folder.ts';
import { openCluster } from './open-cluster.ts';
import type { Session } from './session.ts';

/** A run that is over and has been written down, as far as it came. */
export type Conducted = {
  result: RunResult;
  written: Written;
  /** What cut it short or went wrong after it; said once what was measured has been shown. */
  error: unknown;
};

/**
 * Runs a scenario and writes its report.
 * @param out folder of the report, absolute.
 * @param begins folder of a set of runs of which this is the first.
 * @throws HollowmarkError when it does not come as far as measuring; nothing is written then.
 */
export async function conduct(
  { loaded, flags }: Earlier,
  out: string,
  { runId, journal, leftovers, display, interruption }: Session,
  begins?: string,
): Promise<Conducted> {
  const { scenario } = loaded;
  const profile = scenario.controlPlane.flags;
  if (!flags.skipPreflight) {
    await requirePreflight({
      nodes: scenario.nodes.count,
      pods: totalPods(scenario),
      proxies: scenario.nodes.proxies,
      ownControlPlane: flags.kubeconfig === undefined,
      stateDir: stateRoot(),
      reportDir: out,
      reporter: display,
    });
  }
  claimFolder(out, journal, ['charts']);
  removeEarlierOutputs(begins ?? out);
  const { signal } = interruption;
  const outcome = await conductRun({
    loaded,
    runId,
    wire: flags.wire ?? wireFormats[0],
    invocation: invocationOf(flags, profile),
    profile: flags.profile,
    openCluster: () =>
      openCluster(flags, {
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
    stateDir: journal.dir,
    quotaCores: readQuotaCores(),
    clock: systemClock,
    signal,
    reporter: display,
  });
  display.step('Writing the report');
  const written = await writeAll(out, scenario, outcome.result, display);
  const lost = outcome.result.verdict === 'interrupted' ? undefined : outcome.error;
  const [error, ...others] = [lost, outcome.leftover, written.error].filter((one) => one !== undefined);
  for (const other of others) display.warn(wholeMessage(other));
  display.close();
  return { result: outcome.result, written, error };
}

function wholeMessage(error: unknown): string {
  const hint = error instanceof HollowmarkError ? error.hint : undefined;
  return `${errorMessage(error)}${hint === undefined ? '' : `; ${hint}`}`;
}

/** Where result and report lie; `error` says why they are not where they should be. */
export type Written = { result: string | undefined; report: string | undefined; error?: HollowmarkError };

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
