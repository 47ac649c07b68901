import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';

/** A worker with 50 MB that have outlived the young generation, and then are garbage; it says what its heap holds and its process takes before and after. */
const program = `
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
if (isMainThread) {
  const worker = new Worker(__filename);
  const used = [];
  worker.on('message', (bytes) => {
    used.push(bytes);
    if (used.length === 1) {
      process.kill(process.pid, 'SIGUSR2');
      setTimeout(() => worker.postMessage('again'), 1000);
    } else {
      console.log(JSON.stringify(used));
      process.exit(0);
    }
  });
} else {
  let kept = Array.from({ length: 500_000 }, (_, i) => ({ i, text: [i] }));
  const used = () => [require('node:v8').getHeapStatistics().used_heap_size, process.memoryUsage.rss()];
  setTimeout(() => {
    kept = undefined;
    parentPort.postMessage(used());
  }, 300);
  parentPort.on('message', () => parentPort.postMessage(used()));
}
`;

it('a signal has every thread of a fleet collect its old space and give it back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hollowmark-collect-'));
  try {
    const file = join(dir, 'program.cjs');
    await writeFile(file, program);
    const hook = pathToFileURL(join(packageRoot, 'dist/bench/peers/collect-hook.js')).href;
    const env = { ...process.env, NODE_OPTIONS: `--import=${hook}` };
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
    const [before, after] = JSON.parse(stdout) as [[number, number], [number, number]];
    expect(before[0]).toBeGreaterThan(30e6);
    expect(after[0]).toBeLessThan(10e6);
    // Resident memory: what was kept is given back.
    expect(after[1]).toBeLessThan(before[1] - 20e6);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
