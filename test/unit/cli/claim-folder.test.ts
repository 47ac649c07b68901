import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeEarlierOutputs } from '../../../src/cli/claim-folder.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-claim-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(...files: string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), 'x');
  }
}

const left = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();

describe('a folder that a run takes', () => {
  it('loses what a gate would take for this run, or for runs of this set', () => {
    put('result.json', 'gate.json', 'repeats.json', 'repeats.md', 'noise.json', 'noise.md');
    for (const run of ['run-1', 'run-2-a', 'run-12']) {
      put(`${run}/result.json`, `${run}/gate.json`, `${run}/report.html`, `${run}/charts/a.png`);
    }
    removeEarlierOutputs(dir);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('keeps what is none of ours', () => {
    put(
      'notes.txt',
      'run-1/notes.txt',
      'run-1/result.json',
      'run-1/charts/mine.svg',
      'run-2/notes.txt',
      'run-x/result.json',
    );
    removeEarlierOutputs(dir);
    expect(left()).toEqual([
      'notes.txt',
      'run-1/charts/mine.svg',
      'run-1/notes.txt',
      'run-2/notes.txt',
      'run-x/result.json',
    ]);
  });

  it('keeps a noise file that somebody has put there, without the runs', () => {
    put('noise.json', 'result.json');
    removeEarlierOutputs(dir);
    expect(left()).toEqual(['noise.json']);
  });

  it('may not be there yet', () => {
    expect(() => removeEarlierOutputs(join(dir, 'none'))).not.toThrow();
  });
});
