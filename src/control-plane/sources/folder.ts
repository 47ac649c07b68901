import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import {
  type BinarySet,
  type FolderContents,
  completeCommand,
  inspectFolder,
  readVersion,
} from './binary-set.ts';

/**
 * The binaries in a folder that the user named; whatever version they are of is accepted.
 * @throws HollowmarkError `bad-input` that names what is missing or cannot be run.
 */
export async function fromFolder(dir: string, signal: AbortSignal): Promise<BinarySet> {
  const contents = await inspectFolder(dir);
  const command = completeCommand(contents);
  if (command === undefined) {
    throw new HollowmarkError('bad-input', describeGaps(dir, contents), {
      hint:
        contents.notExecutable.length > 0
          ? `chmod +x ${contents.notExecutable.join(' ')}`
          : 'put the missing binaries there, or one multi-call binary named control-plane',
    });
  }
  try {
    const version = await readVersion(command['kube-apiserver'], signal);
    return { version, source: `folder ${dir}`, dir, command };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new HollowmarkError('bad-input', `the folder ${dir} cannot be used: ${errorMessage(cause)}`, {
      hint: `binaries for this machine are needed (${process.platform}/${process.arch})`,
      cause,
    });
  }
}

/** One sentence about what a folder lacks. */
export function describeGaps(dir: string, contents: FolderContents): string {
  const missing = `the folder ${dir} lacks ${contents.missing.join(', ')}`;
  if (contents.notExecutable.length === 0) return missing;
  return `${missing}; not executable: ${contents.notExecutable.join(', ')}`;
}
