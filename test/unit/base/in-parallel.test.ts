import { expect, test } from 'vitest';
import { inParallel } from '../../../src/base/in-parallel.ts';

test('work is done in order, so much at a time', async () => {
  const log: string[] = [];
  let active = 0;
  let activeMax = 0;
  await inParallel([1, 2, 3, 4, 5], 2, async (item) => {
    log.push(`begin ${item}`);
    activeMax = Math.max(activeMax, ++active);
    await Promise.resolve();
    active--;
  });
  expect(log).toEqual(['begin 1', 'begin 2', 'begin 3', 'begin 4', 'begin 5']);
  expect(activeMax).toBe(2);
});

test('the first error ends it', async () => {
  const begun: number[] = [];
  const work = inParallel([1, 2, 3, 4], 1, async (item) => {
    begun.push(item);
    if (item === 2) throw new Error('no');
    await Promise.resolve();
  });
  await expect(work).rejects.toThrow('no');
  expect(begun).toEqual([1, 2]);
});
