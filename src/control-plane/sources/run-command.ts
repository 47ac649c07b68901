import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChildRegister } from '../../journal/guardian.ts';

/** Output lines that an error message carries. */
const messageLines = 12;

/** Output that is kept; a listing of 2,000 packages has 60 KB. */
const outputCharsMax = 4 * 1024 * 1024;

export type Command = {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Hears of the process: an own group does not end with this one. */
  children?: ChildRegister | undefined;
  /** Each line of standard error, as it comes. */
  onErrorLine?: (line: string) => void;
};

/**
 * Runs a command to its end.
 * @returns its standard output.
 * @throws Error with the last lines of standard error when it fails, the signal's reason when that aborts (the
 * command and all that it started are then killed).
 */
export function runCommand(command: Command): Promise<string> {
  const { program, args, signal, children } = command;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    // A group of its own, so that compilers which `go build` has started die with it.
    const child = spawn(program, args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) children?.add(program, pid);
    const onAbort = (): void => {
      if (pid !== undefined) killGroup(pid);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let output = '';
    const errorLines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < outputCharsMax) output += text;
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      errorLines.push(line);
      if (errorLines.length > messageLines) errorLines.shift();
      command.onErrorLine?.(line);
    });
    child.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
    });
    child.once('close', (code, killedBy) => {
      if (pid !== undefined) children?.remove(pid);
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve(output);
      else {
        const how = killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`;
        const said = errorLines.join('\n');
        reject(new Error(`${program} ${args[0] ?? ''}: ${how}${said === '' ? '' : `: ${said}`}`));
      }
    });
  });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
