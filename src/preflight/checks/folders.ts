import { bytesText } from '../../base/bytes.ts';
import type { Check, Size } from '../check.ts';
import { binariesBytes, diskBytesNeeded, nodesOnDisk, reportBytes, stateLeast } from '../costs.ts';
import type { FolderFacts, MachineFacts } from '../facts/facts.ts';
import { countOf, countText } from '../words.ts';

/** Of the folder in which etcd's data lies. */
export function checkState({ state }: MachineFacts, size: Size): Check {
  const check = { id: 'disk-state', title: 'Disk: state' };
  const fix = state.path.startsWith('/var/tmp/') ? 'export TMPDIR="$HOME"' : 'export TMPDIR=/var/tmp';
  const unusable = unusableFolder(state, stateLeast);
  if (unusable !== undefined) return { ...check, verdict: 'fail', finding: unusable, fix };
  if (state.freeBytes === undefined)
    return { ...check, verdict: 'unknown', finding: `${state.path}: free space is not known` };
  const needed = diskBytesNeeded(size);
  const nodesMax = nodesOnDisk(state.freeBytes, size);
  const memory = state.inMemory ? ' (in memory: tmpfs)' : '';
  const finding = `${bytesText(state.freeBytes)} free in ${state.path}${memory}; about ${bytesText(needed)} needed`;
  if (size.nodes > nodesMax) return { ...check, verdict: 'warn', finding, nodesMax, fix };
  return { ...check, verdict: 'ok', finding, nodesMax };
}

/** Of the folder that reports go to. */
export function checkReports(folder: FolderFacts): Check {
  const check = { id: 'disk-reports', title: 'Disk: reports' };
  const unusable = unusableFolder(folder, { bytes: reportBytes, files: 20 });
  if (unusable === undefined) return { ...check, ...roomIn(folder) };
  return {
    ...check,
    verdict: 'fail',
    finding: unusable,
    fix: 'npx hollowmark run <scenario> --out "$HOME/report"',
  };
}

/** Of the folder that binaries are put into, which matters while they are missing. */
export function checkCache(folder: FolderFacts, binariesMissing: boolean): Check {
  const check = { id: 'disk-cache', title: 'Disk: cache' };
  const unusable = unusableFolder(folder, { bytes: binariesBytes, files: 20 });
  if (unusable === undefined) return { ...check, ...roomIn(folder) };
  if (!binariesMissing)
    return { ...check, verdict: 'ok', finding: `${unusable}; nothing has to be written there` };
  return {
    ...check,
    verdict: 'fail',
    finding: unusable,
    fix: 'export HOLLOWMARK_CACHE=/var/tmp/hollowmark-cache',
  };
}

function roomIn({ path, freeBytes }: FolderFacts): Pick<Check, 'verdict' | 'finding'> {
  if (freeBytes === undefined) return { verdict: 'unknown', finding: `${path}: free space is not known` };
  return { verdict: 'ok', finding: `${bytesText(freeBytes)} free in ${path}` };
}

/** Why nothing of use can be written there; undefined when it can or when that is not known. */
function unusableFolder(folder: FolderFacts, least: { bytes: number; files: number }): string | undefined {
  const { path, fault, freeBytes, freeFiles } = folder;
  if (fault !== undefined) return fault.includes(path) ? fault : `${path}: ${fault}`;
  if (freeBytes !== undefined && freeBytes < least.bytes) {
    return `${bytesText(freeBytes)} free in ${path}, and at least ${bytesText(least.bytes)} are needed`;
  }
  if (freeFiles !== undefined && freeFiles < least.files) {
    return `room for ${countOf(freeFiles, 'file')} (inodes) in ${path}, and at least ${countText(least.files)} are needed`;
  }
  return undefined;
}
