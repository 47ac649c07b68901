import { afterEach, expect, test, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { Effect } from '../../../src/hollow/effects.ts';
import type { ShardEnvironment } from '../../../src/hollow/environment.ts';
import { HollowKubelet } from '../../../src/hollow/hollow-kubelet.ts';
import { Kubelet } from '../../../src/hollow/kubelet.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { testNodes } from '../../integration/support.ts';
import { FakeClock } from '../../sim/world.ts';

afterEach(() => {
  vi.restoreAllMocks();
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
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  const environment = { clock: new FakeClock(), delays, runtimes: new NodeRuntimes(), pool: { client: {} } };
  const kubelet = new HollowKubelet(environment as unknown as ShardEnvironment, node, {
    identity: undefined as never,
    prng: new Prng('timers'),
    onReady: () => {},
  });
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
