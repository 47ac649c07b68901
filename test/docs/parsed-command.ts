import yargs from 'yargs';
import { CommandContext } from '../../src/cli/context.ts';
import { Interruption } from '../../src/cli/interruption.ts';
import { commandsOf } from '../../src/cli/program.ts';

class Parsed extends Error {
  readonly values: Record<string, unknown>;
  constructor(values: Record<string, unknown>) {
    super('parsed');
    this.values = values;
  }
}

/** Reads arguments as the CLI does, and stops before anything is done. @throws what yargs finds wrong. */
export async function parsedCommand(args: readonly string[]): Promise<Record<string, unknown>> {
  const context = new CommandContext(new Interruption());
  try {
    await yargs(args)
      .command(commandsOf(context))
      .demandCommand(1)
      .strict()
      .parserConfiguration({ 'dot-notation': false })
      .exitProcess(false)
      .middleware((values) => {
        throw new Parsed(values);
      })
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
  } catch (error) {
    if (error instanceof Parsed) return error.values;
    throw error;
  }
  return {};
}
