import type { Argv, CommandModule } from 'yargs';
import { installControlPlane } from '../../control-plane/install.ts';
import type { CommandContext } from '../context.ts';
import { leftoverText } from '../open-cluster.ts';
import { type ControlPlaneFlags, binariesOptions, checkedBinaries } from '../options.ts';
import { inSession } from '../session.ts';

type InstallFlags = ControlPlaneFlags & { quiet: boolean; json: boolean };

/** `control-plane install`: fetches or builds the binaries ahead of time. */
export function controlPlaneCommand(context: CommandContext): CommandModule {
  return {
    command: 'control-plane',
    describe: 'Manage the binaries of the local control plane',
    builder: (yargs: Argv) =>
      yargs
        .command({
          command: 'install',
          describe: 'Download or build the control plane into the cache, ahead of a run',
          builder: (inner: Argv) =>
            binariesOptions(inner)
              .option('quiet', { type: 'boolean', default: false, describe: 'No progress' })
              .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
              .example('$0 control-plane install', 'Fetch the default version')
              .example('$0 control-plane install --kubernetes-version v1.35.2', 'Fetch another one'),
          handler: (flags) => context.finish(install(flags as unknown as InstallFlags, context)),
        } satisfies CommandModule)
        .demandCommand(1, 'which command? Such as: hollowmark control-plane install'),
    handler: () => {},
  };
}

async function install(flags: InstallFlags, context: CommandContext): Promise<number> {
  const binaries = checkedBinaries(flags);
  const { quiet, json } = flags;
  return inSession(
    context,
    { name: 'install', quiet, json, onSignal: 'stopping' },
    async ({ journal, leftovers, display, interruption }) => {
      for (const leftover of leftovers) display.warn(leftoverText(leftover));
      const installed = await installControlPlane({
        ...binaries,
        children: journal,
        reporter: display,
        signal: interruption.signal,
      });
      display.close();
      process.stdout.write(
        json
          ? `${JSON.stringify({ type: 'installed', ...installed })}\n`
          : `${installed.version} (${installed.source}): ${installed.dir}\n`,
      );
      return 0;
    },
  );
}
