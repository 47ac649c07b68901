import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import { LeaseRenewer } from '../../../src/hollow/node/lease.ts';

/** How often the kubelet closes its connections while the tries of one renewal have these outcomes. */
function closings(...statuses: number[]): number {
  let count = 0;
  const context = {
    node: { name: 'n' },
    prng: new Prng('test'),
    now: { us: 0, wallMs: 0 },
    after: () => {},
    request: () => {},
  } as unknown as KubeletContext;
  const lease = new LeaseRenewer(context, () => count++);
  const object = { metadata: { uid: 'u' }, spec: {} };
  lease.start();
  lease.onAnswer('get', 200, object);
  for (const status of statuses) {
    lease.onAnswer('update', status, status === 200 ? object : undefined);
    if (status === 409 || status === 404) lease.onAnswer('get', 200, object);
  }
  return count;
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
});
