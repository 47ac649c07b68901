import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { errorMessage } from '../../base/errors.ts';
import { type LogLine, parseLine } from './log-lines.ts';

/**
 * Windows that are over, on disk: a day of a thousand nodes has 10 MB of them. Appending some kilobytes a minute to the
 * page cache takes 0.1 ms. What has gone wrong (a full disk) is told, and never ends a run.
 */
export class WindowLog {
  /** Why something was not kept; undefined while all was. */
  fault: string | undefined;
  private path = '';
  /** What {@link close} removes: the file, or the folder where that is our own. */
  private made = '';
  private descriptor: number | undefined;

  /** @param dir the run's folder of state, which is there; without one, a folder for temporary files is made. */
  constructor(dir: string | undefined) {
    try {
      const own = dir === undefined ? mkdtempSync(join(tmpdir(), 'hollowmark-windows-')) : undefined;
      this.path = join(dir ?? own ?? '', 'windows.jsonl');
      this.made = own ?? '';
      this.descriptor = openSync(this.path, 'w', 0o600);
      this.made = own ?? this.path;
    } catch (error) {
      this.fault = errorMessage(error);
    }
  }

  /** @param lines complete ones. */
  append(lines: string): void {
    if (this.descriptor === undefined || lines === '') return;
    try {
      const bytes = Buffer.from(lines, 'utf8');
      for (let written = 0; written < bytes.length; ) {
        written += writeSync(this.descriptor, bytes, written);
      }
    } catch (error) {
      this.fault ??= errorMessage(error);
    }
  }

  /** Everything in the order in which it was appended; what cannot be read is left out. */
  async *lines(): AsyncGenerator<LogLine> {
    if (this.descriptor === undefined) return;
    try {
      const input = createReadStream(this.path, { encoding: 'utf8' });
      for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        const line = parseLine(text);
        if (line !== undefined) yield line;
      }
    } catch (error) {
      this.fault ??= errorMessage(error);
    }
  }

  /** Removes it. Safe to call twice. */
  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
    if (this.made !== '') rmSync(this.made, { recursive: true, force: true });
    this.made = '';
  }
}
