#!/usr/bin/env node
import yargs from 'yargs';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { controlPlaneCommand } from './commands/control-plane.ts';
import { doctorCommand } from './commands/doctor.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { upCommand } from './commands/up.ts';
import { validateCommand } from './commands/validate.ts';
import { CommandContext } from './context.ts';
import { exitCodeHelp, exitCodeOfError, exitCodes } from './exit-codes.ts';

/** A mistake in the command line itself: yargs' own message, and where to look. */
function usageError(message: string): HollowmarkError {
  return new HollowmarkError('bad-input', message, { hint: 'see hollowmark --help' });
}

async function main(argv: string[]): Promise<number> {
  const context = new CommandContext();
  let failure: unknown;
  const parser = yargs(argv)
    .scriptName('hollowmark')
    .usage(
      '$0 <command>\n\nScalability tests of a real Kubernetes control plane with thousands of hollow nodes.',
    )
    .command(runCommand(context))
    .command(upCommand(context))
    .command(validateCommand(context))
    .command(reportCommand(context))
    .command(doctorCommand(context))
    .command(controlPlaneCommand(context))
    .demandCommand(1, 'Which command? (run, up, validate, report, doctor, control-plane)')
    .strict()
    .recommendCommands()
    .version(tool.version)
    .help()
    .alias('h', 'help')
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue(exitCodeHelp)
    .parserConfiguration({
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'boolean-negation': true,
    })
    .exitProcess(false)
    .fail((message, error) => {
      failure ??= error ?? usageError(message);
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
  process.stderr.write(`hollowmark: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
  if (error.code === 'internal') {
    process.stderr.write(`${error.stack ?? ''}\n`);
    if (error.cause !== undefined) process.stderr.write(`caused by: ${errorMessage(error.cause)}\n`);
  }
  return exitCodeOfError(error.code, context.interruptedExitCode);
}

// A reader that goes away (`| head`) ends the output, not the run.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const exitCode = await main(process.argv.slice(2));
// Sockets of a library could keep the process alive: everything of ours has been closed by now.
process.exit(exitCode);
