import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { type ChosenRuns, chooseRuns } from '../../cluster/choose-runs.ts';
import { ForeignCluster } from '../../cluster/foreign-cluster.ts';
import { forbidden } from '../../cluster/permissions.ts';
import { removeDeadRun } from '../../cluster/remove-run.ts';
import { runText } from '../../cluster/render-survey.ts';
import { type FoundRun, countByKind, findRuns } from '../../cluster/runs.ts';
import { clusterIdOf } from '../../cluster/survey.ts';
import { whoAmI } from '../../cluster/who-am-i.ts';
import { countsText, someOf } from '../../cluster/words.ts';
import type { ApiClient } from '../../kube/client.ts';
import { type ForeignLeftover, foreignLeftovers, sweepLeftovers } from '../../journal/sweep.ts';
import type { CommandContext } from '../context.ts';
import { type Display, createDisplay, displayMode } from '../display.ts';
import { exitCodes } from '../exit-codes.ts';
import { leftoverText, byPlace } from '../open-cluster.ts';

type CleanFlags = {
  kubeconfig: string | undefined;
  context: string | undefined;
  run: string | undefined;
  dryRun: boolean;
  force: boolean;
  quiet: boolean;
  json: boolean;
};

/** `clean`: removes what runs have left on a cluster. */
export function cleanCommand(context: CommandContext): CommandModule<object, CleanFlags> {
  return {
    command: 'clean',
    describe: 'Remove what runs that ended badly have left on a cluster or on this machine',
    builder: (yargs: Argv) =>
      yargs
        .option('kubeconfig', {
          type: 'string',
          describe: 'The kubeconfig of a cluster (default: only what is left on this machine)',
          requiresArg: true,
        })
        .option('context', {
          type: 'string',
          describe: 'Context of the kubeconfig (default: its current one)',
          requiresArg: true,
          implies: 'kubeconfig',
        })
        .option('run', {
          type: 'string',
          describe: 'Remove this run only (default: all that no longer live)',
          requiresArg: true,
          implies: 'kubeconfig',
        })
        .option('dry-run', { type: 'boolean', default: false, describe: 'Say what would be removed' })
        .option('force', {
          type: 'boolean',
          default: false,
          describe: 'Remove the run that --run names even if it lives',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 clean', 'What killed runs have left on this machine')
        .example('$0 clean --kubeconfig FILE --dry-run', 'What is there to remove?')
        .example(
          '$0 clean --kubeconfig FILE --run 20261121-052107-quickstart-3f9c',
          'Remove one run',
        ) as unknown as Argv<CleanFlags>,
    handler: (flags) => context.finish(clean(flags, context)),
  };
}

async function clean(flags: CleanFlags, context: CommandContext): Promise<number> {
  if (flags.force && flags.run === undefined) {
    throw new HollowmarkError('bad-input', '--force: needs a run', { hint: 'name it with --run ID' });
  }
  if (flags.dryRun && flags.kubeconfig === undefined) {
    throw new HollowmarkError('bad-input', '--dry-run needs --kubeconfig with it', {
      hint: "what killed runs have left on this machine is nobody's: it goes with every start",
    });
  }
  const display = createDisplay(displayMode(flags));
  const { signal } = context.interruption((name) => display.warn(`${name}: stopping`));
  try {
    // Also those that were killed a moment ago: nobody but this machine can know that they are dead.
    const killed = flags.dryRun
      ? foreignLeftovers()
      : await sweepLeftovers({ clock: systemClock, reporter: display });
    if (flags.kubeconfig !== undefined) {
      return await cleanCluster({ ...flags, kubeconfig: flags.kubeconfig }, killed, display, signal);
    }
    for (const leftover of killed) display.warn(leftoverText(leftover));
    display.close();
    const outcome = { type: 'cleaned', left: killed.map(({ runId, server }) => ({ run: runId, server })) };
    process.stdout.write(
      flags.json ? `${JSON.stringify(outcome)}\n` : 'nothing of killed runs is left on this machine\n',
    );
    return exitCodes.pass;
  } finally {
    display.close();
  }
}

async function cleanCluster(
  flags: CleanFlags & { kubeconfig: string },
  killed: readonly ForeignLeftover[],
  display: Display,
  signal: AbortSignal,
): Promise<number> {
  const foreign = await ForeignCluster.open({ ...flags, clock: systemClock, reporter: display, signal });
  try {
    const { client, server, context, kubeconfigPath } = foreign;
    display.step(`Looking for runs on ${server}`);
    const who = await whoAmI(client);
    const clusterId = await clusterIdOf(client, signal);
    const { here } = byPlace(killed, { kubeconfig: kubeconfigPath, context, server, clusterId });
    const { runs, unlisted } = await findRuns(client, who?.serverWallMs, signal);
    if (runs.length === 0 && unlisted.length > 0) {
      throw forbidden(
        unlisted.map(({ group, resource }) => ({
          apiGroups: [group],
          resources: [resource],
          verbs: ['list'],
        })),
        who?.user,
      );
    }
    const dead = new Set(here.map(({ runId }) => runId));
    const chosen = chooseRuns(
      runs.map((run) => (dead.has(run.runId) ? { ...run, living: false } : run)),
      flags,
    );
    for (const run of chosen.spare) display.warn(`${runText(run)}; left alone (--run ${run.runId} --force)`);
    if (unlisted.length > 0) {
      display.warn(`these may not be listed: ${unlisted.map(({ resource }) => resource).join(', ')}`);
    }
    const removed = flags.dryRun ? undefined : await removeAll(chosen.remove, client, display, signal);
    for (const leftover of here) {
      const gone = unlisted.length === 0 && !runs.some(({ runId }) => runId === leftover.runId);
      if (removed !== undefined && (gone || removed.has(leftover.runId))) leftover.forget();
    }
    display.close();
    process.stdout.write(
      flags.json ? `${JSON.stringify(jsonOf(chosen, removed))}\n` : textOf(chosen, removed, server),
    );
    return exitCodes.pass;
  } finally {
    foreign.close();
  }
}

type Counts = Readonly<Record<string, number>>;

/** What was removed, by run. */
async function removeAll(
  runs: readonly FoundRun[],
  client: ApiClient,
  reporter: Display,
  signal: AbortSignal,
): Promise<Map<string, Counts>> {
  const removed = new Map<string, Counts>();
  for (const { runId } of runs) {
    removed.set(runId, await removeDeadRun({ client, runId, reporter, signal }));
  }
  return removed;
}

function jsonOf({ remove, spare }: ChosenRuns, removed: ReadonlyMap<string, Counts> | undefined): unknown {
  const summary = (run: FoundRun): unknown => ({
    run: run.runId,
    objects: removed?.get(run.runId) ?? countByKind(run.objects),
  });
  return {
    type: removed === undefined ? 'would-clean' : 'cleaned',
    runs: remove.map(summary),
    spared: spare.map(summary),
  };
}

function textOf(
  { remove, spare }: ChosenRuns,
  removed: ReadonlyMap<string, Counts> | undefined,
  server: string,
): string {
  if (remove.length === 0) {
    return `nothing to remove on ${server}: ${spare.length === 0 ? 'no run has left anything' : 'all runs on it live, or may live'}\n`;
  }
  const lines = remove.flatMap((run) =>
    removed === undefined
      ? [`${runText(run)}; would be removed:`, ...namesByKind(run)]
      : [`run ${run.runId}: removed ${countsText(removed.get(run.runId) ?? {}) || 'nothing: it was gone'}`],
  );
  return `${lines.join('\n')}\n`;
}

/** A line for each kind: how many, and the first of their names. */
function namesByKind({ objects }: FoundRun): string[] {
  return Object.entries(countByKind(objects)).map(([resource, count]) => {
    const names = objects
      .filter(({ kind }) => kind.resource === resource)
      .map(({ namespace, name }) => (namespace === '' ? name : `${namespace}/${name}`));
    return `  ${countsText({ [resource]: count })}: ${someOf(names)}`;
  });
}
