import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing. Not `mkdirSync` with `recursive`, which never returns on
 * Node 20 where a file system answers ENOENT although the parent is there (`/proc/x` does).
 * @returns the folders that this made, the innermost first, for {@link removeEmptyFolders}.
 * @throws Error of the file system; what was made by then is gone again.
 */
export function makeFolders(path: string, mode = 0o777): string[] {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder); folder = dirname(folder)) missing.push(folder);
  const made: string[] = [];
  for (const folder of missing.toReversed()) {
    try {
      mkdirSync(folder, { mode });
      made.unshift(folder);
    } catch (error) {
      // Somebody else made it meanwhile.
      if (existsSync(folder)) continue;
      removeEmptyFolders(made);
      throw error;
    }
  }
  return made;
}

/** Removes the folders, the innermost first, up to the first that holds something. */
export function removeEmptyFolders(folders: readonly string[]): void {
  try {
    for (const folder of folders) rmdirSync(folder);
  } catch {
    // Not empty, or somebody else's by now: it stays.
  }
}
