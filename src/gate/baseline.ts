import { createHash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HollowmarkError } from '../base/errors.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import type { Allowance } from './identity.ts';
import type { GateRun } from './gate-run.ts';
import { baselineFiles, readBaselineFiles } from './read-runs.ts';
import { requireAlike } from './select-runs.ts';

/** Runs that a baseline keeps unless told otherwise: with more, one more run a night says little. */
export const keptRunsDefault = 30;

/**
 * A baseline is a folder with one small file a run: no index that two at a time could spoil. Files appear whole, and are
 * only ever removed, so that readers and writers need no lock. Who adds looks again once its own files are there, and who
 * begins anew looks for what is to go once its own are there: of two that do so at once, one at least sees the other.
 */
function fileOf(run: GateRun): string {
  // Hidden files are none of a baseline's.
  const word = run.id.replaceAll(/[^\w.-]|^\.+/g, '_').slice(0, 120);
  // Ids that become the same word stay apart.
  const suffix = word === run.id ? '' : `-${createHash('sha256').update(run.id).digest('hex').slice(0, 8)}`;
  return `${word}${suffix}.run.json`;
}

/** The runs of a baseline, oldest first; none where there is no folder yet. */
export function baselineRuns(dir: string): GateRun[] {
  return existsSync(dir) ? readBaselineFiles(dir) : [];
}

/** Why a run is none for a baseline; undefined of a good one. */
export function whyNotGood({ verdict, unusable }: Pick<GateRun, 'verdict' | 'unusable'>): string | undefined {
  if (unusable !== null) return unusable;
  return verdict === 'pass' ? undefined : notGood[verdict];
}

const notGood: Record<Exclude<GateRun['verdict'], 'pass'>, string> = {
  fail: 'an SLO was missed',
  invalid: 'invalid',
  inconclusive: 'inconclusive',
  interrupted: 'interrupted',
};

/** What has become of a baseline: runs that were added, and files or runs that have gone. */
export type BaselineChange = { added: GateRun[]; removed: string[] };

/**
 * Adds runs and lets the oldest go.
 * @param runs good ones.
 * @throws HollowmarkError `bad-input` when one is unlike those that are there, also those that came meanwhile.
 */
export function addToBaseline(
  dir: string,
  runs: readonly GateRun[],
  { keep, allowed }: { keep: number; allowed: readonly Allowance[] },
): BaselineChange {
  requireGood(runs);
  requireAlikeAll(runs, [...baselineRuns(dir), ...runs], allowed);
  write(dir, runs);
  try {
    requireAlikeAll(runs, baselineRuns(dir), allowed);
  } catch (error) {
    // Also what was there before: who began anew meanwhile has taken it away.
    remove(dir, runs.map(fileOf));
    throw error;
  }
  return { added: [...runs], removed: pruneBaseline(dir, keep) };
}

/**
 * Begins anew from these runs: after a change that is meant to stay. What else is there goes by its name, whether it can be
 * read or not.
 * @param runs good ones.
 */
export function acceptBaseline(
  dir: string,
  runs: readonly GateRun[],
  allowed: readonly Allowance[],
): BaselineChange {
  requireGood(runs);
  requireAlikeAll(runs, runs, allowed);
  write(dir, runs);
  const own = new Set(runs.map(fileOf));
  const others = baselineFiles(dir)
    .map((file) => basename(file))
    .filter((file) => !own.has(file));
  remove(dir, others);
  return { added: [...runs], removed: others.map((file) => file.replace(/\.run\.json$/, '')) };
}

/** Lets all but the newest runs go. @returns those that went. */
export function pruneBaseline(dir: string, keep: number): string[] {
  const runs = baselineRuns(dir);
  const gone = runs.slice(0, Math.max(0, runs.length - keep));
  remove(dir, gone.map(fileOf));
  return gone.map(({ id }) => id);
}

function requireGood(runs: readonly GateRun[]): void {
  for (const run of runs) {
    const reason = whyNotGood(run);
    if (reason === undefined) continue;
    throw new HollowmarkError('bad-input', `run ${run.id} does not belong into a baseline: ${reason}`, {
      hint: 'a baseline is made of valid runs that pass',
    });
  }
}

function requireAlikeAll(
  runs: readonly GateRun[],
  others: readonly GateRun[],
  allowed: readonly Allowance[],
): void {
  for (const other of others) requireAlike(runs, other, allowed);
}

function write(dir: string, runs: readonly GateRun[]): void {
  for (const run of runs)
    writeFileAtomically(join(dir, fileOf(run)), `${JSON.stringify(run, undefined, 1)}\n`);
}

/** Those that somebody else has removed meanwhile are gone already. */
function remove(dir: string, files: readonly string[]): void {
  for (const file of files) rmSync(join(dir, file), { force: true });
}
