import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files below `root` (`/`, or a test's own tree); undefined for one that is not there or may not be read. */
export class SystemFiles {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** @param path absolute, as on the real machine. */
  text(path: string): string | undefined {
    try {
      return readFileSync(join(this.root, path), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  /** A file that holds one number; `max` and `unlimited` are Infinity. */
  number(path: string): number | undefined {
    return limitOf(this.text(path));
  }
}

/** One number as limits are written; undefined for anything else. */
export function limitOf(text: string | undefined): number | undefined {
  if (text === 'max' || text === 'unlimited') return Number.POSITIVE_INFINITY;
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
