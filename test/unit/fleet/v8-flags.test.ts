import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { collectionFlags, heapFlags } from '../../../src/fleet/v8-flags.ts';

it('the V8 of this Node.js knows the flags of the fleet, and would tell if it did not', () => {
  const start = (flag: string): string =>
    execFileSync(process.execPath, [flag, '-p', '1'], { encoding: 'utf8', stdio: 'pipe' });
  for (const flag of [...heapFlags, ...collectionFlags]) expect(start(flag)).toBe('1\n');
  expect(() => start('--no-such-trigger=75')).toThrow('bad option');
});
