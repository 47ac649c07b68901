import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorMessage } from '../../base/errors.ts';
import type { FolderFacts } from './facts.ts';

/** TMPFS_MAGIC of statfs(2). */
const tmpfsType = 0x01021994;

/** A folder that is there or will be made: then its nearest parent answers for it. */
export function readFolder(path: string): FolderFacts {
  const folder = resolve(path);
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  const facts: FolderFacts = {
    path: folder,
    fault: faultOf(existing),
    freeBytes: undefined,
    freeFiles: undefined,
    inMemory: false,
  };
  try {
    const { type, bsize, bavail, files, ffree } = statfsSync(existing);
    facts.freeBytes = bavail * bsize;
    // Some file systems (btrfs) make inodes as they need them, and count none.
    if (files > 0) facts.freeFiles = ffree;
    facts.inMemory = type === tmpfsType && process.platform === 'linux';
  } catch {
    // Not known, then.
  }
  return facts;
}

function faultOf(existing: string): string | undefined {
  try {
    if (!statSync(existing).isDirectory()) return `${existing} is not a folder`;
    accessSync(existing, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return `${existing} is on a read-only file system`;
    if (code === 'EACCES' || code === 'EPERM') return `${existing} may not be written by this user`;
    return `${existing} cannot be used: ${errorMessage(error)}`;
  }
}
