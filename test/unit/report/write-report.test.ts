import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeReport } from '../../../src/report/write-report.ts';
import { sampleResult } from './sample-result.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hollowmark-report-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('writeReport', () => {
  it('writes page, JUnit and charts into a folder that it makes, and nothing else', async () => {
    const dir = join(folder, 'a', 'b');
    const { files, warnings } = await writeReport(sampleResult(), dir);
    expect(warnings).toEqual([]);
    expect(files.slice(0, 2)).toEqual([join(dir, 'report.html'), join(dir, 'junit.xml')]);
    expect(files.every((file) => existsSync(file))).toBe(true);
    expect(readdirSync(dir).toSorted()).toEqual(['charts', 'junit.xml', 'report.html']);
    expect(readdirSync(join(dir, 'charts'))).toHaveLength(9);
  });

  it('replaces an older report', async () => {
    writeFileSync(join(folder, 'report.html'), 'old');
    const { files } = await writeReport(sampleResult(), folder, ['html', 'junit']);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('<!doctype html>');
    expect(files).toHaveLength(2);
  });

  it('names the path and a way out when it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(writeReport(sampleResult(), join(folder, 'file'), ['html', 'junit'])).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(join(folder, 'file', 'report.html')) as string,
      hint: expect.stringContaining('--out DIR') as string,
    });
  });

  it('leaves nothing half-written when a folder stands in the way', async () => {
    const dir = join(folder, 'run');
    await writeReport(sampleResult(), join(dir, 'report.html'), ['html', 'junit']);
    await expect(writeReport(sampleResult(), dir, ['html', 'junit'])).rejects.toThrow('report.html');
    expect(readdirSync(dir)).toEqual(['report.html']);
  });
});
