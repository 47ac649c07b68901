import type { KnownFlags } from './usage.ts';

/** What is completed for the word in hand, or why there is nothing. */
type Completed = (error: Error | null, completions?: string[]) => void;

/** Commands that take a file. */
const fileCommands = new Set(['run', 'validate', 'report', 'compare', 'gate']);

/**
 * What the shell offers for a word: yargs' own commands, flags and values, but nothing where a file or another value
 * of the user's own is due, so that the shell completes files.
 * @param words the whole line, the word in hand last.
 * @param knownFlags those of the command, once yargs has come to it.
 */
export function completer(words: readonly string[], knownFlags: () => KnownFlags) {
  return (
    current: string,
    argv: { _?: (string | number)[] },
    defaults: (done: Completed) => void,
    done: (completions: string[]) => void,
  ): void => {
    // The words so far: the program, the command, its arguments.
    const [, command, ...args] = (argv._ ?? []).map(String);
    defaults((_error, completions = []) => {
      const flagsOnly = completions.every((completion) => completion.startsWith('-'));
      const fileIsDue =
        current === '' && command !== undefined && fileCommands.has(command) && args.join('') === '';
      done(flagsOnly && (fileIsDue || takesValue(words.at(-2) ?? '', knownFlags())) ? [] : completions);
    });
  };
}

/** Whether a word is a flag whose value is the next word. */
function takesValue(word: string, { names, booleans }: KnownFlags): boolean {
  const name = word.replace(/^--/, '');
  return name !== word && names.includes(name) && !booleans.includes(name);
}
