import { relative } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What whoever reads a stream understands. */
export type Terminal = { color: boolean; hyperlinks: boolean; columns: number };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * By the usual conventions: a NO_COLOR that is not empty turns colours off, FORCE_COLOR turns them on (`0` off), else
 * they are for terminals. Hyperlinks are for terminals only.
 */
export function terminalOf(
  stream: { isTTY?: boolean; columns?: number },
  env: Environment = process.env,
): Terminal {
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  return { color: wantsColor(terminal, env), hyperlinks: terminal, columns: stream.columns ?? 100 };
}

function wantsColor(terminal: boolean, env: Environment): boolean {
  const given = (name: string): boolean => env[name] !== undefined && env[name] !== '';
  if (given('NO_COLOR')) return false;
  if (given('FORCE_COLOR')) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  return terminal;
}

/** A path as it is shown: from the working directory where that is shorter. */
export function shownPath(path: string, cwd: string = process.cwd()): string {
  const fromHere = relative(cwd, path);
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path;
}

/** A file's path for people: in a terminal that can, a link that opens it (OSC 8). @param path absolute. */
export function fileLink(path: string, terminal: Pick<Terminal, 'hyperlinks'>): string {
  const text = shownPath(path);
  return terminal.hyperlinks ? `\u001b]8;;${pathToFileURL(path).href}\u0007${text}\u001b]8;;\u0007` : text;
}
