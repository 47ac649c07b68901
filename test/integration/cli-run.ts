import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-info.ts';
import { eventually } from './support.ts';

const main = join(packageRoot, 'dist/cli/main.js');

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

export type Started = {
  child: ChildProcess;
  exit: Promise<Exit>;
  /** Both streams, so far. */
  output: () => string;
  stdout: () => string;
  stderr: () => string;
};

export type Finished = { code: number | null; stdout: string; stderr: string };

/** The built command line in a folder of its own, with a folder for temporary files that nobody else uses. */
export class CliRun {
  /** The working directory. */
  readonly dir: string;
  readonly temporary: string;
  private readonly root = mkdtempSync(join(tmpdir(), 'hollowmark-cli-'));
  private readonly environment: NodeJS.ProcessEnv;

  /** @param files by name, for the working directory. */
  constructor(files: Record<string, string>) {
    this.dir = join(this.root, 'work');
    this.temporary = join(this.root, 'tmp');
    mkdirSync(this.dir);
    mkdirSync(this.temporary);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.dir, name), text);
    this.environment = { ...process.env, TMPDIR: this.temporary };
  }

  start(...args: string[]): Started {
    return this.spawn(process.execPath, [main, ...args]);
  }

  /** Runs a command to its end. */
  async finish(...args: string[]): Promise<Finished> {
    const { child, stdout, stderr } = this.start(...args);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stdout: stdout(), stderr: stderr() };
  }

  /** With variables of the environment changed. */
  startWith(environment: Record<string, string>, ...args: string[]): Started {
    return this.spawn(process.execPath, [main, ...args], environment);
  }

  /** As a child of a shell, which can be killed; `exit` is then the shell's. */
  startBelowShell(...args: string[]): Started {
    return this.spawn('/bin/sh', ['-c', '"$@"; exit $?', 'sh', process.execPath, main, ...args]);
  }

  /** As root of a mount namespace of its own, after a line of shell: `mount …`. */
  startInNamespace(setup: string, ...args: string[]): Started {
    const script = `set -e; ${setup}; exec "$@"`;
    return this.spawn('unshare', ['-rm', '/bin/sh', '-c', script, 'sh', process.execPath, main, ...args]);
  }

  /** Ids of all processes that belong here: by environment, command line or working directory. */
  processes(pattern = /^/): number[] {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => this.owns(pid) && pattern.test(commandLine(pid)));
  }

  /** The one process whose command line matches. */
  process(pattern: RegExp): number {
    const [pid, ...others] = this.processes(pattern);
    if (pid === undefined || others.length > 0) {
      throw new Error(`not one process like ${pattern}: ${this.describeProcesses()}`);
    }
    return pid;
  }

  /** @throws when processes are left after 20 s. */
  async processesGone(): Promise<void> {
    try {
      await eventually('processes are gone', () => this.processes().length === 0, 20_000);
    } catch (cause) {
      throw new Error(`processes are left: ${this.describeProcesses()}`, { cause });
    }
  }

  /** Ends what a test that failed has left running, as Ctrl-C does. @throws when it does not end. */
  async endRuns(): Promise<void> {
    for (const pid of this.processes(/main\.js (?:run|up|serve) /)) process.kill(pid, 'SIGINT');
    await this.processesGone();
  }

  /** Paths of what lies in the folder for temporary files, but for the empty folder of this user's runs. */
  temporaryFiles(): string[] {
    const all = readdirSync(this.temporary, { recursive: true, encoding: 'utf8' });
    return all.filter((path) => path !== `hollowmark-${userInfo().uid}`);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  private spawn(program: string, args: string[], environment: Record<string, string> = {}): Started {
    const written = { output: '', stdout: '', stderr: '' };
    const child = spawn(program, args, {
      cwd: this.dir,
      env: { ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        written[name] += text;
        written.output += text;
      });
    }
    const exit = new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    return {
      child,
      exit,
      output: () => written.output,
      stdout: () => written.stdout,
      stderr: () => written.stderr,
    };
  }

  private owns(pid: number): boolean {
    const seen = [
      () => readFileSync(`/proc/${pid}/environ`, 'utf8'),
      () => readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
      () => readlinkSync(`/proc/${pid}/cwd`),
    ];
    return commandLine(pid) !== '' && seen.some((read) => quietly(read).includes(this.root));
  }

  private describeProcesses(): string {
    return this.processes()
      .map((pid) => `${pid} ${commandLine(pid).slice(0, 120)}`)
      .join('\n');
  }
}

/** Whether there is anything of that name, a file in the folder or the folder itself. */
export function listed(dir: string): string[] | undefined {
  return existsSync(dir) ? readdirSync(dir).toSorted() : undefined;
}

/** Empty for a zombie. */
function commandLine(pid: number): string {
  return quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
}

function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    // The process has gone meanwhile.
    return '';
  }
}
