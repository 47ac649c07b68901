import { statfs } from 'node:fs/promises';
import { HollowmarkError } from '../base/errors.ts';

/** Below that a run ends: etcd preallocates its log in files of 64 MB, and fails for good when it cannot. */
export const freeBytesMin = 100e6;

/** Below that a control plane is not started: etcd takes 128 MB at once. */
export const freeBytesToStartMin = 250e6;

/** What may still be written to the disk that a folder lies on; infinite where the system does not tell. */
export async function freeBytes(dir: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(dir);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What to tell the user about a disk that has fewer than `neededBytes` left. */
export function diskFull(dir: string, free: number, neededBytes: number): HollowmarkError {
  const megabytes = (bytes: number): string => `${Math.floor(bytes / 1e6)} MB`;
  return new HollowmarkError(
    'cluster-unavailable',
    `the disk is full: ${megabytes(free)} are left for etcd in ${dir}, and it needs ${megabytes(neededBytes)}`,
    { hint: 'free some space there, or name a folder on another disk in TMPDIR' },
  );
}
