import type { BinariesOptions } from './control-plane.ts';
import { findBinaries } from './sources/find-binaries.ts';

/** Where a control plane's binaries are, which version they are of, and where they came from. */
export type InstalledControlPlane = { dir: string; version: string; source: string };

/**
 * Makes sure that the binaries of a control plane are at hand, fetching or building them when no source on this
 * machine has them, so that a later start takes seconds.
 * @throws HollowmarkError as `startControlPlane` does for binaries.
 */
export async function installControlPlane(options: BinariesOptions): Promise<InstalledControlPlane> {
  const { dir, version, source } = await findBinaries(options);
  return { dir, version, source };
}
