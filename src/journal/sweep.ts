import { readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, sleep, systemClock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import { stateRoot } from './journal.ts';
import {
  type ForeignCluster,
  type JournalRecord,
  clearFolder,
  isPrivateFolder,
  journalName,
  kill,
  livingChildren,
  mayBeAlive,
  readRecord,
  remainingTraces,
  removeTraces,
  silenceMs,
} from './record.ts';

/** A folder without a journal may be one that another run is just making. */
const newcomerAgeMsMax = 60_000;

/** With a journal that cannot be read: a run of another version, which goes on, touches it more often. */
const unreadableAgeMsMin = 24 * 60 * 60_000;

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
 * files, folders. Says so in one line a run, also of what it cannot remove. Leaves runs alone that go on, also those
 * that start meanwhile; two sweepers at once do no harm.
 * @returns as {@link foreignLeftovers}.
 */
export async function sweepLeftovers(
  options: { clock: Clock; reporter: Reporter },
  root = stateRoot(),
): Promise<ForeignLeftover[]> {
  const { clock, reporter } = options;
  const unreadable: string[] = [];
  for (const dir of runFolders(root)) {
    const record = readRecord(dir);
    try {
      if (record !== undefined) {
        if (!mayBeAlive(dir, record, clock)) await removeRun(dir, record, options);
      } else if (isUnborn(dir)) {
        if (silenceMs(dir, clock) > newcomerAgeMsMax) rmSync(dir, { recursive: true, force: true });
      } else if (silenceMs(dir, clock) > unreadableAgeMsMin) unreadable.push(dir);
    } catch (error) {
      // Another sweeper was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      reporter.warn(`What a killed run left in ${dir} cannot be removed: ${errorMessage(error)}`);
    }
  }
  if (unreadable.length > 0) {
    reporter.warn(
      `What earlier runs left cannot be removed, as their journals cannot be read: ${unreadable.join(', ')}; ` +
        'keys may lie there: remove it yourself if nothing runs in it',
    );
  }
  return foreignLeftovers(root, clock);
}

/** The runs of this machine that were killed and whose objects may be left on foreign clusters; removes nothing. */
export function foreignLeftovers(root = stateRoot(), clock: Clock = systemClock): ForeignLeftover[] {
  return runFolders(root).flatMap((dir) => {
    const record = readRecord(dir);
    if (record?.foreign === undefined || mayBeAlive(dir, record, clock)) return [];
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

/** Of a run that was killed between making its folder and its journal. Anything else in there is not ours to remove. */
function isUnborn(dir: string): boolean {
  return readdirSync(dir).every((name) => name === `.${journalName}.tmp`);
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
  const undead = livingChildren(record).map(({ name, pid }) => `${name} (pid ${pid})`);
  if (undead.length > 0) throw new Error(`${undead.join(', ')} cannot be killed`);
  const paths = removeTraces(record);
  const others = await clearFolder(dir);
  const left = remainingTraces(record);
  // The journal last: as long as anything is left, it says so.
  const isDone = left.length === 0 && record.foreign === undefined;
  if (isDone) await rm(dir, { recursive: true, force: true });
  const removed = [
    ...(children.length === 0 ? [] : [`processes ${children.map(({ name }) => name).join(', ')}`]),
    ...(others.length === 0 ? [] : ['its state']),
    ...paths,
  ];
  if (isDone && removed.length === 0) removed.push('its journal');
  if (removed.length > 0) {
    reporter.info(`Removed what the run ${record.runId} left when it was killed: ${removed.join(', ')}`);
  }
  if (left.length > 0) throw new Error(left.join(', '));
}
