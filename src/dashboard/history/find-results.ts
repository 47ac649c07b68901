import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inParallel } from '../../base/in-parallel.ts';
import { gateFileName } from '../../gate/read-outcome.ts';
import { resultFileName } from '../../result/result.ts';
import { isFileName } from '../http/file-below.ts';

/** A test history has `<job>/<build>/artifacts`, and somebody may sort jobs into folders. */
const depthMax = 8;

/** Somebody who names the wrong folder should hear of it before a whole disk has been looked at. */
export const foldersMax = 100_000;

/** Questions to the file system at once; a network's answers slowly. */
const parallelMax = 16;

export type FoundResult = {
  folder: string;
  mtimeMs: number;
  sizeBytes: number;
  /** Of what a gate has said, beside it; absent where there is none. */
  gateMtimeMs?: number;
};

/**
 * The results below a folder. Links are not followed, and below a run's own folder nothing is looked for: its test history
 * is a copy of it.
 * @returns those found, and whether there were more folders than are looked at
 */
export async function findResults(root: string): Promise<{ found: FoundResult[]; isCut: boolean }> {
  const found: FoundResult[] = [];
  let seen = 0;
  let level: string[] = [''];
  for (let depth = 0; depth < depthMax && level.length > 0; depth++) {
    const below: string[] = [];
    await inParallel(level, parallelMax, async (folder) => {
      if (++seen > foldersMax) return;
      const entries = await listing(join(root, folder));
      if (entries.some((entry) => entry.name === resultFileName && entry.isFile())) {
        const isJudged = entries.some((entry) => entry.name === gateFileName && entry.isFile());
        const result = await resultIn(root, folder, isJudged);
        if (result !== undefined) found.push(result);
        return;
      }
      for (const entry of entries) {
        if (entry.isDirectory() && isFileName(entry.name)) {
          below.push(folder === '' ? entry.name : `${folder}/${entry.name}`);
        }
      }
    });
    level = below;
  }
  return { found, isCut: seen > foldersMax };
}

async function resultIn(root: string, folder: string, isJudged: boolean): Promise<FoundResult | undefined> {
  try {
    const { mtimeMs, size } = await stat(join(root, folder, resultFileName));
    const found = { folder, mtimeMs, sizeBytes: size };
    if (!isJudged) return found;
    return { ...found, gateMtimeMs: (await stat(join(root, folder, gateFileName))).mtimeMs };
  } catch {
    // It has just been removed.
    return undefined;
  }
}

/** Of a folder that is gone or may not be read: nothing. */
async function listing(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
