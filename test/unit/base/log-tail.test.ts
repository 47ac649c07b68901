import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readTail } from '../../../src/base/log-tail.ts';
import { makeTempDir } from '../control-plane/fixtures.ts';

it('reads the last lines, without empty ones, and cuts long ones', async () => {
  const { dir, remove } = await makeTempDir();
  const path = join(dir, 'log');
  await writeFile(path, `${'x'.repeat(100_000)}\none\n\ntwo\n${'y'.repeat(2_000)}\n`);
  expect(await readTail(path, 3)).toEqual(['one', 'two', `${'y'.repeat(500)}…`]);
  expect(await readTail(join(dir, 'none'), 3)).toEqual([]);
  await remove();
});
