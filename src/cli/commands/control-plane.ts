import type { Argv, CommandModule } from 'yargs';
import { installControlPlane } from '../../control-plane/install.ts';
import { systemClock } from '../../base/clock.ts';
import { Journal } from '../../journal/journal.ts';
import { sweepLeftovers } from '../../journal/sweep.ts';
import { createDisplay, displayMode } from '../display.ts';
import type { CommandContext } from '../context.ts';
import { leftoverText } from '../open-cluster.ts';
import { type ControlPlaneFlags, binariesOptions, checkedBinaries, newRunId } from '../options.ts';

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
  const display = createDisplay(displayMode(flags));
  const interruption = context.interruption((signal) => display.warn(`${signal}: stopping`));
  let journal: Journal | undefined;
  try {
    const killed = await sweepLeftovers({ clock: systemClock, reporter: display });
    for (const leftover of killed) display.warn(leftoverText(leftover));
    journal = Journal.open(newRunId('install'));
    const installed = await installControlPlane({
      ...binaries,
      children: journal,
      reporter: display,
      signal: interruption.signal,
    });
    display.close();
    process.stdout.write(
      flags.json
        ? `${JSON.stringify({ type: 'installed', ...installed })}\n`
        : `${installed.version} (${installed.source}): ${installed.dir}\n`,
    );
    return 0;
  } finally {
    display.close();
    await journal?.close(display);
  }
}
