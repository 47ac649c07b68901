import { expect, test } from 'vitest';
import { Prng } from '../../../../src/base/prng.ts';
import type { ShardEnvironment } from '../../../../src/hollow/environment.ts';
import { NodeRuntimes } from '../../../../src/hollow/runtime/node-runtimes.ts';
import { HollowProxy, sharedProxyState } from '../../../../src/hollow/proxy/hollow-proxy.ts';
import { FakeClock } from '../../../sim/world.ts';
import { testNodes } from '../../../integration/support.ts';

test('a proxy leaves connections alone that all nodes share', () => {
  let touched = 0;
  const client = {
    cut: () => touched++,
    restore: () => touched++,
    close: () => touched++,
    dropConnections: () => touched++,
  };
  const runtimes = new NodeRuntimes();
  const environment = { clock: new FakeClock(), pool: { client }, runtimes } as unknown as ShardEnvironment;
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  const proxy = new HollowProxy(environment, {
    node,
    identity: undefined as never,
    prng: new Prng('proxy'),
    shared: sharedProxyState(),
    onReady: () => {},
    onProgrammed: () => {},
  });
  proxy.connections.cut();
  proxy.connections.restore();
  proxy.connections.drop();
  proxy.stop();
  expect(touched).toBe(0);
});
