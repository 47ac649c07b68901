import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { shellWord } from '../../base/shell-word.ts';
import { type Journal, stateRoot } from '../../journal/journal.ts';
import { requirePreflight } from '../../preflight/preflight.ts';
import { HollowCluster } from '../../scenario/hollow-cluster.ts';
import { nodeConfigs } from '../../scenario/nodes.ts';
import { defaultScenario } from '../../scenario/load-scenario.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { wireFormats } from '../../wire/codec.ts';
import type { CommandContext } from '../context.ts';
import type { LiveFeed } from '../../dashboard/live/live-feed.ts';
import { type LiveFlags, liveOptions, withLive } from '../live/open-live.ts';
import { UpSource } from '../live/up-source.ts';
import { type ClusterFlags, clusterOptions, positiveInteger } from '../options.ts';
import { openCluster } from '../open-cluster.ts';
import { type Session, inSession } from '../session.ts';

type UpFlags = ClusterFlags &
  LiveFlags & {
    nodes: number;
    proxies: boolean;
    kubeconfigOut: string | undefined;
    seed: string | undefined;
    quiet: boolean;
    json: boolean;
  };

/** `up`: a hollow cluster that stays until it is interrupted. */
export function upCommand(context: CommandContext): CommandModule<object, UpFlags> {
  return {
    command: 'up',
    describe: 'Start a hollow cluster that stays until Ctrl-C, for kubectl and other tools',
    builder: (yargs: Argv) =>
      liveOptions(clusterOptions(yargs))
        .option('nodes', { type: 'number', default: 10, describe: 'Hollow nodes', requiresArg: true })
        .option('proxies', { type: 'boolean', default: true, describe: 'A hollow kube-proxy on each node' })
        .option('kubeconfig-out', {
          type: 'string',
          describe: 'Write the kubeconfig here as well (removed at the end)',
          requiresArg: true,
          conflicts: 'kubeconfig',
        })
        .option('seed', { type: 'string', describe: 'Seed of all decisions', requiresArg: true })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 up --nodes 100', 'A hundred hollow nodes until Ctrl-C')
        .example(
          '$0 up --nodes 5 --kubeconfig-out hollow.kubeconfig &',
          'In the background, until this shell ends; with setsid before it, until it is killed',
        ) as unknown as Argv<UpFlags>,
    handler: (flags) => context.finish(up(flags, context)),
  };
}

async function up(flags: UpFlags, context: CommandContext): Promise<number> {
  const count = positiveInteger('--nodes', flags.nodes) ?? 10;
  const kubeconfigOut = flags.kubeconfigOut === undefined ? undefined : resolve(flags.kubeconfigOut);
  if (kubeconfigOut !== undefined) checkKubeconfigOut(kubeconfigOut);
  const scenario = defaultScenario({ nodes: count, proxies: flags.proxies });
  const { quiet, json } = flags;
  return inSession(context, { name: 'up', quiet, json, onSignal: 'stopping' }, (session) =>
    withLive(flags, count, session, (watched, feed) => stay(flags, scenario, kubeconfigOut, watched, feed)),
  );
}

