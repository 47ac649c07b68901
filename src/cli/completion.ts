/** What is completed for the word in hand, or why there is nothing. */
type Completed = (error: Error | null, completions?: string[]) => void;

/** Commands that take a file. */
const fileCommands = new Set(['run', 'validate', 'report']);

/**
 * What the shell offers for a word: yargs' own commands, flags and values, but nothing where a file is due, so that
 * the shell completes files.
 */
export function completeWord(
  current: string,
  argv: { _?: (string | number)[] },
  defaults: (done: Completed) => void,
  done: (completions: string[]) => void,
): void {
  // The words so far: the program, the command, its arguments.
  const [, command, ...args] = (argv._ ?? []).map(String);
  defaults((_error, completions = []) => {
    const flagsOnly = completions.every((completion) => completion.startsWith('-'));
    const fileIsDue =
      current === '' &&
      flagsOnly &&
      command !== undefined &&
      fileCommands.has(command) &&
      args.join('') === '';
    done(fileIsDue ? [] : completions);
  });
}
