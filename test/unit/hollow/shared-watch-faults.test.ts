import { expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { SharedWatches } from '../../../src/hollow/shared-watches.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import type { ExchangeHandler } from '../../../src/kube/exchange.ts';
import type { WatchHandler } from '../../../src/kube/reflector.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from '../load/fake-clock.ts';

it('tells all nodes, also when one of them fails at it, and that one of its fault', async () => {
  let server: ExchangeHandler | undefined;
  const clock = new FakeClock();
  const stream = (_path: string, handler: ExchangeHandler): { cancel(): void } => {
    server = handler;
    return { cancel() {} };
  };
  const client = { clock, codec: jsonCodec, prng: new Prng('test'), stream };
  const watches = new SharedWatches(client as unknown as ApiClient, () => true);
  const told: string[] = [];
  const node = (name: string, fails: boolean): WatchHandler => ({
    onListing: () => told.push(`${name} listing`),
    onEvent: () => {
      told.push(`${name} event`);
      if (fails) throw new Error('cannot');
    },
    onSynced: () => {},
    onFault: (error) => told.push(`${name} fault: ${(error as Error).message}`),
  });
  const spec = { path: '/api/v1/services', selector: '', timeoutSecondsMin: 300, sendsTimeout: true };
  for (const [name, fails] of [
    ['a', true],
    ['b', false],
  ] as const) {
    watches.open(spec, name, node(name, fails));
  }
  await clock.advance(1);
  told.length = 0;
  server?.onResponse(200, 'application/json', undefined);
  server?.onData(Buffer.from('{"type":"ADDED","object":{"metadata":{"uid":"u","resourceVersion":"1"}}}\n'));
  expect(told).toEqual(['a listing', 'b listing', 'a event', 'a fault: cannot', 'b event']);
  // Whoever joins later is told what there is, and its fault is its own.
  watches.open(spec, 'c', node('c', true));
  told.length = 0;
  await clock.advance(1);
  expect(told).toEqual(['c listing', 'c event', 'c fault: cannot']);
});
