import { afterEach, expect, test, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { kinds } from '../../../src/hollow/context.ts';
import type { ClientName, Effect, Tag } from '../../../src/hollow/effects.ts';
import type { ShardEnvironment } from '../../../src/hollow/environment.ts';
import { HollowKubelet } from '../../../src/hollow/hollow-kubelet.ts';
import { Kubelet } from '../../../src/hollow/kubelet.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import type { ApiRequest } from '../../../src/kube/client.ts';
import { testNodes } from '../../integration/support.ts';
import { FakeClock } from '../../sim/world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A kubelet that does what it is told, and what it has sent and opened. */
function kubelet(): {
  next: (...effects: Effect[]) => void;
  sent: ApiRequest[];
  opened: string[];
  clock: FakeClock;
} {
  const clock = new FakeClock();
  const sent: ApiRequest[] = [];
  const opened: string[] = [];
  const client = {
    request: (request: ApiRequest) => {
      sent.push(request);
      return new Promise(() => {});
    },
  };
  const watches = { open: ({ path }: { path: string }) => opened.push(path) };
  const delays = { after: (ms: number, act: () => void) => clock.timer(ms, act) };
  const environment = { clock, delays, runtimes: new NodeRuntimes(), codec: {}, pool: { client, watches } };
  const [node] = testNodes(1);
  if (node === undefined) throw new Error('no node');
  const hollow = new HollowKubelet(environment as unknown as ShardEnvironment, node, {
    identity: undefined as never,
    prng: new Prng('limits'),
    onReady: () => {},
  });
  const next = (...effects: Effect[]): void => {
    vi.spyOn(Kubelet.prototype, 'handle').mockReturnValueOnce(effects);
    hollow.start();
  };
  return { next, sent, opened, clock };
}

const request = (via: ClientName, to: Tag): Effect => ({
  type: 'request',
  via,
  request: { method: 'GET', path: `/${via}`, kind: kinds.getPod },
  tag: to,
});
const ofToken: Tag = { to: 'token', uid: 'u' };

test('requests wait for their limiter’s tokens, watches and heartbeats for none', () => {
  const { next, sent, opened, clock } = kubelet();
  next(...Array.from({ length: 105 }, () => request('api', ofToken)));
  expect(sent).toHaveLength(100);
  next(request('events', { to: 'event' }), request('heartbeat', { to: 'lease', step: 'get' }), {
    type: 'watch',
    key: 'configmaps/a/b',
    spec: { path: '/w', selector: '', timeoutSecondsMin: 1, sendsTimeout: true },
  });
  expect([sent.length, opened]).toEqual([102, ['/w']]);
  clock.advance(60);
  expect(sent).toHaveLength(105);
});

test('what the client repeats takes tokens of the same limiter, but for heartbeats', () => {
  const { next, sent } = kubelet();
  next(
    request('api', ofToken),
    request('api', ofToken),
    request('events', { to: 'event' }),
    request('heartbeat', { to: 'lease', step: 'get' }),
  );
  const [first, second, event, heartbeat] = sent.map(({ limit }) => limit);
  expect(first).toBeDefined();
  expect(second).toBe(first);
  expect(event).toBeDefined();
  expect(event).not.toBe(first);
  expect(heartbeat).toBeUndefined();
});
