import { HollowmarkError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

/** The flags that a command knows, by the type of their value. Names are as yargs keeps them, without dashes. */
export type KnownFlags = {
  names: readonly string[];
  booleans: readonly string[];
  /** May be given more than once. */
  lists: readonly string[];
};

const seeHelp = 'see hollowmark --help';

/** A mistake in the command line itself. */
export function usageError(message: string, hint: string = seeHelp): HollowmarkError {
  return new HollowmarkError('bad-input', message, { hint });
}

const missingArgument = 'an argument is missing: a file to read';

/** Words of ours for what yargs finds wrong; it fills in `%s`. `one` and `other` are its singular and plural. */
export const usageTexts: Record<string, string | { one: string; other: string }> = {
  'Not enough arguments following: %s': '--%s needs a value',
  'Not enough non-option arguments: got %s, need at least %s': {
    one: missingArgument,
    other: missingArgument,
  },
};

/**
 * What yargs lets pass and nobody means: a flag twice (it would take the last), an empty value (most often a shell
 * variable that is not set), a switch with a word, a value denied with `--no-`.
 * @throws HollowmarkError `bad-input`.
 */
export function checkFlags(argv: readonly string[], known: KnownFlags): void {
  const seen = new Set<string>();
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  for (let i = 0; i < words.length; i++) {
    const match = /^--([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(words[i] ?? '');
    if (match === null) continue;
    const [, given = '', attached] = match;
    const denied = !known.names.includes(given) && given.startsWith('no-');
    const name = denied ? given.slice('no-'.length) : given;
    if (!known.names.includes(name)) continue;
    if (seen.has(name) && !known.lists.includes(name)) throw usageError(`--${name} is given twice`);
    seen.add(name);
    if (known.booleans.includes(name)) {
      if (attached !== undefined && !['true', 'false'].includes(attached)) {
        throw usageError(`--${name} is on or off and takes no value, not '${attached}'`);
      }
      continue;
    }
    if (denied) throw usageError(`there is no flag --no-${name}; leave --${name} out`);
    // Without "=" the value is the next word, whatever it looks like.
    const value = attached ?? words[++i];
    if (value === '') throw usageError(`--${name}: its value is empty`);
  }
}

/** What yargs found wrong, in clearer words: with the nearest flag or value that there is. */
export function clearUsageError(
  message: string,
  argv: readonly string[],
  known: KnownFlags,
): HollowmarkError {
  const value = /^ +Argument: (\S+), Given: (.*), Choices: (.*)$/m.exec(message);
  if (value !== null) {
    const [, flag, given, choices = ''] = value;
    return usageError(`--${flag} must be ${choices.replaceAll('"', '').replaceAll(', ', '|')}, not ${given}`);
  }
  const meant = /^Did you mean (\S+)\?$/m.exec(message);
  if (meant !== null) {
    const command = argv.find((word) => !word.startsWith('-')) ?? '';
    return usageError(`there is no command '${command}'; did you mean ${meant[1]}?`);
  }
  const implied = /^ (\S+) -> (\S+)$/m.exec(message);
  if (implied !== null) return usageError(`--${implied[1]} needs --${implied[2]} with it`);
  const exclusive = /^Arguments (\S+) and (\S+) are mutually exclusive$/.exec(message);
  if (exclusive !== null) return usageError(`--${exclusive[1]} and --${exclusive[2]} exclude each other`);
  const name = /^Unknown arguments?: ([^,]+)/.exec(message)?.[1];
  if (name === undefined) return usageError(message);
  const flag = argv.find((word) => word.replace(/^--?/, '').split('=')[0] === name && word.startsWith('-'));
  if (flag === undefined) return usageError(`'${name}' is one argument too many, or no command`);
  const near = nearest(name, known.names);
  const suggestion = near === undefined ? '' : `; did you mean --${near}?`;
  return usageError(`there is no flag ${flag.split('=')[0]}${suggestion}`);
}
