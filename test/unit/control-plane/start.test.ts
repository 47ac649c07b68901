import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HollowmarkError } from '../../../src/base/errors.ts';
import type { ControlPlaneOptions } from '../../../src/control-plane/control-plane.ts';
import { startControlPlane } from '../../../src/control-plane/start.ts';
import { binariesOptions, makeTempDir, recordingReporter, writeComponents, writeScript } from './fixtures.ts';

// Stand-ins for the components only: what a real control plane does is in test/integration.
let dir: string;
let remove: () => Promise<void>;
let reporter: ReturnType<typeof recordingReporter>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
  await writeComponents(join(dir, 'bin'), 'v1.36.3');
  reporter = recordingReporter();
});
afterEach(() => remove());

function options(overrides: Partial<ControlPlaneOptions> = {}): ControlPlaneOptions {
  return {
    ...binariesOptions(dir, { binariesDir: join(dir, 'bin'), reporter }),
    profile: 'default',
    extraFlags: {},
    stateDir: join(dir, 'state'),
    ...overrides,
  };
}

/** Command lines of the processes that belong to this test. */
function processesOfTest(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .filter((text) => text.includes(dir));
}

function expectNothingLeft(): void {
  expect(existsSync(join(dir, 'state'))).toBe(false);
  expect(processesOfTest()).toEqual([]);
}

describe('a start that fails', () => {
  it('says which component ended, how, and its last words, and leaves nothing', async () => {
    await writeScript(join(dir, 'bin', 'etcd'), '#!/bin/sh\necho first\necho "no space left" >&2\nexit 7\n');
    const failure = await startControlPlane(options()).catch((e: unknown) => e as HollowmarkError);
    expect(failure).toMatchObject({ code: 'cluster-unavailable' });
    expect((failure as Error).message).toMatch(
      /^etcd \(pid \d+\) exited with code 7; its last log lines:\nfirst\nno space left$/,
    );
    expectNothingLeft();
  });

  it('because a program is none', async () => {
    await writeFile(join(dir, 'bin', 'etcd'), 'neither ELF nor script', { mode: 0o755 });
    await expect(startControlPlane(options())).rejects.toMatchObject({ code: 'cluster-unavailable' });
    expectNothingLeft();
  });

  it('because ports were taken is tried again with others, three times at most', async () => {
    await writeScript(
      join(dir, 'bin', 'etcd'),
      `#!/bin/sh\necho "$*" >> "${dir}/starts"\necho "bind: address already in use"\nexit 1\n`,
    );
    await expect(startControlPlane(options())).rejects.toThrow('address already in use');
    const starts = (await readFile(join(dir, 'starts'), 'utf8')).trim().split('\n');
    const ports = starts.map((line) => /--listen-client-urls=\S+:(\d+)/.exec(line)?.[1]);
    expect(new Set(ports).size).toBe(3);
    expect(reporter.texts('warn')).toHaveLength(2);
    expectNothingLeft();
  });

  it('because it was interrupted, and leaves nothing', async () => {
    const abort = new AbortController();
    await writeScript(
      join(dir, 'bin', 'etcd'),
      `#!/bin/sh\necho started > "${dir}/started"\nexec sleep 600\n`,
    );
    const started = startControlPlane(options({ signal: abort.signal })).catch((e: unknown) => e);
    while (!existsSync(join(dir, 'started'))) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(new Error('Ctrl-C'));
    expect(await started).toMatchObject({ code: 'interrupted' });
    expectNothingLeft();
  });
});

describe('the state folder', () => {
  it('must be empty, because it is removed at the end', async () => {
    await mkdir(join(dir, 'state'));
    await writeFile(join(dir, 'state', 'precious'), '');
    await expect(startControlPlane(options())).rejects.toMatchObject({ code: 'bad-input' });
    expect(existsSync(join(dir, 'state', 'precious'))).toBe(true);
  });
});
