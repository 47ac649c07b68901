import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/base/package-info.ts';
import { runCli } from '../../docs/cli-reference.ts';
import { writeComponents } from '../control-plane/fixtures.ts';

// The CLI starts in half a second; on a busy machine in many.
vi.setConfig({ testTimeout: 60_000 });

const main = join(packageRoot, 'dist/cli/main.js');
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-doctor-'));
  await writeComponents(join(dir, 'binaries'), 'v1.36.3');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Report = {
  fit: boolean;
  nodes: number;
  pods: number;
  nodesMax: number;
  limitedBy: string;
  checks: { id: string; verdict: string; nodesMax?: number }[];
};

async function doctor(...args: string[]): Promise<{ exitCode: number; report: Report }> {
  const { exitCode, stdout } = await runCli(['doctor', '--json', ...args], dir);
  return { exitCode, report: JSON.parse(stdout) as Report };
}

describe('doctor', () => {
  it('finds a machine fit on which tests run, for one node', async () => {
    const { exitCode, report } = await doctor('--nodes', '1', '--pods', '0', '--binaries', 'binaries');
    expect(report).toMatchObject({ fit: true, nodes: 1, pods: 0 });
    expect(exitCode).toBe(0);
    expect(report.nodesMax).toBe(Math.min(...report.checks.map(({ nodesMax }) => nodesMax ?? Infinity)));
    expect(report.checks.find(({ id }) => id === report.limitedBy)?.nodesMax).toBe(report.nodesMax);
  });

  it('ends with 2 when something fails, and says what on stdout', async () => {
    const { exitCode, report } = await doctor('--binaries', '.');
    expect(exitCode).toBe(2);
    expect(report.fit).toBe(false);
    expect(report.checks).toContainEqual(
      expect.objectContaining({
        id: 'binaries',
        verdict: 'fail',
        finding: expect.stringContaining('lacks etcd'),
      }),
    );
  });

  it("judges for a scenario's own size, or for others", async () => {
    const scenario = join(packageRoot, 'scenarios/quickstart.yaml');
    const given = ['--binaries', 'binaries', '--scenario', scenario];
    expect((await doctor(...given)).report).toMatchObject({ nodes: 100, pods: 1_110 });
    expect((await doctor(...given, '--nodes', '200')).report).toMatchObject({ nodes: 200, pods: 2_110 });
    expect((await doctor(...given, '--pods', '7')).report).toMatchObject({ nodes: 100, pods: 7 });
  });

  it.each([
    [['--nodes', '0'], '--nodes'],
    [['--pods', '-1'], '--pods'],
    [['--scenario', 'nowhere.yaml'], 'nowhere.yaml'],
    [['--kubernetes-version', 'new'], '--kubernetes-version'],
  ])('refuses %j with one message', async (args, named) => {
    const { exitCode, stdout, stderr } = await runCli(['doctor', ...args], dir);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(named);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('what run and up do first', () => {
  /** Runs the CLI with no more than so many open files. */
  function limited(openFiles: number, ...args: string[]): { status: number | null; stderr: string } {
    const script = `ulimit -n ${openFiles} && exec "$@"`;
    return spawnSync('sh', ['-c', script, 'sh', process.execPath, main, ...args], {
      cwd: dir,
      encoding: 'utf8',
    });
  }

  it('the limit of open files that doctor sees is the one that a process has', () => {
    const script = 'ulimit -n 700 && exec "$@"';
    const output = execFileSync(
      'sh',
      [
        '-c',
        script,
        'sh',
        process.execPath,
        main,
        'doctor',
        '--json',
        '--nodes',
        '300',
        '--binaries',
        'binaries',
      ],
      { cwd: dir, encoding: 'utf8' },
    );
    const { checks } = JSON.parse(output) as Report;
    expect(checks).toContainEqual(
      expect.objectContaining({ id: 'open-files', verdict: 'ok', nodesMax: 300 }),
    );
  });

  it.each([
    [['up', '--nodes', '400']],
    [['run', join(packageRoot, 'scenarios/quickstart.yaml'), '--nodes', '400', '--out', 'out']],
  ])('%j refuses to start without the open files that it needs, and leaves nothing', (args) => {
    const { status, stderr } = limited(700, ...args, '--binaries', 'binaries');
    expect(status).toBe(2);
    expect(stderr).toContain('Open files: 700 a process; 400 nodes need 900');
    expect(stderr).toContain('--skip-preflight');
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(dir, 'out'))).toBe(false);
  });
});