/** Starts the cluster and waits for its end. @returns the exit code. */
async function stay(
  flags: UpFlags,
  scenario: Scenario,
  kubeconfigOut: string | undefined,
  { runId, journal, leftovers, display, interruption }: Session,
  feed: LiveFeed | undefined,
): Promise<number> {
  const { signal } = interruption;
  if (!flags.skipPreflight) {
    await requirePreflight({
      nodes: scenario.nodes.count,
      pods: 0,
      proxies: flags.proxies,
      ownControlPlane: flags.kubeconfig === undefined,
      stateDir: stateRoot(),
      reportDir: undefined,
      reporter: display,
    });
  }
  const profile = 'scale';
  const common = { runId, journal, leftovers, reporter: display, signal };
  const cluster = await openCluster(flags, { scenario, nodesOnly: true, profile, ...common });
  let hollow: HollowCluster | undefined;
  let source: UpSource | undefined;
  let lost: unknown;
  try {
    if (kubeconfigOut !== undefined) writeKubeconfig(journal, cluster.kubeconfigPath, kubeconfigOut);
    hollow = new HollowCluster({ cluster, children: journal, clock: systemClock, signal, reporter: display });
    if (feed !== undefined) {
      const fleetPid = (): number => hollow?.fleet?.pid ?? 0;
      source = new UpSource({
        cluster,
        runId,
        nodeCount: scenario.nodes.count,
        clock: systemClock,
        fleetPid,
      });
      feed.source = source;
      feed.logs(cluster.logPaths?.() ?? {});
    }
    hollow.startNodes({
      nodes: nodeConfigs(scenario, cluster.version, runId, cluster.foreign !== undefined),
      proxies: flags.proxies,
      wire: flags.wire ?? wireFormats[0],
      profile: flags.profile,
      seed: flags.seed ?? 'up',
    });
    await hollow.nodesReady();
    display.close();
    announce(flags, cluster, kubeconfigOut ?? cluster.kubeconfigPath, scenario.nodes.count);
    await Promise.race([aborted(signal), hollow.died]);
  } catch (error) {
    lost = error;
  }
  display.close();
  source?.stop();
  // That things end now is no fault to be shown.
  if (feed !== undefined) feed.source = undefined;
  try {
    await (hollow ?? cluster).stop();
  } catch (error) {
    // The loss is the cause of it, most likely.
    if (lost !== undefined) display.warn(errorMessage(error));
    lost ??= error;
  }
  if (lost !== undefined) throw lost;
  return interruption.exitCode;
}

/** The nodes are Ready: says how they are reached. */
function announce(flags: UpFlags, cluster: Cluster, kubeconfig: string, nodes: number): void {
  const { endpoint, version, foreign } = cluster;
  const context = foreign?.context;
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ type: 'ready', kubeconfig, ...(context === undefined ? {} : { context }), server: endpoint.url, version, nodes })}\n`,
    );
    return;
  }
  process.stdout.write(`kubeconfig: ${kubeconfig}\nready\n`);
  if (flags.quiet) return;
  const words = [
    'kubectl',
    '--kubeconfig',
    kubeconfig,
    ...(context === undefined ? [] : ['--context', context]),
  ];
  process.stderr.write(
    `${nodes} hollow nodes are Ready on Kubernetes ${version}.\n` +
      `Try: ${[...words, 'get', 'nodes'].map(shellWord).join(' ')}\n` +
      `Ctrl-C ${foreign === undefined ? 'ends the cluster' : 'removes the hollow nodes'}.\n`,
  );
}

/** Finds out before the cluster starts what {@link writeKubeconfig} would say after it. */
function checkKubeconfigOut(path: string): void {
  if (existsSync(path)) {
    throw new HollowmarkError('bad-input', `--kubeconfig-out: ${path} is there already`, {
      hint: 'name a file that is not there yet: it is removed with the cluster',
    });
  }
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new HollowmarkError(
      'bad-input',
      `--kubeconfig-out: the folder ${dirname(path)} cannot be written`,
      {
        hint: 'name a file in a folder that is there and yours',
        cause,
      },
    );
  }
}

function writeKubeconfig(journal: Journal, from: string, to: string): void {
  try {
    // Not over a file that is there: it may be somebody's own kubeconfig.
    journal.makeFile(to, readFileSync(from));
  } catch (cause) {
    throw new HollowmarkError('bad-input', `--kubeconfig-out: cannot write ${to}: ${errorMessage(cause)}`, {
      hint: 'name a file that is not there yet, in a folder that is',
      cause,
    });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolvePromise) => {
    if (signal.aborted) resolvePromise();
    else signal.addEventListener('abort', () => resolvePromise(), { once: true });
  });
}
