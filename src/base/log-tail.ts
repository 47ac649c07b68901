import { open } from 'node:fs/promises';

/** Bytes that are read from the end of a log: ten long lines fit. */
const tailBytes = 32 * 1024;

/** Longest line that is handed on; klog can print a whole object in one. */
const lineLengthMax = 500;

/** The last `count` lines of a file, without empty ones; none when the file cannot be read. */
export async function readTail(path: string, count: number): Promise<string[]> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - tailBytes);
      const buffer = Buffer.alloc(size - start);
      await file.read(buffer, 0, buffer.length, start);
      const lines = buffer.toString('utf8').split('\n');
      return lines
        .filter((line) => line.trim() !== '')
        .slice(-count)
        .map((line) => (line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}…` : line));
    } finally {
      await file.close();
    }
  } catch {
    return [];
  }
}
