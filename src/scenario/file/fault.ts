import { HollowmarkError } from '../../base/errors.ts';
import { type ScenarioPath, formatPath, startsWith } from './path.ts';

/** One thing that is wrong with a scenario, before it is known where the value came from. */
export type Fault = {
  path: ScenarioPath;
  /** `key`: the key itself is wrong, not its value. */
  at: 'key' | 'value';
  /** What is wrong, starting with the path where that helps. */
  message: string;
  hint?: string;
  /** Other values that have a part in it. */
  related?: readonly ScenarioPath[];
};

/** Where a fault's value stands in a file; lines and columns count from 1. */
export interface Places {
  /** The path as the user gave it. */
  readonly file: string;
  /** The place of the value at `path`, or of the nearest thing around it that the file has. */
  placeOf(path: ScenarioPath, at: 'key' | 'value'): { line: number; column: number; offset: number };
}

/** A value that came from the command line and not from the file. */
export type Override = { path: ScenarioPath /** As typed: `--set nodes.count=0`. */; flag: string };

/** The error that a user reads: names the flag where the value came from one, else file, line and column. */
export function faultError(fault: Fault, places: Places, overrides: readonly Override[]): HollowmarkError {
  const flag = flagOf(fault, overrides);
  const { line, column } = places.placeOf(fault.path, fault.at);
  const where = flag ?? `${places.file}:${line}:${column}`;
  return new HollowmarkError(
    'bad-input',
    `${where}: ${fault.message}`,
    fault.hint === undefined ? {} : { hint: fault.hint },
  );
}

/** The last flag that set the faulty value or something around it, or that has a part in the fault. */
function flagOf(fault: Fault, overrides: readonly Override[]): string | undefined {
  for (const path of [fault.path, ...(fault.related ?? [])]) {
    const found = overrides.findLast(
      (override) =>
        startsWith(path, override.path) || (path !== fault.path && startsWith(override.path, path)),
    );
    if (found !== undefined) return found.flag;
  }
  return undefined;
}

/** A value as an error message shows it: short, on one line. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}

/** `a, b or c`, for lists of allowed words. */
export function alternatives(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** The subject of a message about `path`: the path, or the scenario itself. */
export function subject(path: ScenarioPath): string {
  return path.length === 0 ? 'the scenario' : formatPath(path);
}
