import { vi } from 'vitest';
import { main } from '../../../src/cli/program.ts';

/** Runs a command line in this process. @returns its exit code and what it wrote. */
export async function runInProcess(
  argv: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      stdout += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr += String(text);
      return true;
    }),
  ];
  try {
    return { exitCode: await main(argv), stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
