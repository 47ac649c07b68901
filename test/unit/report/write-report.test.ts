import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JudgedGate } from '../../../src/report/judged-gate.ts';
import { reportFormats, writeReport } from '../../../src/report/write-report.ts';
import { readResult } from '../../../src/result/read.ts';
import { hostileName, sampleResult } from './sample-result.ts';

// The charts take a second, on a busy machine more.
vi.setConfig({ testTimeout: 60_000 });

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
    expect(readdirSync(join(dir, 'charts'))).toHaveLength(16);
  });

  it('writes every format, each in its place, whatever the names are', async () => {
    const { files } = await writeReport(sampleResult({ hostileName }), folder, reportFormats);
    expect(readdirSync(folder).toSorted()).toEqual([
      'charts',
      'csv',
      'hgrm',
      'history',
      'junit.xml',
      'openmetrics.txt',
      'perfdash',
      'report.html',
      'summary.md',
    ]);
    const [history = ''] = files.slice(-1);
    expect(history.slice(folder.length)).toMatch(/^\/history\/[\w.-]+\/2026-03-04-quickstart-7f3a$/);
    expect(files.every((file) => existsSync(file) && file.startsWith(folder))).toBe(true);
    const artifacts = readdirSync(join(history, 'artifacts'));
    expect(artifacts).toEqual(expect.arrayContaining(['csv', 'hgrm', 'junit_hollowmark.xml', 'report.html']));
    // perfdash looks for its summaries in the folder itself.
    expect(artifacts.filter((name) => name.startsWith('APIResponsiveness_'))).toHaveLength(1);
    expect(readResult(join(history, 'artifacts'))).toEqual(sampleResult({ hostileName }));
  });

  it('links from the summary to the files that are there', async () => {
    await writeReport(sampleResult(), folder, ['html', 'markdown']);
    const summary = (): string => readFileSync(join(folder, 'summary.md'), 'utf8');
    expect(summary()).toMatch(/\n\[report\.html\]\(<report\.html>\)\n$/);
    await writeReport(sampleResult(), folder, ['junit', 'markdown'], {
      artifactsUrl: 'https://ci.example/7/',
    });
    expect(summary()).toMatch(
      /\n\[report\.html\]\(<https:\/\/ci\.example\/7\/report\.html>\) · \[junit\.xml\]\(<[^>]+>\)\n$/,
    );
  });

  it('says what a gate found in every page, also in that of a test history', async () => {
    const gate: JudgedGate = {
      verdict: 'worse',
      summary: 'in short',
      cases: [],
      remarks: [],
      document: '{}',
    };
    const { files } = await writeReport(sampleResult(), folder, ['html', 'history'], { gate });
    for (const page of [join(folder, 'report.html'), join(files.at(-1) ?? '', 'artifacts/report.html')]) {
      expect(readFileSync(page, 'utf8')).toContain('Passed, but worse than the baseline');
    }
  });

  it('replaces a build as a whole', async () => {
    const build = { job: 'nightly', number: '7' };
    const at = join(folder, 'history/nightly/7');
    await writeReport(sampleResult({ extraApiRows: 1 }), folder, ['history'], { build });
    const before = readdirSync(join(at, 'artifacts/hgrm'));
    await writeReport(sampleResult(), folder, ['history'], { build });
    expect(before.filter((name) => name.includes('things0'))).toHaveLength(2);
    expect(readdirSync(join(at, 'artifacts/hgrm')).filter((name) => name.includes('things0'))).toEqual([]);
    expect(readdirSync(join(folder, 'history/nightly'))).toEqual(['7']);
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
