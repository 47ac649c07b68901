import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PodIpPool } from '../../../src/hollow/pods/pod-ip-pool.ts';
import { SharedWork } from '../../../src/hollow/runtime/shared-work.ts';
import { TokenBucket } from '../../../src/hollow/token-bucket.ts';

describe('SharedWork', () => {
  /** As many as containerd has. */
  const capacity = 2.4;

  it('one operation takes its own time; more than fit share the speed', () => {
    const work = new SharedWork(2);
    work.begin('a', 100, 0);
    expect(work.nextEndInMs(0)).toBe(100);
    for (const key of ['b', 'c', 'd']) work.begin(key, 100, 0);
    expect(work.nextEndInMs(0)).toBe(200);
    expect(work.finished(199)).toEqual([]);
    expect(work.finished(200).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('does all the work there is, never faster than its capacity, and each not before its own time', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ startMs: fc.integer({ min: 0, max: 300 }), workMs: fc.integer({ min: 1, max: 200 }) }),
          {
            minLength: 1,
            maxLength: 40,
          },
        ),
        (operations) => {
          const work = new SharedWork(capacity);
          const sorted = operations.map((operation, index) => ({ ...operation, key: String(index) }));
          const endMs = new Map<string, number>();
          for (let ms = 0; ms <= 20_000 && endMs.size < operations.length; ms++) {
            for (const key of work.finished(ms)) endMs.set(key, ms);
            for (const { startMs, workMs, key } of sorted) if (startMs === ms) work.begin(key, workMs, ms);
          }
          expect(endMs.size).toBe(operations.length);
          for (const { startMs, workMs, key } of sorted) {
            expect((endMs.get(key) ?? 0) - startMs).toBeGreaterThanOrEqual(workMs);
          }
          const firstMs = Math.min(...operations.map(({ startMs }) => startMs));
          const total = operations.reduce((sum, { workMs }) => sum + workMs, 0);
          expect(Math.max(...endMs.values()) - firstMs).toBeGreaterThanOrEqual(total / capacity - 1);
        },
      ),
    );
  });
});

describe('TokenBucket', () => {
  it('lets the burst through and then keeps the rate', () => {
    const bucket = new TokenBucket(50, 100, 0);
    const waits = Array.from({ length: 150 }, () => bucket.reserveMs(0));
    expect(waits.slice(0, 100).every((wait) => wait === 0)).toBe(true);
    expect(waits[100]).toBeCloseTo(20);
    expect(waits[149]).toBeCloseTo(1000);
    // 4 s refill 200 tokens, 50 of which had been lent.
    expect(bucket.reserveMs(4000)).toBe(0);
  });

  it('refuses at once where nobody may wait', () => {
    const bucket = new TokenBucket(1 / 300, 25, 0);
    const taken = Array.from({ length: 30 }, () => bucket.tryTake(0)).filter(Boolean);
    expect(taken).toHaveLength(25);
    expect(bucket.tryTake(300_001)).toBe(true);
    expect(bucket.tryTake(300_002)).toBe(false);
  });
});

describe('PodIpPool', () => {
  it('never gives one address to two pods at a time, and all of them in the CIDR', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 1000 }), (pods) => {
        const pool = new PodIpPool();
        pool.assign(['10.128.3.0/24']);
        const held = new Map<string, string>();
        for (const number of pods) {
          const uid = String(number);
          if (held.has(uid)) {
            pool.release(uid);
            held.delete(uid);
          } else held.set(uid, pool.take(uid));
          expect(new Set(held.values()).size).toBe(held.size);
        }
        for (const ip of held.values()) expect(ip).toMatch(/^10\.128\.3\.(?!0$|1$|255$)\d+$/);
      }),
    );
  });

  it.each([['before'], ['after']])('keeps what pods have already, told %s the CIDR is known', (when) => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 2, max: 254 }), { maxLength: 100 }), (offsets) => {
        const pool = new PodIpPool();
        if (when === 'after') pool.assign(['10.128.3.0/24']);
        for (const offset of offsets) pool.reserve(`old-${offset}`, `10.128.3.${offset}`);
        if (when === 'before') pool.assign(['10.128.3.0/24']);
        const fresh = Array.from({ length: 253 - offsets.length }, (_, index) => pool.take(`new-${index}`));
        expect(pool.available).toBe(false);
        const taken = [...fresh, ...offsets.map((offset) => `10.128.3.${offset}`)];
        expect(new Set(taken).size).toBe(253);
      }),
    );
  });

  it.each([
    [['fd00:10:244:3::/64'], 'fd00:10:244:3::2', 'fd00:10:244:3::3'],
    [['10.1.2.64/26', 'fd00::40:0/112'], '10.1.2.66,fd00::40:2', '10.1.2.67,fd00::40:3'],
    [['fd00::ff80/121', '10.1.0.0/16'], 'fd00::ff82,10.1.0.2', 'fd00::ff83,10.1.0.3'],
    // As an API server is given it: not in its shortest form, and with bits of a host.
    [['2001:0DB8:0:0::7/64'], '2001:db8::2', '2001:db8::3'],
  ])('of %s: one address of each, the first being %s', (cidrs, first, second) => {
    const pool = new PodIpPool();
    pool.assign(cidrs);
    expect([pool.take('a'), pool.take('b'), pool.take('a')]).toEqual([first, second, first]);
    const another = new PodIpPool();
    another.reserve('a', first);
    another.assign(cidrs);
    expect(another.take('b')).toBe(second);
  });

  it('has as many as the smaller of two ranges', () => {
    const pool = new PodIpPool();
    pool.assign(['10.1.2.0/29', 'fd00::/64']);
    const taken = Array.from({ length: 5 }, (_, index) => pool.take(`pod-${index}`));
    expect(taken.at(-1)).toBe('10.1.2.6,fd00::6');
    expect(pool.available).toBe(false);
    expect(() => pool.take('another')).toThrow('no pod address left');
  });

  it('gives addresses of the range that it was assigned last, and takes the old ones back', () => {
    const pool = new PodIpPool();
    pool.assign(['0.0.1.0/24']);
    expect(pool.take('old')).toBe('0.0.1.2');
    pool.assign(['10.128.3.0/24']);
    expect(pool.take('new')).toBe('10.128.3.2');
    pool.release('old');
    expect(pool.take('newer')).toBe('10.128.3.3');
  });

  it.each(['/24', '10.1.2.0', '10.1.2/24', '10.1.2.0/33', 'fe80::1%eth0/64', 'fd00::/129', 'all'])(
    'refuses %j',
    (cidr) => {
      expect(() => new PodIpPool().assign([cidr])).toThrow('is no range of addresses');
    },
  );
});
