import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleResult } from '../report/sample-result.ts';
import { runInProcess } from './in-process.ts';

// A history has the charts too; on a busy machine they take seconds.
vi.setConfig({ testTimeout: 60_000 });

const ciVariables = ['GITHUB_ACTIONS', 'GITLAB_CI', 'JOB_NAME', 'BUILD_ID', 'BUILD_NUMBER', 'BUILD_URL'];

let dir: string;
beforeEach(() => {
  // A blank, so that a command that does not quote it fails.
  dir = mkdtempSync(join(tmpdir(), 'hollowmark report-'));
  for (const name of ciVariables) vi.stubEnv(name, undefined);
  writeFileSync(join(dir, 'result.json'), JSON.stringify(sampleResult()));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const report = (...flags: string[]): ReturnType<typeof runInProcess> =>
  runInProcess(['report', join(dir, 'result.json'), ...flags]);

describe('report --format', () => {
  it('takes several, with commas or one by one', async () => {
    const { exitCode, stdout } = await report(
      '--format',
      'csv,markdown',
      '--format',
      'openmetrics',
      '--json',
    );
    expect(exitCode).toBe(0);
    const { files } = JSON.parse(stdout) as { files: string[] };
    expect(files.map((file) => file.slice(dir.length + 1))).toEqual([
      'openmetrics.txt',
      'csv/slis.csv',
      'csv/figures.csv',
      'csv/timeline.csv',
      'csv/calls.csv',
      'csv/phases.csv',
      'csv/slowest-pods.csv',
      'summary.md',
    ]);
  });
});

describe('report --format history', () => {
  const history = (...flags: string[]): ReturnType<typeof runInProcess> =>
    report('--format', 'history', ...flags);
  const metadata = (...path: string[]): unknown =>
    (JSON.parse(readFileSync(join(dir, ...path, 'finished.json'), 'utf8')) as { metadata: unknown }).metadata;

  it('is named by flags, and copied to a folder as job and build', async () => {
    const { exitCode, stdout } = await history('--job', 'mine', '--build', '9', '--upload', join(dir, 'up'));
    expect(exitCode).toBe(0);
    expect(readdirSync(join(dir, 'up/mine/9'))).toEqual(readdirSync(join(dir, 'history/mine/9')));
    expect(stdout).toContain(join('up', 'mine', '9'));
    expect(metadata('up/mine/9')).toMatchObject({ job: 'mine', build: '9' });
  });

  it('is named by the CI system, and handed to a command, whose output is told', async () => {
    vi.stubEnv('JOB_NAME', 'folder/nightly scale');
    vi.stubEnv('BUILD_ID', '8');
    const target = join(dir, 'bucket');
    mkdirSync(target);
    const command = `cp -r {dir} '${target}' && echo sent {build} of {job} && echo and warned >&2`;
    const { exitCode, stdout, stderr } = await history('--upload-command', command);
    expect({ exitCode, stderr: stderr.split('\n').toSorted() }).toEqual({
      exitCode: 0,
      stderr: ['', 'and warned', 'sent 8 of folder-nightly-scale'],
    });
    expect(stdout).not.toContain('sent');
    expect(existsSync(join(target, '8/artifacts/result.json'))).toBe(true);
  });

  it('is named by the run, and stays when a command fails, which is said with its code', async () => {
    const command = 'echo no such bucket >&2; ls {dir} >/dev/null && exit 7';
    const { exitCode, stdout, stderr } = await history('--upload-command', command);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('no such bucket\n');
    expect(stderr).toContain('hollowmark: the upload command ended with exit code 7: ');
    expect(stderr).toContain(join(dir, 'history/quickstart/2026-03-04-quickstart-7f3a'));
  });
});
