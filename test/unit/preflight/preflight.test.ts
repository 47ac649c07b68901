import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preflight, requirePreflight } from '../../../src/preflight/preflight.ts';
import { recordingReporter } from '../control-plane/fixtures.ts';
import { size } from './machines.ts';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-preflight-'));
  writeFileSync(join(dir, 'file'), '');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A size that every machine on which tests run is enough for, but for what a test makes wrong. */
const small = () => ({ ...size(1), stateDir: join(dir, 'state'), reportDir: join(dir, 'reports') });

describe('before a run', () => {
  it('all is checked that needs no command and no network', async () => {
    const ids = (await preflight(small())).map(({ id }) => id);
    expect(ids).toEqual([
      'node',
      'cpu',
      'memory',
      'open-files',
      'ports',
      'threads',
      'disk-state',
      'disk-reports',
      'clock',
      'processes',
    ]);
    const up = await preflight({ ...small(), reportDir: undefined });
    expect(up.map(({ id }) => id)).toEqual(ids.filter((id) => id !== 'disk-reports'));
  });

  it('what is impossible is refused, with what mends it and how to go ahead all the same', async () => {
    const reporter = recordingReporter();
    const options = { ...small(), stateDir: join(dir, 'file', 'state'), reporter };
    await expect(requirePreflight(options)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/^Disk: state: .* is not a folder$/),
      hint: expect.stringMatching(/^export TMPDIR=.*\n.*--skip-preflight/),
    });
  });

  it('what is only too small is a warning', async () => {
    const reporter = recordingReporter();
    // No machine has memory for so many pods; of sockets they need none.
    await requirePreflight({ ...small(), pods: 1e9, reporter });
    expect(reporter.texts('warn').some((text) => text.startsWith('Memory: '))).toBe(true);
  });
});
