import { afterEach, expect, test, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { NodeConnected, ShardEnvironment } from '../../../src/hollow/environment.ts';
import { HollowNode } from '../../../src/hollow/hollow-node.ts';
import { Kubelet } from '../../../src/hollow/kubelet.ts';
import type { NodeFailure } from '../../../src/hollow/node-failure.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { ApiClient } from '../../../src/kube/client.ts';
import { HandshakeGate } from '../../../src/kube/handshake-gate.ts';
import { testNodes } from '../../integration/support.ts';
import { FakeClock } from '../../sim/world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test.each<NodeFailure>([{ type: 'partition' }, { type: 'crash' }])(
  'a node that is stopped during a $type leaves no connection open',
  (failure) => {
    const done: string[] = [];
    for (const name of ['cut', 'close', 'restore'] as const) {
      vi.spyOn(ApiClient.prototype, name).mockImplementation(() => done.push(name));
    }
    vi.spyOn(Kubelet.prototype, 'handle').mockReturnValue([]);
    const [config] = testNodes(1);
    if (config === undefined) throw new Error('no node');
    const environment = {
      endpoint: { url: 'https://127.0.0.1:1' },
      clock: new FakeClock(),
      codec: {},
      handshakes: new HandshakeGate(1),
      runtimes: new NodeRuntimes(),
      pool: undefined,
    } as unknown as ShardEnvironment;
    const node = new HollowNode(environment, config, {} as never, new Prng('node'), () => {});
    node.fail(failure);
    node.stop();
    // What is closed while it is cut stays open until it is restored.
    expect(done).toEqual(['cut', 'close', 'restore']);
  },
);

test('a kubelet tells once that its node is registered, and the one after it that it is not the first', () => {
  vi.spyOn(ApiClient.prototype, 'close').mockImplementation(() => {});
  vi.spyOn(Kubelet.prototype, 'handle').mockReturnValue([{ type: 'node-registered' }]);
  const [config] = testNodes(1);
  if (config === undefined) throw new Error('no node');
  const connected: NodeConnected[] = [];
  const clock = new FakeClock();
  const environment = {
    endpoint: { url: 'https://127.0.0.1:1' },
    clock,
    codec: {},
    handshakes: new HandshakeGate(1),
    runtimes: new NodeRuntimes(),
    pool: undefined,
    observer: { onNodeConnected: (one: NodeConnected) => connected.push(one) },
  } as unknown as ShardEnvironment;
  const node = new HollowNode(environment, config, {} as never, new Prng('node'), () => {});
  // Somebody deletes the node, and it is registered once more.
  node.fail({ type: 'pressure', condition: 'DiskPressure', evictions: 1 });
  expect(connected.map(({ again }) => again)).toEqual([false]);
  clock.advance(1000);
  node.fail({ type: 'kubelet-down' });
  clock.advance(2000);
  node.heal();
  expect(connected.map(({ node: name, again }) => [name, again])).toEqual([
    ['hollow-1', false],
    ['hollow-1', true],
  ]);
  expect((connected[1]?.startUs ?? 0) - (connected[0]?.startUs ?? 0)).toBe(3_000_000);
  node.stop();
});
