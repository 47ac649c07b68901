import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import { stateRoot } from './journal.ts';
import {
  type ForeignCluster,
  type JournalRecord,
  isPrivateFolder,
  journalName,
  kill,
  livingChildren,
  mayBeAlive,
  readRecord,
  removeTraces,
} from './record.ts';

/** A folder without a journal may be one that another run is just making. */
const newcomerAgeMsMax = 60_000;

/** etcd must not write into a folder that is being removed. A process takes milliseconds to die. */
const dyingLimitMs = 5_000;
const dyingPollMs = 20;

/** A run that was killed while it worked on a foreign cluster. */
export type ForeignLeftover = ForeignCluster & {
  runId: string;
  /** Removes its journal, when the cluster is clean. */
  forget(): void;
};

/**
 * Finds what runs that were killed have left on this machine (kill -9, a crash, a reboot) and removes it: processes,
 * files, folders. Says so in one line a run. Leaves runs alone that go on, also those that start meanwhile; two sweepers
 * at once do no harm.
 * @returns as {@link foreignLeftovers}.
 */
export async function sweepLeftovers(
  options: { clock: Clock; reporter: Reporter },
  root = stateRoot(),
): Promise<ForeignLeftover[]> {
  for (const dir of runFolders(root)) {
    const record = readRecord(dir);
    try {
      if (record === undefined) removeUnborn(dir, options.clock);
      else if (!mayBeAlive(record)) await removeRun(dir, record, options);
    } catch (error) {
      // Another sweeper was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      options.reporter.warn(`What a killed run left in ${dir} cannot be removed: ${errorMessage(error)}`);
    }
  }
  return foreignLeftovers(root);
}

/** The runs of this machine that were killed and whose objects may be left on foreign clusters; removes nothing. */
export function foreignLeftovers(root = stateRoot()): ForeignLeftover[] {
  return runFolders(root).flatMap((dir) => {
    const record = readRecord(dir);
    if (record?.foreign === undefined || mayBeAlive(record)) return [];
    const forget = (): void => rmSync(dir, { recursive: true, force: true });
    return [{ ...record.foreign, runId: record.runId, forget }];
  });
}

function runFolders(root: string): string[] {
  if (!isPrivateFolder(root)) return [];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter(isPrivateFolder);
}

/** A run that was killed between making its folder and its journal. Anything else in there is not ours to remove. */
function removeUnborn(dir: string, clock: Clock): void {
  const unborn = readdirSync(dir).every((name) => name === `.${journalName}.tmp`);
  if (unborn && clock.wallMs() - lstatSync(dir).mtimeMs > newcomerAgeMsMax) {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function removeRun(
  dir: string,
  record: JournalRecord,
  { clock, reporter }: { clock: Clock; reporter: Reporter },
): Promise<void> {
  const children = livingChildren(record);
  for (const { pid } of children) kill(pid);
  const deadlineUs = clock.nowUs() + dyingLimitMs * 1000;
  while (livingChildren(record).length > 0 && clock.nowUs() < deadlineUs) await sleep(clock, dyingPollMs);
  const paths = removeTraces(record);
  // The journal last: as long as anything is left, it says so.
  const others = readdirSync(dir).filter((name) => name !== journalName);
  for (const name of others) await rm(join(dir, name), { recursive: true, force: true });
  if (record.foreign === undefined) await rm(dir, { recursive: true, force: true });
  const removed = [
    ...(children.length === 0 ? [] : [`processes ${children.map(({ name }) => name).join(', ')}`]),
    ...(others.length === 0 ? [] : ['its state']),
    ...paths,
  ];
  const what = removed.length === 0 ? 'its journal' : removed.join(', ');
  reporter.info(`Removed what the run ${record.runId} left when it was killed: ${what}`);
}
