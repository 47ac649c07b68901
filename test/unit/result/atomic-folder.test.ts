import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyFolderAtomically, writeFolderAtomically } from '../../../src/result/atomic-folder.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What lies below a folder, hidden files included. */
const below = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();

describe('writeFolderAtomically', () => {
  it('makes the folder and those above it', () => {
    const files = [
      { name: 'a.txt', content: 'a' },
      { name: 'b/c.bin', content: Uint8Array.of(1, 2) },
    ];
    writeFolderAtomically(dir, join(dir, 'x/y'), files);
    expect(below(dir)).toEqual(['x', 'x/y', 'x/y/a.txt', 'x/y/b', 'x/y/b/c.bin']);
  });

  it('replaces an older one as a whole', () => {
    const path = join(dir, 'y');
    writeFolderAtomically(dir, path, [{ name: 'old.txt', content: 'old' }]);
    writeFolderAtomically(dir, path, [{ name: 'new.txt', content: 'new' }]);
    expect(below(dir)).toEqual(['y', 'y/new.txt']);
  });

  it('leaves the older one as it was when it fails half-way, and nothing else', () => {
    const path = join(dir, 'y');
    writeFolderAtomically(dir, path, [{ name: 'old.txt', content: 'old' }]);
    const failing = [
      { name: 'new.txt', content: 'new' },
      { name: 'new.txt/below-a-file', content: '' },
    ];
    expect(() => writeFolderAtomically(dir, path, failing)).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: expect.stringContaining(path) as string,
      }) as Error,
    );
    expect(below(dir)).toEqual(['y', 'y/old.txt']);
  });

  it('shows nobody a part: the folder appears when its last file is there', () => {
    const path = join(dir, 'y');
    function* files(): Generator<{ name: string; content: string }> {
      for (const name of ['a', 'b', 'c']) {
        expect(readdirSync(dir)).not.toContain('y');
        yield { name, content: name };
      }
    }
    writeFolderAtomically(dir, path, files());
    expect(below(path)).toEqual(['a', 'b', 'c']);
  });
});

describe('copyFolderAtomically', () => {
  it('copies, and leaves what it copied', () => {
    mkdirSync(join(dir, 'from/deep'), { recursive: true });
    writeFileSync(join(dir, 'from/deep/a.txt'), 'a');
    copyFolderAtomically(join(dir, 'from'), join(dir, 'to'), join(dir, 'to/there'));
    expect(readFileSync(join(dir, 'to/there/deep/a.txt'), 'utf8')).toBe('a');
    expect(below(join(dir, 'from'))).toEqual(['deep', 'deep/a.txt']);
  });

  it('begins in the folder above all, so that nobody finds a part among the whole ones', () => {
    const up = join(dir, 'up');
    const seen: string[][] = [];
    function* files(): Generator<{ name: string; content: string }> {
      yield { name: 'a', content: 'a' };
      seen.push(readdirSync(up), existsSync(join(up, 'job')) ? readdirSync(join(up, 'job')) : []);
    }
    writeFolderAtomically(up, join(up, 'job/7'), files());
    expect(seen).toEqual([[expect.stringMatching(/^\.hollowmark-\w+$/)], []]);
    expect(below(up)).toEqual(['job', 'job/7', 'job/7/a']);
  });

  it('removes what was begun long ago by a process that was killed, and nothing of others', () => {
    mkdirSync(join(dir, 'from'));
    writeFileSync(join(dir, 'from/a.txt'), 'a');
    const up = join(dir, 'up');
    for (const name of ['.hollowmark-old', '.hollowmark-new', '.other'])
      mkdirSync(join(up, name, 'new'), { recursive: true });
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const name of ['.hollowmark-old', '.other']) utimesSync(join(up, name), hoursAgo, hoursAgo);
    copyFolderAtomically(join(dir, 'from'), up, join(up, 'job/7'));
    expect(readdirSync(up).toSorted()).toEqual(['.hollowmark-new', '.other', 'job']);
    expect(below(join(up, 'job/7'))).toEqual(['a.txt']);
  });

  it('names the folder that cannot be written', () => {
    mkdirSync(join(dir, 'from'));
    writeFileSync(join(dir, 'file'), '');
    const to = join(dir, 'file/x');
    expect(() => copyFolderAtomically(join(dir, 'from'), join(dir, 'file'), to)).toThrow(
      `cannot write the folder ${to}`,
    );
  });
});
