import { readFileSync, statSync } from 'node:fs';
import { bytesText } from './bytes.ts';
import { HollowmarkError } from './errors.ts';

/** What a file should be that a user names. */
export type InputKind = {
  /** As messages call it: `scenario file`. */
  name: string;
  bytesMax: number;
  /** What to do when the file cannot be one: what to name, and where to get it. */
  hint: string;
};

/**
 * Reads a text file that a user named. Only a regular file: a pipe or a device may have no end, or never begin.
 * @throws HollowmarkError `bad-input` with the path when it is missing, unreadable, no regular file, larger than
 * `bytesMax`, not UTF-8 or empty.
 */
export function readInputFile(path: string, kind: InputKind): string {
  let bytes: Uint8Array;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw unusable(path, `a folder, not a ${kind.name}`, kind);
    if (!stat.isFile()) throw unusable(path, `a pipe, device or socket, not a ${kind.name}`, kind);
    if (stat.size > kind.bytesMax) throw unusable(path, tooLarge(kind), kind);
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof HollowmarkError) throw cause;
    throw unusable(path, reasonOf(cause), kind, cause);
  }
  return inputText(bytes, path, kind);
}

/** As {@link readInputFile}, of bytes that were read already; `path` is for messages. */
export function inputText(bytes: Uint8Array, path: string, kind: InputKind): string {
  if (bytes.length > kind.bytesMax) throw unusable(path, tooLarge(kind), kind);
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new HollowmarkError('bad-input', `${path}: UTF-16 text; a ${kind.name} is UTF-8`, {
      hint: `convert it: iconv -f UTF-16 -t UTF-8 ${path}`,
    });
  }
  if (bytes.includes(0)) throw unusable(path, `a binary file, not a ${kind.name}`, kind);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(path, `not UTF-8 text, so not a ${kind.name}`, kind, cause);
  }
  if (text.trim() === '') throw unusable(path, 'the file is empty', kind);
  return text;
}

function unusable(path: string, reason: string, kind: InputKind, cause?: unknown): HollowmarkError {
  // No name at all is most often a shell variable that is not set.
  const message = path === '' ? `the name of the ${kind.name} is empty` : `${path}: ${reason}`;
  return new HollowmarkError('bad-input', message, { hint: kind.hint, cause });
}

const tooLarge = ({ bytesMax, name }: InputKind): string =>
  `larger than ${bytesText(bytesMax)}, so not a ${name}`;

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read the file';
  if (code === 'ELOOP') return 'a symbolic link that leads to itself';
  if (code === 'ENAMETOOLONG') return 'no file can have so long a name';
  return `the file cannot be read (${code})`;
}
