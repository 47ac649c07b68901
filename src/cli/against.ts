import { HollowmarkError } from '../base/errors.ts';
import { wireProfileNames } from '../hollow/wire-profile.ts';
import { wireFormats } from '../wire/codec.ts';
import { type ClusterFlags, type ScenarioFlags, flagProfiles } from './options.ts';
import { usageError } from './usage.ts';

/** Flags of a run that `--against` may change as it does the scenario's values, and what they may be. */
const choices = { wire: wireFormats, profile: wireProfileNames, flags: flagProfiles } as const;
type Choice = keyof typeof choices;

const isChoice = (name: string): name is Choice => Object.hasOwn(choices, name);

/**
 * The flags of the runs that take turns with those of `flags`. `against`: `nodes.proxies=false`, as for `--set`, or
 * `wire=json`, `profile=kubemark`, `flags=default`.
 * @throws HollowmarkError `bad-input`.
 */
export function flagsAgainst<Flags extends ClusterFlags & ScenarioFlags>(
  flags: Flags,
  against: readonly string[],
): Flags {
  const sets = [...(flags.set ?? [])];
  const others: Partial<Record<Choice, string>> = {};
  for (const text of against) {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(text) ?? [];
    if (!isChoice(name)) {
      sets.push(text);
      continue;
    }
    const known: readonly string[] = choices[name];
    if (!known.includes(value)) {
      throw new HollowmarkError('bad-input', `--against ${text}: must be ${name}=${known.join('|')}`);
    }
    if (name === 'flags' && flags.kubeconfig !== undefined) {
      throw usageError('--kubeconfig and --against flags=… exclude each other: the control plane is there');
    }
    others[name] = value;
  }
  return { ...flags, ...others, set: sets };
}
