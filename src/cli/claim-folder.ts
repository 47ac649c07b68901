import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage, HollowmarkError } from '../base/errors.ts';
import { removeEmptyFolders } from '../base/folders.ts';
import { noiseFileName } from '../gate/noise.ts';
import { gateFileName } from '../gate/read-outcome.ts';
import { repeatsFileName } from '../gate/repeats.ts';
import type { Journal } from '../journal/journal.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import { resultFileName } from '../result/result.ts';

/**
 * Finds out before the work, not after it, whether a folder for its outcome can be written.
 * @param parts folders in it that will be made.
 * @throws HollowmarkError `bad-input`.
 */
export function claimFolder(dir: string, journal: Journal, parts: readonly string[] = []): void {
  const made: string[] = [];
  for (let folder = dir; !existsSync(folder); folder = dirname(folder)) made.push(folder);
  const probe = join(dir, `.hollowmark.${process.pid}.tmp`);
  const inner = parts.map((part) => join(dir, part));
  journal.note({ temporariesIn: [dir, ...inner], emptyFolders: [...inner, ...made] });
  writeFileAtomically(probe, '');
  rmSync(probe);
}

/** What a gate takes for this run's, and what else a run writes. */
const readOutputs: readonly string[] = [resultFileName, gateFileName];
const runOutputs: readonly string[] = [...readOutputs, 'plan.txt', 'report.html', 'junit.xml'];
const setOutputs: readonly string[] = [repeatsFileName, 'repeats.md', noiseFileName, 'noise.md'];

/** Folders of the runs of a set: `run-1`, `run-2-b`. */
const runFolder = /^run-\d+(?:-[a-z])?$/;

/**
 * Takes away what an earlier run or set of runs has left in a folder that another one takes: a gate would read old runs as
 * new ones. Files that are none of ours stay, and the folders that hold them; so does a set's summary without its runs,
 * which somebody has put there.
 * @throws HollowmarkError `bad-input` when it cannot.
 */
export function removeEarlierOutputs(dir: string): void {
  if (!existsSync(dir)) return;
  try {
    const runs = readdirSync(dir).filter(
      (name) => runFolder.test(name) && existsSync(join(dir, name, resultFileName)),
    );
    for (const name of runs) removeRun(join(dir, name));
    removeFiles(dir, runs.length === 0 ? readOutputs : [...readOutputs, ...setOutputs]);
  } catch (cause) {
    throw new HollowmarkError('bad-input', `cannot clear ${dir} of an earlier run: ${errorMessage(cause)}`, {
      hint: 'choose another folder with --out DIR',
      cause,
    });
  }
}

function removeRun(folder: string): void {
  removeFiles(folder, runOutputs);
  const charts = join(folder, 'charts');
  if (existsSync(charts)) {
    removeFiles(
      charts,
      readdirSync(charts).filter((name) => name.endsWith('.png')),
    );
    removeEmptyFolders([charts]);
  }
  removeEmptyFolders([folder]);
}

function removeFiles(folder: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, name), { force: true });
}
