import type { Argv } from 'yargs';
import { HollowmarkError } from '../base/errors.ts';
import { readInputFile } from '../base/input-file.ts';
import { nearest } from '../base/nearest.ts';
import { type Allowance, allowances, unlikeAllowances } from '../gate/identity.ts';
import { type Rule, defaultRules } from '../gate/rules.ts';
import { rulesOf } from '../gate/schemas.ts';
import { YamlSource } from '../scenario/file/yaml-source.ts';
import { usageError } from './usage.ts';

export type AllowFlags = { allow: string[] | undefined };

/** The flag of commands that compare runs. */
export function allowOption<T>(yargs: Argv<T>, group?: string): Argv<T & AllowFlags> {
  return allowOptionAs(
    yargs,
    `Compare runs that are unlike in ${unlikeAllowances.join(', ')}, or invalid; with commas`,
    group,
  );
}

/** The flag of commands that keep runs: what is invalid is kept by none. */
export function allowUnlikeOption<T>(yargs: Argv<T>): Argv<T & AllowFlags> {
  return allowOptionAs(yargs, `Take runs that are unlike in ${unlikeAllowances.join(', ')}; with commas`);
}

function allowOptionAs<T>(yargs: Argv<T>, describe: string, group?: string): Argv<T & AllowFlags> {
  return yargs.option('allow', {
    type: 'string',
    array: true,
    nargs: 1,
    describe,
    ...(group === undefined ? {} : { group }),
  });
}

/** @throws HollowmarkError `bad-input` of a word that is none. */
export function allowedOf({ allow }: AllowFlags, words: readonly Allowance[] = allowances): Allowance[] {
  return (allow ?? [])
    .flatMap((given) => given.split(','))
    .map((word) => {
      const found = words.find((one) => one === word);
      if (found !== undefined) return found;
      const near = nearest(word, words);
      const suggestion = near === undefined ? '' : `; did you mean ${near}?`;
      throw usageError(`--allow ${word}: must be of ${words.join('|')}${suggestion}`);
    });
}

export type RuleFlags = {
  rules: string | undefined;
  noise: string | undefined;
  strict: boolean;
};

/** Flags of commands that judge by rules. */
export function ruleOptions<T>(yargs: Argv<T>, group?: string): Argv<T & RuleFlags> {
  const grouped = group === undefined ? {} : { group };
  return yargs
    .option('rules', {
      type: 'string',
      describe: 'A gate.yaml with rules, instead of those that are built in',
      requiresArg: true,
      ...grouped,
    })
    .option('noise', {
      type: 'string',
      describe: 'A noise.json of this machine: how much runs vary is known better, which few runs need',
      requiresArg: true,
      ...grouped,
    })
    .option('strict', {
      type: 'boolean',
      default: false,
      describe: 'Rules that cannot be told, for lack of runs or samples, fail (exit code 5)',
      ...grouped,
    });
}

const rulesFile = {
  name: 'file of rules',
  bytesMax: 256 * 1024,
  hint: 'name a gate.yaml; docs/gate.md says what is in it',
};

/** @throws HollowmarkError `bad-input` with file, line and column. */
export function rulesFrom(path: string | undefined): readonly Rule[] {
  return path === undefined ? defaultRules : parseRules(readInputFile(path, rulesFile), path);
}

/** As {@link rulesFrom}, of a text; `file` is for messages. */
export function parseRules(text: string, file: string): readonly Rule[] {
  const source = new YamlSource(text, file);
  const read = rulesOf(source.data);
  if ('rules' in read) return read.rules;
  const { path, reason } = read.fault;
  const { line, column } = source.placeOf(path, 'value');
  const where = path.length === 0 ? 'the file' : path.join('.');
  throw new HollowmarkError('bad-input', `${file}:${line}:${column}: ${where} ${reason}`, {
    hint: rulesFile.hint,
  });
}
