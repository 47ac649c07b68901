import { describe, expect, it, vi } from 'vitest';
import { reportFormats } from '../../../src/report/write-report.ts';
import { fileLink, shownPath, terminalOf } from '../../../src/cli/terminal.ts';
import { localTime } from '../../../src/report/terminal/local-time.ts';
import { helpTexts, runCli } from '../../docs/cli-reference.ts';

// The CLI starts in half a second; on a busy machine in many.
vi.setConfig({ testTimeout: 60_000 });

describe('--help', () => {
  it('has at least two examples for every command that does something', async () => {
    const lacking: string[] = [];
    for (const [name, text] of await helpTexts()) {
      if (name === '' || name === 'control-plane') continue;
      const examples = text.split('\nExamples:\n')[1]?.match(/^ {2}hollowmark /gm)?.length ?? 0;
      if (examples < 2) lacking.push(name);
    }
    expect(lacking).toEqual([]);
  });
});

describe('completion', () => {
  const completed = async (...words: string[]): Promise<string[]> => {
    const { stdout } = await runCli(['--get-yargs-completions', 'hollowmark', ...words]);
    return stdout.split('\n').filter((line) => line !== '');
  };

  it('knows commands, flags and the values of flags', async () => {
    expect(await completed('')).toEqual(expect.arrayContaining(['run', 'up', 'validate', 'report']));
    expect(await completed('control-plane', '')).toContain('install');
    expect(await completed('run', '--')).toEqual(expect.arrayContaining(['--nodes', '--again', '--set']));
    expect(await completed('run', '--flags', '')).toEqual(['default', 'scale']);
    expect(await completed('report', 'result.json', '--format', '')).toEqual([...reportFormats]);
  });

  it('leaves scenarios to the shell, which knows files', async () => {
    expect(await completed('run', '')).toEqual([]);
    expect(await completed('validate', 'scen')).toEqual([]);
  });

  it.each([
    ['up', '--kubeconfig', ''],
    ['clean', '--kubeconfig', ''],
    ['doctor', '--scenario', ''],
    ['run', 'x.yaml', '--out', ''],
    ['run', '--again', 'repo'],
    ['control-plane', 'install', '--binaries', ''],
  ])('leaves the value of a flag to the shell: %s %s %s', async (...words) => {
    expect(await completed(...words)).toEqual([]);
  });

  it('goes on after a switch and after a value', async () => {
    expect(await completed('run', 'x.yaml', '--quiet', '')).toContain('--out');
    expect(await completed('run', 'x.yaml', '--out', 'there', '--n')).toContain('--nodes');
  });

  it('prints a script for the shell', async () => {
    const { exitCode, stdout } = await runCli(['completion']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--get-yargs-completions');
  });
});

describe('a terminal', () => {
  const tty = { isTTY: true, columns: 80 };

  it.each([
    [tty, {}, true, true],
    [tty, { NO_COLOR: '1' }, false, true],
    [tty, { NO_COLOR: '' }, true, true],
    [tty, { TERM: 'dumb' }, false, false],
    [tty, { FORCE_COLOR: '0' }, false, true],
    [{}, {}, false, false],
    [{}, { FORCE_COLOR: '1' }, true, false],
    [{}, { FORCE_COLOR: '1', NO_COLOR: '1' }, false, false],
  ])('%j with %j: colours %s, hyperlinks %s', (stream, env, color, hyperlinks) => {
    expect(terminalOf(stream, env)).toMatchObject({ color, hyperlinks });
  });

  it('gets paths from here where these are shorter, and links where it can', () => {
    expect(shownPath('/data/reports/a/report.html', '/data')).toBe('reports/a/report.html');
    expect(shownPath('/a/report.html', '/some/where/deep/below')).toBe('/a/report.html');
    expect(shownPath('/data', '/data')).toBe('/data');
    expect(fileLink('/a b/report.html', { hyperlinks: false })).not.toContain('\u001b');
    expect(fileLink('/a b/report.html', { hyperlinks: true })).toContain(
      '\u001b]8;;file:///a%20b/report.html\u0007',
    );
  });

  it("gets times in the user's zone", () => {
    expect(localTime('2026-07-01T22:30:05.123Z', 'Asia/Tokyo')).toBe('2026-07-02 07:30:05 GMT+9');
    expect(localTime('2026-07-01T22:30:05Z', 'UTC')).toBe('2026-07-01 22:30:05 UTC');
  });
});
