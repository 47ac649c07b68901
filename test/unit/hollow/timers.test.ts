import { afterEach, expect, test, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { Effect, TimerName } from '../../../src/hollow/effects.ts';
import type { ShardEnvironment } from '../../../src/hollow/environment.ts';
import { HollowKubelet } from '../../../src/hollow/hollow-kubelet.ts';
import { Kubelet } from '../../../src/hollow/kubelet.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { testNodes } from '../../integration/support.ts';
import { FakeClock } from '../../sim/world.ts';

function kubeletWith(delays: object): HollowKubelet {
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  const environment = { clock: new FakeClock(), delays, runtimes: new NodeRuntimes(), pool: { client: {} } };
  return new HollowKubelet(environment as unknown as ShardEnvironment, node, {
    identity: undefined as never,
    prng: new Prng('timers'),
    onReady: () => {},
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('only heartbeats in their time may be late', () => {
  const gridsMs: number[] = [];
  const delays = {
    after: (_delayMs: number, _run: () => void, gridMs: number) => {
      gridsMs.push(gridMs);
      return { cancel: () => {} };
    },
  };
  const kubelet = kubeletWith(delays);
  const after = (delayMs: number, timer: TimerName): Effect => ({ type: 'after', delayMs, timer });
  vi.spyOn(Kubelet.prototype, 'handle').mockReturnValueOnce([
    after(10_000, { of: 'lease' }),
    after(10_300, { of: 'node-status', loop: 'sync' }),
    after(200, { of: 'lease' }),
    after(30_000, { of: 'pod', uid: 'a', wake: 'exit', key: 0 }),
    after(10_000, { of: 'eviction' }),
  ]);
  kubelet.start();
  expect(gridsMs).toEqual([20, 20, 0, 0, 0]);
});

test('timers go with the pod, and with the kubelet, that they are for', () => {
  const live = new Set<object>();
  const delays = {
    after: () => {
      const handle = { cancel: () => live.delete(handle) };
      live.add(handle);
      return handle;
    },
  };
  const kubelet = kubeletWith(delays);
  const next = (...effects: Effect[]): void => {
    vi.spyOn(Kubelet.prototype, 'handle').mockReturnValueOnce(effects);
    kubelet.start();
  };
  const hourMs = 3_600_000;
  const ofPod = (uid: string): Effect => ({
    type: 'after',
    delayMs: hourMs,
    timer: { of: 'pod', uid, wake: 'exit', key: 0 },
  });
  next(ofPod('a'), ofPod('a'), ofPod('b'), { type: 'after', delayMs: hourMs, timer: { of: 'lease' } });
  expect(live.size).toBe(4);
  next({ type: 'pod-gone', uid: 'a' });
  expect(live.size).toBe(2);
  kubelet.stop();
  expect(live.size).toBe(0);
});
