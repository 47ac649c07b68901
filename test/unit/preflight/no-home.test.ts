import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkCache } from '../../../src/preflight/checks/folders.ts';
import { readToolFacts } from '../../../src/preflight/facts/tools.ts';
import { binariesOptions, makeTempDir, writeComponents } from '../control-plane/fixtures.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<Record<string, unknown>>()),
  homedir: () => {
    throw new Error('ENOENT: no such file or directory, uv_os_homedir');
  },
}));

let dir: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
});
afterEach(() => remove());

describe('a user without a home folder', () => {
  const noHome = 'this user has no home folder in which the cache could be';

  it('needs none when the binaries are elsewhere', async () => {
    await writeComponents(join(dir, 'mine'), 'v1.36.3');
    const options = binariesOptions(dir, { binariesDir: join(dir, 'mine'), env: { PATH: '' } });
    const { binaries, cache } = await readToolFacts(options, dir);
    expect(binaries).toMatchObject({ found: { dir: join(dir, 'mine') } });
    expect(checkCache(cache, false)).toMatchObject({
      verdict: 'ok',
      finding: `${noHome}; nothing has to be written there`,
    });
  });

  it('is told so where binaries are missing', async () => {
    const { binaries, cache } = await readToolFacts(binariesOptions(dir, { env: { PATH: '' } }), dir);
    expect(binaries).toEqual({ passedOver: [expect.stringMatching(/^PATH: /), `cache: ${noHome}`] });
    expect(checkCache(cache, true)).toMatchObject({
      verdict: 'fail',
      finding: noHome,
      fix: 'export HOLLOWMARK_CACHE=/var/tmp/hollowmark-cache',
    });
  });
});
