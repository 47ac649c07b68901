import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Whether a part of an address may be the name of a file here: no way up, no hidden file, no other path in it. */
export function isFileName(part: string): boolean {
  return part !== '' && !part.startsWith('.') && !/[/\\\0]/.test(part);
}

/**
 * A path below a folder, with all links followed; undefined when there is nothing, or when it leads out of the folder.
 * @param parts names, one below the other
 */
export async function pathBelow(root: string, parts: readonly string[]): Promise<string | undefined> {
  if (!parts.every(isFileName)) return undefined;
  try {
    const [from, to] = await Promise.all([realpath(root), realpath(join(root, ...parts))]);
    const isBelow = to === from || to.startsWith(from.endsWith(sep) ? from : `${from}${sep}`);
    return isBelow ? to : undefined;
  } catch {
    return undefined;
  }
}

export type FileBelow = { handle: FileHandle; sizeBytes: number };

/** Opens a regular file below a folder, as {@link pathBelow} finds it; whoever gets it closes it. */
export async function openBelow(root: string, parts: readonly string[]): Promise<FileBelow | undefined> {
  const path = await pathBelow(root, parts);
  if (path === undefined) return undefined;
  let handle: FileHandle | undefined;
  try {
    // The links have been followed: one that is there now was put there meanwhile. A pipe must not be waited for.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isFile()) return { handle, sizeBytes: stat.size };
  } catch {
    // As if it were not there: a folder that may not be read tells nothing of what is in it.
  }
  await handle?.close();
  return undefined;
}
