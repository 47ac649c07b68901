import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { codeOf } from '../../../src/bench/cost/code-of.ts';

/** Says when it is there, and ends with 7 when it is asked to. */
async function started(script: string): Promise<ChildProcess> {
  const asked = "process.on('SIGTERM', () => process.exit(7)); console.log('up');";
  const child = spawn(process.execPath, ['-e', asked + script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

it('a process that ends in time is not asked to, and is not waited for any longer', async () => {
  const listenerCount = process.listenerCount('exit');
  expect(await codeOf(await started('setTimeout(() => process.exit(3), 100);'), 60_000)).toBe(3);
  expect(process.listenerCount('exit')).toBe(listenerCount);
});

it('a process that takes too long is asked to end, and has ended when that is told', async () => {
  const child = await started('setInterval(() => {}, 1000);');
  await expect(codeOf(child, 10)).rejects.toThrow('took more than 0.01 s');
  expect(child.exitCode).toBe(7);
});
