import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { stateRoot } from '../../../src/journal/journal.ts';
import { journalName, newRecord } from '../../../src/journal/record.ts';
import { runInProcess } from './in-process.ts';

describe('validate', () => {
  const validate = (...flags: string[]): ReturnType<typeof runInProcess> =>
    runInProcess(['validate', 'scenarios/quickstart.yaml', '--seed', '7', ...flags]);

  it('puts the plan that --plan lists into the JSON', async () => {
    const { stdout: listed } = await validate('--plan');
    const { exitCode, stdout } = await validate('--plan', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ valid: true, plan: listed.trimEnd().split('\n') });
    expect(JSON.parse((await validate('--json')).stdout)).not.toHaveProperty('plan');
  });

  it('makes all the changes that --set asks for', async () => {
    const { stdout } = await validate('--set', 'namespaces.count=3', '--set', 'nodes.count=7');
    expect(stdout).toContain('7 nodes');
    expect(stdout).toContain('3 namespaces');
  });
});

describe('control-plane install', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'hollowmark-commands-'));
    vi.stubEnv('TMPDIR', dir);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says what a killed run may have left on a cluster of others', async () => {
    const run = join(stateRoot(), 'killed');
    mkdirSync(run, { recursive: true, mode: 0o700 });
    const foreign = { kubeconfig: join(dir, 'theirs'), context: 'prod', server: 'https://10.0.0.1:6443' };
    writeFileSync(
      join(run, journalName),
      JSON.stringify({ ...newRecord('killed'), boot: 'another', foreign }),
    );
    const program = '#!/bin/sh\necho Kubernetes v1.36.3\n';
    writeFileSync(join(dir, 'control-plane'), program, { mode: 0o755 });
    const { exitCode, stderr } = await runInProcess(['control-plane', 'install', '--binaries', dir]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('The run killed was killed and may have left objects on https://10.0.0.1:6443');
  });
});
