import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HollowmarkError } from '../base/errors.ts';
import { shellWord } from '../base/shell-word.ts';
import type { Build } from '../report/history/render-history.ts';
import { copyFolderAtomically } from '../result/atomic-folder.ts';

/** A report has a few megabytes; a command that takes longer hangs, and CI would wait for it. */
const commandTimeoutMs = 30 * 60_000;

/** Copies a build's folder to `DIR/<job>/<build>`, in one step. @returns where it is now. */
export function uploadToFolder(folder: string, build: Build, dir: string): string {
  const target = join(dir, build.job, build.number);
  copyFolderAtomically(folder, dir, target);
  return target;
}

/**
 * Runs a user's command with a shell, `{dir}`, `{job}` and `{build}` in it replaced by words that the shell takes as they
 * are. What it says goes to stderr as it comes: stdout is the program's own.
 *
 * @param folder complete: it appears in one step
 * @throws HollowmarkError `bad-input` with the exit code when it is not 0
 */
export async function uploadByCommand(folder: string, build: Build, command: string): Promise<void> {
  const values: Record<string, string> = { dir: folder, job: build.job, build: build.number };
  const line = command.replaceAll(/\{(dir|job|build)\}/g, (_, name: string) => shellWord(values[name] ?? ''));
  const child = spawn('/bin/sh', ['-c', line], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: commandTimeoutMs,
  });
  const tell = (chunk: Buffer): void => {
    process.stderr.write(chunk);
  };
  child.stdout.on('data', tell);
  child.stderr.on('data', tell);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code === 0) return;
  const end = code === null ? `was ended by ${signal}` : `ended with exit code ${code}`;
  throw new HollowmarkError('bad-input', `the upload command ${end}: ${line}`, {
    hint: `what it said is above; the folder is complete and stays: ${folder}`,
  });
}
