import yargs, { type Argv, type CommandModule } from 'yargs';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { baselineCommand } from './commands/baseline.ts';
import { cleanCommand } from './commands/clean.ts';
import { compareCommand } from './commands/compare.ts';
import { controlPlaneCommand } from './commands/control-plane.ts';
import { doctorCommand } from './commands/doctor.ts';
import { fidelityCommand } from './commands/fidelity.ts';
import { gateCommand } from './commands/gate.ts';
import { noiseCommand } from './commands/noise.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { serveCommand } from './commands/serve.ts';
import { upCommand } from './commands/up.ts';
import { validateCommand } from './commands/validate.ts';
import { completer } from './completion.ts';
import { CommandContext } from './context.ts';
import { exitCodeHelp, exitCodeOfError, exitCodes } from './exit-codes.ts';
import { Interruption } from './interruption.ts';
import { tellError } from './tell-error.ts';
import { type KnownFlags, checkFlags, clearUsageError, usageError, usageTexts } from './usage.ts';

/** What yargs knows of the command that it is at; its types leave the method out. */
type WithOptions = {
  getOptions(): { key: Record<string, unknown>; boolean: string[]; array: string[] };
};

function knownFlags(parser: object): KnownFlags {
  const { key, boolean, array } = (parser as WithOptions).getOptions();
  return { names: Object.keys(key), booleans: boolean, lists: array };
}

/** All commands, in the order of the help. */
export function commandsOf(context: CommandContext): CommandModule[] {
  return [
    runCommand(context),
    upCommand(context),
    validateCommand(context),
    reportCommand(context),
    compareCommand(context),
    gateCommand(context),
    baselineCommand(context),
    serveCommand(context),
    cleanCommand(context),
    doctorCommand(context),
    noiseCommand(context),
    fidelityCommand(context),
    controlPlaneCommand(context),
  ] as CommandModule[];
}

/**
 * Runs one command line, without the program's own name, and says with which code the process should end. Everything
 * that goes wrong is said on stderr; nothing is thrown.
 * @param interruption listens to signals for the command; one that never comes when absent.
 */
export async function main(
  argv: readonly string[],
  interruption: Interruption = new Interruption(),
): Promise<number> {
  const context = new CommandContext(interruption);
  let failure: unknown;
  const parser: Argv = yargs([...argv])
    .scriptName('hollowmark')
    .usage(
      '$0 <command>\n\nScalability tests of a real Kubernetes control plane with thousands of hollow nodes.',
    )
    .command(commandsOf(context))
    .completion(
      'completion',
      'Print the script that completes commands and flags in bash or zsh',
      completer(argv, () => knownFlags(parser)),
    )
    .demandCommand(1, 'which command? Such as: hollowmark run scenarios/quickstart.yaml')
    .strict()
    .locale('en')
    .updateStrings(usageTexts as Record<string, string>)
    .check(() => {
      checkFlags(argv, knownFlags(parser));
      return true;
    })
    .recommendCommands()
    .version(tool.version)
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue(exitCodeHelp)
    .parserConfiguration({
      'dot-notation': false,
      'boolean-negation': true,
    })
    .exitProcess(false)
    .fail((message, error) => {
      failure ??= error ?? clearUsageError(message, argv, knownFlags(parser));
      throw failure;
    });
  try {
    await parser.parseAsync();
    return await context.exitCode();
  } catch (error) {
    return report(failure ?? error, context);
  }
}

/** One message: what was wrong, where, what to do. A stack trace only for our own faults. */
function report(error: unknown, context: CommandContext): number {
  if (!(error instanceof HollowmarkError)) {
    const known = error instanceof Error && error.name === 'YError' ? usageError(error.message) : undefined;
    if (known === undefined) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`hollowmark: internal error: ${detail}\n`);
      return exitCodes.internal;
    }
    return report(known, context);
  }
  tellError(error);
  if (error.code === 'internal') {
    process.stderr.write(`${error.stack ?? ''}\n`);
    if (error.cause !== undefined) process.stderr.write(`caused by: ${errorMessage(error.cause)}\n`);
  }
  return exitCodeOfError(error.code, context.interruptedExitCode);
}
