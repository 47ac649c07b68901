import { describe, expect, it } from 'vitest';
import { HarnessDelays } from '../../../src/measure/harness-delays.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { FakeClock } from './fake-clock.ts';

function encoded(...values: number[]): string {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram.toBase64();
}

describe('HarnessDelays', () => {
  it('keeps its own thread and those of the hollow nodes apart', async () => {
    const clock = new FakeClock();
    const delays = new HarnessDelays(clock);
    clock.block(500);
    clock.pass(0);
    delays.reset();
    clock.pass(100);
    delays.shard({ loopDelay: encoded(40_000, 50_000), gcPause: encoded(3000) });
    delays.shard({ loopDelay: encoded(60_000), gcPause: '' });
    await delays.finish();
    // What follows the run is not in it.
    clock.block(900);
    clock.pass(0);
    const told = (delays.tell().slis ?? []).filter(({ labels }) => labels['threads'] === 'shards');
    expect(told.map(({ id, count }) => [id, count])).toEqual([
      ['harness-loop-delay', 3],
      ['harness-gc-pause', 1],
    ]);
    const own = delays.tell().slis?.find(({ labels }) => labels['threads'] === 'observer');
    expect(own).toMatchObject({ id: 'harness-loop-delay', count: 10, max: 0 });
    delays.stop();
  });
});
