import { accessSync, constants, existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { Journal, stateRoot } from '../../journal/journal.ts';
import { requirePreflight } from '../../preflight/preflight.ts';
import { HollowCluster } from '../../scenario/hollow-cluster.ts';
import { nodeConfigs } from '../../scenario/nodes.ts';
import { defaultScenario } from '../../scenario/load-scenario.ts';
import { createDisplay, displayMode } from '../display.ts';
import type { CommandContext } from '../context.ts';
import { type ClusterFlags, clusterOptions, newRunId, positiveInteger } from '../options.ts';
import { openCluster, sweep } from '../open-cluster.ts';

type UpFlags = ClusterFlags & {
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
      clusterOptions(yargs)
        .option('nodes', { type: 'number', default: 10, describe: 'Hollow nodes', requiresArg: true })
        .option('proxies', { type: 'boolean', default: true, describe: 'A hollow kube-proxy on each node' })
        .option('kubeconfig-out', {
          type: 'string',
          describe: 'Write the kubeconfig here as well (removed at the end)',
          requiresArg: true,
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
  const runId = newRunId('up');
  const kubeconfigOut = flags.kubeconfigOut === undefined ? undefined : resolve(flags.kubeconfigOut);
  if (kubeconfigOut !== undefined) checkKubeconfigOut(kubeconfigOut);
  const scenario = defaultScenario({ nodes: count, proxies: flags.proxies });
  const display = createDisplay(displayMode(flags));
  const interruption = context.interruption((signal) => display.warn(`${signal}: stopping`));
  await sweep(flags, display, interruption.signal);
  if (!flags.skipPreflight) {
    await requirePreflight({
      nodes: count,
      pods: 0,
      proxies: flags.proxies,
      ownControlPlane: flags.kubeconfig === undefined,
      stateDir: stateRoot(),
      reportDir: undefined,
      reporter: display,
    });
  }
  const journal = Journal.open(runId);
  let cluster: Cluster | undefined;
  let hollow: HollowCluster | undefined;
  try {
    cluster = await openCluster(flags, {
      scenario,
      nodesOnly: true,
      runId,
      profile: 'scale',
      journal,
      reporter: display,
      signal: interruption.signal,
    });
    const kubeconfig = kubeconfigOut ?? cluster.kubeconfigPath;
    if (kubeconfigOut !== undefined) {
      await writeKubeconfig(cluster.kubeconfigPath, kubeconfigOut);
      journal.note({ files: [kubeconfigOut] });
    }
    hollow = new HollowCluster({
      cluster,
      children: journal,
      clock: systemClock,
      signal: interruption.signal,
      reporter: display,
    });
    hollow.startNodes({
      nodes: nodeConfigs(scenario, cluster.version, runId, cluster.shared),
      proxies: flags.proxies,
      seed: flags.seed ?? 'up',
    });
    await hollow.nodesReady();
    display.close();
    if (flags.json) {
      const { endpoint, version } = cluster;
      process.stdout.write(
        `${JSON.stringify({ type: 'ready', kubeconfig, server: endpoint.url, version, nodes: count })}\n`,
      );
    } else {
      process.stdout.write(`kubeconfig: ${kubeconfig}\nready\n`);
      if (!flags.quiet) {
        process.stderr.write(
          `${count} hollow nodes are Ready on Kubernetes ${cluster.version}.\n` +
            `Try: kubectl --kubeconfig ${kubeconfig} get nodes\nCtrl-C ends the cluster.\n`,
        );
      }
    }
    await Promise.race([aborted(interruption.signal), hollow.died]);
    return interruption.exitCode;
  } finally {
    display.close();
    try {
      await (hollow ?? cluster)?.stop();
    } finally {
      await journal.close();
    }
  }
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

async function writeKubeconfig(from: string, to: string): Promise<void> {
  try {
    // Not over a file that is there: it may be somebody's own kubeconfig.
    await copyFile(from, to, constants.COPYFILE_EXCL);
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
