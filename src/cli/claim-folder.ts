import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Journal } from '../journal/journal.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';

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
