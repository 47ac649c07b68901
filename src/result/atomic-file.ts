import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errorMessage, HollowmarkError } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';

const hints: Record<string, string> = {
  EACCES: 'You may not write there. Choose another folder with --out DIR.',
  EPERM: 'You may not write there. Choose another folder with --out DIR.',
  EROFS: 'The file system is read-only. Choose another folder with --out DIR.',
  ENOSPC: 'The disk is full. Free some space, or choose another folder with --out DIR.',
  EDQUOT: 'Your disk quota is used up. Free some space, or choose another folder with --out DIR.',
  ENAMETOOLONG: 'The name is too long. Choose another folder with --out DIR.',
  ENOTDIR: 'A part of the path is a file. Choose another folder with --out DIR.',
  EEXIST: 'A part of the path is a file. Choose another folder with --out DIR.',
  EISDIR: 'A folder of that name is in the way. Move it, or choose another folder with --out DIR.',
};

/**
 * Writes a file so that readers see the old content or the whole new one: to a temporary file in the same folder,
 * flushed, then renamed. Makes the folder. Nothing is left behind when it fails.
 *
 * @throws HollowmarkError `bad-input` with the path and what to do
 */
export function writeFileAtomically(path: string, content: string | Uint8Array): void {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    makeFolders(dirname(path));
    const descriptor = openSync(temporary, 'w');
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (cause) {
    removeQuietly(temporary);
    // The first part says what is wrong; the second names a temporary file that nobody has heard of.
    const reason = errorMessage(cause).split(', ')[0] ?? '';
    throw new HollowmarkError('bad-input', `cannot write ${path}: ${reason}`, {
      hint: hints[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'Choose another folder with --out DIR.',
      cause,
    });
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What went wrong first is what the caller must hear of.
  }
}
