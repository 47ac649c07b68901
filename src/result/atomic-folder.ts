import { cpSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { errorMessage, HollowmarkError } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { writeFileAtomically } from './atomic-file.ts';

/** Folders in which others are made until they are whole. */
const stagingPrefix = '.hollowmark-';

/** A report has a few megabytes. What was begun so long ago is still there because its process was killed. */
const staleAfterMs = 3_600_000;

/**
 * Writes a folder so that readers see the old one or the whole new one, never a part: in a place of its own in `root`, then
 * renamed. Makes the folders above. When it fails the old one is as it was.
 *
 * @param root a folder above, on the same file system, in which what is begun may be seen: nobody lists it as one of many
 * @param files by path below the folder, parted by `/`
 * @throws HollowmarkError `bad-input` with the path
 */
export function writeFolderAtomically(
  root: string,
  path: string,
  files: Iterable<{ name: string; content: string | Uint8Array }>,
): void {
  replaceFolder(root, path, (staging) => {
    for (const { name, content } of files) writeFileAtomically(join(staging, name), content);
  });
}

/** As {@link writeFolderAtomically}, of a folder that is there, which stays. */
export function copyFolderAtomically(from: string, root: string, path: string): void {
  replaceFolder(root, path, (staging) => cpSync(from, staging, { recursive: true }));
}

function replaceFolder(root: string, path: string, fill: (staging: string) => void): void {
  let place: string | undefined;
  let isLost = false;
  try {
    makeFolders(root);
    removeStale(root, systemClock);
    // Of its own also where another one of several machines writes here.
    place = mkdtempSync(join(root, stagingPrefix));
    const [staging, previous] = [join(place, 'new'), join(place, 'old')];
    fill(staging);
    makeFolders(dirname(path));
    const replaces = existsSync(path);
    if (replaces) renameSync(path, previous);
    try {
      renameSync(staging, path);
    } catch (error) {
      isLost = replaces;
      if (replaces) renameSync(previous, path);
      isLost = false;
      throw error;
    }
  } catch (cause) {
    // Nobody has heard of the place in which it was made.
    const reason = errorMessage(cause).replaceAll(join(place ?? path, 'new'), path);
    throw new HollowmarkError('bad-input', `cannot write the folder ${path}: ${reason}`, {
      hint: 'Choose another folder, or make room there.',
      cause,
    });
  } finally {
    // An older folder that could not be put back lies there.
    if (place !== undefined && !isLost) removeQuietly(place);
  }
}

/** What processes that were killed have left. */
function removeStale(root: string, clock: Clock): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(stagingPrefix)) continue;
    const place = join(root, name);
    const { mtimeMs } = statSync(place, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && clock.wallMs() - mtimeMs > staleAfterMs) removeQuietly(place);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // What was done, or what went wrong first, is what the caller must hear of.
  }
}
