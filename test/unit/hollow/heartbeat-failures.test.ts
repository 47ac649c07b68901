import { describe, expect, it } from 'vitest';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import type { KubeletRequest } from '../../../src/hollow/effects.ts';
import { LeaseRenewer } from '../../../src/hollow/node/lease.ts';
import { wireProfile } from '../../../src/hollow/wire-profile.ts';

/** A renewer, what it has asked for since the last look, and how often it had the connections closed. */
function renewer(): { lease: LeaseRenewer; drain: () => string[]; closed: () => number } {
  let asked: string[] = [];
  let closed = 0;
  const context = {
    node: { name: 'n' },
    wire: wireProfile(),
    prng: { float: () => 0 },
    now: { us: 0, wallMs: 0 },
    after: (delayMs: number) => asked.push(`wait ${delayMs}`),
    request: (_: string, { method, path }: KubeletRequest) =>
      asked.push(`${method} ${path.includes('/leases') ? 'lease' : 'node'}`),
  } as unknown as KubeletContext;
  const drain = (): string[] => {
    const before = asked;
    asked = [];
    return before;
  };
  return { lease: new LeaseRenewer(context, () => closed++), drain, closed: () => closed };
}

const object = { metadata: { uid: 'u' }, spec: {} };

/** How often the kubelet closes its connections while the tries of one renewal have these outcomes. */
function closings(...statuses: number[]): number {
  const { lease, closed } = renewer();
  lease.start();
  lease.onAnswer('get', 200, object);
  for (const status of statuses) {
    lease.onAnswer('update', status, status === 200 ? object : undefined);
    if (status === 409) lease.onAnswer('get', 200, object);
  }
  return closed();
}

describe('a kubelet whose lease cannot be renewed', () => {
  it('closes its connections from the second failure on, whatever the failure but a conflict', () => {
    expect(closings(200)).toBe(0);
    expect(closings(0, 200)).toBe(0);
    expect(closings(0, 0, 200)).toBe(1);
    expect(closings(500, 503, 0, 429, 200)).toBe(3);
    expect(closings(409, 409, 200)).toBe(0);
    expect(closings(409, 500, 200)).toBe(1);
  });

  it('waits an interval from the answer on, however late that came', () => {
    const { lease, drain } = renewer();
    lease.start();
    expect(drain()).toEqual(['GET lease']);
    lease.onAnswer('get', 200, object);
    expect(drain()).toEqual(['PUT lease']);
    lease.onAnswer('update', 200, object);
    expect(drain()).toEqual(['wait 10000']);
    lease.onTimer();
    expect(drain()).toEqual(['PUT lease']);
  });

  it('reads the lease after five failures, until that succeeds, and then tries five times more', () => {
    const { lease, drain, closed } = renewer();
    lease.start();
    lease.onAnswer('get', 200, object);
    lease.onAnswer('update', 200, object);
    lease.onTimer();
    for (let i = 0; i < 5; i++) lease.onAnswer('update', i === 2 ? 404 : 500, undefined);
    expect(drain()).toEqual([
      'GET lease',
      'PUT lease',
      'wait 10000',
      ...Array<string>(5).fill('PUT lease'),
      'GET lease',
    ]);
    const waits = Array.from({ length: 8 }, () => {
      lease.onAnswer('get', 0, undefined);
      const [wait] = drain();
      lease.onTimer();
      return [wait, ...drain()];
    });
    expect(waits).toEqual(
      [200, 400, 800, 1600, 3200, 6400, 7000, 7000].map((delayMs) => [`wait ${delayMs}`, 'GET lease']),
    );
    lease.onAnswer('get', 200, object);
    for (let i = 0; i < 5; i++) lease.onAnswer('update', 500, undefined);
    expect(drain()).toEqual([...Array<string>(5).fill('PUT lease'), 'wait 10000']);
    expect(closed()).toBe(8);
    lease.onTimer();
    expect(drain()).toEqual(['PUT lease']);
  });

  it('makes a lease that is gone, and tries again when that fails', () => {
    const { lease, drain } = renewer();
    lease.start();
    lease.onAnswer('get', 404, undefined);
    lease.onAnswer('get-node', 200, object);
    lease.onAnswer('create', 500, undefined);
    expect(drain()).toEqual(['GET lease', 'GET node', 'POST lease', 'wait 200']);
    lease.onTimer();
    lease.onAnswer('get', 404, undefined);
    lease.onAnswer('get-node', 404, undefined);
    expect(drain()).toEqual(['GET lease', 'GET node', 'wait 10000']);
  });
});
