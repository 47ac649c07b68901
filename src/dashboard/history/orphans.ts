import { existsSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** As `serve` names an index: part of a hash of its folder's path. */
const indexName = /^[0-9a-f]{16}\.json$/;

/** Removes from the folder of an index those of folders that are not there any more. Never rejects. */
export async function removeOrphans(cachePath: string): Promise<void> {
  const dir = dirname(cachePath);
  for (const name of await readdir(dir).catch(() => [])) {
    const path = join(dir, name);
    if (path === cachePath || !indexName.test(name)) continue;
    const root = await rootOf(path);
    // A folder that comes back, with its disk, is read anew.
    if (root !== undefined && !existsSync(root)) await rm(path, { force: true }).catch(() => {});
  }
}

/** Undefined where it does not say: somebody is writing it, or it is another version's. */
async function rootOf(path: string): Promise<string | undefined> {
  try {
    const { root } = JSON.parse(await readFile(path, 'utf8')) as { root?: unknown };
    return typeof root === 'string' ? root : undefined;
  } catch {
    return undefined;
  }
}
