import { closeSync, fstatSync, openSync, readSync, constants } from 'node:fs';

/**
 * The text of a file. Never waits: what is no regular file (a pipe, a device) is refused.
 * @throws Error whose message says what is wrong with the file, without naming it.
 */
export function readTextFile(path: string, bytesMax: number): string {
  const bytes = readBytes(path, bytesMax + 1);
  if (bytes.length > bytesMax) throw new Error(`larger than ${bytesMax} bytes`);
  if (bytes.includes(0)) throw new Error('a binary file');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error('not UTF-8 text', { cause });
  }
}

function readBytes(path: string, bytesMax: number): Buffer {
  let file: number;
  try {
    // Without waiting for somebody to write into it, should it be a pipe.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new Error(reasonOf(cause), { cause });
  }
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) throw new Error('a folder, not a file');
    if (!status.isFile()) throw new Error('not a regular file');
    const buffer = Buffer.alloc(Math.min(bytesMax, status.size));
    return buffer.subarray(0, readSync(file, buffer));
  } finally {
    closeSync(file);
  }
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read the file';
  return `the file cannot be read (${code})`;
}
